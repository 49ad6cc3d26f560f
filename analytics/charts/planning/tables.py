"""The plans as tables to take away: codes replaced by names, columns with names of their own."""

from __future__ import annotations

import polars as pl

from analytics.charts.forecasting.wording import event_name
from analytics.charts.planning.scenarios import scenario_names, scenario_table
from analytics.forecasting.planning import ResponseResult, ScenarioResult, StockResult
from analytics.i18n import Words

_ENDS = {"response_lo": "lo", "response_hi": "hi"}


def scenario_tables(result: ScenarioResult, _: Words) -> dict[str, pl.DataFrame]:
    """Totals and periods of every scenario, under translated titles."""
    names = scenario_names(result.spec, _)
    periods = result.periods.select(
        scenario=pl.col("place").replace_strict(names, return_dtype=pl.String),
        ds="ds",
        demand_ratio="ratio",
        response_lo="ratio_lo",
        response_hi="ratio_hi",
        quantity="quantity",
        quantity_lo="quantity_lo",
        quantity_hi="quantity_hi",
        revenue="revenue",
    )
    return {_("Scenarios side by side"): scenario_table(result, _), _("Scenarios by period"): periods}


def response_tables(response: ResponseResult, _: Words) -> dict[str, pl.DataFrame]:
    """What price, promotion and events go with, of all products, each group and each product."""
    price = _named(response.prices, _).select(
        "response_of",
        "elasticity",
        "n_prices",
        "lowest_ratio",
        "highest_ratio",
        "gain_share",
        "why_untold",
        **_ENDS,
    )
    promotion = _named(response.promotions, _).select(
        "response_of", "depth", "n_occasions", "gain_share", "why_untold", demand_ratio="ratio", **_ENDS
    )
    events = _named(response.events, _).select(
        "response_of", special_day="event", demand_ratio="ratio", times_seen="n_seen", why_untold="why_untold", **_ENDS
    )
    called = {code: event_name(code, _) for code in events["special_day"].unique()}
    events = events.with_columns(pl.col("special_day").replace_strict(called, return_dtype=pl.String))
    found = response.occasions.select(
        response_of="group", promoted_from="first", promoted_until="last", depth="depth", products_promoted="n_products"
    )
    return {_("Price"): price, _("Promotions"): promotion, _("Events"): events, _("Promotions found"): found}


def _named(frame: pl.DataFrame, _: Words) -> pl.DataFrame:
    """Adds response_of and why_untold in words."""
    reasons = {code: _.phrase(f"planning_untold.{code}") if code else "" for code in frame["told"].unique()}
    return frame.with_columns(
        response_of=pl.when(pl.col("scope") == "all").then(pl.lit(_("All products"))).otherwise("unit_id"),
        why_untold=pl.col("told").replace_strict(reasons, return_dtype=pl.String),
    )


def stock_tables(result: StockResult, _: Words) -> dict[str, pl.DataFrame]:
    """Service levels, what would be left, and the check against the past."""
    return {
        _("Stock by service level"): result.levels.rename({"level": "service_level"}),
        _("Stock left"): result.projection.select(
            until_day="ds", stock_left="left", stock_lo_80="lo_80", stock_hi_80="hi_80", gone_chance="gone_chance"
        ),
        _("Stock in the back-test"): result.checks.select(
            "cutoff", "in_choice", "order_up_to", cover_demand="demand", would_suffice="enough"
        ),
    }
