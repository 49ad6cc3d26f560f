"""The answer card of planning: what the chosen scenario would do, and what to keep in stock."""

from __future__ import annotations

from analytics.charts.headline import Headline, Metric, Tone
from analytics.charts.planning.scenarios import is_told, versus_sentence
from analytics.charts.planning.wording import (
    MEASURES,
    change_span,
    items,
    measure_name,
    name_of,
    percent_change,
    sentence,
)
from analytics.forecasting.planning import ScenarioResult, StockResult
from analytics.i18n import Words


def headline(result: ScenarioResult, stock: StockResult | None, _: Words) -> Headline:
    """The scenario on the right against the one on the left; the order that the stock asks for."""
    return Headline(_finding(result, _), _sentence(result, stock, _), tuple(_metrics(result, stock, _)))


def _finding(result: ScenarioResult, _: Words) -> str:
    row = result.scenarios.row(result.right, named=True)
    name = name_of(result, result.right, _)
    if row["told"]:
        return _("{scenario}: cannot be told", scenario=name)
    if not result.right or not is_told(result):
        expected = items(result.scenarios["quantity"][0], _)
        return _("As now: {n} items expected", n=expected)
    if row["revenue_change"] is None:
        return _("{scenario}: {change} items", scenario=name, change=percent_change(row["quantity_change"], _))
    return _(
        "{scenario}: {items} items, {revenue} revenue",
        scenario=name,
        items=percent_change(row["quantity_change"], _),
        revenue=percent_change(row["revenue_change"], _),
    )


def _sentence(result: ScenarioResult, stock: StockResult | None, _: Words) -> str:
    told = result.scenarios["told"][result.right]
    if told:
        return _.phrase(f"planning_untold.{told}")
    if is_told(result):
        against = _("Against {scenario}.", scenario=_.quote(name_of(result, result.left, _)))
        return sentence(against, versus_sentence(result, _), _=_)
    return _("Choose a scenario to set against it.")


def _metrics(result: ScenarioResult, stock: StockResult | None, _: Words) -> list[Metric]:
    row = result.scenarios.row(result.right, named=True)
    now = result.scenarios.row(0, named=True)
    shown = []
    for measure in MEASURES:
        if now[measure] is None:
            continue
        value = row[measure] if not row["told"] else now[measure]
        money = measure != "quantity"
        label = measure_name(measure, _)
        divisor, unit = _.compact_unit(value)
        if _.language != "en" and unit:
            label = _("{label} ({unit})", label=label, unit=unit)
            text = _.money(value / divisor, result.currency, 1) if money else _.number(value / divisor, 1)
        else:
            text = _.compact(value, result.currency) if money else items(value, _)
        shown.append(Metric(label, text, _change_note(row, measure, _), _tone(row, measure)))
    if stock is not None:
        shown.append(Metric(_("Order up to"), items(stock.order_up_to, _, up=True), _service(stock, _)))
    return shown[:4]


def _change_note(row: dict[str, object], measure: str, _: Words) -> str:
    low, high = row[f"{measure}_change_lo"], row[f"{measure}_change_hi"]
    return "" if low is None else change_span(low, high, _)  # type: ignore[arg-type]  # a value of a named row


def _tone(row: dict[str, object], measure: str) -> Tone:
    """Good or bad only where the whole interval says so, and only of money."""
    low, high = row[f"{measure}_change_lo"], row[f"{measure}_change_hi"]
    if low is None or high is None or measure == "quantity":
        return "gray"
    return "good" if low > 0 else "bad" if high < 0 else "watch"  # type: ignore[operator]  # a value of a named row


def _service(stock: StockResult, _: Words) -> str:
    share = _.percent(stock.spec.level, 1 if round(stock.spec.level * 1000) % 10 else 0)
    return _("for {level} service", level=share)
