"""Customer value: every part adds up, equals the models it is made of, and what cannot be told is said to be so."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.btyd.bg_nbd import fit_bg_nbd
from analytics.btyd.gamma_gamma import fit_gamma_gamma
from analytics.btyd.histories import purchase_histories
from analytics.btyd.sbg import fit_sbg
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.i18n.words import LANGUAGES, words_for
from analytics.value import (
    ValueResult,
    ValueSpec,
    clv,
    covariate_choices,
    estimate_value,
    explain_history,
    p_alive,
    value_by,
)
from analytics.value.spec import GROUPS
from sample_data.repeat_buying import draw_bg_nbd, draw_spans, draw_values, write_orders
from tests.value.proofs import END, as_dataset, cut_at, drawn, to_lines

SPEC = ValueSpec(horizon_days=180, n_draws=60)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return cut_at(drawn("bg_nbd", 700, 78, 0, 4), END)


@pytest.fixture(scope="module")
def result(data: Dataset) -> ValueResult:
    return estimate_value(data, SPEC)


def test_every_column_the_docstring_names_is_there(result: ValueResult) -> None:
    held = {
        "models": "model log_likelihood aic holdout_mae holdout_rmse holdout_log_score log_score_se total_error "
        "coverage chosen failed",
        "tracking": "week in_holdout n_actual n_expected lo hi actual_cumulative expected_cumulative lo_cumulative "
        "hi_cumulative",
        "by_frequency": "n_repeat n_customers actual expected lo hi",
        "deciles": "decile n_customers actual expected actual_value expected_value gain",
        "rules": "rule measure mae rmse spearman top_share_captured best_share total_error",
        "cohorts": "cohort n_customers p_alive expected_orders clv clv_lo clv_hi actual expected total_error",
        "groups": "group n_customers customer_share p_alive clv clv_lo clv_hi value_last_year clv_share",
        "iso_value": "x t_x_weeks T_weeks p_alive expected_orders clv",
        "parameters": "model parameter estimate lo hi se_log",
        "grade_rule": "criterion value a_up_to b_up_to c_up_to grade",
    }
    for name, columns in held.items():
        assert set(getattr(result, name).columns) == set(columns.split()), name
    assert (result.basis, result.choice in {"best", "simplest"}) == ("repeat", True)
    assert result.grade == result.grade_rule["grade"].max()
    assert result.models["chosen"].sum() == 1


def test_the_parts_add_up(result: ValueResult) -> None:
    customers = result.customers
    assert customers.height == result.n_customers == 700  # who bought once is kept
    assert customers["clv"].sum() == pytest.approx(result.total_clv)
    assert customers["expected_orders"].sum() == pytest.approx(result.total_orders)
    for frame in (result.groups, result.cohorts, result.rfm_grid):
        assert frame["n_customers"].sum() == 700
    assert result.groups["clv"].sum() == pytest.approx(result.total_clv)
    assert result.cohorts["clv"].sum() == pytest.approx(result.total_clv)
    assert result.rfm_grid["clv_total"].sum() == pytest.approx(result.total_clv)
    assert result.pareto["value_share"][-1] == pytest.approx(1)
    assert result.groups["group"].to_list() == list(GROUPS)
    assert result.deciles["n_customers"].sum() == result.by_frequency["n_customers"].sum()
    tracked = result.tracking
    assert tracked["n_actual"].cum_sum().to_list() == tracked["actual_cumulative"].to_list()
    labels = CustomerLabels(customers.select("customer_id", label="group"), GROUPS, "value", "k")
    by = value_by(result, labels)
    groups = result.groups.filter(pl.col("n_customers") > 0)
    for column in ("clv", "clv_lo", "clv_hi", "value_last_year"):
        assert by[column].to_list() == pytest.approx(groups[column].to_list())


def test_holdout_figures_are_those_of_the_holdout(result: ValueResult, data: Dataset) -> None:
    cut = result.calibration_until
    lines = data.tables["transactions"].with_columns(day=pl.col("ordered_at").dt.date())
    known = lines.filter(pl.col("day") <= cut)["customer_id"].unique()
    after = lines.filter(pl.col("day") > cut, pl.col("customer_id").is_in(known.implode()))
    n_after = after.select("customer_id", "day").unique().height
    assert result.holdout_days == (result.as_of - cut).days
    assert result.by_frequency.select((pl.col("actual") * pl.col("n_customers")).sum()).item() == pytest.approx(n_after)
    assert result.cohorts["actual"].sum() == n_after
    values = result.rules.filter(rule="model")
    expected = result.deciles.select((pl.col("expected") * pl.col("n_customers")).sum()).item()
    assert values.filter(measure="orders")["total_error"][0] == pytest.approx(expected / n_after - 1)


def test_figures_equal_the_models(data: Dataset) -> None:
    spec = dataclasses.replace(SPEC, model="bg_nbd", calendar="off", margin_share=0.3)
    result = estimate_value(data, spec)
    seen = purchase_histories(data)
    assert seen.mean_value is not None
    model = fit_bg_nbd(seen.x, seen.t_x, seen.T)
    money = fit_gamma_gamma(seen.x, seen.mean_value)
    horizon, rate = 180 / 7, np.log(1.1) * 7 / 365
    own = result.customers
    assert own["p_alive"].to_list() == pytest.approx(model.p_alive(seen.x, seen.t_x, seen.T), rel=1e-9)
    orders = model.expected_purchases(seen.x, seen.t_x, seen.T, horizon)
    assert own["expected_orders"].to_list() == pytest.approx(orders, rel=1e-9)
    per_order = money.expected_value(seen.x, seen.mean_value)
    assert own["expected_order_value"].to_list() == pytest.approx(per_order, rel=1e-9)
    worth = model.discounted_purchases(seen.x, seen.t_x, seen.T, horizon, rate) * per_order * 0.3
    assert own["clv"].to_list() == pytest.approx(worth, rel=1e-9)
    assert own["worth_if_active"].to_list() == pytest.approx(worth / own["p_alive"].to_numpy(), rel=1e-9)
    assert result.choice == "asked"
    estimates = result.parameters.filter(model="bg_nbd")["estimate"].to_list()
    assert estimates == pytest.approx(model.parameters, rel=1e-9)
    # Intervals against the exact distribution: draws may miss a bound by one where probability lies on the edge.
    table = np.cumsum(model.purchase_distribution(seen.x, seen.t_x, seen.T, horizon, 80), axis=1)
    exact = (table < 0.9 - 1e-12).sum(axis=1)
    off = np.abs(own["expected_orders_hi"].to_numpy() - exact)
    assert np.mean(off <= 1 + 0.1 * exact) > 0.97


def test_totals_spread_as_simulated_futures_do(data: Dataset) -> None:
    from scipy.stats import norm

    spec = dataclasses.replace(SPEC, model="bg_nbd", calendar="off", n_draws=200)
    result = estimate_value(data, spec)
    seen = purchase_histories(data)
    model = fit_bg_nbd(seen.x, seen.t_x, seen.T)
    rng = np.random.default_rng(3)
    chol = np.linalg.cholesky(model.log_covariance)
    totals = [
        model.with_parameters(model.parameters * np.exp(chol @ rng.standard_normal(4)))
        .draw_purchases(seen.x, seen.t_x, seen.T, 180 / 7, rng)
        .sum()
        for _ in range(400)
    ]
    spread = result.spread
    straying = (spread.common**2 + spread.cell**2) * result.total_orders**2
    told = (result.orders_hi - result.orders_lo) / 2 / norm.ppf(0.9)
    assert told**2 >= 0.8 * np.var(totals)
    if straying == 0:
        assert told**2 == pytest.approx(np.var(totals), rel=0.3)


def test_order_of_rows_ids_and_currency_change_nothing(data: Dataset, result: ValueResult) -> None:
    lines = data.tables["transactions"]
    new = {old: f"k{(i * 7919) % 100_003:06d}" for i, old in enumerate(lines["customer_id"].unique().sort())}
    other = lines.sample(fraction=1.0, shuffle=True, seed=1).with_columns(
        customer_id=pl.col("customer_id").replace_strict(new), amount=pl.col("amount") * 100
    )
    again = estimate_value(as_dataset(other, data.as_of), SPEC)
    assert again.model == result.model
    back = {mine: old for old, mine in new.items()}
    mine = again.customers.with_columns(customer_id=pl.col("customer_id").replace_strict(back)).sort("customer_id")
    for column, factor in (("p_alive", 1), ("expected_orders_hi", 1), ("clv", 100), ("clv_hi", 100)):
        expected = (result.customers[column] * factor).to_list()
        assert mine[column].to_list() == pytest.approx(expected, rel=2e-4, abs=1e-3), column
    assert mine["group"].to_list() == result.customers["group"].to_list()
    assert again.total_hi == pytest.approx(100 * result.total_hi, rel=1e-3)
    assert again.grade == result.grade


def test_days_instead_of_weeks_say_the_same(data: Dataset, result: ValueResult) -> None:
    days = estimate_value(data, dataclasses.replace(SPEC, unit_days=1, model=result.model))
    assert days.total_clv == pytest.approx(result.total_clv, rel=1e-4)
    assert days.customers["t_x_weeks"].to_list() == result.customers["t_x_weeks"].to_list()


def test_the_result_crosses_processes_and_scores_leave(result: ValueResult) -> None:
    back = pickle.loads(pickle.dumps(result))
    assert back.customers.equals(result.customers)
    scores, alive = clv(result), p_alive(result)
    assert (scores.unit, scores.key, alive.unit) == ("USD", result.key, "probability")
    assert scores.frame.columns == alive.frame.columns == ["customer_id", "value", "lo", "hi"]
    assert alive.frame["value"].is_between(0, 1).all()


def test_without_amounts_purchases_are_foretold_and_nothing_is_priced(data: Dataset, result: ValueResult) -> None:
    bare = as_dataset(data.tables["transactions"].drop("amount"), data.as_of)
    told = estimate_value(bare, SPEC)
    assert not told.has_values
    assert told.total_clv is None
    assert told.customers["clv"].null_count() == 700
    assert told.customers["expected_orders"].to_list() == pytest.approx(result.customers["expected_orders"].to_list())
    assert told.groups["n_customers"].sum() == 700
    assert "value_no_amounts" in {caveat.code for caveat in told.caveats}
    with pytest.raises(AnalysisError) as error:
        clv(told)
    assert error.value.code == "value_no_amounts"


def test_who_came_on_the_last_day_is_kept_and_is_as_a_new_customer(data: Dataset) -> None:
    lines = data.tables["transactions"]
    late = lines.head(1).with_columns(
        customer_id=pl.lit("late"), order_id=pl.lit("late"), ordered_at=pl.lit(datetime(2026, 6, 30, 9))
    )
    told = estimate_value(as_dataset(pl.concat([lines, late]), data.as_of), SPEC)
    row = told.customers.filter(customer_id="late").row(0, named=True)
    assert (row["T_weeks"], row["x"]) == (0, 0)
    assert row["expected_orders"] > 0
    assert row["p_alive"] > 0.5
    trace = explain_history(as_dataset(pl.concat([lines, late]), data.as_of), "late", SPEC, told)
    assert trace.clv == row["clv"]


def test_a_planted_covariate_is_kept_and_noise_is_dropped() -> None:
    rng = np.random.default_rng(10)
    slow = np.arange(1200) % 2 == 0
    buying = draw_bg_nbd(rng, draw_spans(rng, 1200, 104, 52), r=0.8, alpha=np.where(slow, 18.0, 5.0), a=0.8, b=2.5)
    lines = to_lines(write_orders(buying, draw_values(rng, buying, p=5.0, q=4.0, gamma=16.0), END))
    ids = lines["customer_id"].unique().sort()
    people = pl.DataFrame(
        {
            "customer_id": ids,
            "channel_of_origin": pl.Series(np.where(ids.cast(pl.Int64).to_numpy() % 2 == 0, "s", "f")),
            "noise": rng.integers(0, 3, len(ids)),
            "left_at": pl.Series([None] * len(ids), dtype=pl.Date),
        }
    )
    data = Dataset.build({"transactions": lines, "customers": people}, as_of=END, currency="USD")
    assert covariate_choices(data) == ("channel_of_origin", "noise")
    spec = dataclasses.replace(SPEC, model="bg_nbd", n_draws=50)
    told = estimate_value(data, dataclasses.replace(spec, covariates=("channel_of_origin",)))
    assert told.covariates == ("channel_of_origin: s",)
    assert told.parameters.height == 4 + 3 + 3
    assert told.customers.filter(pl.col("x") == 0)["expected_orders"].n_unique() > 2
    dropped = estimate_value(data, dataclasses.replace(spec, covariates=("noise",)))
    assert dropped.covariates == ()
    assert "value_covariates_dropped" in {caveat.code for caveat in dropped.caveats}
    with pytest.raises(AnalysisError) as error:
        estimate_value(data, dataclasses.replace(spec, covariates=("left_at",)))
    assert error.value.code == "value_covariate_unknown"


# ---- what cannot be told


def bought(days_of: dict[str, list[int]], last: int = 200, amount: int = 1000) -> Dataset:
    rows = [(who, f"{who}-{i}", day) for who, days in days_of.items() for i, day in enumerate(days)]
    lines = pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [row[1] for row in rows],
            "ordered_at": [datetime(2026, 1, 1) + timedelta(days=row[2]) for row in rows],
            "amount": [amount] * len(rows),
            "kind": ["sale"] * len(rows),
        }
    )
    return as_dataset(lines, date(2026, 1, 1) + timedelta(days=last))


def some(rng: np.random.Generator, n: int, last: int, every: float) -> dict[str, list[int]]:
    told = {}
    for i in range(n):
        begin = int(rng.integers(0, last // 3))
        gaps = rng.exponential(every, 40).cumsum()
        told[f"c{i:03d}"] = [begin, *sorted({begin + int(g) for g in gaps if begin + g < last and g >= 1})]
    return told


RNG = np.random.default_rng(2)
CASES: dict[str, tuple[Dataset, set[str]]] = {
    "all one purchase": (bought({f"c{i:03d}": [i % 150] for i in range(120)}), {"btyd_no_repeat"}),
    "two weeks": (bought(some(RNG, 80, 14, 4), last=14), {"btyd_too_short"}),
    "five customers": (bought(some(RNG, 5, 200, 20)), {"btyd_too_few"}),
    "equal timestamps": (bought({f"c{i:03d}": [10, 10] for i in range(80)}, last=10), {"btyd_no_time"}),
    "one day only": (bought({f"c{i:03d}": [0] for i in range(80)}, last=0), {"value_too_short"}),
    "all new today": (bought({f"c{i:03d}": [200] for i in range(80)}), {"value_too_short"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_no_rule_can_tell_either_is_refused_with_its_reason(case: str) -> None:
    data, codes = CASES[case]
    with pytest.raises(AnalysisError) as error:
        estimate_value(data, SPEC)
    assert error.value.code in codes | {"value_too_short"}
    for language in LANGUAGES:
        words = words_for(language)
        for key in (f"error.{error.value.code}", f"error.{error.value.code}.remedy"):
            text = words.phrase(key, **error.value.params)
            assert text != key
            assert "{" not in text


def loyal() -> Dataset:
    """Everybody buys about every ten days and nobody ever leaves."""
    rng = np.random.default_rng(5)
    return bought(some(rng, 150, 300, 10.0), last=300)


def giant() -> Dataset:
    """One account orders every day and holds most of all repeats."""
    rng = np.random.default_rng(6)
    people = {who: days[:2] for who, days in some(rng, 90, 300, 60.0).items()}
    return bought(people | {"giant": list(range(300))}, last=300)


@pytest.mark.parametrize(
    ("data", "code"), [(loyal(), "btyd_no_dropout"), (giant(), "btyd_dominated")], ids=["loyal", "giant"]
)
def test_a_simple_rule_stands_in_visibly(data: Dataset, code: str) -> None:
    told = estimate_value(data, SPEC)
    assert (told.basis, told.model, told.fallback_code) == ("rule", "", code)
    assert told.fallback in {"last_year", "frequency", "constant"}
    assert told.grade is None
    assert told.customers["p_alive"].null_count() == told.n_customers
    assert (told.customers["expected_orders_lo"] <= told.customers["expected_orders_hi"]).all()
    assert set(told.models["failed"].drop_nulls()) >= {code}
    assert "value_rule" in {caveat.code for caveat in told.caveats}
    best = told.rules.filter(measure="orders").sort("rmse")["rule"][0]
    assert told.fallback == best
    assert told.orders_lo <= told.total_orders <= told.orders_hi


def test_a_subscription_is_worth_its_fees_to_come() -> None:
    rng = np.random.default_rng(9)
    chance = rng.beta(0.8, 6.0, 400)
    begun = rng.integers(0, 330, 400)
    length = rng.geometric(chance)
    paid, left = {}, []
    for i in range(400):
        days = [int(begun[i]) + 30 * k for k in range(int(length[i])) if begun[i] + 30 * k <= 360]
        paid[f"c{i:03d}"] = days
        end = int(begun[i]) + 30 * int(length[i])
        left.append(date(2026, 1, 1) + timedelta(days=end) if end <= 360 else None)
    people = pl.DataFrame({"customer_id": list(paid), "left_at": pl.Series(left, dtype=pl.Date)})
    lines = bought(paid, last=360).tables["transactions"]
    data = Dataset.build({"transactions": lines, "customers": people}, as_of=date(2026, 12, 27), currency="USD")
    told = estimate_value(data, dataclasses.replace(SPEC, horizon_days=300, discount_rate_yearly=0.0))
    assert (told.basis, told.model, told.fallback_code) == ("subscription", "sbg", "value_subscription")
    assert told.fallback_params == (("period_days", 30.0),)
    gone = np.array([day is not None for day in left])
    # Who paid n times has renewed n - 1 times, and left at the n-th renewal.
    tenure = np.where(gone, length - 1, (360 - begun) // 30)
    model = fit_sbg(tenure + gone, gone)
    own = told.customers
    assert own["p_alive"].to_list() == (~gone).astype(float).tolist()
    here = np.flatnonzero(~gone)[:25]
    for i in here:
        fees = model.survival(np.arange(1, 11), float(tenure[i])).sum()
        assert own["expected_orders"][int(i)] == pytest.approx(fees, rel=1e-6)
        assert own["clv"][int(i)] == pytest.approx(10 * fees, rel=1e-6)
    assert own.filter(pl.col("p_alive") == 0)["clv"].sum() == 0
    assert (own["expected_orders_lo"] <= own["expected_orders"] + 1e-9).all()
    assert told.groups["n_customers"].sum() == 400
    assert {"protect", "win_back"} <= set(own["group"])


def test_missing_fields_are_named(data: Dataset) -> None:
    with pytest.raises(AnalysisError) as error:
        estimate_value(as_dataset(data.tables["transactions"].drop("customer_id"), END), SPEC)
    assert error.value.code == "fields_missing"


def test_a_calendar_that_runs_double_in_winter_is_learned() -> None:
    from analytics.value.past import learn_clock
    from analytics.value.purchases import read_purchases, to_day

    rng = np.random.default_rng(11)
    last = 3 * 364
    people: dict[str, list[int]] = {}
    pace = np.where((np.arange(last) % 364) < 182, 0.5, 1.5)
    for i in range(600):
        begin = int(rng.integers(0, 200))
        rate = rng.gamma(1.5, 0.02)
        days = begin + 1 + np.flatnonzero(rng.random(last - begin - 1) < rate * pace[begin + 1 :])
        stop = rng.exponential(900)
        people[f"c{i:03d}"] = [begin, *[int(day) for day in days if day - begin < stop]]
    data = bought(people, last=last - 1)
    purchases = read_purchases(data, data.as_of)
    clock = learn_clock(purchases, to_day(data.as_of), 7.0, "mbg_nbd", 182)
    assert clock is not None
    start = to_day(date(2026, 1, 1)) + last - 1
    # The half year ahead is a slow one.
    ahead = clock.span(start, start + 182) * 7 / 182
    behind = clock.span(start - 170, start - 10) * 7 / 160
    assert behind / ahead == pytest.approx(3.0, rel=0.25)
    short = learn_clock(purchases, to_day(data.as_of) - 400, 7.0, "mbg_nbd", 182)
    assert short is None
