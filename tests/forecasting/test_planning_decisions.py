"""Scenarios and stock from a made-up forecast: by hand, against formulas, guards, and what must hold of any of them."""

from __future__ import annotations

import dataclasses
import math
from datetime import date
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.calendar import CalendarSpec
from analytics.errors import AnalysisError
from analytics.forecasting.planning import (
    DemandScenario,
    PlanningSpec,
    ResponseSpec,
    StockSpec,
    plan_stock,
    play_scenarios,
    price_today,
)
from analytics.forecasting.spec import ForecastSpec
from sample_data.price_response import draw_priced_sales
from tests.forecasting.made_plans import PRICE, made, response
from tests.forecasting.planted_prices import to_drivers


def flat(horizon: int = 14, value: float = 10.0, n: int = 200) -> Any:
    return np.full((n, horizon), value)


def spec(*scenarios: DemandScenario, **options: Any) -> PlanningSpec:
    return PlanningSpec(scenarios=scenarios, **options)


# ---- scenarios ---------------------------------------------------------------------------------------------------


def test_scenarios_by_hand() -> None:
    """14 days of 10 at 100 each; margin .4: each item costs 60."""
    plan = spec(
        DemandScenario(price_change=-0.1),
        DemandScenario(discount=0.2, promotion_from=3, promotion_days=4),
        DemandScenario(event="double_11", event_from=14, event_days=9),
        DemandScenario(price_change=0.1, discount=0.2, promotion_from=1, promotion_days=14),
        right=2,
        margin_share=0.4,
    )
    played = play_scenarios(made(flat()), response(), plan, price=PRICE)
    cheaper = 0.9**-2
    lift = math.exp(0.1) * 0.8**-1.5
    quantity = [140.0, 140 * cheaper, 10 * (10 + 4 * lift), 10 * (13 + math.exp(0.5)), 140 * 1.1**-2 * lift]
    assert np.allclose(played.scenarios["quantity"], quantity, rtol=1e-6)
    revenue = [14_000, 90 * quantity[1], 1000 * 10 + 800 * 4 * lift, 100 * quantity[3], 88 * quantity[4]]
    assert np.allclose(played.scenarios["revenue"], revenue, rtol=1e-6)
    profit = [5_600, 30 * quantity[1], 400 * 10 + 200 * 4 * lift, 40 * quantity[3], 28 * quantity[4]]
    assert np.allclose(played.scenarios["profit"], profit, rtol=1e-6)
    assert played.scenarios["quantity_change"][0] is None
    assert np.allclose(played.scenarios["quantity_change"][1:], np.array(quantity[1:]) / 140 - 1)
    versus = {row["measure"]: row for row in played.versus.iter_rows(named=True)}
    assert math.isclose(versus["profit"]["difference"], profit[2] - profit[0], rel_tol=1e-6)
    assert versus["quantity"]["chance"] == 1
    assert versus["profit"]["chance"] == float(profit[2] > profit[0])
    ratio = played.periods.filter(place=2)["ratio"]
    assert np.allclose(ratio, [1, 1] + [lift] * 4 + [1] * 8)
    assert played.scenarios["told"].to_list() == [""] * 5
    assert not played.scenarios["at_edge"].any()


def test_curves_stay_inside_what_was_seen_and_hold_today() -> None:
    played = play_scenarios(made(flat()), response(spread=0.2), spec(margin_share=0.4), price=PRICE)
    curve = played.price_curve
    assert math.isclose(curve["change"].min(), -0.2)
    assert math.isclose(curve["change"].max(), 0.25)
    now = curve.filter(pl.col("change").abs() < 1e-9).row(0, named=True)
    assert all(
        math.isclose(now[f"{name}{end}"], 1) for name in ("quantity", "revenue", "profit") for end in ("", "_lo")
    )
    assert curve["quantity"].is_sorted(descending=True)
    assert (curve["quantity_lo"] <= curve["quantity"]).all()
    depths = played.promotion_curve
    assert (depths["depth"].min(), depths["depth"].max()) == (0.1, 0.3)
    without = play_scenarios(made(flat()), response(), spec(), price=None)
    assert without.scenarios["revenue"].null_count() == without.scenarios.height
    assert without.price_curve["revenue"].null_count() == without.price_curve.height


def test_what_lies_beyond_the_seen_is_counted_at_its_edge_and_said() -> None:
    played = play_scenarios(
        made(flat()), response(), spec(DemandScenario(price_change=-0.5), DemandScenario(discount=0.6)), price=PRICE
    )
    assert played.scenarios["at_edge"].to_list() == [False, True, True]
    assert math.isclose(played.scenarios["quantity"][1], 140 * 0.8**-2, rel_tol=1e-6)
    assert [item.code for item in played.caveats] == ["scenario_at_edge"]


def test_what_cannot_be_told_has_no_figures() -> None:
    plan = spec(DemandScenario(price_change=-0.1), DemandScenario(discount=0.2), DemandScenario(event="double_11"))
    played = play_scenarios(made(flat()), response(told="no_gain"), plan, price=PRICE)
    assert played.scenarios["told"].to_list() == ["", "no_gain", "no_gain", "no_gain"]
    assert played.scenarios["quantity"].null_count() == 3
    assert played.versus.is_empty()
    assert played.price_curve.is_empty()
    assert played.promotion_curve.is_empty()
    silent = play_scenarios(made(flat()), None, plan)
    assert silent.scenarios["told"].to_list() == ["", "no_response", "no_response", "no_response"]
    unknown = play_scenarios(made(flat()), response(), spec(DemandScenario(event="carnival"), DemandScenario()))
    assert unknown.scenarios["told"].to_list() == ["", "seen_once", ""]
    assert (unknown.left, unknown.right) == (0, 2), "the first that can be told"
    borrowed = play_scenarios(made(flat()), response(), plan, "all", "web")
    assert [item.code for item in borrowed.caveats] == ["response_borrowed"]


def test_intervals_hold_what_is_not_known_of_the_response_and_of_the_future() -> None:
    rng = np.random.default_rng(0)
    paths = rng.normal(100, 20, (4000, 1)).clip(0) @ np.ones((1, 14))
    plan = spec(DemandScenario(price_change=-0.1))
    sure, doubtful = (play_scenarios(made(paths), response(spread=size), plan, price=PRICE) for size in (0.0, 0.4))
    change = doubtful.scenarios.row(1, named=True)
    z = NormalDist().inv_cdf(0.95)
    ends = [0.9 ** (-2 + sign * z * 0.4) - 1 for sign in (-1, 1)]
    assert np.allclose(sorted(ends), [change["quantity_change_lo"], change["quantity_change_hi"]], atol=0.01)
    exact = sure.scenarios.row(1, named=True)
    assert math.isclose(exact["quantity_change_lo"], exact["quantity_change_hi"], abs_tol=1e-9)
    assert change["quantity_hi"] - change["quantity_lo"] > exact["quantity_hi"] - exact["quantity_lo"]
    assert doubtful.versus.filter(measure="quantity")["lo"][0] < sure.versus.filter(measure="quantity")["lo"][0]


def test_days_of_weeks_and_months_are_counted_one_by_one() -> None:
    """A promotion of seven days from day 4 covers four days of one week and three of the next."""
    plan = spec(DemandScenario(discount=0.2, promotion_from=4, promotion_days=7))
    lift = math.exp(0.1) * 0.8**-1.5
    weekly = play_scenarios(made(flat(4), frequency="week"), response(), plan)
    expected = [1 + 4 / 7 * (lift - 1), 1 + 3 / 7 * (lift - 1), 1, 1]
    assert np.allclose(weekly.periods.filter(place=1)["ratio"], expected)
    monthly = play_scenarios(made(flat(3), frequency="month"), response(), plan)
    assert math.isclose(monthly.periods.filter(place=1)["ratio"][0], 1 + 7 / 31 * (lift - 1), rel_tol=1e-9)


def test_an_event_that_the_forecast_knows_already_is_not_counted_twice() -> None:
    result = made(flat(20), start=date(2026, 11, 1))
    known = dataclasses.replace(result, spec=ForecastSpec(calendar=CalendarSpec(festivals=("double_11",))))
    plan = spec(DemandScenario(event="double_11", event_from=11, event_days=1))
    assert math.isclose(play_scenarios(known, response(), plan).scenarios["quantity"][1], 200)
    added = play_scenarios(result, response(), plan).scenarios["quantity"][1]
    assert math.isclose(added, 190 + 10 * math.exp(0.5), rel_tol=1e-6)


def test_the_price_of_today_is_that_of_the_last_weeks() -> None:
    sales = draw_priced_sales(4, n_products=2, n_days=300)
    drivers = to_drivers(sales)
    told = price_today(drivers, "A001")
    last = sales.frame.filter(product_id="A001").tail(91)
    assert last["list_price"].min() <= told.list_price <= last["list_price"].max()
    assert 0 <= told.usual_discount < 0.03
    assert told.paid == told.list_price * (1 - told.usual_discount)
    with pytest.raises(AnalysisError, match="price_unknown"):
        price_today(drivers, "nothing")


# ---- stock -------------------------------------------------------------------------------------------------------


def test_stock_by_hand() -> None:
    """Ten a day for certain: 14 + 7 days need 210 and no safety; 55 last five and a half days."""
    plan = plan_stock(made(flat(28)), StockSpec(on_hand=50, on_order=5))
    assert (plan.reorder_point, plan.order_up_to, plan.safety_stock) == (140, 210, 0)
    assert (plan.lead_demand, plan.cover_demand, plan.order_now) == (140, 210, 155)
    assert (plan.lasts_days, plan.lasts_early_days, plan.short_chance) == (5, 5, 1.0)
    assert plan.projection["left"].to_list()[:7] == [45, 35, 25, 15, 5, 0, 0]
    assert plan.projection["gone_chance"].to_list()[:7] == [0, 0, 0, 0, 0, 1, 1]
    spread = float(np.std([8.0, 12.0] * 30, ddof=1))
    assert math.isclose(plan.textbook_stock, NormalDist().inv_cdf(0.95) * spread * math.sqrt(21), rel_tol=1e-9)
    # 10, 15 and 20 a day came where 10 were expected.
    assert plan.checks["enough"].to_list() == [False, False, True]
    assert plan.checks.sort("demand")["demand"].to_list() == [210, 315, 420]
    assert (plan.n_enough, plan.n_checks) == (1, 3)


def test_normal_demand_gives_the_textbook_answers() -> None:
    """Independent normal days: the safety stock is z sigma sqrt(L + R); the fill rate follows the loss function."""
    rng = np.random.default_rng(1)
    paths = rng.normal(100, 20, (40_000, 28))
    lead, review = 9, 7
    cycle = plan_stock(made(paths), StockSpec(level=0.9, lead_time_days=lead, review_days=review))
    sigma = 20 * math.sqrt(lead + review)
    assert abs(cycle.safety_stock - NormalDist().inv_cdf(0.9) * sigma) < 0.03 * sigma
    assert abs(cycle.reorder_point - (900 + NormalDist().inv_cdf(0.9) * 60)) < 3
    fill = plan_stock(made(paths), StockSpec(goal="fill", level=0.98, lead_time_days=lead, review_days=review))

    def loss(stock: float, mean: float, spread: float) -> float:
        k = (stock - mean) / spread
        density = math.exp(-k * k / 2) / math.sqrt(2 * math.pi)
        return spread * (density - k * (1 - NormalDist().cdf(k)))

    stock = fill.order_up_to
    short = loss(stock, 1600, sigma) - loss(stock, 900, 60)
    assert abs(short - 0.02 * 700) < 0.8
    assert fill.order_up_to < cycle.order_up_to, "a fill rate forgives a small shortage"


def test_more_service_longer_waits_and_more_doubt_need_more_stock() -> None:
    rng = np.random.default_rng(2)
    noise = rng.gamma(4, 1, (3000, 40))
    plan = plan_stock(made(noise), StockSpec())
    assert plan.levels["order_up_to"].is_sorted()
    assert plan.levels["reorder_point"].is_sorted()
    assert plan_stock(made(noise), StockSpec(lead_time_days=20)).order_up_to > plan.order_up_to
    tight = plan_stock(made(noise * 0.2 + 3.2), StockSpec())
    assert tight.safety_stock < plan.safety_stock
    together = plan_stock(made(np.repeat(noise[:, :1], 40, axis=1)), StockSpec())
    assert together.safety_stock > 2 * plan.safety_stock, "days that move together are no comfort to each other"


def test_weeks_are_cut_by_their_days() -> None:
    plan = plan_stock(made(flat(4, 70.0), frequency="week"), StockSpec(lead_time_days=10, review_days=3))
    assert math.isclose(plan.lead_demand, 100, rel_tol=1e-6)
    assert math.isclose(plan.cover_demand, 130, rel_tol=1e-6)


def test_nothing_sold_needs_nothing() -> None:
    for goal in ("cycle", "fill"):
        plan = plan_stock(made(flat(28, 0.0)), StockSpec(goal=goal, on_hand=3))
        assert (plan.order_up_to, plan.order_now, plan.lasts_days, plan.short_chance) == (0, 0, None, 0)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: plan_stock(made(flat(10))), "stock_horizon_short"),
        (lambda: plan_stock(made(flat(28), measure="revenue")), "stock_not_items"),
        (lambda: StockSpec(level=0.2), "stock_option_out_of_range"),
        (lambda: StockSpec(review_days=0), "stock_option_out_of_range"),
        (lambda: DemandScenario(discount=1.2), "scenario_out_of_range"),
        (lambda: DemandScenario(promotion_days=0), "scenario_out_of_range"),
        (lambda: PlanningSpec(margin_share=1.0), "scenario_out_of_range"),
        (lambda: PlanningSpec(scenarios=(DemandScenario(),) * 7), "scenario_out_of_range"),
        (lambda: ResponseSpec(interval=0.1), "response_option_out_of_range"),
    ],
)
def test_nonsense_is_refused(make: Any, code: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        make()
    assert caught.value.code == code


def test_choices_survive_json() -> None:
    plan = spec(DemandScenario("Spring", -0.05, 0.2, 3, 4, "double_11", 5, 6), stock=StockSpec(goal="fill", level=0.9))
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(plan)), PlanningSpec, strict=True) == plan
