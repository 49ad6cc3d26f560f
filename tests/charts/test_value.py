"""Value and portfolio charts: every one in three languages, for a rich and for poor results; what they say."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import value as charts
from analytics.contrasts import PRIVACY_LIMIT
from analytics.i18n import LANGUAGES, words_for
from analytics.value import CustomerTrace, ValueResult, ValueSpec
from analytics.value.spec import Spread

EN = words_for("en")
AS_OF = date(2026, 6, 30)
R, ALPHA, A, B = 0.6, 6.0, 0.9, 3.2  # of the made-up base, weeks
WITH_FINDING = (
    *("tracking", "weekly", "by_frequency", "deciles", "rates", "leaving", "alive", "cohorts"),
    *("groups_map", "value_grid", "iso_value", "pareto"),
)


def p_alive(x: Any, t_x: Any, length: Any) -> Any:
    """BG/NBD, Fader, Hardie & Lee (2005)."""
    ratio = A / (B + np.maximum(x, 1) - 1) * ((ALPHA + length) / (ALPHA + t_x)) ** (R + x)
    return np.where(np.asarray(x) > 0, 1 / (1 + ratio), 1.0)


@cache
def rich() -> ValueResult:
    """A base as a model would see it; its numbers hang together, none comes from the analysis."""
    rng = np.random.default_rng(5)
    n = 900
    rate, leave = rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n)
    first = rng.integers(0, 100, n)
    length = 104.0 - first
    x, t_x = np.zeros(n, int), np.zeros(n)
    for i in range(n):
        at = 0.0
        while (at := at + rng.exponential(1 / rate[i])) < length[i]:
            x[i], t_x[i] = x[i] + 1, at
            if rng.random() < leave[i]:
                break
    alive = p_alive(x, t_x, length)
    orders = alive * (R + x) / (ALPHA + length) * 36
    value = np.round(600 * rng.gamma(6, 1 / 6, n), 2)
    clv = orders * value * 0.95
    worth = clv / alive
    high = worth >= np.quantile(worth, 0.8)
    group = np.where(alive >= 0.5, np.where(high, "protect", "grow"), np.where(high, "win_back", "let_go"))
    start = AS_OF - timedelta(days=728)
    customers = pl.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(n)],
            "n_purchases": x + 1,
            "x": x,
            "t_x_weeks": t_x,
            "T_weeks": length,
            "first_purchase_on": [start + timedelta(days=7 * int(f)) for f in first],
            "last_purchase_on": [
                start + timedelta(days=7 * int(f) + int(7 * t)) for f, t in zip(first, t_x, strict=True)
            ],
            "mean_repeat_value": value,
            "p_alive": alive,
            "expected_orders": orders,
            "expected_orders_lo": np.floor(orders * 0.4),
            "expected_orders_hi": np.ceil(orders * 1.8),
            "expected_order_value": value,
            "clv": clv,
            "clv_lo": clv * 0.3,
            "clv_hi": clv * 2.0,
            "worth_if_active": worth,
            "value_last_year": value * np.minimum(x, 6),
            "group": group,
        }
    ).with_columns(cohort=pl.col("first_purchase_on").dt.truncate("1q"))
    total = float(clv.sum())
    weeks = [start + timedelta(days=7 * k + 6) for k in range(104)]
    expected = np.linspace(2, 40, 104)
    actual = rng.poisson(expected)
    tracking = pl.DataFrame(
        {
            "week": weeks,
            "in_holdout": [k >= 70 for k in range(104)],
            "n_actual": actual,
            "n_expected": expected,
            "lo": expected * 0.7,
            "hi": expected * 1.3,
            "actual_cumulative": np.cumsum(actual),
            "expected_cumulative": np.cumsum(expected),
            "lo_cumulative": np.cumsum(expected) * 0.9,
            "hi_cumulative": np.cumsum(expected) * 1.1,
        }
    )
    frequency = pl.DataFrame(
        {
            "n_repeat": list(range(8)),
            "n_customers": [400, 180, 110, 70, 50, 30, 20, 40],
            "actual": [0.2, 0.6, 0.9, 1.2, 1.9, 2.2, 2.4, 5.0],
            "expected": [0.22, 0.5, 0.92, 1.3, 1.7, 2.1, 2.6, 4.7],
            "lo": [0.18, 0.4, 0.8, 1.1, 1.4, 1.7, 2.0, 4.1],
            "hi": [0.26, 0.58, 1.05, 1.5, 2.0, 2.5, 3.2, 5.3],
        }
    )
    tenth = np.array([5.0, 2.5, 1.6, 1.1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1])
    deciles = pl.DataFrame(
        {
            "decile": list(range(1, 11)),
            "n_customers": [90] * 10,
            "actual": tenth,
            "expected": tenth * 0.95,
            "actual_value": tenth * 600,
            "expected_value": tenth * 580,
            "gain": np.cumsum(tenth) / tenth.sum(),
        }
    )
    order = np.sort(clv)[::-1]
    at = np.arange(0, n + 1, 9)
    pareto = pl.DataFrame(
        {"customer_share": at / n, "value_share": np.concatenate([[0.0], np.cumsum(order)])[at] / total}
    )
    groups = (
        customers.group_by("group")
        .agg(
            n_customers=pl.len(),
            customer_share=pl.len() / n,
            p_alive=pl.col("p_alive").mean(),
            clv=pl.col("clv").sum(),
            value_last_year=pl.col("value_last_year").sum(),
        )
        .with_columns(clv_lo=pl.col("clv") * 0.9, clv_hi=pl.col("clv") * 1.1, clv_share=pl.col("clv") / total)
    )
    cohorts = (
        customers.group_by("cohort")
        .agg(
            n_customers=pl.len(),
            p_alive=pl.col("p_alive").mean(),
            expected_orders=pl.col("expected_orders").sum(),
            clv=pl.col("clv").sum(),
        )
        .with_columns(clv_lo=pl.col("clv") * 0.9, clv_hi=pl.col("clv") * 1.1)
        .sort("cohort")
    )
    grid_x = np.repeat(np.arange(1, 21), 20)
    grid_t = np.tile(np.linspace(0, 90, 21)[1:], 20)
    surface_alive = p_alive(grid_x, grid_t, 90.0)
    surface = surface_alive * (R + grid_x) / (ALPHA + 90) * 36
    iso = pl.DataFrame(
        {
            "x": grid_x,
            "t_x_weeks": grid_t,
            "T_weeks": [90.0] * 400,
            "p_alive": surface_alive,
            "expected_orders": surface,
            "clv": surface * 600,
        }
    )
    days = pl.Series([(AS_OF - day).days for day in customers["last_purchase_on"]])
    cells = (
        customers.with_columns(days=days)
        .with_columns(
            recency_group=(4 - (pl.col("days").rank("ordinal") * 5 / (n + 1)).floor().cast(pl.Int64) - 1),
            frequency_group=pl.col("n_purchases").clip(1, 5),
        )
        .with_columns(
            recency_from_days=pl.col("days").min().over("recency_group"),
            recency_to_days=pl.col("days").max().over("recency_group"),
            frequency_from=pl.col("n_purchases").min().over("frequency_group"),
            frequency_to=pl.col("n_purchases").max().over("frequency_group"),
        )
    )
    bounds = ("recency_from_days", "recency_to_days", "frequency_from", "frequency_to")
    grid = cells.group_by("recency_group", "frequency_group", *bounds).agg(
        n_customers=pl.len(),
        p_alive=pl.col("p_alive").mean(),
        clv_mean=pl.col("clv").mean(),
        clv_total=pl.col("clv").sum(),
    )
    nothing = pl.DataFrame()
    return ValueResult(
        spec=ValueSpec(),
        basis="repeat",
        model="bg_nbd",
        choice="simplest",
        fallback=None,
        fallback_code=None,
        fallback_params=(),
        calendar=False,
        covariates=(),
        has_values=True,
        currency="TWD",
        first_day=start,
        calibration_until=weeks[69],
        as_of=AS_OF,
        holdout_days=238,
        horizon_days=365,
        n_customers=n,
        n_repeat=int((x > 0).sum()),
        n_without_purchase=0,
        correlation=0.03,
        independence_p=0.4,
        mean_order_value=600.0,
        total_clv=total,
        total_lo=total * 0.93,
        total_hi=total * 1.07,
        total_orders=float(orders.sum()),
        orders_lo=float(orders.sum()) * 0.93,
        orders_hi=float(orders.sum()) * 1.07,
        grade="B",
        grade_rule=pl.DataFrame(
            {
                "criterion": ["total_error", "against_rules", "coverage", "calibration"],
                "value": [0.08, -0.12, 0.82, 0.1],
                "a_up_to": [0.05, 0.0, 0.05, 0.1],
                "b_up_to": [0.1, 0.05, 0.1, 0.2],
                "c_up_to": [0.2, 0.1, 0.2, 0.4],
                "grade": ["B", "A", "A", "A"],
            }
        ),
        customers=customers,
        parameters=pl.DataFrame(
            {
                "model": ["bg_nbd"] * 4 + ["gamma_gamma"] * 3,
                "parameter": ["r", "alpha", "a", "b", "p", "q", "gamma"],
                "estimate": [R, ALPHA, A, B, 6.2, 3.7, 15.4],
                "lo": [0.55, 5.4, 0.7, 2.4, 5.0, 3.1, 9.0],
                "hi": [0.66, 6.7, 1.1, 4.2, 7.7, 4.4, 26.0],
                "se_log": [0.07, 0.08, 0.17, 0.2, 0.16, 0.13, 0.4],
            }
        ),
        models=pl.DataFrame(
            {
                "model": ["bg_nbd", "mbg_nbd", "pareto_nbd"],
                "log_likelihood": [-4200.1, -4203.0, None],
                "aic": [8408.2, 8414.0, None],
                "holdout_mae": [0.71, 0.72, None],
                "holdout_rmse": [1.2, 1.21, None],
                "holdout_log_score": [-1.001, -1.004, None],
                "log_score_se": [0.0, 0.002, None],
                "total_error": [0.04, -0.06, None],
                "coverage": [0.9, 0.91, None],
                "chosen": [True, False, False],
                "failed": [None, None, "btyd_not_converged"],
            }
        ),
        tracking=tracking,
        by_frequency=frequency,
        deciles=deciles,
        rules=pl.DataFrame(
            {
                "rule": ["model", "last_year", "frequency", "constant"] * 2,
                "measure": ["orders"] * 4 + ["value"] * 4,
                "mae": [0.71, 0.8, 0.85, 1.1, 420.0, 400.0, 500.0, 690.0],
                "rmse": [1.2, 1.4, 1.5, 1.9, 800.0, 850.0, 900.0, 1100.0],
                "spearman": [0.62, 0.6, 0.55, None, 0.6, 0.58, 0.5, None],
                "top_share_captured": [0.6, 0.58, 0.55, 0.2, 0.61, 0.6, 0.5, 0.2],
                "best_share": [0.8] * 8,
                "total_error": [0.04, 0.2, 0.3, -0.1, 0.05, 0.2, 0.3, -0.1],
            }
        ),
        cohorts=cohorts,
        pareto=pareto,
        rfm_grid=grid,
        iso_value=iso,
        groups=groups,
        p_alive_threshold=0.5,
        worth_threshold=float(np.quantile(worth, 0.8)),
        spread=Spread(
            nothing, np.zeros((0, 4), np.float32), np.zeros((0, 7), np.float32), np.zeros((7, 7)), 0.0, 0.0, 0
        ),
        caveats=(),
        key="rich",
    )


@cache
def poor() -> ValueResult:
    """No amounts, no holdout, and a simple rule that cannot tell who is active."""
    whole = rich()
    nothing = pl.lit(None, pl.Float64)
    money = ("clv", "clv_lo", "clv_hi", "value_last_year", "expected_order_value", "mean_repeat_value")
    few = whole.customers.head(40).with_columns(nothing.alias(name) for name in (*money, "p_alive"))
    few = few.with_columns(worth_if_active="expected_orders", group=pl.lit("grow"))
    groups = pl.DataFrame(
        {"group": ["grow"], "n_customers": [40], "customer_share": [1.0], "clv_share": [None]}
    ).with_columns(nothing.alias(name) for name in ("p_alive", "clv", "clv_lo", "clv_hi", "value_last_year"))
    empty = {name: getattr(whole, name).clear() for name in FRAMES}
    return dataclasses.replace(
        whole,
        **empty,
        basis="rule",
        model="",
        choice="",
        fallback="last_year",
        fallback_code="btyd_no_repeat",
        has_values=False,
        holdout_days=0,
        n_customers=40,
        total_clv=None,
        total_lo=None,
        total_hi=None,
        total_orders=31.4,
        orders_lo=20.0,
        orders_hi=44.0,
        grade=None,
        customers=few,
        groups=groups,
        worth_threshold=2.0,
        key="poor",
    )


FRAMES = (
    *("grade_rule", "parameters", "models", "tracking", "by_frequency", "deciles", "rules", "cohorts", "pareto"),
    *("rfm_grid", "iso_value"),
)
TRACE = CustomerTrace(
    customer_id="c0000",
    rows=pl.DataFrame(
        {
            "ordered_at": [AS_OF - timedelta(days=days) for days in (300, 300, 200, 90)],
            "order_id": ["1", "1", "2", "3"],
            "amount": [100.0, 50.0, 80.0, -80.0],
            "counted": [True, True, True, False],
            "role": ["first", "same_day", "repeat", "return"],
        }
    ),
    days=pl.DataFrame(
        {
            "day": [AS_OF - timedelta(days=300), AS_OF - timedelta(days=200)],
            "role": ["first", "repeat"],
            "value": [150.0, 80.0],
            "weeks": [0.0, 100 / 7],
        }
    ),
    x=1,
    t_x_weeks=100 / 7,
    T_weeks=300 / 7,
    mean_repeat_value=80.0,
    p_alive=0.4,
    expected_orders=1.2,
    expected_order_value=110.0,
    clv=130.0,
    key="trace",
)


def rows_of(spec: Any) -> list[dict[str, Any]]:
    """The rows of a chart's first layer."""
    while "data" not in spec:
        spec = spec["layer"][0]
    found: list[dict[str, Any]] = spec["data"]["values"]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WITH_FINDING)
def test_each_chart_has_its_picture_finding_and_note(name: str, language: Any) -> None:
    result, _ = rich(), words_for(language)
    spec = getattr(charts, name)(result, _)
    assert spec["config"]["axis"]["domain"] is False
    assert "NaN" not in json.dumps(spec)
    finding, note = (getattr(charts, f"{name}_{part}")(result, _) for part in ("finding", "note"))
    assert 4 < len(finding) <= (60 if language == "en" else 34)
    assert len(note) > 10
    assert "{" not in finding + note


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_result_with_next_to_nothing_still_speaks(language: Any) -> None:
    result, _ = poor(), words_for(language)
    head = charts.headline(result, _)
    assert "31" in head.finding
    figures = {metric.label: metric.value for metric in head.metrics}
    assert list(figures.values())[1:3] == ["–", "–"], "neither who is active nor a grade is known"
    assert list(figures.values())[3] == _.phrase("option.rule.last_year")
    assert charts.fallback_title(result, _).endswith(_.phrase("option.rule.last_year"))
    assert charts.fallback_body(result, _)
    assert len(charts.portfolio_headline(result, _).metrics) == 4
    assert not any(told(result) for told in (charts.has_holdout, charts.has_model, charts.has_surface))
    assert not charts.knows_alive(result)
    for name in ("groups_map", "value_grid", "pareto", "cohorts", "alive"):
        json.dumps(getattr(charts, name)(result, _))
        assert getattr(charts, f"{name}_finding")(result, _)
        assert getattr(charts, f"{name}_note")(result, _)
    assert charts.group_metrics(result, "grow", _) == ()
    assert charts.customer_table(result).columns[0] == "customer_id"
    assert "clv" not in charts.customer_table(result).columns
    assert charts.grade_rows(result, _) == charts.rule_rows(result, _) == charts.model_rows(result, _) == []
    subscription = dataclasses.replace(result, basis="subscription", model="sbg", fallback=None)
    assert charts.headline(subscription, _).metrics[3].value == "sBG"
    assert charts.fallback_title(subscription, _) != charts.fallback_title(result, _)


def test_the_answer_card_says_what_is_there() -> None:
    result = rich()
    head = charts.headline(result, EN)
    figures = {metric.label: (metric.value, metric.note) for metric in head.metrics}
    assert head.finding == f"Customers will bring {EN.compact(result.total_clv, 'TWD')} in the next 12 months"
    assert figures["Probably active"][0] == EN.number(round(float(result.customers["p_alive"].sum())))
    assert figures["Grade"] == ("B", "total off by 8%")
    assert figures["Model"] == ("BG/NBD", "simplest of the best")
    assert "counts 91% of" in head.sentence
    assert charts.rules_that_win(result) == {}
    rules = result.rules.with_columns(rmse=pl.when(pl.col("rule") == "last_year").then(0.5).otherwise("rmse"))
    beaten = dataclasses.replace(result, rules=rules)
    assert charts.rules_that_win(beaten) == {"orders": "last_year", "value": "last_year"}
    assert charts.winner_sentence(beaten, EN) == "For purchases, revenue a simple rule wins"
    assert "a simple rule was closer" in charts.headline(beaten, EN).sentence
    marked = [row["According to"] for row in charts.rule_rows(beaten, EN) if "✓" in row["According to"]]
    assert marked == ["**Last year goes on** ✓"] * 2
    zh = charts.headline(result, words_for("zh_TW"))
    assert "萬" in zh.metrics[0].label
    assert "萬" not in zh.metrics[0].value


def test_tables_tell_every_criterion_model_rule_and_parameter() -> None:
    result = rich()
    grades = charts.grade_rows(result, EN)
    assert [row["Grade"] for row in grades] == ["B", "A", "A", "A"]
    assert grades[0] == {
        "Criterion": "All purchases together: off by",
        "Measured": "8.0%",
        "A: at most": "5%",
        "B: at most": "10%",
        "C: at most": "20%",
        "Grade": "B",
    }
    models = charts.model_rows(result, EN)
    assert models[0]["Model"] == "**BG/NBD** ✓"
    assert models[2]["Could not be fitted"] == EN.phrase("error.btyd_not_converged")
    assert models[2]["Log score"] == "–"
    parameters = charts.parameter_rows(result, EN)
    assert [row["Parameter"].split(" · ")[1] for row in parameters] == ["r", "α", "a", "b", "p", "q", "γ"]
    assert all(len(row["What it means"]) > 30 for row in parameters)


def test_shares_in_bands_are_those_of_the_distributions() -> None:
    """By numerical draws of the gamma and beta distributions."""
    rng, result = np.random.default_rng(1), rich()
    rate, leave = rng.gamma(R, 1 / ALPHA, 400_000) * 365.25 / 7, rng.beta(A, B, 400_000)
    rows = rows_of(charts.rates(result, EN))
    edges = np.array([0, 1, 2, 4, 6, 12, 26, np.inf])
    assert [row["share"] for row in rows] == pytest.approx(np.histogram(rate, edges)[0] / 400_000, abs=0.004)
    rows = rows_of(charts.leaving(result, EN))
    edges = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1])
    assert [row["share"] for row in rows] == pytest.approx(np.histogram(leave, edges)[0] / 400_000, abs=0.004)
    assert charts.rates_finding(result, EN) == f"While they stay, they order {R / ALPHA * 365.25 / 7:.1f} times a year"
    assert charts.leaving_finding(result, EN) == f"After each order {A / (A + B):.0%} leave on average"


def test_curves_of_equal_value_lie_where_the_surface_has_that_value() -> None:
    from analytics.charts.value import surface

    result = rich()
    curves, ends = surface._curves(result, surface._surface(result))
    assert 3 <= len(ends) <= 5
    for point in curves:
        t_x = 90.0 - point["x"]
        exact = p_alive(point["y"], t_x, 90.0) * (R + point["y"]) / (ALPHA + 90) * 36 * 600
        assert exact == pytest.approx(point["level"], rel=0.05), "between the points of the surface"
    assert surface.levels(30.0, 2600.0) == [2000.0, 1000.0, 500.0, 200.0, 100.0]


def test_groups_and_lists_hold_everybody_once() -> None:
    result = rich()
    lists = {code: charts.group_list(result, code) for code in charts.group_names(EN)}
    assert sum(frame.height for frame in lists.values()) == 900
    assert lists["protect"]["clv"].is_sorted(descending=True)
    labels = charts.group_labels(result)
    assert labels.labels == ("protect", "grow", "win_back", "let_go")
    assert labels.frame["customer_id"].n_unique() == 900
    named = charts.all_groups(result, EN)
    assert set(named["group"]) == {"1 · Protect", "2 · Grow", "3 · Win back", "4 · Let go"}
    text = json.dumps(charts.value_grid(result, EN))
    assert f"<{PRIVACY_LIMIT}" in text, "a small cell tells neither number"
    small = result.rfm_grid.filter(pl.col("n_customers") < PRIVACY_LIMIT)
    assert small.height
    assert all(EN.compact(round(value), "TWD") + '"' not in text for value in small["clv_mean"] if value > 1000)


def test_one_customer_is_told_step_by_step() -> None:
    result = rich()
    figures = {metric.label: metric.value for metric in charts.figures(TRACE, result, EN)}
    assert figures["x, repeat days"] == "1"
    assert figures["t_x, weeks"] == "14.3"
    assert figures["T, weeks"] == "42.9"
    assert figures["P(alive)"] == "40%"
    assert "4 rows make 2 purchase days" in charts.timeline_note(TRACE, result, EN)
    assert charts.timeline_finding(TRACE, result, EN) == "Active with 40%, worth NT$130 in 12 months"
    assert "T = 42.9 weeks" in json.dumps(charts.timeline(TRACE, result, EN))
    told = {row["day"]: row["alive"] for row in rows_of(charts.alive_path(TRACE, result, EN))}
    assert told[AS_OF.isoformat()] == pytest.approx(float(p_alive(1, 100 / 7, 300 / 7)))
    before = (AS_OF - timedelta(days=201)).isoformat()
    assert told[before] == 1.0, "nobody leaves before a repeat in BG/NBD"
    assert not charts.has_path(TRACE, dataclasses.replace(result, covariates=("tier: Gold",)))
    rows = charts.row_table(TRACE, EN)
    assert rows["role"].to_list() == ["First purchase", "Same day as another", "Repeat purchase", "A return"]
    assert rows["counted"].to_list() == ["✓", "✓", "✓", "–"]
    assert charts.row_kinds(rows)["amount"] == "money"
    assert charts.is_known(result, "c0000")
    assert not charts.is_known(result, "nobody")
    offered = charts.examples(result)
    assert len(offered) == len(set(offered)) > 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_segments_and_cards_speak_each_language(language: Any) -> None:
    result, _ = rich(), words_for(language)
    frame = pl.DataFrame(
        {
            "label": ["a", "b", "c"],
            "n_customers": [500, 395, 5],
            "p_alive": [0.8, 0.5, 0.1],
            "clv": [400_000.0, 200_000.0, 10.0],
            "clv_lo": [350_000.0, 150_000.0, 0.0],
            "clv_hi": [450_000.0, 250_000.0, 50.0],
        }
    )
    names = {"a": "1 · Loyal", "b": "2 · New", "c": "3 · Few"}
    drawn = json.dumps(charts.segments(result, frame, names, _), ensure_ascii=False)
    assert "1 · Loyal" in drawn
    assert '"name": "3 · Few"' not in drawn, "five customers are not told"
    assert "Loyal" in charts.segments_finding(result, frame, names, _)
    assert charts.segments_note(result, frame, names, _)
    for code in charts.group_names(_):
        assert charts.group_title(result, code, _)
        assert charts.group_advice(code, _)
        assert len(charts.group_metrics(result, code, _)) == 4
    assert charts.months(730, _) == _.ngettext("{n} month", "{n} months", 24)
    assert charts.months(100, _) == _.ngettext("{n} day", "{n} days", 100)
