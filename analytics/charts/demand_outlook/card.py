"""The answer card of all series: which will clearly move, what all of it comes to, how well it was foretold."""

from __future__ import annotations

from typing import Literal

import polars as pl

from analytics.charts.demand_outlook.wording import basis_words, moves, parts_of
from analytics.charts.forecasting.wording import amount, change, figure, level_of, period_words, with_unit
from analytics.charts.headline import Headline, Metric
from analytics.demand import DemandPanel
from analytics.forecasting.spec import BASELINE, PanelForecast
from analytics.i18n import Words

GOOD_COVERAGE = 0.05


def headline(panel: DemandPanel, result: PanelForecast, _: Words) -> Headline:
    """How many series will clearly sell more or less, what all come to, error and coverage over all of them."""
    moved = moves(panel, result)
    more = moved.filter(pl.col("clear") & (pl.col("change") > 0)).height
    less = moved.filter(pl.col("clear") & (pl.col("change") < 0)).height
    than = basis_words(result, _)
    told = {"n": moved.height, "more": more, "less": less, "than": than}
    if more and less:
        finding = _("{more} of {n} series will clearly sell more than {than}, {less} less", **told)
    elif more:
        finding = _("{more} of {n} series will clearly sell more than {than}, none less", **told)
    elif less:
        finding = _("{less} of {n} series will clearly sell less than {than}, none more", **told)
    else:
        finding = _("None of {n} series clearly moves away from {than}", **told)
    return Headline(
        finding,
        _sentence(panel, result, _),
        (_together(panel, result, moved, _), _models(panel, result, _), _error(panel, result, _), _coverage(result, _)),
    )


def _sentence(panel: DemandPanel, result: PanelForecast, _: Words) -> str:
    return _(
        "The next {periods}, each series with the model that its own past speaks for. Clearly: the whole {level}% "
        "interval lies on one side.",
        periods=period_words(result, _),
        level=level_of(result),
    )


def together(panel: DemandPanel, result: PanelForecast) -> dict[str, float | None]:
    """total, lo, hi, change_share of everything: as the top of the hierarchy says; without one, a plain sum."""
    sums = set(panel.parents["parent"])
    tops = [member for member in panel.members if member in sums - set(panel.parents["unique_id"])]
    level = level_of(result)
    if tops:
        row = result.totals.row(by_predicate=pl.col("unique_id") == tops[0], named=True)
        total = row["total"]
        if result.reconciled.height:
            total = result.reconciled.filter(pl.col("unique_id") == tops[0])["forecast"].sum()
        share = total / row["last_year"] - 1 if row["last_year"] else None
        return {"total": total, "lo": row[f"lo_{level}"], "hi": row[f"hi_{level}"], "change_share": share}
    held = parts_of(panel, result.totals)
    total, before = float(held["total"].sum()), held["last_year"]
    share = total / float(before.sum()) - 1 if not before.null_count() and before.sum() > 0 else None
    return {"total": total, "lo": None, "hi": None, "change_share": share}


def _together(panel: DemandPanel, result: PanelForecast, moved: pl.DataFrame, _: Words) -> Metric:
    found = together(panel, result)
    total = found["total"] or 0.0
    divisor, unit = _.compact_unit(total)
    share = found["change_share"]
    note = "" if share is None else _("{change} on last year", change=change(share, _))
    if found["lo"] is not None:
        note = _.span(amount(result, found["lo"], _), amount(result, found["hi"], _))
    return Metric(with_unit(result, _("All together"), unit, _), figure(result, total, divisor, _), note)


def _models(panel: DemandPanel, result: PanelForecast, _: Words) -> Metric:
    chosen = parts_of(panel, result.choices)
    beaten = chosen.filter(pl.col("model") != BASELINE).height
    of_all = _("of {n} series", n=chosen.height)
    return Metric(_("Better than baseline"), _.number(beaten), of_all)


def error_ratio(panel: DemandPanel, result: PanelForecast) -> float | None:
    """Geometric mean over series of the chosen model's error over the baseline's."""
    held = parts_of(panel, result.choices).filter((pl.col("model_error") > 0) & (pl.col("baseline_error") > 0))
    if held.is_empty():
        return None
    logs: float | None = held.select((pl.col("model_error") / pl.col("baseline_error")).log().mean()).item()
    return None if logs is None else float(2.718281828459045**logs)


def _error(panel: DemandPanel, result: PanelForecast, _: Words) -> Metric:
    ratio = error_ratio(panel, result)
    if ratio is None:
        return Metric(_("Error, baseline 100%"), "–", _("not tested"), "watch")
    tone: Literal["good", "gray"] = "good" if ratio < 0.995 else "gray"
    return Metric(_("Error, baseline 100%"), _.percent(ratio), _("in the back-test"), tone)


def _coverage(result: PanelForecast, _: Words) -> Metric:
    level = level_of(result)
    held = covered(result, level / 100, "backtest")
    if held is None:
        return Metric(_("Interval held"), "–", _("not measured"), "watch")
    off = held - level / 100
    tone: Literal["good", "watch", "gray"] = "good" if abs(off) <= GOOD_COVERAGE else "watch" if off < 0 else "gray"
    return Metric(_("Interval held"), _.percent(held), _("target {level}%", level=level), tone)


def covered(result: PanelForecast, level: float, where: str) -> float | None:
    """Share of all periods of all series inside the bands."""
    held = result.coverage.filter((pl.col("where") == where) & ((pl.col("level") - level).abs() < 1e-6))
    return held["covered_share"][0] if held.height else None
