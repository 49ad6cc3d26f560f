"""The models side by side, and how often the bands held."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.forecasting.marks import values
from analytics.charts.forecasting.wording import (
    LEVELS,
    error_name,
    error_text,
    error_title,
    joined,
    model_name,
    score_of,
)
from analytics.charts.theme import BAR_OPACITY, Spec, finish, neutral, plain_axis, tooltip, value_axis
from analytics.forecasting.spec import BASELINE, MODELS, ForecastResult
from analytics.i18n import Words

ROW = 30  # pixels of one model


def has_models(result: ForecastResult) -> bool:
    """Whether any model was back-tested."""
    return bool(result.scores.height)


def models_chart(result: ForecastResult, _: Words) -> Spec:
    """Each model's error as a bar, the chosen one in colour, the baseline's as a rule through all of them."""
    name = error_name(result)
    ranked = _ranked(result).drop_nulls(name)
    labels = [model_name(result, model, _) for model in ranked["model"]]
    rows = ranked.select("model", error=name).with_columns(
        label=pl.Series(labels, dtype=pl.String),
        chosen=pl.col("model") == result.model,
        text=pl.Series([error_text(value, name, _) for value in ranked[name]], dtype=pl.String),
    )
    reach = float(rows["error"].max() or 1.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    axis = value_axis(_)
    axis["tickCount"] = 4
    scale = alt.Scale(domain=[0, reach * 1.02], nice=False)
    base = alt.Chart(values(rows)).encode(y=alt.Y("label:N", sort=labels, axis=plain_axis(labelLimit=190)))
    x = alt.X("error:Q", axis=axis, scale=scale, title=None)
    color = alt.condition("datum.chosen", alt.value(neutral("accent")), alt.value(neutral("muted")))
    opacity = alt.condition("datum.chosen", alt.value(1.0), alt.value(BAR_OPACITY))
    tips = [tooltip("label", _("Model")), tooltip("text", error_title(name, _))]
    layers: list[Any] = [
        base.mark_bar(height=18).encode(x=x, color=color, opacity=opacity, tooltip=tips),
        base.mark_text(align="left", dx=6).encode(
            x=alt.value(0),
            text="text:N",
            color=alt.condition("datum.chosen", alt.value(neutral("paper")), alt.value(neutral("ink"))),
        ),
    ]
    baseline = score_of(result.scores, BASELINE, name)
    if baseline is not None:
        at = alt.Chart(values(pl.DataFrame({"error": [baseline]})))
        layers.insert(1, at.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=x))
    return finish(alt.layer(*layers), _, height=max(112, 40 + ROW * rows.height))


def models_finding(result: ForecastResult, _: Words) -> str:
    """How much less the chosen model erred than the baseline."""
    name = error_name(result)
    mine, theirs = (score_of(result.scores, model, name) for model in (result.model, BASELINE))
    chosen = model_name(result, result.model, _)
    if result.model == BASELINE or mine is None or not theirs:
        return _("{model} leads", model=chosen)
    if mine < theirs:
        return _("{model}: {share} less error than the baseline", model=chosen, share=_.percent(1 - mine / theirs))
    return _("{model}: {share} more error than the baseline", model=chosen, share=_.percent(mine / theirs - 1))


def models_note(result: ForecastResult, _: Words) -> str:
    """How to read the error, and who abstained."""
    silent = [model for model in MODELS if model not in set(result.scores["model"]) and _was_asked(result, model)]
    told = _(
        "Did not take part, since this series is too short or of another kind: {models}.",
        models=_.listing(model_name(result, model, _) for model in silent),
    )
    return joined(_error_words(result, _), _("Dashed: the baseline."), told if silent else "", _=_)


def score_rows(result: ForecastResult, _: Words) -> list[dict[str, str]]:
    """The table of models: one row each, the least error first; the chosen one is marked."""
    last = result.final
    return [
        {
            _("Model"): ("● " if row["model"] == result.model else "") + model_name(result, row["model"], _),
            error_title(error_name(result), _): error_text(row[error_name(result)], error_name(result), _),
            _("Off per period"): _.percent(row["wape"], 1),
            _("Bias"): change_one(row["bias"], _),
            _("In the 80% band"): _.percent(row["coverage_80"]),
            _("In the 95% band"): _.percent(row["coverage_95"]),
            _("Interval score"): _.number(row["wis"], 2),
            _("Off in the untouched last"): _.percent(score_of(last, row["model"], "wape"), 1),
        }
        for row in _ranked(result).iter_rows(named=True)
    ]


def score_table(result: ForecastResult, _: Words) -> pl.DataFrame:
    """Every figure of every model in the back-test, for the download; ``n_compared`` periods each."""
    called = {model: model_name(result, model, _) for model in result.scores["model"]}
    named = pl.col("model").replace(called).alias("demand_model")
    return _ranked(result).select(named, pl.exclude("model", "n"), pl.col("n").alias("n_compared"))


def score_note(result: ForecastResult, _: Words) -> str:
    """What the columns mean."""
    return joined(
        _("● is the chosen one."),
        _("Off per period: absolute errors as a share of sales. Bias: above zero, too much was said."),
        _("Interval score: width of the bands and what fell outside, in the unit of the scaled error."),
        _("The untouched last periods were kept away from every choice and band."),
        _=_,
    )


def coverage_chart(result: ForecastResult, _: Words) -> Spec:
    """How much of what came lay inside the bands, beside what they promise."""
    rows = coverage_rows(result, _)
    labels = list(dict.fromkeys(rows["label"]))
    x = alt.X("covered_share:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domain=[0, 1]), title=None)
    y = alt.Y("label:N", sort=labels, axis=plain_axis(labelLimit=190))
    base = alt.Chart(values(rows)).encode(y=y)
    tips = [
        tooltip("label", _("Band")),
        tooltip("covered_share", _("Inside"), kind="quantitative", format=".0%"),
        tooltip("level", _("Promised"), kind="quantitative", format=".0%"),
        tooltip("n", _("Periods"), kind="quantitative", format=",d"),
    ]
    layers = [
        base.mark_bar(height=12, opacity=BAR_OPACITY, color=neutral("accent")).encode(x=x, tooltip=tips),
        base.mark_tick(thickness=3, size=20, color=neutral("ink")).encode(x=alt.X("level:Q", title=None)),
    ]
    return finish(alt.layer(*layers), _, height=max(112, 40 + ROW * rows.height))


def coverage_rows(result: ForecastResult, _: Words) -> pl.DataFrame:
    """label, level, covered_share, n: in the back-test, and in the last periods that no choice had seen."""
    found = result.coverage.drop_nulls("covered_share").sort("level", "where")
    titles = {"backtest": _("Back-test"), "final": _("Last periods")}
    words = [
        _("{level}%: {where}", level=round(level * 100), where=titles[where])
        for level, where in found.select("level", "where").iter_rows()
    ]
    return found.select("level", "covered_share", "n", label=pl.Series(words, dtype=pl.String))


def coverage_finding(result: ForecastResult, _: Words) -> str:
    """What the 80 and 95 percent bands held in the back-test."""
    narrow, wide = (score_of(result.scores, result.model, f"coverage_{level}") for level in LEVELS)
    if narrow is None or wide is None:
        return _("The bands could not be measured")
    return _("The bands held {narrow} and {wide}", narrow=_.percent(narrow), wide=_.percent(wide))


def coverage_note(result: ForecastResult, _: Words) -> str:
    """What is drawn, and where the bands come from."""
    source = {
        "own": _("The bands come from this series' own errors."),
        "pooled": _("Too few errors of its own: those of all series were pooled, each in its own scale."),
        "fallback": _("Too few errors are known: the bands are wide guesses."),
    }[result.band_source]
    return joined(_("Bar: what came inside the band. Mark: what the band promises."), source, _=_)


def change_one(share: float | None, _: Words) -> str:
    """``+1.4%``."""
    return "–" if share is None else _("{number}%", number=_.signed(share * 100, 1))


def _ranked(result: ForecastResult) -> pl.DataFrame:
    return result.scores.sort(error_name(result), "model", nulls_last=True)


def _was_asked(result: ForecastResult, model: str) -> bool:
    return not result.spec.candidates or model in result.spec.candidates


def _error_words(result: ForecastResult, _: Words) -> str:
    if error_name(result) == "wape":
        return _("Absolute errors as a share of sales, all back-tests together.")
    if result.season_length == 1:
        return _("Scaled error: 1.00 is as far off as repeating the last value was, on average, before the cutoff.")
    return _("Scaled error: 1.00 is as far off as repeating the last season was, on average, before the cutoff.")
