"""What contacting brings: by hand, against a naive search under a budget, and its interval's coverage."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from analytics.errors import AnalysisError
from analytics.segmentation import (
    PayoffSpec,
    SegmentAssumption,
    SegmentationResult,
    expect_payoff,
    tabulate_payoffs,
    with_assumption,
)
from analytics.segmentation.payoff import _under_budget

from .test_identity import customers, cut


def by_hand() -> tuple[SegmentationResult, object]:
    """Six customers: segment 1 with order values 100, 200, 300; segment 2 with 10, 20, 30."""
    base = customers(60)
    ids = [f"c{i:05d}" for i in range(6)]
    members = pl.DataFrame({"customer_id": ids, "label": ["1"] * 3 + ["2"] * 3, "revenue": [1.0] * 6})
    frame = pl.DataFrame({"customer_id": ids, "mean_order_value": [100.0, 200.0, 300.0, 10.0, 20.0, 30.0]})
    result = dataclasses.replace(cut(2, base), members=members, names=(("1", "loyal"), ("2", "new")), n_customers=6)
    return result, dataclasses.replace(base, frame=frame)


def test_six_customers_by_hand() -> None:
    result, table = by_hand()
    found = expect_payoff(result, table, PayoffSpec(response_rate=0.1, margin_share=0.5, contact_cost=4.0))
    one, two = found.segments.rows(named=True)
    assert (one["order_value"], two["order_value"]) == (200.0, 20.0)
    # t(.975, 2) = 4.3027; sd 100 / sqrt 3
    assert one["order_value_lo"] == pytest.approx(200 - 4.302653 * 100 / 3**0.5, abs=1e-4)
    assert one["return_per_contact"] == pytest.approx(0.1 * 0.5 * 200 - 4)
    assert two["return_per_contact"] == pytest.approx(0.1 * 0.5 * 20 - 4)
    assert one["break_even_rate"] == pytest.approx(4 / (0.5 * 200))
    assert two["break_even_rate"] == pytest.approx(4 / (0.5 * 20))
    assert one["break_even_lo"] == pytest.approx(4 / (0.5 * one["order_value_hi"]))
    assert (one["pays"], two["pays"]) == (True, False)
    assert (one["n_contacted"], two["n_contacted"]) == (3, 0)
    assert (found.n_contacted, found.contact_costs) == (3, 12.0)
    assert found.expected_return == pytest.approx(18.0)
    assert found.everybody_return == pytest.approx(18.0 + 3 * (1 - 4))
    assert found.everybody_cost == 24.0
    assert [item.code for item in found.caveats] == ["payoff_few"]


def test_a_segment_may_have_assumptions_of_its_own() -> None:
    result, table = by_hand()
    own = (SegmentAssumption("2", response_rate=0.9), SegmentAssumption("7", contact_cost=0.0))
    found = expect_payoff(result, table, PayoffSpec(0.1, 0.5, 4.0, own=own))
    assert found.segments["response_rate"].to_list() == [0.1, 0.9]
    assert found.segments["pays"].to_list() == [True, True]
    assert found.expected_return == pytest.approx(18 + 3 * (0.9 * 0.5 * 20 - 4))


def test_one_assumption_is_set_and_taken_back() -> None:
    spec = with_assumption(PayoffSpec(), "2", "response_rate", 0.2)
    spec = with_assumption(spec, "1", "contact_cost", 3.0)
    assert spec.own == (SegmentAssumption("1", contact_cost=3.0), SegmentAssumption("2", response_rate=0.2))
    assert with_assumption(spec, "2", "margin_share", 0.5).own[1] == SegmentAssumption("2", 0.2, 0.5)
    assert with_assumption(spec, "2", "response_rate", None).own == spec.own[:1]


def test_a_budget_goes_to_the_best_segments_first() -> None:
    result, table = by_hand()
    own = (SegmentAssumption("2", response_rate=0.9),)
    found = expect_payoff(result, table, PayoffSpec(0.1, 0.5, 4.0, own=own, budget=17.0))
    assert found.segments["n_contacted"].to_list() == [3, 1]
    assert found.contact_costs <= 17
    nothing = expect_payoff(result, table, PayoffSpec(0.1, 0.5, 4.0, budget=0.0))
    assert (nothing.n_contacted, nothing.expected_return, nothing.expected_lo) == (0, 0.0, 0.0)
    free = expect_payoff(result, table, PayoffSpec(0.1, 0.5, 0.0, budget=0.0))
    assert free.n_contacted == 6
    assert free.segments["break_even_rate"].to_list() == [0.0, 0.0]


segment_rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-5, 20), st.sampled_from([1.0, 2.0, 3.0])), min_size=1, max_size=4
)


Rows = list[tuple[int, int, float]]


@given(segment_rows, st.integers(0, 20))
def test_no_other_plan_brings_more_but_for_less_than_one_contact(segments: Rows, budget: int) -> None:
    table = [
        {"n_customers": n, "return_per_contact": float(gain), "contact_cost": cost, "pays": gain > 0}
        for n, gain, cost in segments
    ]
    plan = _under_budget(table, float(budget))
    cost = sum(n * row["contact_cost"] for n, row in zip(plan, table, strict=True))
    gain = sum(n * row["return_per_contact"] for n, row in zip(plan, table, strict=True))
    assert cost <= budget + 1e-6
    best = max(
        sum(n * row["return_per_contact"] for n, row in zip(counts, table, strict=True))
        for counts in product(*(range(row["n_customers"] + 1) for row in table))
        if sum(n * row["contact_cost"] for n, row in zip(counts, table, strict=True)) <= budget
    )
    # Greedy is the best for parts of contacts; whole ones can miss what is left of the budget, under one contact.
    spare = budget - cost
    most = max((row["return_per_contact"] / row["contact_cost"] for row in table if row["pays"]), default=0.0)
    assert best - gain <= spare * most + 1e-6


def test_the_interval_is_the_bootstraps_and_covers() -> None:
    """Of 400 segments with log-normal order values (sd of logs .6), 95 % intervals of the mean from 30 customers cover
    .90 or more, from 300 .93 or more; against the bootstrap of SciPy the ends agree within 4 % of the width."""
    rng = np.random.default_rng(2)
    for n, least in ((30, 0.90), (300, 0.93)):
        values = np.exp(rng.normal(5, 0.6, (400, n)))
        truth = np.exp(5 + 0.18)
        ids = [f"c{i:06d}" for i in range(400 * n)]
        labels = np.repeat([str(i) for i in range(400)], n)
        members = pl.DataFrame({"customer_id": ids, "label": labels, "revenue": values.ravel()})
        base = customers(60)
        result = dataclasses.replace(cut(2, base), members=members, names=tuple((str(i), "group") for i in range(400)))
        frame = pl.DataFrame({"customer_id": ids, "mean_order_value": values.ravel()})
        found = expect_payoff(result, dataclasses.replace(base, frame=frame), PayoffSpec()).segments
        covered = ((found["order_value_lo"] <= truth) & (found["order_value_hi"] >= truth)).mean()
        assert covered >= least
    drawn = bootstrap((values[0],), np.mean, n_resamples=4000, method="basic", random_state=3).confidence_interval
    width = found["order_value_hi"][0] - found["order_value_lo"][0]
    assert abs(drawn.low - found["order_value_lo"][0]) < 0.06 * width
    assert abs(drawn.high - found["order_value_hi"][0]) < 0.06 * width


def test_money_in_another_unit_changes_no_decision() -> None:
    result, table = by_hand()
    cents = dataclasses.replace(table, frame=table.frame.with_columns(pl.col("mean_order_value") * 100))
    units = expect_payoff(result, table, PayoffSpec(0.1, 0.5, 4.0, budget=8.0))
    hundredths = expect_payoff(result, cents, PayoffSpec(0.1, 0.5, 400.0, budget=800.0))
    assert hundredths.segments["n_contacted"].equals(units.segments["n_contacted"])
    assert hundredths.segments["break_even_rate"].to_list() == pytest.approx(
        units.segments["break_even_rate"].to_list()
    )
    assert hundredths.expected_return == pytest.approx(100 * units.expected_return)


def test_scenarios_stand_in_one_table() -> None:
    result, table = by_hand()
    few, many = (expect_payoff(result, table, PayoffSpec(rate, 0.5, 4.0)) for rate in (0.1, 0.9))
    side = tabulate_payoffs(("A", "B"), few, many)
    assert side["scenario"].to_list() == ["A", "B"]
    assert side["expected_return"].to_list() == [few.expected_return, many.expected_return]
    assert side["n_segments"].to_list() == [2, 2]


def test_without_order_values_it_is_said() -> None:
    result, table = by_hand()
    bare = dataclasses.replace(table, frame=table.frame.drop("mean_order_value"))
    with pytest.raises(AnalysisError, match="payoff_no_order_value"):
        expect_payoff(result, bare, PayoffSpec())


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"response_rate": 1.2}, "payoff_share"),
        ({"margin_share": -0.1}, "payoff_share"),
        ({"contact_cost": -1.0}, "payoff_negative"),
        ({"contact_cost": float("nan")}, "payoff_negative"),
        ({"budget": float("inf")}, "payoff_negative"),
        ({"own": (SegmentAssumption("1"), SegmentAssumption("1"))}, "payoff_repeated"),
    ],
)
def test_nonsense_is_refused(choices: dict, code: str) -> None:
    with pytest.raises(AnalysisError, match=code):
        PayoffSpec(**choices)
