"""How close the model came on purchases it had not seen: tracking, calibration by frequency, deciles, models, rules."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.behaviour.parts import Rows, space
from analytics.charts.theme import (
    BAND_80,
    BAR_OPACITY,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.charts.value.card import rules_that_win
from analytics.charts.value.wording import each, level, model_name, rule_name
from analytics.i18n import Words
from analytics.value import ValueResult

MOST_WEEKS = 400
HEIGHT = 300
TOP = 7  # by_frequency counts 7 and more as one


def has_holdout(result: ValueResult) -> bool:
    """Whether anything could be held against purchases that the model had not seen."""
    return result.holdout_days > 0 and result.tracking.height > 0


# --- tracking -------------------------------------------------------------------------------------------------------


def tracking(result: ValueResult, _: Words) -> Spec:
    """Cumulative repeat purchases: what happened, and what the model of the calibration expects, with its band."""
    return _tracked(result, ("actual_cumulative", "expected_cumulative", "lo_cumulative", "hi_cumulative"), _)


def weekly(result: ValueResult, _: Words) -> Spec:
    """Repeat purchases week by week, as ``tracking``."""
    return _tracked(result, ("n_actual", "n_expected", "lo", "hi"), _)


def _tracked(result: ValueResult, columns: tuple[str, str, str, str], _: Words) -> Spec:
    actual, expected, low, high = columns
    held = result.tracking
    if held.height > MOST_WEEKS:  # every n-th week draws the same line
        held = held.gather_every(-(-held.height // MOST_WEEKS))
    names = (_("What happened"), _("What the model expected"))
    rows: Rows = [
        {
            "week": row["week"].isoformat(),
            "actual": row[actual],
            "expected": row[expected],
            "lo": row[low],
            "hi": row[high],
            "happened": _.number(row[actual]),
            "foretold": _.number(row[expected]),
            "interval": "–" if row[low] is None else _.span(_.number(row[low]), _.number(row[high])),
        }
        for row in held.iter_rows(named=True)
    ]
    axis = time_axis(_)
    base = chart_of(rows).encode(x=alt.X("week:T", axis=axis))
    y = value_axis(_)
    lines = [
        tooltip("week", _("Week until"), kind="temporal", format="%-d %b %Y" if _.language == "en" else "%Y/%-m/%-d"),
        tooltip("happened", names[0]),
        tooltip("foretold", names[1]),
        tooltip("interval", _("{level} interval", level=level(result, _))),
    ]
    scale = alt.Scale(domain=list(names), range=[neutral("ink"), neutral("accent")])
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3)
    folded = base.transform_calculate(model=f"'{_quoted(names[1])}'", past=f"'{_quoted(names[0])}'")
    band = base.transform_filter("isValid(datum.lo)").mark_area(opacity=BAND_80, color=neutral("accent"))
    start = chart_of([{"day": result.calibration_until.isoformat(), "text": _("unseen from here")}])
    words = start.encode(x="day:T", text="text:N", y=alt.value(4))
    place: dict[str, Any] = {"align": "right", "baseline": "top", "dx": -6}
    layers = [
        band.encode(y=alt.Y("lo:Q", axis=y), y2="hi:Q"),
        folded.mark_line(strokeWidth=2, strokeDash=[5, 3]).encode(
            y=alt.Y("expected:Q", axis=y), color=alt.Color("model:N", scale=scale, legend=legend)
        ),
        folded.mark_line(strokeWidth=1.6).encode(
            y=alt.Y("actual:Q", axis=y), color=alt.Color("past:N", scale=scale, legend=legend)
        ),
        base.mark_rule(opacity=0, strokeWidth=8).encode(tooltip=lines),
        start.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x="day:T"),
        words.mark_text(**place, stroke=neutral("paper"), strokeWidth=4),
        words.mark_text(**place, color=neutral("muted")),
    ]
    return finish(alt.layer(*layers), _, height=HEIGHT)


def _quoted(text: str) -> str:
    """Inside a Vega expression."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def tracking_finding(result: ValueResult, _: Words) -> str:
    """How far the model's total over the holdout was off."""
    error = holdout_error(result)
    if error is None:
        return _("Nobody bought in the holdout")
    if abs(error) < 0.005:
        return _("Over the holdout the model was on the mark")
    share = _.percent(abs(error))
    if error > 0:
        return _("Over the holdout the model expected {share} too much", share=share)
    return _("Over the holdout the model expected {share} too little", share=share)


def holdout_error(result: ValueResult) -> float | None:
    """Expected to actual repeat purchases of the holdout, less 1."""
    held = result.tracking.filter("in_holdout")
    actual = float(held["n_actual"].sum())
    return float(held["n_expected"].sum()) / actual - 1 if actual else None


def tracking_note(result: ValueResult, _: Words) -> str:
    return _(
        "Repeat purchases added up week by week, those of later newcomers included. The model was fitted on what "
        "happened up to {day}. Band: {level} interval.",
        day=result.calibration_until,
        level=level(result, _),
    )


def weekly_finding(result: ValueResult, _: Words) -> str:
    """How many weeks of the holdout lie in the band."""
    held = result.tracking.filter("in_holdout", pl.col("lo").is_not_null())
    inside = held.filter(pl.col("n_actual").is_between(pl.col("lo"), pl.col("hi"))).height
    return _("{n} of {weeks} unseen weeks lie in the band", n=inside, weeks=held.height)


def weekly_note(result: ValueResult, _: Words) -> str:
    if result.calendar:
        return _("Repeat purchases of each week. The model's clock runs with the season and level of all demand.")
    return _("Repeat purchases of each week. The model knows no season: waves around its line are expected.")


# --- calibration by frequency ---------------------------------------------------------------------------------------


def by_frequency(result: ValueResult, _: Words) -> Spec:
    """Mean purchases in the holdout by repeats before: expected with its band, and what happened."""
    names = [_.number(n) if n < TOP else _("{n} or more", n=TOP) for n in result.by_frequency["n_repeat"]]
    rows: Rows = [
        {
            "repeats": name,
            "actual": row["actual"],
            "expected": row["expected"],
            "lo": row["lo"],
            "hi": row["hi"],
            "happened": _.number(row["actual"], 2),
            "foretold": _.number(row["expected"], 2),
            "interval": "–" if row["lo"] is None else _.span(_.number(row["lo"], 2), _.number(row["hi"], 2)),
            "customers": _.number(row["n_customers"]),
        }
        for name, row in zip(names, result.by_frequency.iter_rows(named=True), strict=True)
    ]
    tips = [
        tooltip("happened", _("What happened")),
        tooltip("foretold", _("What the model expected")),
        tooltip("interval", _("{level} interval", level=level(result, _))),
        tooltip("customers", _("Customers")),
    ]
    axis = plain_axis(_("Repeat purchases before"), labelAngle=0)
    base = chart_of(rows).encode(x=alt.X("repeats:N", sort=names, axis=axis), tooltip=tips)
    y = value_axis(_)
    return finish(
        alt.layer(
            base.transform_filter("isValid(datum.lo)")
            .mark_bar(size=18, opacity=BAR_OPACITY, color=neutral("accent"), cornerRadius=2)
            .encode(y=alt.Y("lo:Q", axis=y), y2="hi:Q"),
            base.mark_tick(thickness=2, size=26, color=neutral("accent")).encode(y=alt.Y("expected:Q", axis=y)),
            base.mark_point(filled=True, size=62, opacity=1, color=neutral("ink")).encode(y=alt.Y("actual:Q", axis=y)),
        ),
        _,
        height=HEIGHT,
    )


def by_frequency_finding(result: ValueResult, _: Words) -> str:
    held = result.by_frequency.filter(pl.col("lo").is_not_null())
    inside = held.filter(pl.col("actual").is_between(pl.col("lo"), pl.col("hi"))).height
    if inside == held.height:
        return _("It holds for rare and for frequent buyers")
    return _("It holds for {n} of {groups} groups by frequency", n=inside, groups=held.height)


def by_frequency_note(result: ValueResult, _: Words) -> str:
    return _(
        "Purchases a customer in the {days} days of the holdout, by repeat purchases before it. Dot: what happened. "
        "Tick and bar: what the model expected, with its {level} interval.",
        days=result.holdout_days,
        level=level(result, _),
    )


# --- deciles --------------------------------------------------------------------------------------------------------


def deciles(result: ValueResult, _: Words) -> Spec:
    """Customers in tenths by expected purchases: what each tenth did, and what was expected of it."""
    rows: Rows = [
        {
            "tenth": row["decile"],
            "actual": row["actual"],
            "expected": row["expected"],
            "happened": _.number(row["actual"], 2),
            "foretold": _.number(row["expected"], 2),
            "gain": _.percent(row["gain"]),
            "value": each(result, row["actual_value"], _) if result.has_values else "–",
        }
        for row in result.deciles.iter_rows(named=True)
    ]
    tips = [
        tooltip("tenth", _("Tenth")),
        tooltip("happened", _("What happened")),
        tooltip("foretold", _("What the model expected")),
        tooltip("gain", _("Share of purchases up to here")),
    ]
    if result.has_values:
        tips.append(tooltip("value", _("Revenue a customer")))
    axis = plain_axis(_("Tenths of customers, the highest expectation first"), labelAngle=0)
    base = chart_of(rows).encode(x=alt.X("tenth:O", axis=axis, scale=alt.Scale(paddingInner=0.25)), tooltip=tips)
    y = value_axis(_)
    return finish(
        alt.layer(
            base.mark_bar(opacity=BAR_OPACITY, color=neutral("accent"), cornerRadiusEnd=2).encode(
                y=alt.Y("expected:Q", axis=y)
            ),
            base.mark_point(filled=True, size=62, opacity=1, color=neutral("ink")).encode(y=alt.Y("actual:Q", axis=y)),
            base.mark_text(dy=-14, color=neutral("muted"))
            .encode(y=alt.Y("top:Q", axis=y), text="gain:N")
            .transform_calculate(top="max(datum.expected, datum.actual)"),
        ),
        _,
        height=HEIGHT,
    )


def deciles_finding(result: ValueResult, _: Words) -> str:
    held = result.deciles
    if held.is_empty() or held["gain"][0] is None:
        return _("Nobody bought in the holdout")
    return _("The tenth it put first made {share} of the purchases", share=_.percent(held["gain"][0]))


def deciles_note(result: ValueResult, _: Words) -> str:
    return _(
        "Purchases a customer in the holdout. Bar: what the model expected. Dot: what happened. Figure: share of all "
        "purchases up to this tenth."
    )


# --- tables ---------------------------------------------------------------------------------------------------------


def model_rows(result: ValueResult, _: Words) -> list[dict[str, str]]:
    """One row a model: how it did in the holdout, or why it could not be fitted."""
    rows = []
    for row in result.models.iter_rows(named=True):
        name = model_name(row["model"], _)
        rows.append(
            {
                _("Model"): f"**{name}** ✓" if row["chosen"] else name,
                _("Error a customer"): _.number(row["holdout_mae"], 3),
                _("Log score"): _log_score(row["holdout_log_score"], row["log_score_se"], _),
                _("Total off by"): _signed_share(row["total_error"], _),
                _("In their interval"): _.percent(row["coverage"]),
                _("AIC"): _.number(row["aic"], 1),
                _("Could not be fitted"): _.phrase(f"error.{row['failed']}") if row["failed"] else "–",
            }
        )
    if all(not row["failed"] for row in result.models.iter_rows(named=True)):
        rows = [{name: text for name, text in row.items() if name != _("Could not be fitted")} for row in rows]
    return rows


def _log_score(score: float | None, error: float | None, _: Words) -> str:
    if score is None:
        return "–"
    return _.number(score, 4) if not error else f"{_.number(score, 4)} ± {_.number(error, 4)}"


def _signed_share(share: float | None, _: Words) -> str:
    return "–" if share is None else f"{_.signed(share * 100, 1)}%"


def models_note(result: ValueResult, _: Words) -> str:
    return _(
        "Fitted on the time up to {day}, measured after it. Log score: the higher the better, with the standard error "
        "of its difference to the best. ✓ in use, fitted anew on all data.",
        day=result.calibration_until,
    )


def rule_rows(result: ValueResult, _: Words) -> list[dict[str, str]]:
    """The model and each simple rule on purchases and value of the holdout; the smallest error is marked."""
    rows = []
    for measure in ("value", "orders"):
        held = result.rules.filter(pl.col("measure") == measure)
        least = held["rmse"].min()
        for row in held.iter_rows(named=True):
            name = model_name(result.model, _) if row["rule"] == "model" else rule_name(row["rule"], _)
            rows.append(
                {
                    _("Foretells"): _("Revenue") if measure == "value" else _("Purchase days"),
                    _("According to"): f"**{name}** ✓" if row["rmse"] == least else name,
                    _("Root mean square error"): _error(result, measure, row["rmse"], _),
                    _("Mean error"): _error(result, measure, row["mae"], _),
                    _("Order of customers"): _.number(row["spearman"], 2),
                    _("Its top 20% hold"): _(
                        "{share} of at most {best}",
                        share=_.percent(row["top_share_captured"]),
                        best=_.percent(row["best_share"]),
                    ),
                    _("Total off by"): _signed_share(row["total_error"], _),
                }
            )
    return rows


def _error(result: ValueResult, measure: str, value: float | None, _: Words) -> str:
    return _.number(value, 2) if measure == "orders" else _.money(value, result.currency, 0)


def rules_note(result: ValueResult, _: Words) -> str:
    said = _(
        "Single customers on the {days} days of the holdout; ✓ the smallest root mean square error. Order of "
        "customers: Spearman's correlation.",
        days=result.holdout_days,
    )
    if not rules_that_win(result):
        return said
    return (
        said
        + space(_)
        + _("Where a rule wins it is the better guess for one customer; intervals and P(alive) only the model tells.")
    )
