"""Lifecycle: by hand, against naive loops, invariance, published facts, bad input."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.i18n import words_for
from analytics.lifecycle import STAGES, LifecycleResult, LifecycleSpec, learn_lapsed_after, trace_lifecycle

Line = tuple[str | None, str, date, str, int, int, str]  # customer, order, day, product, quantity, amount, kind


def transactions(lines: list[Line]) -> pl.DataFrame:
    names = ["customer_id", "order_id", "day", "product_id", "quantity", "amount", "kind"]
    schema = dict(zip(names, [pl.String, pl.String, pl.Date, pl.String, pl.Int64, pl.Int64, pl.String], strict=True))
    frame = pl.DataFrame(lines, schema=schema, orient="row")
    return frame.with_columns(pl.col("day").cast(pl.Datetime("us"))).rename({"day": "ordered_at"})


def buys(customer: str, *days: date, amount: int = 1000) -> list[Line]:
    return [(customer, f"{customer}{day:%m%d}", day, "P", 1, amount, "sale") for day in days]


def build(lines: list[Line], as_of: date, **tables: pl.DataFrame) -> Dataset:
    return Dataset.build({"transactions": transactions(lines), **tables}, as_of=as_of, currency="TWD")


def joined(**days: date | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": list(days), "joined_at": list(days.values())},
        schema={"customer_id": pl.String, "joined_at": pl.Date},
    )


def d(month: int, day: int) -> date:
    return date(2024, month, day)


def stage_of(result: LifecycleResult) -> dict[str, str]:
    return dict(result.labels.frame.iter_rows())


SIX_RULES = LifecycleSpec(lapsed_after_days=60, loyal_min_orders=3, min_cohort_size=1, n_cohorts=6)
SIX_LINES: list[Line] = [
    *buys("Bo", d(6, 1), amount=2000),
    *buys("Cy", d(3, 1), d(5, 20), amount=3000),
    *buys("Di", d(2, 1), d(4, 1), d(6, 15), amount=5000),
    *buys("Ed", d(1, 15), d(2, 10), amount=500),
    ("Fa", "F1", d(6, 10), "P", 2, 900, "sale"),
    ("Fa", "F1", d(6, 10), "Q", 1, 100, "sale"),
    ("Fa", "C1", d(6, 12), "P", -2, -900, "cancellation"),
    ("Fa", "C1", d(6, 12), "Q", -1, -100, "cancellation"),
    (None, "X1", d(6, 12), "P", 1, 700, "sale"),
    ("Bo", "S1", d(6, 20), "POST", 1, 50, "service"),
]
SIX = build(SIX_LINES, d(6, 30), customers=joined(Al=d(1, 10), Bo=d(5, 2), Fa=d(5, 5), Gi=d(7, 3)))


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_six_customers_stand_in_their_stages() -> None:
    result = trace_lifecycle(SIX, SIX_RULES)
    assert stage_of(result) == {
        "Al": "acquaintance",
        "Bo": "first_purchase",
        "Cy": "active_use",
        "Di": "loyalty",
        "Ed": "lapsed",
        "Fa": "acquaintance",  # the only order was cancelled
    }  # Gi joins after the as-of date
    assert result.stages.to_dicts() == [
        {
            "stage": stage,
            "observable": True,
            "n_customers": n,
            "customer_share": pytest.approx(n / 6),
            "revenue_12m": revenue,
            "revenue_share": pytest.approx(revenue / 240),
            "revenue": revenue,
        }
        for stage, n, revenue in [
            ("acquaintance", 2, 0.0),  # the cancelled order and its reversal add to nothing
            ("first_purchase", 1, 20.0),  # postage is no revenue
            ("active_use", 1, 60.0),
            ("loyalty", 1, 150.0),
            ("lapsed", 1, 10.0),
        ]
    ]
    assert (result.n_customers, result.n_buyers) == (6, 4)
    assert result.labels.labels == STAGES


def test_six_customers_month_by_month() -> None:
    result = trace_lifecycle(SIX, SIX_RULES)
    counts = {
        month: rows["n_customers"].to_list() for (month,), rows in result.history.group_by("month", maintain_order=True)
    }
    assert counts == {
        d(1, 31): [1, 1, 0, 0, None],  # Al; Ed. Nobody can have been silent for 60 days yet
        d(2, 29): [1, 1, 1, 0, None],  # Al; Di; Ed
        d(3, 31): [1, 2, 1, 0, 0],  # Al; Cy, Di; Ed
        d(4, 30): [1, 1, 1, 0, 1],  # Al; Cy (silent for 60 days: not yet lapsed); Di; Ed
        d(5, 31): [3, 0, 2, 0, 1],  # Al, Bo, Fa; Cy, Di; Ed
        d(6, 30): [2, 1, 1, 1, 1],
    }
    revenue = result.history.filter(pl.col("month") == d(6, 30))["revenue"].to_list()
    assert revenue == [0.0, 20.0, 0.0, 50.0, 0.0]
    movement = result.movement.select(pl.exclude("lapse_observable")).rows()
    assert movement == [
        (d(2, 29), 1, 1, 1, 0, 0, 2),
        (d(3, 31), 2, 1, 2, 0, 0, 3),
        (d(4, 30), 3, 0, 2, 0, 1, 2),
        (d(5, 31), 2, 0, 2, 0, 0, 2),
        (d(6, 30), 2, 1, 2, 0, 0, 3),
    ]
    assert result.movement["lapse_observable"].to_list() == [False, False, True, True, True]


def test_six_customers_in_cohorts() -> None:
    result = trace_lifecycle(SIX, SIX_RULES)
    table = {
        cohort: rows.sort("periods_since")["n_active"].to_list()
        for (cohort,), rows in result.cohorts.group_by("cohort", maintain_order=True)
    }
    assert table == {
        d(1, 1): [1, 1, 0, 0, 0, 0],
        d(2, 1): [1, 0, 1, 0, 1, None],
        d(3, 1): [1, 0, 1, 0, None, None],
        d(6, 1): [1, None, None, None, None, None],
    }
    row = result.cohorts.filter(cohort=d(2, 1), periods_since=2).row(0, named=True)
    assert (row["retention"], row["revenue"], row["observed"], row["enough"]) == (1.0, 50.0, True, True)
    assert result.retention.select("periods_since", "n_customers", "n_active").rows() == [
        (0, 4, 4), (1, 3, 1), (2, 3, 2), (3, 3, 0), (4, 2, 1), (5, 1, 0),
    ]  # fmt: skip


def test_a_transition_matrix_by_hand() -> None:
    table = trace_lifecycle(SIX, SIX_RULES).transitions
    # June: Bo acquaintance -> first purchase, Di active use -> loyalty; Al, Fa, Cy, Ed stay.
    latest = table.filter(pl.col("n_latest") > 0).select("from_stage", "to_stage", "n_latest", "share_latest").rows()
    assert latest == [
        ("acquaintance", "acquaintance", 2, pytest.approx(2 / 3)),
        ("acquaintance", "first_purchase", 1, pytest.approx(1 / 3)),
        ("active_use", "active_use", 1, 0.5),
        ("active_use", "loyalty", 1, 0.5),
        ("lapsed", "lapsed", 1, 1.0),
    ]


@pytest.mark.parametrize(
    ("reversals", "stage"),
    [
        ([], "first_purchase"),
        ([("A", "O1", d(3, 5), "P", -2, -200, "return")], "first_purchase"),  # Q is kept
        (
            [("A", "O1", d(3, 5), "P", -1, -100, "return"), ("A", "O1", d(3, 6), "Q", -1, -50, "return")],
            "first_purchase",
        ),
        ([("A", "R9", d(3, 5), "P", -2, -200, "return"), ("A", "R9", d(3, 6), "Q", -1, -50, "return")], "acquaintance"),
        (
            [("A", "R9", d(4, 5), "P", -2, -200, "return"), ("A", "R9", d(4, 6), "Q", -1, -50, "return")],
            "first_purchase",
        ),
        (
            [("A", "R9", d(2, 5), "P", -2, -200, "return"), ("A", "R9", d(2, 6), "Q", -1, -50, "return")],
            "first_purchase",
        ),
        ([("A", "R9", d(3, 5), "Z", -9, -900, "return")], "first_purchase"),
    ],
)
def test_an_order_stands_until_all_its_lines_are_reversed(reversals: list[Line], stage: str) -> None:
    lines: list[Line] = [
        ("A", "O1", d(3, 1), "P", 2, 200, "sale"),
        ("A", "O1", d(3, 1), "Q", 1, 50, "sale"),
        *buys("B", d(1, 1)),
    ]
    data = build([*lines, *reversals], d(3, 31), customers=joined(A=d(1, 1)))
    assert stage_of(trace_lifecycle(data, SIX_RULES))["A"] == stage


def test_a_reversal_takes_back_the_latest_order_of_its_product() -> None:
    lines: list[Line] = [
        ("A", "O1", d(1, 1), "P", 1, 100, "sale"),
        ("A", "O2", d(2, 1), "P", 1, 100, "sale"),
        ("A", "R1", d(2, 3), "P", -1, -100, "return"),
        *buys("B", d(1, 1)),
    ]
    result = trace_lifecycle(build(lines, d(2, 29)), SIX_RULES)
    assert stage_of(result)["A"] == "first_purchase"
    assert result.cohorts.filter(cohort=d(1, 1), periods_since=1)["n_active"].item() == 0


def test_who_has_left_is_lapsed_until_the_next_order() -> None:
    people = joined(A=d(1, 1), B=d(1, 1), C=d(1, 1)).with_columns(
        left_at=pl.Series([d(3, 10), d(3, 10), d(4, 10)], dtype=pl.Date)
    )
    data = build([*buys("A", d(3, 1)), *buys("B", d(3, 1), d(3, 20)), *buys("C", d(3, 1))], d(3, 31), customers=people)
    assert stage_of(trace_lifecycle(data, SIX_RULES)) == {"A": "lapsed", "B": "active_use", "C": "first_purchase"}


def test_events_make_acquaintances() -> None:
    events = pl.DataFrame(
        {
            "customer_id": ["Z", "Z", "Y"],
            "occurred_at": [datetime(2024, 2, 3), datetime(2024, 2, 1), datetime(2024, 9, 1)],
        }
    )
    result = trace_lifecycle(build(buys("A", d(1, 5)), d(3, 31), events=events), SIX_RULES)
    assert stage_of(result) == {"A": "lapsed", "Z": "acquaintance"}
    seen = result.history.filter(stage="acquaintance")["n_customers"].to_list()
    assert seen == [None, 1, 1]  # before the first event nobody can say


def test_without_people_or_events_an_acquaintance_is_not_observable() -> None:
    result = trace_lifecycle(build(buys("A", d(1, 5)), d(3, 31)), SIX_RULES)
    row = result.stages.row(0, named=True)
    assert row["stage"] == "acquaintance"
    assert not row["observable"]
    assert {row[name] for name in ("n_customers", "customer_share", "revenue_12m", "revenue_share", "revenue")} == {
        None
    }
    assert "acquaintance_not_observable" in {caveat.code for caveat in result.caveats}
    undated = trace_lifecycle(build(buys("A", d(1, 5)), d(3, 31), customers=joined(A=None, B=None)), SIX_RULES)
    codes = {caveat.code: caveat.params for caveat in undated.caveats}
    assert codes["acquaintance_undated"] == {"n": 2}
    assert stage_of(undated) == {"A": "lapsed"}


def test_gaps_by_hand() -> None:
    def gaps(completed: list[int], still_open: list[int]) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "days": completed + still_open,
                "weight": [1.0] * (len(completed) + len(still_open)),
                "completed": [True] * len(completed) + [False] * len(still_open),
            }
        )

    once = list(range(1, 101))
    # At least 20 are at risk up to day 81: the curve reaches .81 there, and nine tenths of that on day 73.
    assert learn_lapsed_after(gaps(once, []), 0.9) == 73
    assert learn_lapsed_after(gaps(once, [1000] * 100), 0.9) == 90  # those never seen again change only the height
    assert learn_lapsed_after(gaps(once, [10] * 100), 0.9) == 74  # censored early: the later gaps weigh more
    assert learn_lapsed_after(gaps(once[:19], []), 0.9) is None


def test_rules_say_where_they_come_from() -> None:
    given = trace_lifecycle(SIX, SIX_RULES).rules
    assert (given.lapsed_source, given.loyal_source, given.n_gaps, given.n_returners) == ("given", "given", 4, 3)
    open_rules = trace_lifecycle(SIX, LifecycleSpec()).rules
    assert (open_rules.lapsed_after_days, open_rules.lapsed_source) == (None, "not_learned")
    assert (open_rules.loyal_min_orders, open_rules.loyal_source) == (3, "least")


# --- oracle ----------------------------------------------------------------------------------------------------------


def random_world(seed: int, n_customers: int = 150) -> Dataset:
    """Customers with their own rates, joining days, reversals with and without a common order number."""
    rng = np.random.default_rng(seed)
    start = date(2023, 1, 10)
    lines: list[Line] = []
    people: dict[str, date | None] = {}
    for i in range(n_customers):
        name = f"c{i:03d}"
        born = int(rng.integers(0, 400))
        if rng.random() < 0.8:
            people[name] = start + timedelta(days=max(0, born - int(rng.integers(0, 60))))
        day, rate = float(born), rng.gamma(1.5, 30) + 3
        for k in range(int(rng.integers(0, 12))):
            when = start + timedelta(days=int(day))
            for product in rng.choice(["P", "Q", "R"], int(rng.integers(1, 3)), replace=False):
                quantity = int(rng.integers(1, 4))
                lines.append((name, f"{name}-{k}", when, str(product), quantity, 137 * quantity, "sale"))
                if rng.random() < 0.25:
                    back = when + timedelta(days=int(rng.integers(0, 45)))
                    number = f"{name}-{k}" if rng.random() < 0.5 else f"R{name}-{k}"
                    taken = quantity if rng.random() < 0.8 else 1
                    lines.append((name, number, back, str(product), -taken, -137 * taken, "return"))
            day += rng.exponential(rate)
    return build(lines, date(2024, 6, 30), customers=joined(**people))


def naive_order_days(lines: list[dict[str, object]], then: date) -> list[date]:
    """The order days of one customer that stand on ``then``: every reversal looked up one by one."""
    sold: dict[tuple[str, str, date], int] = defaultdict(int)
    for line in lines:
        if line["kind"] == "sale" and line["day"] <= then:
            sold[line["order_id"], line["product_id"], line["day"]] += line["quantity"]
    left = dict(sold)
    for line in sorted((x for x in lines if x["kind"] == "return"), key=lambda x: x["day"]):
        if line["day"] > then:
            continue
        same = [key for key in sold if key[1] == line["product_id"] and key[2] <= line["day"]]
        numbered = [key for key in same if key[0] == line["order_id"]]
        if same:
            target = max(numbered or same, key=lambda key: (key[2], key[0]))
            left[target] += line["quantity"]
    orders = {(order, day) for (order, _, day), n in left.items() if n > 0}
    return sorted({day for _, day in orders})


def naive_stages(dataset: Dataset, spec: LifecycleSpec, then: date) -> dict[str, str]:
    frame = dataset.tables["transactions"].with_columns(day=pl.col("ordered_at").dt.date())
    by_customer: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        by_customer[row["customer_id"]].append(row)
    known = {
        row[0] for row in dataset.tables["customers"].select("customer_id", "joined_at").iter_rows() if row[1] <= then
    }
    stages = {}
    assert spec.lapsed_after_days is not None
    assert spec.loyal_min_orders is not None
    for name in by_customer.keys() | known:
        days = naive_order_days(by_customer.get(name, []), then)
        recent = [day for day in days if (then - day).days < spec.loyal_window_days]
        if not days:
            if name in known:
                stages[name] = "acquaintance"
        elif (then - days[-1]).days > spec.lapsed_after_days:
            stages[name] = "lapsed"
        elif len(recent) >= spec.loyal_min_orders:
            stages[name] = "loyalty"
        else:
            stages[name] = "first_purchase" if len(days) == 1 else "active_use"
    return stages


ORACLE_SPEC = LifecycleSpec(
    lapsed_after_days=75, loyal_min_orders=4, loyal_window_days=180, min_cohort_size=3, n_months=12, n_cohorts=18
)


def test_stages_equal_a_naive_loop_at_every_month_end() -> None:
    data = random_world(11)
    result = trace_lifecycle(data, ORACLE_SPEC)
    assert stage_of(result) == naive_stages(data, ORACLE_SPEC, data.as_of)
    for (month,), rows in result.history.group_by("month"):
        stages = list(naive_stages(data, ORACLE_SPEC, month).values())
        assert dict(rows.select("stage", "n_customers").iter_rows()) == {name: stages.count(name) for name in STAGES}


def test_flows_equal_a_naive_loop() -> None:
    data = random_world(12)
    result = trace_lifecycle(data, ORACLE_SPEC)
    active = {"first_purchase", "active_use", "loyalty"}
    before = naive_stages(data, ORACLE_SPEC, date(2024, 5, 31))
    now = naive_stages(data, ORACLE_SPEC, date(2024, 6, 30))
    names = before.keys() | now.keys()
    latest = {(a, b): n for a, b, n in result.transitions.select("from_stage", "to_stage", "n_latest").iter_rows()}
    for (start, end), n in latest.items():
        assert n == sum(before.get(x, "outside") == start and now.get(x, "outside") == end for x in names)
    row = result.movement.row(-1, named=True)
    was, is_now = ({x for x in names if stages.get(x) in active} for stages in (before, now))
    assert row["n_retained"] == len(was & is_now)
    assert row["n_lost"] == len(was - is_now)
    assert row["n_resurrected"] == sum(before.get(x) == "lapsed" for x in is_now)
    assert row["n_new"] == sum(before.get(x, "outside") in ("outside", "acquaintance") for x in is_now)


def test_movement_and_transitions_reconcile() -> None:
    result = trace_lifecycle(random_world(13), LifecycleSpec())
    movement = result.movement
    assert movement.height >= 12
    assert (movement["n_active"] == movement["n_new"] + movement["n_retained"] + movement["n_resurrected"]).all()
    assert (movement["n_active_before"] == movement["n_retained"] + movement["n_lost"]).all()
    assert movement["n_active_before"][1:].to_list() == movement["n_active"][:-1].to_list()
    totals = result.history.filter(pl.col("stage").is_in(["first_purchase", "active_use", "loyalty"]))
    totals = totals.group_by("month", maintain_order=True).agg(pl.col("n_customers").sum())
    assert dict(movement.select("month", "n_active").iter_rows()).items() <= dict(totals.iter_rows()).items()
    inner = result.transitions.filter(pl.col("from_stage") != "outside")
    sums = inner.group_by("from_stage").agg(pl.col("share_mean").sum(), pl.col("share_latest").sum())
    assert np.allclose(sums["share_mean"].to_numpy(), 1)
    assert np.allclose(sums["share_latest"].to_numpy(), 1)


@pytest.mark.parametrize("cohort_by", ["month", "quarter"])
def test_cohorts_equal_a_naive_loop(cohort_by: str) -> None:
    data = random_world(14)
    spec = replace(ORACLE_SPEC, n_cohorts=30, cohort_by=cohort_by)
    result = trace_lifecycle(data, spec)
    size = 1 if cohort_by == "month" else 3

    def period(day: date) -> int:
        return (day.year * 12 + day.month - 1) // size

    frame = data.tables["transactions"].with_columns(day=pl.col("ordered_at").dt.date())
    members: dict[int, set[str]] = defaultdict(set)
    active: dict[tuple[int, int], set[str]] = defaultdict(set)
    paid: dict[tuple[int, int], int] = defaultdict(int)
    for (name,), rows in frame.group_by("customer_id"):
        days = naive_order_days(rows.to_dicts(), data.as_of)
        if not days:
            continue
        cohort = period(days[0])
        members[cohort].add(name)
        for day in days:
            active[cohort, period(day) - cohort].add(name)
        for day, amount in rows.select("day", "amount").iter_rows():
            paid[cohort, period(day) - cohort] += amount
    rows_seen = 0
    for row in result.cohorts.iter_rows(named=True):
        cell = period(row["cohort"]), row["periods_since"]
        assert row["n_customers"] == len(members[cell[0]])
        assert row["observed"] == (sum(cell) <= period(data.as_of))
        if row["observed"]:
            assert row["n_active"] == len(active[cell])
            assert row["retention"] == pytest.approx(len(active[cell]) / len(members[cell[0]]))
            assert row["revenue"] == pytest.approx(paid[cell] / 100)
            rows_seen += 1
        else:
            assert row["n_active"] is row["retention"] is row["revenue"] is None
    assert rows_seen > 10
    assert set(members) == {period(day) for day in result.cohorts["cohort"]}


def test_incomplete_periods_are_masked() -> None:
    lines = [*buys("A", d(1, 5), d(2, 5), d(3, 2)), *buys("B", d(3, 1))]
    result = trace_lifecycle(build(lines, d(3, 20)), SIX_RULES)
    assert result.cohorts["cohort"].unique().to_list() == [d(1, 1)]  # March is not over: its cohort still grows
    assert result.cohorts.sort("periods_since")["n_active"].to_list() == [1, 1, None, None, None, None]
    assert result.history["month"].unique().sort().to_list() == [d(1, 31), d(2, 29)]
    assert "partial_month" in {caveat.code for caveat in result.caveats}


# --- invariance ------------------------------------------------------------------------------------------------------


def frames(result: LifecycleResult) -> dict[str, pl.DataFrame]:
    names = ("stages", "history", "transitions", "movement", "cohorts", "retention")
    return {name: getattr(result, name) for name in names}


def assert_same(left: LifecycleResult, right: LifecycleResult) -> None:
    assert left.rules == right.rules
    for name, frame in frames(left).items():
        assert_frame_equal(frame, frames(right)[name])


def test_order_of_rows_changes_nothing() -> None:
    data = random_world(15)
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=3) for name, frame in data.tables.items()}
    again = Dataset.build(shuffled, as_of=data.as_of, currency="TWD")
    left, right = (trace_lifecycle(x, LifecycleSpec()) for x in (data, again))
    assert_same(left, right)
    assert_frame_equal(left.labels.frame, right.labels.frame)
    assert left.key == right.key


def test_relabelled_customers_change_nothing() -> None:
    data = random_world(15)
    turned = {
        name: frame.with_columns(pl.col("customer_id").str.reverse() + "x") for name, frame in data.tables.items()
    }
    again = Dataset.build(turned, as_of=data.as_of, currency="TWD")
    left, right = (trace_lifecycle(x, LifecycleSpec()) for x in (data, again))
    assert_same(left, right)
    assert {name[::-1]: "x" for name in stage_of(left)}.keys() == {name[:-1] for name in stage_of(right)}


def test_currency_times_hundred_scales_money_alone() -> None:
    data = random_world(15)
    dear = data.tables["transactions"].with_columns(pl.col("amount") * 100)
    again = Dataset.build({**data.tables, "transactions": dear}, as_of=data.as_of, currency="TWD")
    left, right = (trace_lifecycle(x, LifecycleSpec()) for x in (data, again))
    assert_frame_equal(left.movement, right.movement)
    for frame, other in ((left.stages, right.stages), (left.history, right.history), (left.cohorts, right.cohorts)):
        money = [name for name in frame.columns if name.startswith(("revenue", "value")) and name != "revenue_share"]
        assert_frame_equal(frame.with_columns(pl.col(money) * 100), other)


@pytest.mark.parametrize("as_of", [date(2023, 5, 31), date(2023, 11, 15), date(2024, 2, 29)])
def test_what_comes_after_the_as_of_date_changes_nothing(as_of: date) -> None:
    data = random_world(16)
    full = Dataset.build(data.tables, as_of=as_of, currency="TWD")
    cut = Dataset.build(
        {
            "transactions": data.tables["transactions"].filter(pl.col("ordered_at").dt.date() <= as_of),
            "customers": data.tables["customers"].filter(pl.col("joined_at") <= as_of),
        },
        as_of=as_of,
        currency="TWD",
    )
    left, right = (trace_lifecycle(x, LifecycleSpec(min_cohort_size=3)) for x in (full, cut))
    assert_same(left, right)
    assert left.caveats == right.caveats
    assert_frame_equal(left.labels.frame, right.labels.frame)


def test_a_past_month_end_is_as_it_was_seen_then() -> None:
    data = random_world(16)
    result = trace_lifecycle(data, ORACLE_SPEC)
    for month in (date(2023, 9, 30), date(2023, 12, 31), date(2024, 4, 30)):
        then = trace_lifecycle(Dataset.build(data.tables, as_of=month, currency="TWD"), ORACLE_SPEC)
        past = result.history.filter(month=month)
        columns = ["stage", "observable", "n_customers", "revenue_12m"]
        assert_frame_equal(past.select(columns), then.stages.select(columns))


# --- published and real data -----------------------------------------------------------------------------------------


def cdnow(folder: Path, as_of: date) -> Dataset:
    rows = [line.split() for line in (folder / "CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    raw = pl.DataFrame(rows, schema=["master", "customer_id", "day", "quantity", "dollars"], orient="row")
    frame = raw.select(
        "customer_id",
        pl.col("day").str.to_date("%Y%m%d").cast(pl.Datetime("us")).alias("ordered_at"),
        pl.col("quantity").cast(pl.Int64),
        (pl.col("dollars").cast(pl.Float64) * 100).round().cast(pl.Int64).alias("amount"),
        pl.lit("sale").alias("kind"),
    )
    return Dataset.build({"transactions": frame}, as_of=as_of, currency="USD")


def test_cdnow_has_the_published_customers_and_repeats(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("cdnow")
    # With two order days making a loyal customer and nobody lapsing, loyalty holds those with a repeat.
    spec = LifecycleSpec(lapsed_after_days=3650, loyal_min_orders=2, loyal_window_days=3650)
    result = trace_lifecycle(cdnow(folder, date(1997, 9, 30)), spec)
    counts = dict(result.stages.select("stage", "n_customers").iter_rows())
    assert result.n_buyers == 2357
    assert (counts["loyalty"], counts["first_purchase"], counts["active_use"]) == (946, 2357 - 946, 0)
    assert counts["acquaintance"] is None
    assert counts["lapsed"] is None  # cannot have happened yet


def test_cdnow_cohorts_are_the_first_quarter_of_1997(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("cdnow")
    result = trace_lifecycle(cdnow(folder, date(1998, 6, 30)), LifecycleSpec())
    assert round(sum(result.stages["revenue"].drop_nulls()), 2) == 244_091.94
    firsts: dict[str, str] = {}
    months: dict[str, set[str]] = defaultdict(set)
    for line in sorted((folder / "CDNOW_sample.txt").read_text().splitlines(), key=lambda x: x.split()[2:3]):
        if line.strip():
            _, customer, day, *_ = line.split()
            firsts.setdefault(customer, day[:6])
            months[day[:6]].add(customer)
    sizes = dict(result.cohorts.select("cohort", "n_customers").iter_rows())
    assert {f"{cohort:%Y%m}": n for cohort, n in sizes.items()} == {
        month: list(firsts.values()).count(month) for month in ("199701", "199702", "199703")
    }
    assert sum(sizes.values()) == 2357
    march = result.cohorts.filter(cohort=date(1997, 1, 1), periods_since=2)["n_active"].item()
    assert march == sum(firsts[name] == "199701" for name in months["199703"])


def test_online_retail_reads_in_a_line(shared_data: Callable[[str], Path]) -> None:
    raw = pl.read_parquet(shared_data("online_retail") / "derived_online_retail.parquet")
    cancelled = pl.col("InvoiceNo").str.starts_with("C")
    frame = raw.select(
        customer_id=pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
        order_id="InvoiceNo",
        ordered_at=pl.col("InvoiceDate").cast(pl.Datetime("us")),
        product_id="StockCode",
        quantity=pl.col("Quantity").cast(pl.Int64),
        amount=(pl.col("Quantity") * pl.col("UnitPrice") * 1000).round().cast(pl.Int64),
        kind=pl.when(cancelled).then(pl.lit("cancellation")).otherwise(pl.lit("sale")),
    )
    data = Dataset.build({"transactions": frame}, as_of=date(2011, 12, 9), currency="GBP", money_digits=3)
    result = trace_lifecycle(data, LifecycleSpec())
    assert result.rules.lapsed_source == "own"
    sold = frame.filter((pl.col("kind") == "sale") & pl.col("customer_id").is_not_null())
    n_sold = sold["customer_id"].n_unique()
    assert 0.98 * n_sold < result.n_buyers <= n_sold  # some cancelled all they had ordered
    assert result.cohorts["cohort"].n_unique() == 12  # December 2011 is not over
    assert {"first_cohort_mixed", "partial_month", "lifecycle_anonymous"} <= {caveat.code for caveat in result.caveats}


# --- bad input -------------------------------------------------------------------------------------------------------


def test_one_order_is_a_stage_and_a_caveat() -> None:
    result = trace_lifecycle(build(buys("A", d(3, 5)), d(3, 5)), LifecycleSpec())
    assert stage_of(result) == {"A": "first_purchase"}
    assert result.history.is_empty()
    assert result.movement.is_empty()
    assert result.cohorts.is_empty()
    assert result.retention.is_empty()
    assert result.transitions["n_latest"].null_count() == 35
    assert result.n_transition_months == 0
    codes = {caveat.code for caveat in result.caveats}
    assert codes == {"acquaintance_not_observable", "one_order_each", "few_months", "partial_month"}


def test_one_customer_and_two_weeks_and_one_day() -> None:
    one = trace_lifecycle(build(buys("A", d(1, 1), d(2, 1), d(3, 1)), d(3, 31)), LifecycleSpec())
    assert stage_of(one) == {"A": "loyalty"}
    assert "lapse_not_learned" in {caveat.code for caveat in one.caveats}
    names = [f"c{i}" for i in range(60)]
    weeks = [line for i, name in enumerate(names) for line in buys(name, d(3, 2 + i % 5), d(3, 8 + i % 7))]
    short = trace_lifecycle(build(weeks, d(3, 15)), LifecycleSpec())
    assert short.history.is_empty()
    assert short.rules.lapsed_source == "own"
    assert {"short_history"} <= {caveat.code for caveat in short.caveats}
    day = trace_lifecycle(build([line for name in names for line in buys(name, d(3, 2))], d(3, 31)), LifecycleSpec())
    assert day.stages["n_customers"].to_list() == [None, 60, 0, 0, None]
    assert day.cohorts.filter(periods_since=0)["n_active"].to_list() == [60]


def test_missing_columns_and_orders_are_said() -> None:
    frame = transactions(buys("A", d(3, 5))).with_columns(customer_id=pl.lit(None, pl.String))
    with pytest.raises(AnalysisError) as nobody:
        trace_lifecycle(Dataset.build({"transactions": frame}, as_of=d(3, 5)), LifecycleSpec())
    assert nobody.value.code == "fields_missing"
    with pytest.raises(AnalysisError) as early:
        trace_lifecycle(build(buys("A", d(3, 5)), d(3, 4)), LifecycleSpec())
    assert early.value.code == "lifecycle_no_orders"
    undone: list[Line] = [*buys("A", d(3, 5)), ("A", "R", d(3, 6), "P", -1, -1000, "cancellation")]
    with pytest.raises(AnalysisError) as reversed_all:
        trace_lifecycle(build(undone, d(3, 31)), LifecycleSpec())
    assert reversed_all.value.code == "lifecycle_no_orders"


def test_dates_and_customers_are_enough() -> None:
    frame = transactions([*buys("A", d(1, 5), d(2, 5)), *buys("B", d(2, 7))]).select("customer_id", "ordered_at")
    result = trace_lifecycle(Dataset.build({"transactions": frame}, as_of=d(3, 31)), SIX_RULES)
    assert stage_of(result) == {"A": "active_use", "B": "first_purchase"}
    assert result.stages["revenue"].null_count() == 5
    assert result.cohorts["revenue"].null_count() == result.cohorts.height
    assert "lifecycle_no_amounts" in {caveat.code for caveat in result.caveats}


def test_spec_refuses_itself_and_round_trips() -> None:
    for wrong in ({"lapsed_after_days": 0}, {"loyal_min_orders": 1}, {"lapsed_quantile": 1.0}, {"cohort_by": "week"}):
        with pytest.raises(AnalysisError) as refused:
            LifecycleSpec(**wrong)
        assert refused.value.code == "lifecycle_setting"
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(ORACLE_SPEC)), LifecycleSpec, strict=True)
    assert again == ORACLE_SPEC
    assert hash(again) == hash(ORACLE_SPEC)


def test_result_crosses_a_process_and_its_codes_have_words() -> None:
    result = trace_lifecycle(SIX, LifecycleSpec())
    assert_same(pickle.loads(pickle.dumps(result)), result)
    words = words_for("en")
    for caveat in result.caveats:
        assert "{" not in words.phrase(f"caveat.{caveat.code}", **caveat.params)
        assert "{" not in words.phrase(f"caveat.{caveat.code}.body", **caveat.params)
    assert words.label("stage", "loyalty") == "Loyalty"
