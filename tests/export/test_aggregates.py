"""What leaves as a table of groups: small cells empty in it and beside it, single customers untouched."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from datetime import date
from math import ceil, floor

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from analytics.export.aggregates import listed_aggregates, safe_aggregates


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


def recovered(
    rows: list[dict[str, Hashable]],
    count: str,
    margins: list[Callable[[dict[str, Hashable]], Hashable]],
    shown: list[int | None],
) -> list[int]:
    """Oracle: places of the hidden counts that somebody with every margin and a solver for linear programmes gets to
    one whole number. ``rows`` are the true table, ``shown`` its counts as they left."""
    hidden = [i for i, value in enumerate(shown) if value is None]
    place = {i: j for j, i in enumerate(hidden)}
    equations, totals = [], []
    for margin in margins:
        for group in {margin(row) for row in rows}:
            line = [i for i, row in enumerate(rows) if margin(row) == group]
            if len(line) > 1 and any(i in place for i in line):
                equations.append([float(i in line) for i in hidden])
                totals.append(float(sum(int(rows[i][count]) for i in line if i in place)))
    got = []
    for i in hidden:
        goal = np.zeros(len(hidden))
        goal[place[i]] = 1.0
        low = linprog(goal, A_eq=equations or None, b_eq=totals or None, bounds=(0, None))
        high = linprog(-goal, A_eq=equations or None, b_eq=totals or None, bounds=(0, None))
        if low.status == high.status == 0 and floor(-high.fun + 1e-6) <= ceil(low.fun - 1e-6):
            got.append(i)
    return got


def grid(rng: random.Random, n_rows: int, n_columns: int) -> pl.DataFrame:
    stages = [f"s{i}" for i in range(max(n_rows, n_columns))]
    cells = [(a, b, rng.choice((0, 1, 4, 7, 12, 25, 60))) for a in stages[:n_rows] for b in stages[:n_columns]]
    return pl.DataFrame(cells, schema=["from_stage", "to_stage", "n_latest"], orient="row")


@pytest.mark.parametrize("seed", range(12))
def test_no_linear_programme_gets_a_hidden_transition_back(seed: int) -> None:
    rng = random.Random(seed)
    table = grid(rng, rng.randint(2, 6), rng.randint(2, 6))
    safe = safe_aggregates({"t": table}, 10)
    shown = safe.tables["t"]["n_latest"].to_list()
    margins = [lambda row: row["from_stage"], lambda row: row["to_stage"]]
    everything = recovered(table.to_dicts(), "n_latest", margins, [None] * table.height)
    small = [i for i, n in enumerate(table["n_latest"]) if 0 < n < 10]
    assert all(shown[i] is None for i in small)
    got = recovered(table.to_dicts(), "n_latest", margins, shown)
    assert set(got) & set(small) <= set(everything), "only what the totals alone give away"
    assert safe.n_hidden == shown.count(None)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("months", [1, 3])
def test_no_linear_programme_gets_a_hidden_cohort_back_not_even_with_each_months_total(seed: int, months: int) -> None:
    rng, n = random.Random(seed), 9
    cells = []
    for c in range(n):
        start = date(2024 + c * months // 12, c * months % 12 + 1, 1)
        size = rng.choice((12, 25, 40, 90))
        for p in range(n - c):
            cells.append((start, p, size, size if p == 0 else rng.randint(0, size // 2)))
    table = pl.DataFrame(cells, schema=["cohort", "periods_since", "n_customers", "n_active"], orient="row")
    safe = safe_aggregates({"c": table}, 10).tables["c"]
    shown = safe["n_active"].to_list()
    small = [i for i, value in enumerate(table["n_active"]) if 0 < value < 10]
    assert small
    assert all(shown[i] is None for i in small)

    def month(row: dict[str, Hashable]) -> Hashable:
        day, since = row["cohort"], row["periods_since"]
        assert isinstance(day, date)
        assert isinstance(since, int)
        return day.year * 12 + day.month + months * since

    margins = [lambda row: row["cohort"], lambda row: row["periods_since"], month]
    known = [value if table["periods_since"][i] == 0 else None for i, value in enumerate(table["n_active"])]
    everything = recovered(table.to_dicts(), "n_active", margins, known)
    # The size of a cohort is in each of its rows, so its first period is known whatever is hidden there.
    sizes = dict(safe.drop_nulls("n_customers").select("cohort", "n_customers").iter_rows())
    read = [
        sizes.get(row["cohort"]) if row["periods_since"] == 0 else shown[i] for i, row in enumerate(safe.to_dicts())
    ]
    got = set(recovered(table.to_dicts(), "n_active", margins, read)) & set(small)
    assert got <= set(everything), "only what the totals alone give away"
    assert len(got) <= 2


def test_tables_one_by_one_are_the_same() -> None:
    table = grid(random.Random(3), 4, 4)
    assert listed_aggregates(("t",), 10, table).tables["t"].equals(safe_aggregates({"t": table}, 10).tables["t"])


def test_a_column_of_the_persons_own_that_is_called_like_a_count_passes() -> None:
    aside = pl.DataFrame({"source": ["a.csv"], "row_number": [1], "n": ["three"]})
    assert safe_aggregates({"Rows set aside": aside}, 10).tables["Rows set aside"].equals(aside)
