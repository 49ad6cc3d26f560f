"""The benchmarks at a tiny size: equal values and the shape of their lines, never times."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

import benchmarks.__main__ as command
from benchmarks import compare, customers, ingest

SHAPE = {"benchmark", "n_rows", "equal", "ours", "peer", "n_repeats", "threads", "ratio"}


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files go to a folder of the test, and no environment is made for it."""

    def absent(name: str, *_: str) -> Path:
        raise RuntimeError(f"no environment for {name} in a test")

    for module in (customers, ingest):
        monkeypatch.setattr(module, "OUT", tmp_path)
    monkeypatch.setattr(customers, "environment", absent)


def test_the_list_of_names_is_true(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    listed = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(command.BENCHMARKS)
    for name in listed:
        assert callable(importlib.import_module(f"benchmarks.{name}").run)


@pytest.mark.parametrize(("name", "peers"), [("customers", ["lifetimes", "duckdb", "pandas"]), ("ingest", ["duckdb"])])
def test_values_are_equal(name: str, peers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([name, "--rows", "3000", "--repeats", "1"]) == 0
    comparisons = lines_of(capsys)
    assert [comparison["peer"] for comparison in comparisons] == peers
    for comparison in comparisons:
        if "skipped" in comparison:
            continue
        assert comparison["equal"] is True
        assert comparison.keys() >= {*SHAPE, comparison["ours"], comparison["peer"]}
        for part in ("ratio", comparison["ours"], comparison["peer"]):
            assert comparison[part].keys() == set(compare.MEASURES)


def test_unequal_values_are_seen(tmp_path: Path) -> None:
    import polars as pl

    table = pl.DataFrame({"customer_id": ["a", "b"], "n_orders": [1, 2], "discount_share": [0.1, 0.2]})
    table.write_parquet(tmp_path / "ours.parquet")
    for column, value, equal in [("n_orders", 3, False), ("discount_share", 0.21, False), ("n_orders", 2, True)]:
        wrong = table.with_columns(pl.when(pl.col("customer_id") == "b").then(value).otherwise(column).alias(column))
        wrong.write_parquet(tmp_path / "peer.parquet")
        assert customers._equal(tmp_path / "ours.parquet", tmp_path / "peer.parquet") is equal


def test_the_columns_of_lifetimes_by_hand(tmp_path: Path) -> None:
    import polars as pl

    days = pl.Series(["2025-12-01", "2025-12-01", "2025-12-11", "2026-01-30", "2026-01-31"]).str.to_datetime()
    pl.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "b"],
            "order_id": ["1", "2", "3", "4", "5"],
            "ordered_at": days,
            "amount": [100, 900, 300, 500, 700],
            "kind": ["sale"] * 5,
        }
    ).write_parquet(tmp_path / "lines.parquet")
    customers.regulars_clv(tmp_path / "lines.parquet", tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet").sort("customer_id")
    assert found.select("customer_id", "frequency", "recency", "T", "monetary_value").rows() == [
        ("a", 2, 60, 61, 4.0),
        ("b", 0, 0, 0, 0.0),
    ]


def test_a_failing_contestant_is_named(tmp_path: Path) -> None:
    failing = compare.Contestant("broken", (sys.executable, "-c", "raise SystemExit(3)"), tmp_path / "x")
    with pytest.raises(RuntimeError, match="broken ended with 3"):
        compare.run_once(failing)
