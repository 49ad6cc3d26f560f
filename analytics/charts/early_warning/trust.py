"""How good the warning is: what a list of each length would have held, calibration, and the simple rules beside it."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.early_warning.wording import (
    is_dated,
    level_name,
    model_name,
    small_share,
    space,
)
from analytics.charts.theme import (
    BAND_80,
    BAR_OPACITY,
    BASELINE_DASH,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.churn import ChurnResult
from analytics.i18n import Words

Rows = list[dict[str, Any]]


# --- what a list of each length would have held ----------------------------------------------------------------------


def gains(result: ChurnResult, _: Words) -> Spec:
    """Share of the gone on a list, by its length: the warning with its band, the best rule, chance, the capacity."""
    names = {"chosen": model_name("chosen", _), result.best_baseline: model_name(result.best_baseline, _)}
    nobody = {"share": 0.0, "found": 0.0, "lo": 0.0, "hi": 0.0, "contacted": "0", "text": "0%", "interval": "–"}
    rows: Rows = []
    for model, name in names.items():
        held = result.lift.filter(model=model).sort("share").unique("share", keep="first", maintain_order=True)
        rows.append({"model": name, "mine": model == "chosen", **nobody, "precision": "–"})
        rows += [
            {
                "model": name,
                "mine": model == "chosen",
                "share": row["share"],
                "found": row["found_share"],
                "lo": row["lo"],
                "hi": row["hi"],
                "contacted": f"{_.number(row['n_contacted'])} ({_.percent(row['share'])})",
                "text": _.percent(row["found_share"]),
                "interval": _.span(_.percent(row["lo"]), _.percent(row["hi"])),
                "precision": small_share(row["precision"], _),
            }
            for row in held.iter_rows(named=True)
        ]
    x = alt.X("share:Q", axis=value_axis(_, _("Share of customers contacted"), percent=True))
    y = alt.Y("found:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domain=[0, 1]))
    order = list(names.values())
    dashes = alt.StrokeDash("model:N", legend=None, scale=alt.Scale(domain=order, range=[[1, 0], [5, 3]]))
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=order, range=[neutral("accent"), neutral("muted")]),
        legend=alt.Legend(symbolType="stroke"),
    )
    tips = [
        tooltip("model", _("Ranked by")),
        tooltip("contacted", _("Contacted")),
        tooltip("text", _("On the list of those who went")),
        tooltip("interval", _("{level} interval", level=level_name(result, _))),
        tooltip("precision", _("Went, of the list")),
    ]
    base = chart_of(rows).encode(x=x)
    band = base.transform_filter("datum.mine").mark_area(opacity=BAND_80, color=neutral("accent"))
    lines = base.encode(y=y, color=colour)
    chance = chart_of([{"share": 0.0, "found": 0.0}, {"share": 1.0, "found": 1.0}])
    layers = [
        chance.mark_line(strokeDash=BASELINE_DASH, color=neutral("muted")).encode(x="share:Q", y="found:Q"),
        band.encode(y="lo:Q", y2="hi:Q"),
        lines.mark_line(strokeWidth=2).encode(strokeDash=dashes),
        lines.mark_point(filled=True, size=36, opacity=1).encode(tooltip=tips),
    ]
    at = result.lift.filter(model="chosen", at_capacity=True)
    if at.height:
        rule = chart_of([{"share": at["share"][0], "text": _("{n} customers", n=result.n_flagged)}])
        layers.append(rule.mark_rule(color=neutral("ink")).encode(x="share:Q"))
        layers.append(
            rule.mark_text(align="left", baseline="top", dx=5, y=4, color=neutral("ink")).encode(
                x="share:Q", text="text:N"
            )
        )
    return finish(alt.layer(*layers), _)


def gains_finding(result: ChurnResult, _: Words) -> str:
    held = result.lift.filter(model="chosen", at_capacity=True)
    if held.is_empty():
        return _("How many a list of each length would have held")
    row = held.row(0, named=True)
    return _(
        "The {contacted} with the highest risk held {share} of those who went",
        contacted=small_share(row["share"], _),
        share=_.percent(row["found_share"]),
    )


def gains_note(result: ChurnResult, _: Words) -> str:
    held = result.lift.filter(model="chosen", at_capacity=True)
    said = [
        _(
            "Ranked at {n} past cut-offs by what was known then. Band: {level}. Dotted: by chance.",
            n=result.cuts.filter(role="test").height,
            level=level_name(result, _),
        )
        if is_dated(result)
        else _(
            "Ranked by models that had not seen these customers (ten folds). Band: {level}. Dotted: by chance.",
            level=level_name(result, _),
        )
    ]
    if held.height:
        row = held.row(0, named=True)
        said.append(
            _(
                "Of the list {share} went, {lift} times as many as of all customers.",
                share=small_share(row["precision"], _),
                lift=_.number(row["lift"], 1),
            )
        )
    return space(_).join(said)


# --- calibration -----------------------------------------------------------------------------------------------------


def calibration(result: ChurnResult, _: Words) -> Spec:
    """Share gone against risk said, in ten groups; hollow: before calibration."""
    names = {"chosen": _("As said"), "uncalibrated": _("Before calibration")}
    rows: Rows = [
        {
            "model": names[row["model"]],
            "now": row["model"] == "chosen",
            "predicted": row["predicted"],
            "observed": row["observed"],
            "lo": row["lo"],
            "hi": row["hi"],
            "said": small_share(row["predicted"], _),
            "happened": small_share(row["observed"], _),
            "interval": _.span(small_share(row["lo"], _), small_share(row["hi"], _)),
            "n": _.number(row["n"]),
        }
        for row in result.calibration.filter(pl.col("model").is_in(list(names))).iter_rows(named=True)
    ]
    top = max([0.05, *(max(row["hi"], row["predicted"]) for row in rows)]) * 1.04
    domain = alt.Scale(domain=[0, min(top, 1.0)], nice=False)
    axis = value_axis(_, _("Share that went"))
    axis.labelExpr = "format(datum.value, datum.value < 0.1 && datum.value > 0 ? '.1~%' : '.0%')"
    below = value_axis(_, _("Risk said"))
    below.labelExpr = axis.labelExpr
    base = chart_of(rows).encode(
        x=alt.X("predicted:Q", axis=below, scale=domain),
        tooltip=[
            tooltip("model", _("Risk")),
            tooltip("said", _("Risk said")),
            tooltip("happened", _("Share that went")),
            tooltip("interval", _("{level} interval", level=level_name(result, _))),
            tooltip("n", _("Customers, over all cut-offs")),
        ],
    )
    line = chart_of([{"a": 0.0, "b": 0.0}, {"a": min(top, 1.0), "b": min(top, 1.0)}])
    y = alt.Y("observed:Q", axis=axis, scale=domain)
    return finish(
        alt.layer(
            line.mark_line(strokeDash=BASELINE_DASH, color=neutral("muted")).encode(x="a:Q", y="b:Q"),
            base.transform_filter("datum.now")
            .mark_rule(strokeWidth=7, opacity=BAR_OPACITY, color=neutral("accent"))
            .encode(y=alt.Y("lo:Q", axis=axis, scale=domain), y2="hi:Q"),
            base.transform_filter("!datum.now").mark_point(size=46, color=neutral("muted")).encode(y=y),
            base.transform_filter("datum.now")
            .mark_point(filled=True, size=60, opacity=1, color=neutral("accent"))
            .encode(y=y),
        ),
        _,
    )


def calibration_finding(result: ChurnResult, _: Words) -> str:
    points = _.number(100 * result.calibration_error, 1)
    return _("Risks were off by {n} points on average", n=points)


def calibration_note(result: ChurnResult, _: Words) -> str:
    return _(
        "Ten groups of equal size by risk. Dot and bar: share that went, with its {level} interval; on the dotted line "
        "as many went as was said. Hollow: before calibration.",
        level=level_name(result, _),
    )


# --- beside simple rules ---------------------------------------------------------------------------------------------


def contest(result: ChurnResult, _: Words) -> Spec:
    """AUC of the warning and of each simple rule, with intervals."""
    held = result.models.filter(~pl.col("model").is_in(["logistic", "boosting", "base_rate"])).sort(
        "auc", descending=True
    )
    rows: Rows = [
        {
            "name": model_name(row["model"], _),
            "auc": row["auc"],
            "lo": row["auc_lo"],
            "hi": row["auc_hi"],
            "mine": row["model"] == "chosen",
            "text": _.number(row["auc"], 2),
            "interval": _.span(_.number(row["auc_lo"], 2), _.number(row["auc_hi"], 2)),
            "precision": _.number(row["average_precision"], 3),
        }
        for row in held.iter_rows(named=True)
    ]
    low = min([0.5, *(row["lo"] for row in rows)])
    scale = alt.Scale(domain=[max(low - 0.02, 0.0), min(max(row["hi"] for row in rows) + 0.06, 1.0)], nice=False)
    colour = alt.condition("datum.mine", alt.value(neutral("accent")), alt.value(neutral("muted")))
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis(labelLimit=190)),
        color=colour,
        tooltip=[
            tooltip("name", _("Ranked by")),
            tooltip("text", _("AUC")),
            tooltip("interval", _("{level} interval", level=level_name(result, _))),
            tooltip("precision", _("Average precision")),
        ],
    )
    axis = value_axis(_, _("AUC"))
    axis.format, axis.labelExpr = ".2f", alt.Undefined
    chance = chart_of([{"auc": 0.5}]).mark_rule(strokeDash=BASELINE_DASH, color=neutral("muted"))
    layers = alt.layer(
        chance.encode(x=alt.X("auc:Q", scale=scale)),
        base.mark_rule(strokeWidth=7, opacity=BAR_OPACITY).encode(x=alt.X("lo:Q", axis=axis, scale=scale), x2="hi:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=alt.X("auc:Q", axis=axis, scale=scale)),
        base.mark_text(align="left", dx=8, color=neutral("ink")).encode(
            x=alt.X("hi:Q", axis=axis, scale=scale), text="text:N", color=alt.value(neutral("ink"))
        ),
    )
    return finish(layers, _, height=max(130, 44 * len(rows) + 40))


def contest_finding(result: ChurnResult, _: Words) -> str:
    rule = _.quote(model_name(result.best_baseline, _))
    if result.beats_baseline:
        return _("Ranks better than the best simple rule, {rule}", rule=rule)
    return _("No better than a simple rule: {rule}", rule=rule)


def contest_note(result: ChurnResult, _: Words) -> str:
    low, high = _.signed(result.auc_gain_lo, 2), _.signed(result.auc_gain_hi, 2)
    return _(
        "AUC: the chance that someone who went was ranked above someone who stayed; dotted: a coin. Bars: {level}. The "
        "warning's gain over the best rule: {span}.",
        level=level_name(result, _),
        span=_.span(low, high),
    )


def model_table(result: ChurnResult, _: Words) -> pl.DataFrame:
    """Every measure of every model and rule, for the download."""
    names = {model: model_name(model, _) for model in result.models["model"]}
    return result.models.with_columns(model=pl.col("model").replace(names)).drop("chosen", "kind")
