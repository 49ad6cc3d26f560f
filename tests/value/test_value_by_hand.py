"""Customer value by hand: rows to purchase days to x, t_x, T; rules, deciles, groups, fifths; clocks; totals."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.btyd.histories import purchase_histories
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.value import ValueSpec, explain_history
from analytics.value.checks import by_frequency, compare_rules, grade, in_deciles, rules_of_thumb
from analytics.value.clock import Clock
from analytics.value.holdout import captured, rank_correlation
from analytics.value.past import Straying, stray
from analytics.value.portfolio import decide, fifths, pareto, rfm_grid
from analytics.value.purchases import look, read_purchases, to_day
from analytics.value.spreads import count_interval, few_periods, total_interval
from analytics.value.subscription import fees

AS_OF = date(2026, 3, 31)
ROWS = [
    # customer, order, day, amount in cents, kind
    ("a", "1", (2026, 1, 1), 1000, "sale"),
    ("a", "1", (2026, 1, 1), 500, "sale"),  # another line of the first order
    ("a", "2", (2026, 1, 15), 2000, "sale"),
    ("a", "3", (2026, 1, 15), 1000, "sale"),  # the same day: one purchase
    ("a", "4", (2026, 2, 12), 4000, "sale"),
    ("a", "R4", (2026, 2, 20), -500, "return"),
    ("b", "5", (2026, 2, 1), 900, "sale"),
    ("c", "6", (2026, 1, 10), 0, "sale"),  # for nothing, and yet a purchase
    ("c", "7", (2026, 3, 31), 700, "sale"),
    ("d", "8", (2026, 3, 31), 300, "sale"),  # T = 0
    ("e", "9", (2026, 1, 1), 100, "sale"),
    ("e", "10", (2026, 3, 20), 100, "sale"),
    ("f", "11", (2026, 1, 20), 50, "service"),  # no purchase at all
    (None, "12", (2026, 1, 20), 5000, "sale"),
]


def six() -> Dataset:
    lines = pl.DataFrame(
        {
            "customer_id": [row[0] for row in ROWS],
            "order_id": [row[1] for row in ROWS],
            "ordered_at": [datetime(*row[2], 12) for row in ROWS],
            "amount": [row[3] for row in ROWS],
            "kind": [row[4] for row in ROWS],
        }
    )
    return Dataset.build({"transactions": lines}, as_of=AS_OF, currency="EUR")


def test_six_customers_become_x_t_x_and_T() -> None:
    purchases = read_purchases(six(), AS_OF)
    seen = look(purchases, to_day(AS_OF), Clock(7.0))
    assert purchases.ids.to_list() == ["a", "b", "c", "d", "e"]
    assert seen.x.tolist() == [2, 0, 1, 0, 1]
    assert seen.t_x.tolist() == pytest.approx([42 / 7, 0, 80 / 7, 0, 78 / 7])
    assert seen.T.tolist() == pytest.approx([89 / 7, 58 / 7, 80 / 7, 0, 89 / 7])
    assert seen.mean_value is not None
    assert seen.mean_value.tolist() == pytest.approx([(30 + 40) / 2, np.nan, 7, np.nan, 1], nan_ok=True)


def test_at_an_earlier_day_later_purchases_do_not_exist() -> None:
    seen = look(read_purchases(six(), AS_OF), to_day(date(2026, 1, 31)), Clock(7.0))
    assert seen.x.tolist() == [1, 0, 0]  # a, c, e
    assert seen.T.tolist() == pytest.approx([30 / 7, 21 / 7, 30 / 7])


@pytest.mark.parametrize("until", [AS_OF, date(2026, 2, 10)])
def test_purchases_are_those_of_the_models(until: date) -> None:
    theirs = purchase_histories(six(), until=until)
    ours = look(read_purchases(six(), until), to_day(until), Clock(7.0))
    assert read_purchases(six(), until).ids.to_list() == theirs.ids.to_list()
    assert ours.x.tolist() == theirs.x.tolist()
    assert np.allclose(ours.t_x, theirs.t_x)
    assert np.allclose(ours.T, theirs.T)
    assert ours.mean_value is not None
    assert theirs.mean_value is not None
    assert np.allclose(ours.mean_value, theirs.mean_value, equal_nan=True)


def test_one_customer_is_explained_row_by_row() -> None:
    trace = explain_history(six(), "a", ValueSpec())
    assert trace.rows["role"].to_list() == ["first", "same_day", "repeat", "same_day", "repeat", "return"]
    assert trace.rows["counted"].to_list() == [True] * 5 + [False]
    assert sorted(trace.rows["amount"]) == [-5, 5, 10, 10, 20, 40]
    assert trace.days["value"].to_list() == [15, 30, 40]
    assert trace.days["weeks"].to_list() == [0, 2, 6]
    assert (trace.x, trace.t_x_weeks, trace.T_weeks, trace.mean_repeat_value) == (2, 6, pytest.approx(89 / 7), 35)
    assert trace.p_alive is None
    with pytest.raises(AnalysisError) as error:
        explain_history(six(), "f", ValueSpec())
    assert error.value.code == "value_no_purchase"


def test_rules_of_thumb_by_hand() -> None:
    purchases = read_purchases(six(), AS_OF)
    seen = look(purchases, to_day(AS_OF), Clock(7.0))
    told = rules_of_thumb(purchases, seen, 45)
    # The history has 90 days (1 January to 31 March): half of what was bought comes in 45.
    orders, value = told["last_year"]
    assert orders.tolist() == [1.5, 0.5, 1.0, 0.5, 1.0]
    assert value is not None
    assert value.tolist() == [42.5, 4.5, 3.5, 1.5, 1.0]
    # Four repeats in 89 + 58 + 80 + 0 + 89 customer days.
    each = 4 / 316 * 45
    assert told["constant"][0].tolist() == pytest.approx([each] * 5)
    assert told["frequency"][0].tolist() == pytest.approx([each * x / 0.8 for x in (2, 0, 1, 0, 1)])
    assert told["frequency"][0].sum() == pytest.approx(5 * each)


def test_errors_of_rules_by_hand() -> None:
    actual = np.array([2, 0, 1, 0])
    frame = compare_rules({"model": (np.array([1.0, 0.0, 1.0, 0.0]), None)}, actual, None)
    row = frame.row(0, named=True)
    assert frame.height == 1
    assert (row["mae"], row["rmse"], row["total_error"]) == (0.25, 0.5, pytest.approx(-1 / 3))
    # A fifth of four customers is .8 of one place, held by two who are ranked level: .4 of what each bought.
    assert row["top_share_captured"] == pytest.approx(0.4 * 3 / 3)
    assert row["best_share"] == pytest.approx(0.8 * 2 / 3)


def test_rank_correlation_and_capture_at_their_edges() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    one, other = rng.poisson(1.0, 50).astype(float), rng.normal(size=50)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert rank_correlation(np.ones(5), np.arange(5.0)) is None
    assert captured(np.arange(5.0), np.zeros(5)) is None
    assert captured(np.arange(5.0), np.array([0, 0, 0, 1.0, 3.0])) == 0.75


def test_deciles_fall_and_hold_everything() -> None:
    expected = np.linspace(1, 0, 20)
    actual = np.arange(20)[::-1]
    frame = in_deciles(expected, actual, [np.zeros(20)], None, None)
    assert frame["n_customers"].to_list() == [2] * 10
    assert frame["actual"].to_list() == [18.5 - 2 * i for i in range(10)]
    assert frame["gain"][0] == pytest.approx((19 + 18) / 190)
    assert frame["gain"][-1] == pytest.approx(1.0)


def test_the_grade_is_the_weakest_criterion() -> None:
    actual = np.array([2, 0, 1, 1])
    rules = compare_rules(
        {"model": (np.array([1.5, 0.5, 1.0, 1.0]), None), "constant": (np.ones(4), None)}, actual, None
    )
    frequency = by_frequency(np.array([1, 0, 1, 1]), actual, np.array([1.5, 0.5, 1.0, 1.0]), np.ones(4), 1.28)
    letter, rule = grade(rules, frequency, 0.74, 0.8)
    told = dict(rule.select("criterion", "grade").iter_rows())
    # In all 4 of 4; errors half of the constant's; 6 points short of 80 %; off by .5 + .5 of 4.
    assert told == {"total_error": "A", "against_rules": "A", "coverage": "C", "calibration": "C"}
    assert letter == "C"
    assert rule.filter(criterion="calibration")["value"][0] == pytest.approx(0.25)


def test_groups_by_hand() -> None:
    codes, high_from = decide(np.array([0.9, 0.2, 0.9, 0.2, 0.6]), np.array([10.0, 12.0, 1.0, 1.0, 2.0]), 0.5)
    assert high_from == 12.0  # the top fifth of five is one
    assert codes.tolist() == [1, 2, 1, 3, 1]
    codes, high_from = decide(np.ones(10), np.arange(10.0), 0.5)
    assert (high_from, (codes == 0).sum()) == (8.0, 2)
    assert decide(np.ones(3), np.zeros(3), 0.5)[0].tolist() == [1, 1, 1]  # worth nothing is never high


def test_fifths_never_tear_equals_apart() -> None:
    codes, bounds = fifths(np.array([1.0, 1, 1, 1, 1, 1, 1, 2, 3, 9]))
    assert codes.tolist() == [3] * 7 + [4, 5, 5]
    assert bounds == [(1.0, 1.0), (2.0, 2.0), (3.0, 9.0)]
    assert fifths(np.arange(10.0))[0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert fifths(np.ones(4))[0].tolist() == [5, 5, 5, 5]


def test_the_grid_holds_everybody_once() -> None:
    days, n = np.array([1, 5, 9, 30, 200, 400]), np.array([9, 4, 3, 1, 1, 1])
    grid = rfm_grid(days, n, np.linspace(1, 0, 6), np.array([6.0, 5, 4, 3, 2, 1]))
    assert grid["n_customers"].sum() == 6
    assert grid["clv_total"].sum() == 21
    best = grid.filter(recency_group=5, frequency_group=5).row(0, named=True)
    assert (best["recency_from_days"], best["frequency_to"]) == (1, 9)


def test_pareto_by_hand() -> None:
    frame = pareto(np.array([6.0, 3.0, 1.0, 0.0]))
    assert frame["customer_share"].to_list() == [0, 0.25, 0.5, 0.75, 1]
    assert frame["value_share"].to_list() == pytest.approx([0, 0.6, 0.9, 1, 1])
    assert pareto(np.zeros(3)).is_empty()


def test_a_clock_runs_as_it_is_told_and_as_the_calendar_elsewhere() -> None:
    clock = Clock(7.0, 10, np.array([2.0, 0.5]))
    days = np.array([9, 10, 11, 12, 13])
    assert (clock.at(days) * 7).tolist() == pytest.approx([9, 10, 12, 12.5, 13.5])
    assert clock.span(10, 12) == pytest.approx(2.5 / 7)
    assert Clock(7.0).span(3, 17) == 2


def test_bounds_of_totals() -> None:
    from scipy.stats import gamma, nbinom

    assert total_interval(0.0, 3.0, 0.8) == (0.0, 0.0)
    assert total_interval(5.0, 0.0, 0.8) == (5.0, 5.0)
    lo, hi = total_interval(100.0, 400.0, 0.8)
    assert (lo, hi) == pytest.approx(tuple(gamma.ppf([0.1, 0.9], 25, scale=4)))
    assert count_interval(0.0, 3.0, 0.8) == (0.0, 0.0)
    assert count_interval(0.05, 0.05, 0.8) == (0.0, 0.0)
    assert count_interval(4.0, 4.0, 0.8) == (2.0, 7.0)  # Poisson(4): P(at most 1) = .09, P(at most 6) = .889
    lo, hi = count_interval(100.0, 400.0, 0.8)
    assert (lo, hi) == tuple(nbinom.ppf([0.1, 0.9], 100**2 / 300, 0.25))
    assert few_periods(0, 0.8) == 1.0
    assert few_periods(1, 0.8) == pytest.approx(3.078 / 1.2816, rel=1e-3)
    assert few_periods(1000, 0.8) == pytest.approx(1.0, abs=2e-3)


def test_a_period_that_doubles_is_seen_in_the_past() -> None:
    purchases = read_purchases(six(), AS_OF)
    day = to_day(date(2026, 2, 1))

    def half(seen: object, end: int, of: np.ndarray, n_cells: int) -> tuple[np.ndarray, float, np.ndarray]:
        # After 1 February four purchases come; two were told.
        return np.full(len(of), 40 / len(of)), 0.0, np.zeros(n_cells)

    told = stray(purchases, half, {day: Clock(7.0)}, to_day(AS_OF), 58)
    came = 3  # of those known then: a, c and e buy once more
    assert told == Straying(pytest.approx(np.log(40 / came)), 0.0, 1)
    assert stray(purchases, half, {}, to_day(AS_OF), 58) == Straying(0.0, 0.0, 0)


def test_fees_are_the_latest_and_introductory_prices_are_seen_through() -> None:
    paid = {"a": [100, 200, 300, 400], "b": [300, 600, 900, 1200], "c": [100], "d": [200, 400], "e": [50] * 5}
    rows = [(who, i, amount) for who, amounts in paid.items() for i, amount in enumerate(amounts)]
    lines = pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [f"{row[0]}{row[1]}" for row in rows],
            "ordered_at": [datetime(2025, 10, 1) + timedelta(days=30 * row[1]) for row in rows],
            "amount": [row[2] for row in rows],
            "kind": ["sale"] * len(rows),
        }
    )
    purchases = read_purchases(Dataset.build({"transactions": lines}, as_of=AS_OF, currency="EUR"), AS_OF)
    # a, b and e have paid more than three times: 16.50 now, 4.50 at first, 8.50 at their second payment.
    told = fees(purchases, look(purchases, to_day(AS_OF), Clock(7.0)))
    assert told.tolist() == pytest.approx([4, 12, 1 * 16.5 / 4.5, 4 * 16.5 / 8.5, 0.5])


def test_specs_refuse_themselves_and_travel() -> None:
    for wrong in ({"horizon_days": 1}, {"level": 1.5}, {"margin_share": 0.0}, {"unit_days": 0}, {"n_draws": 1}):
        with pytest.raises(AnalysisError) as error:
            ValueSpec(**wrong)
        assert error.value.code == "value_setting"
    with pytest.raises(AnalysisError) as error:
        ValueSpec(model="magic")
    assert error.value.code == "value_choice"
    with pytest.raises(AnalysisError) as error:
        ValueSpec(covariates=("a", "a"))
    assert error.value.code == "value_covariates"
    spec = ValueSpec(model="mbg_nbd", covariates=("city",), holdout_days=90)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), ValueSpec, strict=True) == spec


def test_an_order_wholly_taken_back_is_no_purchase_from_that_day_on() -> None:
    back = pl.DataFrame(
        {
            "customer_id": ["a"],
            "order_id": ["R4"],
            "ordered_at": [datetime(2026, 3, 1, 12)],
            "amount": [-4000],
            "kind": ["cancellation"],
        }
    )
    lines = six().tables["transactions"].filter(pl.col("order_id").ne_missing("R4"))
    data = Dataset.build({"transactions": pl.concat([lines, back])}, as_of=AS_OF, currency="EUR")
    before, after = (look(read_purchases(data, day), to_day(day), Clock(7.0)) for day in (date(2026, 2, 28), AS_OF))
    assert (before.x[0], after.x[0]) == (2, 1)
    assert purchase_histories(data).x.tolist() == after.x.tolist()
    trace = explain_history(data, "a", ValueSpec())
    assert trace.rows["role"].to_list() == ["first", "same_day", "repeat", "same_day", "reversed", "return"]
    assert trace.x == 1
