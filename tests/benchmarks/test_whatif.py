"""The what-if benchmark at a tiny size: both know the same customers and agree where kinds are apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import whatif


@pytest.mark.parametrize("shape", whatif.SHAPES)
def test_both_answer_for_the_same_customers(shape: str, tmp_path: Path) -> None:
    data, ours, peer = (tmp_path / name for name in ("data.parquet", "ours.parquet", "peer.parquet"))
    whatif.generate(data, 3000, shape)
    whatif.regulars(data, ours)
    whatif.sklearn(data, peer)
    found = whatif._agreement(ours, peer)
    assert (found["equal"], found["fitted"]) == (True, 3000)
    assert found["ari"] > (0.5 if shape == "overlapping" else 0.98)
