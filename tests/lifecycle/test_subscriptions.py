"""Subscriptions: stages by hand, what is proposed, cohorts, the projected curve against what was planted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.lifecycle import LifecycleSpec, propose_kind, trace_lifecycle
from analytics.lifecycle.history import stage_history
from tests.test_lifecycle import stage_of

AS_OF = date(2024, 6, 30)
SPEC = LifecycleSpec(loyal_tenure_days=120, min_cohort_size=1, n_cohorts=6)


def d(month: int, day: int) -> date:
    return date(2024, month, day)


def people(**days: tuple[date, date | None]) -> pl.DataFrame:
    rows = [(name, joined, left) for name, (joined, left) in days.items()]
    schema = {"customer_id": pl.String, "joined_at": pl.Date, "left_at": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def fees(**days: list[date]) -> pl.DataFrame:
    rows = [
        (name, f"{name}{day:%m%d}", datetime(day.year, day.month, day.day), 1000, "sale")
        for name, paid in days.items()
        for day in paid
    ]
    return pl.DataFrame(rows, schema=["customer_id", "order_id", "ordered_at", "amount", "kind"], orient="row")


def every_30(first: date, n: int) -> list[date]:
    return [first + timedelta(days=30 * i) for i in range(n)]


PEOPLE = people(
    al=(d(6, 10), None),
    bo=(d(6, 5), None),
    cy=(d(4, 1), None),
    di=(d(1, 2), None),
    ed=(d(1, 1), None),
    fa=(d(2, 1), d(4, 15)),
    ga=(d(2, 1), d(3, 20)),
)
FEES = fees(
    bo=[d(6, 5)],
    cy=every_30(d(4, 1), 3),
    di=every_30(d(1, 2), 6),
    ed=every_30(d(1, 1), 6),
    fa=every_30(d(2, 1), 3),
    ga=[d(2, 1), d(5, 1)],
)
EVENTS = pl.DataFrame(
    {
        "customer_id": ["di", "ed", "cy", "zoe"],
        "occurred_at": [datetime(2024, 6, 20), datetime(2024, 2, 1), datetime(2024, 6, 2), datetime(2024, 6, 2)],
        "event": ["play"] * 4,
    }
)


def build(as_of: date = AS_OF, **tables: pl.DataFrame) -> Dataset:
    return Dataset.build(tables, as_of=as_of, currency="TWD")


ALL = {"customers": PEOPLE, "transactions": FEES, "events": EVENTS}


def test_seven_subscribers_stand_in_their_stages() -> None:
    result = trace_lifecycle(build(**ALL), SPEC)
    assert (result.rules.kind, result.kind_reason) == ("subscription", "leaving_and_fees")
    assert (result.rules.period_days, result.rules.use_recorded) == (30, True)
    assert stage_of(result) == {
        "al": "acquaintance",  # neither paid nor used anything
        "bo": "first_purchase",  # 25 days
        "cy": "active_use",  # 90 days
        "di": "loyalty",
        "ed": "active_use",  # 181 days, but no use in the last 30
        "fa": "lapsed",
        "ga": "active_use",  # left and paid again
    }
    assert (result.n_customers, result.n_buyers) == (7, 6)
    revenue = dict(result.stages.select("stage", "revenue").iter_rows())
    assert revenue == {"acquaintance": 0, "first_purchase": 10, "active_use": 110, "loyalty": 60, "lapsed": 30}
    # Without events, tenure alone makes a loyal subscriber.
    alone = trace_lifecycle(build(customers=PEOPLE, transactions=FEES), SPEC)
    assert stage_of(alone) == {**stage_of(result), "ed": "loyalty", "ga": "loyalty"}


def test_subscribers_month_by_month() -> None:
    result = trace_lifecycle(build(**ALL), SPEC)
    movement = result.movement.select("month", "n_active_before", "n_new", "n_retained", "n_resurrected", "n_lost")
    assert movement.rows() == [
        (d(2, 29), 2, 2, 2, 0, 0),
        (d(3, 31), 4, 0, 3, 0, 1),  # ga leaves
        (d(4, 30), 3, 1, 2, 0, 1),  # cy joins, fa leaves
        (d(5, 31), 3, 0, 3, 1, 0),  # ga pays again
        (d(6, 30), 4, 1, 4, 0, 0),
    ]
    assert result.movement["n_active"].to_list() == [4, 3, 3, 4, 5]
    history = stage_history(build(**ALL), "ga", result.rules).frame
    assert history["stage"].to_list() == ["first_purchase", "lapsed", "lapsed", "active_use", "active_use"]


def test_cohorts_of_joining() -> None:
    result = trace_lifecycle(build(**ALL), SPEC)
    table = {
        cohort: rows.sort("periods_since")["n_active"].to_list()
        for (cohort,), rows in result.cohorts.group_by("cohort", maintain_order=True)
    }
    assert table == {
        d(1, 1): [2, 2, 2, 2, 2, 2],
        d(2, 1): [2, 2, 1, 1, 1, None],  # fa left in April; ga came back
        d(4, 1): [1, 1, 1, None, None, None],
        d(6, 1): [2, None, None, None, None, None],
    }
    january = result.cohorts.filter(cohort=d(1, 1)).sort("periods_since")
    # di and ed pay on 1, 2 and 31 January, 1 and 2 March, 31 March and 1 April, ...
    assert january["revenue"].to_list() == [30, 10, 30, 10, 30, 10] or january["revenue"].sum() == 120
    assert january["value_per_customer"].to_list()[-1] == 60


@pytest.mark.parametrize(
    ("tables", "proposed"),
    [
        ({"transactions": FEES}, ("orders", "no_leaving")),
        ({"transactions": FEES, "customers": PEOPLE.drop("left_at")}, ("orders", "no_leaving")),
        ({"customers": PEOPLE}, ("subscription", "leaving_and_no_orders")),
        ({"customers": PEOPLE, "transactions": FEES}, ("subscription", "leaving_and_fees")),
        (
            {"customers": PEOPLE, "transactions": fees(di=[d(1, 2), d(1, 9), d(4, 1), d(4, 3), d(6, 20)])},
            ("orders", "orders_at_will"),
        ),
    ],
)
def test_what_is_proposed(tables: dict[str, pl.DataFrame], proposed: tuple[str, str]) -> None:
    assert propose_kind(build(**tables)) == proposed


def test_a_choice_overrules_the_proposal_and_leaving_alone_is_enough() -> None:
    chosen = trace_lifecycle(build(**ALL), LifecycleSpec(business="orders", min_cohort_size=1))
    assert (chosen.rules.kind, chosen.kind_reason, chosen.projection) == ("orders", "chosen", None)
    bare = trace_lifecycle(build(customers=PEOPLE), SPEC)
    assert bare.rules.period_days == 30
    assert stage_of(bare)["ga"] == "lapsed"
    assert stage_of(bare)["al"] == "first_purchase"  # nothing is recorded that would tell joining from using
    with pytest.raises(AnalysisError):
        trace_lifecycle(build(events=EVENTS), LifecycleSpec(business="subscription"))


# --- the projected curve ---------------------------------------------------------------------------------------------


def planted(n: int, alpha: float, beta: float, seed: int) -> tuple[pl.DataFrame, date]:
    """Subscribers who leave at the end of a 30-day period with a chance of their own; none is seen beyond as-of."""
    rng = np.random.default_rng(seed)
    begin, as_of = date(2021, 1, 1), date(2023, 12, 31)
    rows: list[tuple[Any, ...]] = []
    for i in range(n):
        joined = begin + timedelta(days=int(rng.integers(0, 1000)))
        left = joined + timedelta(days=30 * min(int(rng.geometric(rng.beta(alpha, beta))), 500))
        rows.append((f"s{i:04}", joined, left if left <= as_of else None))
    schema = {"customer_id": pl.String, "joined_at": pl.Date, "left_at": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row"), as_of


def test_the_projection_meets_what_was_held_out() -> None:
    table, as_of = planted(3000, 0.7, 3.0, 4)
    told = trace_lifecycle(build(as_of, customers=table), LifecycleSpec()).projection
    assert told is not None
    assert told.failed is None
    assert told.n_fitted == round(told.n_seen * 2 / 3) > 15
    assert (told.alpha, told.beta) == (pytest.approx(0.7, rel=0.15), pytest.approx(3.0, rel=0.2))
    assert told.error is not None
    assert told.naive_error is not None
    assert told.error < 0.015 < 0.05 < told.naive_error
    # Fader and Hardie's recursion for the true curve; nine in ten of its points lie in the band.
    truth = np.cumprod([1.0, *((3.0 + t - 1) / (0.7 + 3.0 + t - 1) for t in range(1, told.frame.height))])
    inside = told.frame["lo"].to_numpy() - 1e-9 <= truth
    inside &= truth <= told.frame["hi"].to_numpy() + 1e-9
    assert inside.mean() > 0.8
    assert told.frame["held_out"].to_list() == [t > told.n_fitted for t in told.frame["period"]]


def test_the_observed_curve_is_a_product_limit_by_a_naive_loop() -> None:
    table, as_of = planted(300, 1.0, 4.0, 9)
    told = trace_lifecycle(build(as_of, customers=table), LifecycleSpec()).projection
    assert told is not None
    share = 1.0
    for row in told.frame.filter(pl.col("period") > 0).iter_rows(named=True):
        if row["observed"] is None:
            continue
        watched = gone = 0
        for _name, joined, left in table.iter_rows():
            over = (as_of - joined).days // 30
            stayed = -(-((left or date.max) - joined).days // 30)
            if over >= row["period"] and stayed >= row["period"]:
                watched += 1
                gone += stayed == row["period"]
        assert row["n_subscribers"] == watched
        share *= 1 - gone / watched
        assert row["observed"] == pytest.approx(share, abs=1e-12)
        assert row["lo_observed"] <= row["observed"] <= row["hi_observed"]


def test_what_cannot_be_projected_says_why() -> None:
    table, as_of = planted(300, 1.0, 4.0, 9)
    for part, code in ((table.head(12), "sbg_too_few"), (table.with_columns(left_at=pl.lit(None, pl.Date)), None)):
        told = trace_lifecycle(build(as_of, customers=part), LifecycleSpec(business="subscription")).projection
        assert told is not None
        assert told.failed == (code or "sbg_nobody_leaves")
        assert told.frame["projected"].null_count() == told.frame.height
        assert told.error is None
