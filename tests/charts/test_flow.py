"""The flow between two scenarios: widths are customers, every sentence in every language."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from analytics.charts import flow as charts
from analytics.customers import CustomerTable
from analytics.i18n import LANGUAGES, words_for
from analytics.segmentation import SegmentationSpec, compare, segment


def table(prefix: str = "c", n: int = 500) -> CustomerTable:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, n)
    frame = pl.DataFrame(
        {
            "customer_id": [f"{prefix}{i:04d}" for i in range(n)],
            "recency_days": np.round(np.exp(rng.normal(3, 0.2, n) + (kind % 2) * 2)).astype(int),
            "n_orders": 1 + rng.poisson(2 + 15 * (kind // 2)),
            "revenue": np.exp(rng.normal(6, 1, n)),
        }
    )
    return CustomerTable(frame, date(2026, 6, 30), "TWD", ("recency_days", "n_orders", "revenue"), (), prefix)


def cut(customers: CustomerTable, **choices):
    return segment(customers, SegmentationSpec(features=("recency_days", "n_orders"), **choices))


@pytest.fixture(scope="module")
def scenarios():
    return {n: cut(table(), n_segments=n) for n in (3, 4)} | {
        "rfm": cut(table(), method="rfm"),
        "other": cut(table("x")),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pair_builds(scenarios, language) -> None:
    _ = words_for(language)
    for a, b in ((4, 3), (3, "rfm"), (4, 4), (4, "other")):
        result = compare(scenarios[a], scenarios[b])
        assert json.dumps(charts.flow(result, _))
        assert charts.flow_finding(result, _)
        assert "{" not in charts.flow_note(result, _)


def test_ribbons_are_as_wide_as_their_customers_and_meet_their_bars(scenarios) -> None:
    result = compare(scenarios[4], scenarios["rfm"])
    spec = charts.flow(result, words_for("en"))
    points = next(data for data in spec["datasets"].values() if "flow" in data[0])
    assert len(points) == 22 * result.flows.height
    assert len(points) <= 2000
    for point in points:
        assert point["y2"] - point["y"] == pytest.approx(point["n"], abs=0.01)
    at_start = sorted((p["y"], p["y2"]) for p in points if p["x"] == 0)
    for (_low, end), (start, _high) in pairwise(at_start):
        assert start >= end - 0.01
    assert sum(p["n"] for p in points if p["x"] == 1) == 500
    areas = [layer for layer in spec["layer"] if layer["mark"]["type"] == "area"]
    assert len(areas) == 1
    assert areas[0]["encoding"]["color"]["scale"]["range"] == "category"


def test_the_finding_counts_who_moves(scenarios) -> None:
    _ = words_for("en")
    assert charts.flow_finding(compare(scenarios[4], scenarios[4]), _) == "Nobody changes segment"
    assert charts.flow_finding(compare(scenarios[4], scenarios["other"]), _) == "The two scenarios share no customer"
    merged = compare(scenarios[4], scenarios[3])
    said = charts.flow_finding(merged, _)
    assert f"{merged.moved_share:.0%}" in said
    assert " joins " in said
    assert len(said) <= 60
