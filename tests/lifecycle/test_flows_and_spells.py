"""Moves between two days, and time in a stage: by hand and against the history."""

from __future__ import annotations

from datetime import date
from itertools import groupby

import numpy as np
import polars as pl
import pytest

from analytics.errors import AnalysisError
from analytics.lifecycle import FlowSpec, LifecycleSpec, trace_flow, trace_lifecycle
from analytics.lifecycle.history import stage_history
from analytics.lifecycle.rules import CODES
from analytics.lifecycle.spells import Spells, product_limit
from tests.test_lifecycle import ORACLE_SPEC, SIX, SIX_RULES, d, random_world, stage_of


def test_six_customers_between_two_days() -> None:
    rules = trace_lifecycle(SIX, SIX_RULES).rules
    result = trace_flow(SIX, FlowSpec(d(4, 30), d(6, 30)), rules)
    moves = {(a, b): n for a, b, n in result.frame.select("from_stage", "to_stage", "n_customers").iter_rows()}
    assert moves == {
        ("acquaintance", "acquaintance"): 1,  # Al
        ("first_purchase", "active_use"): 1,  # Cy
        ("active_use", "loyalty"): 1,  # Di
        ("lapsed", "lapsed"): 1,  # Ed
        ("outside", "acquaintance"): 1,  # Fa
        ("outside", "first_purchase"): 1,  # Bo
    }
    revenue = dict(result.frame.filter(pl.col("revenue_12m") > 0).select("to_stage", "revenue_12m").iter_rows())
    assert revenue == {"active_use": 60.0, "loyalty": 150.0, "lapsed": 10.0, "first_purchase": 20.0}
    assert (result.n_customers, result.n_moved, result.hidden) == (6, 2, ())
    assert trace_flow(SIX, FlowSpec(d(2, 15), d(6, 30)), rules).hidden == ("lapsed",)


def test_days_outside_the_data_are_brought_inside() -> None:
    rules = trace_lifecycle(SIX, SIX_RULES).rules
    for spec in (FlowSpec(), FlowSpec(date(1999, 1, 1), date(2199, 1, 1)), FlowSpec(date(2199, 1, 1))):
        result = trace_flow(SIX, spec, rules)
        assert result.first_day <= result.from_day < result.to_day <= SIX.as_of
    assert trace_flow(SIX, FlowSpec(), rules).from_day == d(1, 31)
    with pytest.raises(AnalysisError) as refused:
        FlowSpec(d(3, 1), d(3, 1))
    assert refused.value.code == "flow_days"


def test_a_month_s_flow_is_the_latest_transition() -> None:
    data = random_world(31)
    result = trace_lifecycle(data, ORACLE_SPEC)
    flow = trace_flow(data, FlowSpec(date(2024, 5, 31), date(2024, 6, 30)), result.rules)
    latest = result.transitions.filter(pl.col("n_latest") > 0).select("from_stage", "to_stage", n_customers="n_latest")
    keys = ["from_stage", "to_stage"]
    assert flow.frame.select(latest.columns).sort(keys).equals(latest.sort(keys))
    assert flow.frame["revenue_12m"].sum() == pytest.approx(result.stages["revenue_12m"].sum())
    ends = flow.frame.filter(pl.col("to_stage") != "outside").group_by("to_stage").agg(pl.col("n_customers").sum())
    now = list(stage_of(result).values())
    assert dict(ends.iter_rows()) == {stage: now.count(stage) for stage in set(now)}


def test_product_limit_by_hand() -> None:
    """Lengths 1: two ended, one open; 2: one ended; 3: one open. 2/5 have left after 1, then half of two."""
    ended, still = np.array([0, 2, 1, 0]), np.array([0, 1, 0, 1])
    assert [product_limit(ended, still, share) for share in (0.25, 0.4, 0.5, 0.7, 0.75)] == [1, 1, 2, 2, None]
    assert product_limit(np.zeros(4, int), still, 0.5) is None


def test_spells_by_hand() -> None:
    """Three customers over five month ends; the first spell of each has no known beginning."""
    months = np.array([[1, 2, 2, 3, 3], [2, 2, 5, 5, 2], [0, 1, 1, 1, 1]], np.uint8).T
    spells = Spells(3, 5)
    for codes in months:
        spells.add(codes.copy())
    told = {row["stage"]: row for row in spells.table().iter_rows(named=True)}
    assert (told["first_purchase"]["n_completed"], told["first_purchase"]["n_current"]) == (1, 1)
    assert told["first_purchase"]["months_p50"] == 2  # one of two months, ended; one of a month, open
    assert (told["active_use"]["n_current"], told["active_use"]["median_current_months"]) == (1, 2)
    assert (told["lapsed"]["n_completed"], told["lapsed"]["months_p50"]) == (1, 2)
    assert (told["acquaintance"]["n_current"], told["acquaintance"]["median_current_months"]) == (1, 4)
    assert told["loyalty"]["months_p50"] is None


def test_spells_equal_the_histories_of_single_customers() -> None:
    data = random_world(32, n_customers=60)
    result = trace_lifecycle(data, LifecycleSpec(n_months=24))
    completed: dict[str, int] = {}
    current: dict[str, int] = {}
    ends = sorted(result.history["month"].unique())
    for name in data.tables["transactions"]["customer_id"].unique():
        past = dict(stage_history(data, name, result.rules).frame.iter_rows())
        row = [past.get(day, "outside") for day in ends]
        runs = [stage for stage, _run in groupby(row)]
        for stage in runs[1:-1]:
            completed[stage] = completed.get(stage, 0) + 1
        if len(runs) > 1:
            current[runs[-1]] = current.get(runs[-1], 0) + 1
    for stage, n_completed, n_current in result.spells.select("stage", "n_completed", "n_current").iter_rows():
        if stage != "acquaintance":  # of whom some never ordered
            assert n_completed == completed.get(stage, 0), stage
            assert n_current == current.get(stage, 0), stage
    assert set(result.spells["stage"]) == set(CODES) - {"outside"}
