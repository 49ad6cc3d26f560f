"""The value benchmark at a tiny size: both sides in this environment, equal estimates and predictions, never times."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import value


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "value.npz"
    value.generate(path, 1_500)
    return path


@pytest.mark.parametrize("task", [*value.FITS, *value.PREDICTIONS])
def test_our_side_of_every_task(task: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value.regulars(task, data, tmp_path / "out.npy")
    found = np.load(tmp_path / "out.npy")
    assert "work_cpu_s" in json.loads(capsys.readouterr().out)
    arrays = dict(np.load(data))
    if task in value.PREDICTIONS:
        assert found.shape == (1_500,)
        assert value._predictions(found, found * (1 + 1e-9))["equal"]
        assert not value._predictions(found, found * 1.01)["equal"]
        return
    best = value.log_likelihood(task, arrays, found)
    assert value.log_likelihood(task, arrays, found * 1.02) < best
    verdict = value._estimates(task, arrays, found, found * 1.02)
    assert verdict["equal"]
    assert verdict["log_likelihood"] == pytest.approx(best, abs=1e-6)
    assert verdict["estimates_differ"] == pytest.approx(0.02)
    assert not value._estimates(task, arrays, found * 1.02, found)["equal"]


def test_without_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, *_: str) -> Path:
        raise RuntimeError(f"no environment for {name} in a test")

    monkeypatch.setattr(value, "environment", absent)
    (line,) = value.run(1_000, 3)
    assert line["skipped"] == "no environment for lifetimes in a test"


def test_a_line_of_the_benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One task, the peer played by ourselves."""
    monkeypatch.setattr(value, "OUT", tmp_path)
    monkeypatch.setattr(value, "FITS", {"gamma_gamma": (1_000,)})
    monkeypatch.setattr(value, "PREDICTIONS", {})
    monkeypatch.setattr(value, "compare", play)
    (line,) = value.against(sys.executable, 1_000, 3)
    assert line["equal"]
    assert {"benchmark", "task", "n_rows", "times", "log_likelihood", "peer_below_by", "ratio"} <= set(line)


def play(ours: value.Contestant, peer: value.Contestant, n_repeats: int) -> dict[str, object]:
    for each in (ours, peer):
        value.regulars(each.command[3], Path(each.command[5]), each.out)
    return {"ours": ours.name, "peer": peer.name, "n_repeats": n_repeats, "ratio": {}}
