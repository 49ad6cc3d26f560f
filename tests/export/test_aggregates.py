"""What leaves as a table of groups: small cells empty in it and beside it, single customers untouched."""

from __future__ import annotations

from datetime import date

import polars as pl

from analytics.export.aggregates import safe_aggregates


def test_a_small_segment_is_empty_in_every_table() -> None:
    sizes = pl.DataFrame({"label": ["1", "2", "3"], "n_customers": [4, 30, 50], "revenue": [9.0, 8.0, 7.0]})
    profiles = pl.DataFrame({"label": ["1", "2"], "field": ["age", "age"], "median": [33.0, 40.0]})
    members = pl.DataFrame({"customer_id": ["P-1", "P-2"], "label": ["1", "2"], "revenue": [1.0, 2.0]})
    safe = safe_aggregates({"s": sizes, "p": profiles, "m": members}, 10)
    assert safe.tables["s"]["n_customers"].to_list() == [None, None, 50]
    assert safe.tables["s"]["revenue"].to_list() == [None, None, 7.0]
    assert safe.tables["p"]["median"].to_list() == [None, 40.0]
    assert safe.tables["m"].equals(members)
    assert (safe.n_cells, safe.n_hidden, safe.n_hidden_customers) == (3, 2, 34)


def test_cohorts_and_flows() -> None:
    days = [date(2025, 1, 1)] * 3 + [date(2025, 2, 1)] * 2
    cohorts = pl.DataFrame(
        {
            "cohort": days,
            "periods_since": [0, 1, 2, 0, 1],
            "n_customers": [40, 40, 40, 6, 6],
            "n_active": [40, 3, 0, 6, 0],
        }
    )
    movement = pl.DataFrame(
        {
            "month": days[:1] + days[-1:],
            "n_active_before": [90, 100],
            "n_new": [20, 4],
            "n_retained": [80, 90],
            "n_resurrected": [15, 12],
            "n_lost": [10, 10],
            "n_active": [115, 106],
        }
    )
    safe = safe_aggregates({"c": cohorts, "m": movement}, 10).tables
    active = safe["c"]["n_active"].to_list()
    assert 3 not in active
    assert 6 not in active
    assert 6 not in safe["c"]["n_customers"].to_list()
    assert safe["c"]["periods_since"].to_list() == [0, 1, 2, 0, 1]
    assert safe["m"]["n_new"].to_list() == [20, None]
    assert safe["m"]["n_active"].to_list() == [115, None]


def test_nothing_small_nothing_changed() -> None:
    stages = pl.DataFrame({"stage": ["loyal", "lapsed"], "n_customers": [40, 30]})
    other = pl.DataFrame({"unique_id": ["total"], "y": [3.0]})
    safe = safe_aggregates({"s": stages, "o": other}, 10)
    assert safe.tables["s"].equals(stages)
    assert safe.tables["o"].equals(other)
    assert safe.n_hidden == 0
