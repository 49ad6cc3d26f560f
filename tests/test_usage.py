"""Usage: by hand, against naive loops and scipy, invariance, and what the planted world says."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.usage import STANDARD_STEPS, UsageResult, UsageSpec, recognise_steps, study_usage
from analytics.usage.sessions import session_interval
from analytics.usage.waits import product_limit

SAMPLE = Path(__file__).parent.parent / "sample_data"
START = datetime(2026, 1, 5)
V, S, A, C, P = "view", "search", "add_to_cart", "checkout", "purchase"


def dataset(rows: list[tuple[Any, ...]], as_of: date, **tables: pl.DataFrame) -> Dataset:
    schema = {
        "customer_id": pl.String,
        "occurred_at": pl.Datetime("us"),
        "event": pl.String,
        "channel": pl.String,
        "duration_s": pl.Float64,
    }
    padded = [(*row, *([None] * (5 - len(row)))) for row in rows]
    return Dataset.build({"events": pl.DataFrame(padded, schema=schema, orient="row"), **tables}, as_of=as_of)


def visit(customer: str, day: float, *events: str, channel: str = "web", gap: float = 60) -> list[tuple[Any, ...]]:
    begin = START + timedelta(days=day)
    return [(customer, begin + timedelta(seconds=i * gap), event, channel) for i, event in enumerate(events)]


SIX = [
    *visit("a", 0, S, V, A, C, P),  # passes every step, in order
    *visit("a", 0.01, V, V),  # 14 minutes later: still the first session
    *visit("a", 3, V),
    *visit("b", 1, V, A, channel="app"),
    *visit("b", 1.1, A, V, channel="app"),  # a cart before any view: in any order only
    *visit("c", 2, C, P),  # no view: passes nothing
    *visit("d", 2, V, S, V, S, V, S, V, A, C, P, V),
    *visit("e", 5, V),
    (None, START, V, "web"),
    ("f", None, V, "web"),
    *visit("g", 900, V),  # after as-of
]


def test_six_customers_by_hand() -> None:
    result = study_usage(dataset(SIX, date(2026, 1, 31)), UsageSpec())
    assert (result.n_events, result.n_sessions, result.n_customers) == (7 + 1 + 4 + 2 + 11 + 1, 7, 5)
    assert (result.n_known, result.n_anonymous, result.n_undated) == (7, 1, 1)
    assert [(step.name, step.events) for step in result.steps] == [
        ("browse", ("search", "view")),
        ("cart", ("add_to_cart",)),
        ("checkout", ("checkout",)),
        ("purchase", ("purchase",)),
    ]
    counts = {unit: result.funnel.filter(unit=unit) for unit in ("session", "customer")}
    assert counts["session"]["n_reached"].to_list() == [6, 3, 2, 2]
    assert counts["session"]["n_any"].to_list() == [6, 4, 3, 3]
    assert counts["customer"]["n_reached"].to_list() == [4, 3, 2, 2]
    assert counts["customer"]["overall"].to_list() == [1.0, 0.75, 0.5, 0.5]
    assert counts["session"]["conversion"].to_list() == [None, 0.5, pytest.approx(2 / 3), 1.0]
    paths = {(row["purchased"], tuple(row["path"])): row["n_sessions"] for row in result.paths.to_dicts()}
    assert paths == {
        (True, (S, V, A, C, P)): 1,
        (True, (C, P)): 1,
        (True, (V, S, V, S, "…", P)): 1,
        (False, (V,)): 2,
        (False, (V, A)): 1,
        (False, (A, V)): 1,
    }
    assert dict(result.n_paths) == {True: 3, False: 3}
    channels = {row["channel"]: (row["n_sessions"], row["purchase_share"]) for row in result.channels.to_dicts()}
    assert channels == {"web": (5, 0.6), "app": (2, 0.0)}
    features = {row["event"]: (row["n_customers"], row["share_known"]) for row in result.features.to_dicts()}
    assert features == {V: (4, 4 / 7), A: (3, 3 / 7), S: (2, 2 / 7), C: (3, 3 / 7), P: (3, 3 / 7)}
    assert [caveat.code for caveat in result.caveats] == ["usage_anonymous", "usage_undated", "usage_decline_unknown"]


def test_the_gap_between_sessions_is_a_choice_and_its_edge_is_inside() -> None:
    rows = [("a", START, V), ("a", START + timedelta(minutes=30), V), ("a", START + timedelta(minutes=61), V)]
    by_gap = {gap: study_usage(dataset(rows, date(2026, 1, 9)), UsageSpec(gap_minutes=gap)) for gap in (29, 30, 31)}
    assert {gap: result.n_sessions for gap, result in by_gap.items()} == {29: 3, 30: 2, 31: 1}
    assert by_gap[31].median_minutes == 61
    last = [*rows[:2], ("a", START + timedelta(minutes=40), V, None, 120.0)]
    assert study_usage(dataset(last, date(2026, 1, 9)), UsageSpec()).median_minutes == 42


def test_own_steps_and_a_shorter_period() -> None:
    result = study_usage(dataset(SIX, date(2026, 1, 11)), UsageSpec(steps=((V,), (P,)), period_days=7))
    assert result.first_day == date(2026, 1, 5)
    assert [step.name for step in result.steps] == ["browse", "purchase"]
    assert result.funnel.filter(unit="session")["n_reached"].to_list() == [6, 2]
    short = study_usage(dataset(SIX, date(2026, 1, 14)), UsageSpec(period_days=7))
    assert (short.first_day, short.n_sessions) == (date(2026, 1, 8), 2)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"gap_minutes": 0}, "usage_setting"),
        ({"recent_days": 3}, "usage_setting"),
        ({"steps": ((V,),)}, "usage_steps"),
        ({"steps": ((V,), ())}, "usage_steps"),
        ({"steps": ((V,), (V, P))}, "usage_step_twice"),
    ],
)
def test_a_spec_refuses_nonsense(bad: dict[str, Any], code: str) -> None:
    with pytest.raises(AnalysisError) as error:
        UsageSpec(**bad)
    assert error.value.code == code


def test_the_spec_crosses_json() -> None:
    spec = UsageSpec(steps=((V, S), (P,)), period_days=90)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), UsageSpec, strict=True) == spec


@pytest.mark.parametrize(
    ("types", "names"),
    [
        (("pv", "cart", "fav", "buy"), ["browse", "cart", "purchase"]),
        (("view", "addtocart", "transaction"), ["browse", "cart", "purchase"]),
        (("view_item", "add_to_cart", "begin_checkout", "purchase"), list(STANDARD_STEPS)),
        (("Product Viewed", "Product Added", "Checkout Started", "Order Completed"), list(STANDARD_STEPS)),
        (("瀏覽", "加入購物車", "結帳", "付款"), list(STANDARD_STEPS)),
        (("浏览", "加购", "下单"), ["browse", "cart", "purchase"]),
        (("remove_from_cart", "login"), []),
    ],
)
def test_the_usual_words_for_steps_are_recognised(types: tuple[str, ...], names: list[str]) -> None:
    assert [step.name for step in recognise_steps(types)] == names


def test_without_events_or_steps_it_says_so() -> None:
    with pytest.raises(AnalysisError) as error:
        study_usage(dataset([(None, START, V), *visit("a", 99, V)], date(2026, 1, 31)), UsageSpec())
    assert (error.value.code, error.value.params["n_anonymous"]) == ("usage_no_events", 1)
    odd = study_usage(dataset([("a", START, "ping"), ("a", START, "pong")], date(2026, 1, 31)), UsageSpec())
    assert "usage_no_funnel" in [caveat.code for caveat in odd.caveats]
    assert odd.funnel.is_empty()
    assert odd.waits.is_empty()
    days = study_usage(dataset([("a", START, P), ("a", START, V)], date(2026, 1, 31)), UsageSpec())
    assert "usage_days_only" in [caveat.code for caveat in days.caveats]
    assert days.paths["path"].to_list() == [[V, P]], "events of one moment stand in the order of the funnel"


# ---- oracles: naive loops -------------------------------------------------------------------------------------------


@cache
def random_rows() -> tuple[list[tuple[Any, ...]], date]:
    rng = np.random.default_rng(3)
    rows: list[tuple[Any, ...]] = []
    for i in range(160):
        moment = START + timedelta(seconds=int(rng.integers(0, 50 * 86400)))
        for _ in range(int(rng.geometric(0.05))):
            rows.append((f"c{i:03d}", moment, str(rng.choice([V, S, A, C, P], p=[0.5, 0.2, 0.15, 0.08, 0.07])), "web"))
            moment += timedelta(seconds=int(rng.exponential(600 if rng.random() < 0.8 else 6 * 86400)) + 1)
    end = date(2026, 6, 30)
    return [row for row in rows if row[1].date() <= end], end


def naive_sessions(rows: list[tuple[Any, ...]]) -> list[tuple[str, list[tuple[datetime, str]]]]:
    sessions: list[tuple[str, list[tuple[datetime, str]]]] = []
    for customer, moment, event, _channel in sorted(rows, key=lambda row: (row[0], row[1])):
        if sessions and sessions[-1][0] == customer and moment - sessions[-1][1][-1][0] <= timedelta(minutes=30):
            sessions[-1][1].append((moment, event))
        else:
            sessions.append((customer, [(moment, event)]))
    return sessions


def naive_depth(events: list[str]) -> int:
    steps: list[set[str]] = [{V, S}, {A}, {C}, {P}]
    depth = 0
    for event in events:
        if depth < len(steps) and event in steps[depth]:
            depth += 1
    return depth


def test_sessions_funnel_paths_and_waits_against_naive_loops() -> None:
    rows, end = random_rows()
    result, sessions = study_usage(dataset(rows, end), UsageSpec()), naive_sessions(rows)
    assert result.n_sessions == len(sessions)
    depths = [(customer, naive_depth([event for _, event in events])) for customer, events in sessions]
    for i, (by_session, by_customer) in enumerate(
        zip(*(result.funnel.filter(unit=unit)["n_reached"] for unit in ("session", "customer")), strict=True)
    ):
        assert by_session == sum(depth > i for _, depth in depths)
        assert by_customer == len({customer for customer, depth in depths if depth > i})
    paths: dict[tuple[bool, tuple[str, ...]], int] = {}
    for _customer, events in sessions:
        names = [event for _, event in events]
        bought = P in names
        names = names[: names.index(P) + 1] if bought else names
        path = [name for i, name in enumerate(names) if not i or name != names[i - 1]]
        path = path if len(path) <= 6 else [*path[:4], "…", path[-1]]
        paths[(bought, tuple(path))] = paths.get((bought, tuple(path)), 0) + 1
    for row in result.paths.to_dicts():
        assert paths[(row["purchased"], tuple(row["path"]))] == row["n_sessions"]
    for outcome in (True, False):
        best = sorted((n for (bought, _path), n in paths.items() if bought == outcome), reverse=True)[:5]
        assert result.paths.filter(purchased=outcome)["n_sessions"].to_list() == best
    waits: list[tuple[int, int, bool]] = []
    for customer in sorted({row[0] for row in rows}):
        count, since, seen = 0, None, False
        for events in (events for one, events in sessions if one == customer):
            bought, day = P in [event for _, event in events], events[0][0].date()
            if seen:
                count, since = count + 1, since or day
                if bought:
                    waits.append((count, (day - since).days, True))
            if bought:
                seen, count, since = True, 0, None
        if count and since:
            waits.append((count, (end - since).days, False))
    wait = result.waits.filter(kind="next").row(0, named=True)
    assert (wait["n_spells"], wait["n_bought"]) == (len(waits), sum(bought for *_, bought in waits))
    left, curve = 1.0, {}
    for k in sorted({count for count, _days, _bought in waits}):
        at_risk = [item for item in waits if item[0] >= k]
        left *= 1 - sum(bought for count, _, bought in at_risk if count == k) / len(at_risk)
        curve[k] = 1 - left
    shown = result.wait_curve.filter(kind="next", unit="sessions")
    assert shown.height >= 3
    assert shown["share"].to_list() == pytest.approx([curve[k] for k in shown["value"]])


def test_the_product_limit_estimate_of_a_published_example() -> None:
    """Freireich's 6-MP remission times (Kaplan-Meier's textbook table): S(6) = .857, S(10) = .753, S(23) = .448."""
    times = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35])
    ended = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    curve = product_limit(times, ended)
    left = dict(zip(curve["value"], 1 - curve["share"], strict=True))
    assert {k: round(v, 3) for k, v in left.items()} == {
        6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448,
    }  # fmt: skip


def test_the_interval_of_sessions_is_wilsons_on_the_effective_number() -> None:
    from scipy.stats import binomtest

    rng = np.random.default_rng(0)
    alone = pl.Series(rng.random(400) < 0.3)
    once = session_interval(alone, pl.Series(range(400)))
    expected = binomtest(int(alone.sum()), 400).proportion_ci(method="wilson")
    assert once == pytest.approx((expected.low, expected.high), abs=2e-3)
    # Ten copies of each customer say no more than one.
    ten = session_interval(pl.concat([alone] * 10), pl.Series(list(range(400)) * 10))
    assert ten == pytest.approx(once, abs=1e-3)


def test_the_decline_is_the_exact_conditional_test() -> None:
    from scipy.stats import binomtest

    rows = [row for i in range(12) for row in visit("x", 10 * i, V)]
    rows += [row for i in range(8) for row in visit("y", 15 * i, V)] + visit("y", 170, V) + visit("y", 174, V)
    people = pl.DataFrame({"customer_id": ["x", "y"], "joined_at": [date(2025, 1, 1)] * 2})
    end = (START + timedelta(days=179)).date()
    result = study_usage(dataset(rows, end, customers=people), UsageSpec())
    by_id = {row["customer_id"]: row for row in result.decline.to_dicts()}
    assert {k: (r["n_before"], r["n_recent"], r["days_before"], r["days_recent"]) for k, r in by_id.items()} == {
        "x": (12, 0, 120, 60),
        "y": (8, 2, 120, 60),
    }
    test = binomtest(2, 10, 1 / 3, alternative="less")
    assert by_id["y"]["p_value"] == pytest.approx(test.pvalue)
    limits = binomtest(2, 10, 1 / 3).proportion_ci(method="exact")
    assert by_id["y"]["lo"] == pytest.approx(limits.low / (1 - limits.low) * 2)
    assert by_id["y"]["hi"] == pytest.approx(limits.high / (1 - limits.high) * 2)
    assert by_id["y"]["rate_ratio"] == pytest.approx((2 / 60) / (8 / 120))
    assert by_id["x"]["p_value"] == pytest.approx((2 / 3) ** 12)
    assert result.n_declining == 1


def poisson_world(n: int, falling: int, seed: int, rhythm: float = 4.0) -> tuple[list[tuple[Any, ...]], pl.DataFrame]:
    """``n`` customers of steady rhythm over 180 days; the first ``falling`` all but stop for the last 60."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        for day in rng.random(rng.poisson(rng.gamma(4.0, rhythm))) * 180:
            if i >= falling or day < 120 or rng.random() < 0.1:
                rows.append((f"c{i:04d}", START + timedelta(days=float(day)), V))
    return rows, pl.DataFrame({"customer_id": [f"c{i:04d}" for i in range(n)], "joined_at": [date(2025, 1, 1)] * n})


def test_without_any_change_as_many_decline_as_chance_says_and_nobody_is_sure() -> None:
    found, by_chance, sure = 0, 0.0, 0
    for seed in range(5):
        rows, people = poisson_world(500, 0, seed)
        result = study_usage(dataset(rows, (START + timedelta(days=179)).date(), customers=people), UsageSpec())
        found, by_chance, sure = found + result.n_declining, by_chance + result.n_by_chance, sure + result.n_sure
    assert abs(found - by_chance) < 3 * np.sqrt(by_chance)
    assert sure <= 2


def test_those_who_stop_are_found_and_of_the_sure_few_are_wrong() -> None:
    rows, people = poisson_world(400, 80, 1, 10.0)
    labels = CustomerLabels(
        people.select("customer_id", label=pl.Series(["2"] * 80 + ["1"] * 320)),
        ("1", "2", "3"),
        "test",
        "k",
    )
    result = study_usage(dataset(rows, (START + timedelta(days=179)).date(), customers=people), UsageSpec(), labels)
    sure = result.decline.filter("sure")["customer_id"].to_list()
    wrong = [one for one in sure if int(one[1:]) >= 80]
    assert len(sure) >= 50
    assert len(wrong) <= 0.2 * len(sure)
    groups = {row["label"]: row for row in result.decline_groups.to_dicts()}
    assert groups["2"]["rate_ratio"] < 0.2
    assert groups["1"]["ratio_lo"] < 1 < groups["1"]["ratio_hi"]
    assert groups["3"]["n_customers"] == 0
    assert sum(row["n_declining"] for row in groups.values()) == result.n_declining


# ---- invariance -----------------------------------------------------------------------------------------------------


def assert_equal(left: UsageResult, right: UsageResult) -> None:
    for item in dataclasses.fields(left):
        mine, theirs = getattr(left, item.name), getattr(right, item.name)
        if item.name != "key":
            assert mine.equals(theirs) if isinstance(mine, pl.DataFrame) else mine == theirs, item.name


def test_order_of_rows_and_events_to_come_change_nothing() -> None:
    rows, end = random_rows()
    result = study_usage(dataset(rows, end), UsageSpec())
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    assert_equal(result, study_usage(dataset(shuffled, end), UsageSpec()))
    midnight = datetime.combine(end, datetime.min.time()) + timedelta(days=1)
    later = [("c001", midnight + timedelta(seconds=i), P, "app") for i in (0, 9)]
    assert_equal(result, study_usage(dataset([*rows, *later], end), UsageSpec()))


def test_other_ids_give_the_same_figures() -> None:
    rows, end = random_rows()
    result = study_usage(dataset(rows, end), UsageSpec())
    other = study_usage(dataset([(f"z{999 - int(row[0][1:]):03d}", *row[1:]) for row in rows], end), UsageSpec())
    for name in ("funnel", "paths", "waits", "wait_curve", "features", "sizes", "weeks"):
        assert getattr(result, name).equals(getattr(other, name)), name
    assert (result.n_declining, result.n_by_chance) == (other.n_declining, pytest.approx(other.n_by_chance))


# ---- the planted world ----------------------------------------------------------------------------------------------


def test_decliners_of_the_world_hold_more_true_dropouts_than_everybody_looked_at() -> None:
    """Visits are planted to fade in the 45 days before a silent dropout.

    The world of 4,000 customers at its end, 60 recent days: 37 of 666 customers decline, 17 would by chance alone. 27 %
    of the 37 drop out between 15 days before the recent days begin and the end, against 2.9 % of the 666: lift 9.5, and
    53 % of all such dropouts are among the 37. Nobody is sure: a dozen visits in half a year cannot tell one customer
    from chance. The plain baseline is no worse: of the 37 unseen for longest among the same 666, 32 % drop out.
    """
    people = pl.read_parquet(SAMPLE / "marketplace" / "customers.parquet").select("customer_id", "joined_at")
    events = pl.read_parquet(SAMPLE / "marketplace" / "events.parquet").cast({"duration_s": pl.Float64})
    truth = pl.read_parquet(SAMPLE / "truth" / "marketplace" / "customers.parquet")
    end = date(2026, 6, 30)
    result = study_usage(Dataset.build({"events": events, "customers": people}, as_of=end), UsageSpec())
    begin = end - timedelta(days=59 + 15)
    ends = [pl.col(name).is_between(begin, end) for name in ("first_dropout_on", "dropout_on")]
    stopped = truth.filter(pl.any_horizontal(ends))["customer_id"]
    found = result.decline.with_columns(stops=pl.col("customer_id").is_in(stopped.implode()).cast(pl.Float64))
    base = float(found["stops"].mean())
    precision = float(found.filter("declines")["stops"].mean())
    recall = found.filter("declines")["stops"].sum() / found["stops"].sum()
    assert 0.02 < base < 0.04
    assert precision > 6 * base
    assert recall > 0.4
    assert result.n_declining > 1.5 * result.n_by_chance
    assert result.n_sure == 0
