"""The results as tables with the names people read; group times are in the unit that the pictures show."""

from __future__ import annotations

import polars as pl

from analytics.charts.survival.parts import Names, field_name, group_name, level_name, reason_name, shown_unit
from analytics.i18n import Words
from analytics.survival import HazardsResult, SurvivalResult

_THERE = {"survival": "share_there", "lo": "there_lo", "hi": "there_hi"}


def group_table(result: SurvivalResult, names: Names, _: Words) -> pl.DataFrame:
    """One row per group: medians, shares at the horizon, restricted means."""
    times = ("median", "median_lo", "median_hi", "restricted_mean", "mean_lo", "mean_hi")
    by = shown_unit(result.clock, result.unit)[1]
    return (
        result.groups.with_columns(pl.col(times) / by, _named(result, result.groups["label"], names, _).alias("label"))
        .rename({"label": "group_name", "median": "median_time", "n_ended": "n_over", "survival": "share_there"})
        .rename({"survival_lo": "there_lo", "survival_hi": "there_hi"})
        .drop("mean_until")
    )


def curve_table(result: SurvivalResult, names: Names, _: Words) -> pl.DataFrame:
    """Every step of every curve."""
    named = result.curves.with_columns(_named(result, result.curves["label"], names, _).alias("label"))
    counts = {"n_at_risk": "seen", "n_ended": "n_over", "n_censored": "n_open"}
    return named.rename({"label": "group_name", "time": "tenure_time", **_THERE, **counts})


def pair_table(result: SurvivalResult, names: Names, _: Words) -> pl.DataFrame:
    """Every two groups compared."""
    frame = result.pairs.with_columns(
        _named(result, result.pairs["label"], names, _).alias("label"),
        _named(result, result.pairs["other"], names, _).alias("other"),
    )
    return frame.rename({"label": "group_name", "other": "other_group", **_TEST})


_TEST = {"statistic": "test_statistic", "p": "chance_alike", "p_holm": "chance_holm"}


def screen_table(result: SurvivalResult, _: Words) -> pl.DataFrame:
    """Every grouping by itself."""
    rows = result.screen
    highest = [None if v is None else level_name(f, v, _) for f, v in rows.select("field", "highest").iter_rows()]
    lowest = [None if v is None else level_name(f, v, _) for f, v in rows.select("field", "lowest").iter_rows()]
    frame = rows.with_columns(
        pl.Series("field", [field_name(name, _) for name in rows["field"]], dtype=pl.String),
        pl.Series("highest", highest, dtype=pl.String),
        pl.Series("lowest", lowest, dtype=pl.String),
    )
    names = {"field": "grouping", "highest": "stays_longest", "lowest": "leaves_soonest"}
    names |= {"highest_survival": "longest_there", "lowest_survival": "soonest_there"}
    return frame.rename({**names, **_TEST}).drop("df")


def hazard_table(result: SurvivalResult, names: Names, _: Words) -> pl.DataFrame:
    """The hazard of each period, of all and of each group."""
    frame = result.hazard.with_columns(_named(result, result.hazard["label"], names, _).alias("label"))
    own = {"label": "group_name", "n_at_risk": "seen", "n_ended": "n_over", "lo": "hazard_lo", "hi": "hazard_hi"}
    return frame.rename({**own, "expected": "expected_hazard", "p": "chance_alike", "p_holm": "chance_holm"})


def reason_table(result: SurvivalResult, names: Names, _: Words) -> pl.DataFrame:
    """The incidence of each reason, of all and of each group."""
    frame = result.incidence.with_columns(
        _named(result, result.incidence["label"], names, _).alias("label"),
        pl.Series("reason", [reason_name(one, _) for one in result.incidence["reason"]], dtype=pl.String),
    )
    names_ = {"label": "group_name", "reason": "left_for", "time": "tenure_time", "share": "share_left"}
    return frame.rename({**names_, "lo": "there_lo", "hi": "there_hi"})


def ratio_table(result: HazardsResult, _: Words) -> pl.DataFrame:
    """Every term of the regression with its check."""
    rows = result.terms
    told = rows.with_columns(
        pl.Series("field", [field_name(name, _) for name in rows["field"]], dtype=pl.String),
        _levels(rows, "level", _),
        _levels(rows, "reference", _),
    )
    names = {"field": "covariate", "level": "attribute_value", "step": "step_size", "n_ended": "n_over"}
    names |= {"lo": "ratio_from", "hi": "ratio_to", "p": "chance_alike", "p_holm": "chance_holm"}
    return told.rename(names).drop("n")


def effect_table(result: HazardsResult, _: Words) -> pl.DataFrame:
    """Each coefficient by stretches of tenure."""
    rows = result.over_time
    told = rows.with_columns(
        pl.Series("field", [field_name(name, _) for name in rows["field"]], dtype=pl.String), _levels(rows, "level", _)
    )
    names = {"field": "covariate", "level": "attribute_value", "time": "tenure_time", "n_ended": "n_over"}
    return told.rename({**names, "lo": "coefficient_lo", "hi": "coefficient_hi"}).drop("first", "last")


def left_out_table(result: HazardsResult, _: Words) -> pl.DataFrame:
    """What is not in the model, and why."""
    rows = result.left_out
    told = rows.with_columns(
        pl.Series("field", [field_name(name, _) for name in rows["field"]], dtype=pl.String),
        _levels(rows, "level", _),
        pl.Series("reason", [_.label("left_out", code) for code in rows["reason"]], dtype=pl.String),
    )
    return told.rename({"field": "covariate", "level": "attribute_value", "reason": "why_left_out"}).drop("value")


def set_aside_table(result: SurvivalResult, _: Words) -> pl.DataFrame:
    """Rows that could not be timed, by reason."""
    reasons = [_.label("set_aside", code) for code in result.set_aside["reason"]]
    return result.set_aside.with_columns(pl.Series("reason", reasons, dtype=pl.String))


def _named(result: SurvivalResult, labels: pl.Series, names: Names, _: Words) -> pl.Series:
    told = {label: group_name(result.field, label, names, _) for label in labels.unique()}
    return labels.replace_strict(told, return_dtype=pl.String) if told else labels


def _levels(rows: pl.DataFrame, column: str, _: Words) -> pl.Series:
    told = [None if v is None else level_name(f, v, _) for f, v in rows.select("field", column).iter_rows()]
    return pl.Series(column, told, dtype=pl.String)
