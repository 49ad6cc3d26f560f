"""All series in one table, each with a line of its recent past and what is expected."""

from __future__ import annotations

import polars as pl

from analytics.charts.demand_outlook.wording import Names, basis_words, moves
from analytics.charts.forecasting.wording import joined, measured, model_name, period_words
from analytics.demand import DemandPanel
from analytics.forecasting.spec import PanelForecast
from analytics.i18n import Words

POINTS = 60  # of a small line
SHOWN = {"day": 84, "week": 52, "month": 36}  # periods of history in it


def series_table(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> pl.DataFrame:
    """One row a series that is no sum of others, the largest expected first.

    Columns: unique_id, demand_series, demand_course (recent values and the forecast, at most 60 points),
    demand_expected, demand_lo, demand_hi (of the interval named first), demand_before, demand_change_share,
    trend_yearly_share, demand_model, error_of_baseline (share), band_held_share, demand_notes (what is special, in
    words).
    """
    found = moves(panel, result).select(
        "unique_id",
        demand_expected="total",
        demand_lo="lo",
        demand_hi="hi",
        demand_before="before",
        demand_change_share="change_share",
    )
    course = _courses(panel, result)
    level = round(result.spec.interval_width * 100)
    chosen = result.choices.select(
        "unique_id", "model", error_of_baseline=pl.col("model_error") / pl.col("baseline_error")
    ).with_columns(pl.col("error_of_baseline").fill_nan(None))
    held = result.scores.select("unique_id", "model", band_held_share=f"coverage_{level}")
    trend = result.totals.select("unique_id", trend_yearly_share="slope_share")
    notes = _particular(result, _)
    whole = (
        found.join(course, on="unique_id", how="left")
        .join(chosen, on="unique_id", how="left")
        .join(held, on=["unique_id", "model"], how="left")
        .join(trend, on="unique_id", how="left")
        .join(notes, on="unique_id", how="left")
        .sort("demand_expected", "unique_id", descending=[True, False], nulls_last=True)
    )
    called = {model: model_name(result, model, _) for model in result.choices["model"].unique()}
    return whole.select(
        "unique_id",
        pl.col("unique_id").replace(dict(names)).alias("demand_series"),
        "demand_course",
        "demand_expected",
        "demand_lo",
        "demand_hi",
        "demand_before",
        "demand_change_share",
        "trend_yearly_share",
        pl.col("model").replace(called).alias("demand_model"),
        "error_of_baseline",
        "band_held_share",
        "demand_notes",
    )


def table_note(result: PanelForecast, _: Words) -> str:
    """What the columns hold."""
    return joined(
        measured(result, _),
        _("Course: the recent past, then the forecast."),
        _("Expected: the total of the next {periods}.", periods=period_words(result, _)),
        _("Before: {before}.", before=basis_words(result, _)),
        _("Error: of the baseline's in the back-test; under 100% is better."),
        _=_,
    )


def flat_table(listed: pl.DataFrame) -> pl.DataFrame:
    """The table without its small lines, for the download."""
    return listed.select(pl.exclude("unique_id", "demand_course"))


def forecast_table(panel: DemandPanel, result: PanelForecast, names: Names) -> pl.DataFrame:
    """Every period of every series, with the chosen model's bounds; the reconciled values where there are any."""
    columns = ["unique_id", "ds", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    held = result.reconciled if result.reconciled.height else result.forecasts
    return held.select(pl.col("unique_id").replace(dict(names)).alias("demand_series"), *columns[1:])


def models_of(result: PanelForecast, names: Names, _: Words) -> pl.DataFrame:
    """Errors of every model for every series, for the download."""
    called = {model: model_name(result, model, _) for model in result.scores["model"].unique()}
    return result.scores.select(
        pl.col("unique_id").replace(dict(names)).alias("demand_series"),
        pl.col("model").replace(called).alias("demand_model"),
        pl.exclude("unique_id", "model", "n"),
        pl.col("n").alias("n_compared"),
    )


def _courses(panel: DemandPanel, result: PanelForecast) -> pl.DataFrame:
    recent = (
        panel.frame.group_by("unique_id", maintain_order=True)
        .tail(max(SHOWN[result.frequency], 2 * result.horizon))
        .select("unique_id", "ds", pl.col("y").cast(pl.Float64))
    )
    ahead = result.forecasts.select("unique_id", "ds", y="forecast")
    whole = pl.concat([recent, ahead]).sort("unique_id", "ds").with_columns(pl.col("y").fill_null(0.0))
    longest = int(whole.group_by("unique_id").len()["len"].max() or 1)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    step = -(-longest // POINTS)  # neighbours are averaged, from the end back, so that no weekday is picked out
    place = (pl.col("ds").cum_count(reverse=True) - 1) // step
    thin = whole.with_columns(place=place.over("unique_id"))
    small = thin.group_by("unique_id", "place").agg(pl.col("y").mean())
    digits = small.sort("unique_id", "place", descending=[False, True])
    return digits.group_by("unique_id", maintain_order=True).agg(demand_course=pl.col("y").round(2))


def _particular(result: PanelForecast, _: Words) -> pl.DataFrame:
    rows: dict[str, list[str]] = {}
    for row in result.notes.iter_rows(named=True):
        numbers = {name: value for name, value in row.items() if name not in ("unique_id", "code")}
        rows.setdefault(row["unique_id"], []).append(_.phrase(f"caveat.{row['code']}", **numbers))
    listed = [{"unique_id": unique_id, "demand_notes": _.listing(words)} for unique_id, words in rows.items()]
    return pl.DataFrame(listed, schema={"unique_id": pl.String, "demand_notes": pl.String})
