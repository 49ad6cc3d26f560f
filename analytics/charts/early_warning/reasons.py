"""What goes with leaving, and what was refused because it knows the outcome."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.early_warning.wording import feature_name, level_name, levelled, small_share, space
from analytics.charts.theme import BASELINE_DASH, Spec, chart_of, finish, neutral, plain_axis, tooltip, value_axis
from analytics.churn import ChurnResult
from analytics.i18n import Words, escape_markdown

MOST_DRIVERS = 10
MOST_REFUSALS = 12
MOST_NAMED = 4
Rows = list[dict[str, Any]]


def _leading(result: ChurnResult) -> pl.DataFrame:
    """The clearest feature of each group of features that go together, most important group first."""
    return (
        result.drivers.filter(pl.col("low_share").is_not_null(), pl.col("high_share").is_not_null())
        .with_columns(clear=(pl.col("direction") != 0).cast(pl.Int8), size=pl.col("effect").abs())
        .sort("importance", "clear", "size", "feature", descending=[True, True, True, False], nulls_last=True)
        .unique("group", keep="first", maintain_order=True)
        .head(MOST_DRIVERS)
    )


def drivers(result: ChurnResult, _: Words) -> Spec:
    """Share gone among customers with little of a feature (hollow) and with much of it (full), most important first."""
    rows: Rows = [
        {
            "name": levelled(row["feature"], row["level"], _),
            "low": row["low_share"],
            "high": row["high_share"],
            "lower": _little(row, _),
            "upper": _much(row, _),
            "clear": row["direction"] != 0,
            "importance": _.signed(row["importance"], 3),
        }
        for row in _leading(result).iter_rows(named=True)
    ]
    overall = _overall(result)
    axis = value_axis(_, _("Share that went"), percent=True)
    top = max([overall, *(max(row["low"], row["high"]) for row in rows)], default=0.1)
    if top < 0.12:
        axis.labelExpr = "format(datum.value, datum.value > 0 ? '.1~%' : '.0%')"
    scale = alt.Scale(domain=[0, top * 1.08], nice=False)
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis(labelLimit=alt.ExprRef("width < 340 ? 130 : 250"))),
        opacity=alt.condition("datum.clear", alt.value(1), alt.value(0.55)),
        tooltip=[
            tooltip("name", _.label("field", "feature")),
            tooltip("lower", _("Little of it")),
            tooltip("upper", _("Much of it")),
            tooltip("importance", _("AUC lost without it")),
        ],
    )
    accent = neutral("accent")
    low, high = alt.X("low:Q", axis=axis, scale=scale), alt.X("high:Q", axis=axis, scale=scale)
    layers = alt.layer(
        chart_of([{"at": overall}])
        .mark_rule(strokeDash=BASELINE_DASH, color=neutral("muted"))
        .encode(x=alt.X("at:Q", scale=scale)),
        base.mark_rule(strokeWidth=2, color=accent).encode(x=low, x2="high:Q"),
        base.mark_point(size=64, filled=True, color=neutral("paper"), stroke=accent, strokeWidth=2).encode(x=low),
        base.mark_point(size=64, filled=True, color=accent, stroke=accent, strokeWidth=2).encode(x=high),
    )
    return finish(layers, _, height=max(140, 32 * len(rows) + 50))


def _overall(result: ChurnResult) -> float:
    tested = result.cuts.filter(role="test")
    if tested.height and tested["n_customers"].sum():
        return int(tested["n_gone"].sum()) / int(tested["n_customers"].sum())
    base = result.models.filter(model="base_rate")
    return float(base["average_precision"][0]) if base.height else 0.0


def _little(row: dict[str, Any], _: Words) -> str:
    share = small_share(row["low_share"], _)
    if row["level"] or row["low_value"] is None:
        return share
    return _("{share} (at most {value})", share=share, value=_.number(row["low_value"], 1))


def _much(row: dict[str, Any], _: Words) -> str:
    share = small_share(row["high_share"], _)
    if row["level"] or row["high_value"] is None:
        return share
    return _("{share} (at least {value})", share=share, value=_.number(row["high_value"], 1))


def drivers_finding(result: ChurnResult, _: Words) -> str:
    clear = _leading(result).filter(pl.col("direction") != 0)
    if clear.is_empty():
        return _("Nothing goes clearly with leaving")
    first = clear.row(0, named=True)
    return _("Goes most with leaving: {feature}", feature=_.quote(levelled(first["feature"], first["level"], _)))


def drivers_note(result: ChurnResult, _: Words) -> str:
    return _(
        "Share that went where there is little of it (hollow: lowest quarter of customers) and much of it (full: "
        "highest quarter); dotted: all. Pale: not clear at {level}. Sorted by what the ranking would lose. These go "
        "together with leaving; changing one need not keep anybody.",
        level=level_name(result, _),
    )


def driver_table(result: ChurnResult, _: Words) -> pl.DataFrame:
    """All drivers with their figures, for the download."""
    names = {name: feature_name(name, _) for name in result.drivers["feature"].unique()}
    return result.drivers.with_columns(feature=pl.col("feature").replace(names)).drop("group")


# --- what was refused ------------------------------------------------------------------------------------------------


def guard_finding(result: ChurnResult, _: Words) -> str:
    n = result.guard.height
    if not n:
        return _("Nothing that was looked at knows the outcome")
    return _.ngettext(
        "{n} feature was refused: it knows the outcome", "{n} features were refused: they know the outcome", n
    )


def guard_note(result: ChurnResult, _: Words) -> str:
    """How many columns were looked at, the proof of honesty, and what else is not used."""
    said = [
        _.ngettext(
            "{n} column that carries no date was looked at, by its values and never by its name.",
            "{n} columns that carry no date were looked at, by their values and never by their names.",
            result.guard_checked,
        )
    ]
    if result.audit.height:
        row = result.audit.row(0, named=True)
        said.append(
            _(
                "All rows after {day} were deleted and the features built anew: of {n} values {changed} changed.",
                day=row["cut_on"],
                n=_.number(row["n_values"]),
                changed=_.number(row["n_changed"]),
            )
        )
    return space(_).join(said)


def refusals(result: ChurnResult, _: Words) -> list[dict[str, str]]:
    """What was refused, why, and the figure that says so."""
    return [
        {
            _.label("field", "feature"): escape_markdown(feature_name(row["feature"], _)),
            _("Why"): _.phrase(f"leak.{row['code']}"),
            _("Seen in the data"): escape_markdown(_figure(row, _)),
        }
        for row in result.guard.head(MOST_REFUSALS).iter_rows(named=True)
    ]


def _figure(row: dict[str, Any], _: Words) -> str:
    share = _.percent(row["share"], 0 if row["share"] in (None, 1.0) else 1)
    match row["code"]:
        case "target_defined" if row["threshold"] is not None:
            return _("flips at {value}; {share} agree", value=_.number(row["threshold"], 2), share=share)
        case "target_defined":
            return _("{share} agree", share=share)
        case "after_cut":
            return _("{share} of it follows from the days afterwards", share=share)
        case "only_gone":
            value = row["value"] or "–"
            return _("{value}: {share} of {n} customers end alike", value=value, share=share, n=_.number(row["n"]))
        case "id_like":
            return _("{share} of its values occur once", share=share)
        case "order_of_time":
            return _("goes with the day of joining: {r}", r=_.number(row["share"], 2))
        case _near_perfect:
            return _("AUC {auc} by itself", auc=_.number(row["auc"], 3))


def unused(result: ChurnResult, _: Words) -> str:
    """The features that are not used for other reasons, in one sentence; "" where there are none."""
    parts = []
    for code in ("as_of_file", "left_out", "constant"):
        held = result.features.filter(refused=code)["feature"].unique(maintain_order=True)
        names = [feature_name(name, _) for name in held.head(MOST_NAMED)]
        if held.len() > MOST_NAMED:
            names.append(_("{n} more", n=held.len() - MOST_NAMED))
        if names:
            listed = escape_markdown(_.listing(names))
            parts.append(_("{why}: {features}.", why=_.phrase(f"leak.{code}"), features=listed))
    return space(_).join(parts)


def used_features(result: ChurnResult, _: Words) -> dict[str, str]:
    """What can be left out: feature -> the name people read, those that were left out already among them."""
    held = result.features.filter(pl.col("used") | (pl.col("refused") == "left_out"))
    return {name: feature_name(name, _) for name in held["feature"].unique(maintain_order=True)}


def feature_table(result: ChurnResult, _: Words) -> pl.DataFrame:
    """Every feature with what became of it, for the download."""
    reasons = {
        code: _.phrase(f"leak.{code}") for code in result.features["refused"].drop_nulls().unique(maintain_order=True)
    }
    names = {name: feature_name(name, _) for name in result.features["feature"]}
    return result.features.with_columns(
        feature=pl.col("feature").replace(names), refused=pl.col("refused").replace(reasons)
    ).drop("family", "source")
