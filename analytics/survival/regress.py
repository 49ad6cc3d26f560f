"""What goes with leaving sooner or later: a Cox regression with its choice of covariates, its refusals and its check.

A refusal names the covariate and why: it has one value, it only repeats the others, nobody of a level has left (its
rows then tell nothing about the rest), or the likelihood grows without end along it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.survival.comparing import NOTHING, compare, holm
from analytics.survival.cox import CoxFit, concordance, fit_cox
from analytics.survival.groups import Known, group_spells, known_at_start
from analytics.survival.kaplan_meier import Durations, Flags, Floats, Ints, normal_quantile
from analytics.survival.proportionality import check, over_time
from analytics.survival.spec import FEWEST, HazardsResult, Spells, SurvivalSpec
from analytics.survival.study import settle

MOST_COVARIATES = 6  # chosen by themselves
PER_TERM = 10  # leavings that one term needs
MOST_LEVELS = 7
STRATA = 4  # of a number
OTHER = "other"
ALPHA = 0.05
STRETCHES = 10
_TERMS = {
    "field": pl.String,
    "level": pl.String,
    "reference": pl.String,
    "step": pl.Float64,
    "n": pl.Int64,
    "n_ended": pl.Int64,
    **dict.fromkeys(
        ("coefficient", "se", "hazard_ratio", "lo", "hi", "p", "p_holm", "ph_statistic", "ph_p"), pl.Float64
    ),
    "changes": pl.Boolean,
}
_CHECKS = {
    "field": pl.String,
    "statistic": pl.Float64,
    "df": pl.Int64,
    "p": pl.Float64,
    "p_holm": pl.Float64,
    "changes": pl.Boolean,
}
_OVER_TIME = {
    "field": pl.String,
    "level": pl.String,
    "time": pl.Float64,
    "first": pl.Float64,
    "last": pl.Float64,
    "n_ended": pl.Int64,
    "coefficient": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design: a ``level`` of a field against its ``reference``, or (level None) a number in steps."""

    field: str
    level: str | None
    reference: str | None
    step: float


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """How fields become numbers: ``columns`` of the model, the levels of each field, the fields stratified by with the
    names of their levels, and levels whose rows were left out."""

    columns: tuple[Column, ...]
    levels: tuple[tuple[str, tuple[str, ...]], ...]
    strata: tuple[tuple[str, tuple[str, ...]], ...]
    left_out: tuple[tuple[str, str], ...]

    def encode(self, known: pl.DataFrame) -> tuple[Floats, Ints, Flags]:
        """Rows of numbers, stratum codes, and which rows are known in all of it."""
        n = known.height
        told = {field: as_levels(known[field], levels) for field, levels in (*self.levels, *self.strata)}
        usable = np.ones(n, dtype=bool)
        for values in told.values():
            usable &= values.is_not_null().to_numpy()
        out = np.empty((n, len(self.columns)))
        for i, column in enumerate(self.columns):
            if column.level is None:
                numbers = known[column.field].cast(pl.Float64).fill_null(float("nan")).to_numpy() / column.step
                usable &= np.isfinite(numbers)
                out[:, i] = np.where(np.isfinite(numbers), numbers, 0.0)
            else:
                out[:, i] = (told[column.field] == column.level).fill_null(False).to_numpy()
        for field, level in self.left_out:
            usable &= ~(told[field] == level).fill_null(False).to_numpy()
        stratum = np.zeros(n, np.int64)
        for field, levels in self.strata:
            place = {level: i for i, level in enumerate(levels)}
            codes = told[field].replace_strict(place, default=0, return_dtype=pl.Int64).to_numpy()
            stratum = stratum * len(levels) + codes
        return out, stratum, usable

    def stratum_names(self) -> dict[int, str]:
        """Code of a stratum -> its levels."""
        names = {0: ""}
        for _field, levels in self.strata:
            names = {
                code * len(levels) + i: f"{name} · {level}" if name else level
                for code, name in names.items()
                for i, level in enumerate(levels)
            }
        return names


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A fitted model and the design that its rows are written in."""

    fit: CoxFit
    design: Design


def fit_hazards(
    spells: Spells, dataset: Dataset, spec: SurvivalSpec, labels: CustomerLabels | None = None
) -> HazardsResult:
    """Hazard ratios of the covariates, with their check.

    Raises ``AnalysisError``: what ``study_survival`` raises, ``survival_no_covariates`` (nothing is known of the
    customers, or nothing of it can be used: n), ``survival_few_ended_model`` (n leavings with all covariates known,
    fewest needed), ``survival_group_unknown`` (field).
    """
    timed, _start = settle(spells)
    known = _with_segments(known_at_start(dataset, spells), spells, labels)
    report(0.1, "survival_choosing")
    left_out: list[tuple[str, str | None, str, float | None]] = [(name, None, why, None) for name, why in known.repeats]
    strata = tuple((name, strata_levels(known.frame, name)) for name in spec.stratify)
    asked = _asked(spec, known, spells, timed)
    asked = [name for name in asked if name not in spec.stratify]
    chosen = spec.covariates is None
    room = max(spells.n_ended // PER_TERM, 1) if chosen else 10**6
    caveats: list[Caveat] = list(spells.caveats)
    design, left = _design(known.frame, asked, strata, timed, room, MOST_COVARIATES if chosen else 10**6, spec.penalty)
    left_out += left
    while True:
        if not design.columns:
            raise AnalysisError("survival_no_covariates", n=len(left_out))
        x, stratum, usable = design.encode(known.frame)
        rows = np.flatnonzero(usable)
        part = timed.take(rows)
        if int(part.ended.sum()) < FEWEST:
            raise AnalysisError("survival_few_ended_model", n=int(part.ended.sum()), fewest=FEWEST)
        report(0.4, "survival_fitting")
        try:
            fit = fit_cox(x[rows], part, stratum[rows] if strata else None, spec.penalty)
            # Nothing is known of a column that does not differ among those at risk together.
            blind = np.flatnonzero(~(np.diag(fit.model_covariance) > 0))
            if not len(blind):
                break
            column, why = design.columns[int(blind[-1])], "collinear"
        except AnalysisError as error:
            if error.code != "survival_separation":
                raise
            column, why = design.columns[int(error.params["column"] or 0)], "separation"
        left_out.append((column.field, column.level, why, None))
        kept = tuple(one for one in design.columns if one != column)
        design = Design(kept, design.levels, design.strata, design.left_out)
    report(0.7, "survival_checking")
    columns = list(design.columns)
    fields = list(dict.fromkeys(column.field for column in columns))
    groups = [[i for i, column in enumerate(columns) if column.field == field] for field in fields]
    checked = part.cluster is None  # residuals of several spells of one customer go together: not checked
    single, joint, all_ = (
        check(fit, groups) if checked else ([NOTHING] * len(columns), [NOTHING] * len(groups), NOTHING)
    )
    corrected = holm(np.array([test.p for test in joint]))
    changing = {field for field, p in zip(fields, corrected, strict=True) if p <= ALPHA}
    terms = _terms(columns, fit, x[rows], part, single, changing, spec.level)
    ratio = 2 * (fit.log_likelihood - fit.null_log_likelihood)
    from scipy.special import chdtrc

    n_out = spells.n_customers - spells.frame[rows]["customer_id"].n_unique()
    if n_out:
        caveats.append(Caveat("survival_unknown_rows", "note", {"n": n_out, "total": spells.n_customers}))
    if chosen and len(known.fields) > len(fields):
        caveats.append(Caveat("survival_chosen", "note", {"n": len(fields), "total": len(known.fields)}))
    if not checked:
        caveats.append(Caveat("survival_unchecked", "note"))
    if changing:
        caveats.append(Caveat("survival_changes", "watch", {"n": len(changing), "total": len(fields)}))
    if int(part.ended.sum()) < PER_TERM * len(columns):
        params = {"n": int(part.ended.sum()), "terms": len(columns), "per_term": PER_TERM}
        caveats.append(Caveat("survival_few_per_term", "watch", params))
    linear = x[rows] @ fit.coefficients
    return HazardsResult(
        spec=spec,
        clock=spells.clock,
        unit=spells.unit,
        terms=terms,
        checks=pl.DataFrame(
            [
                *(
                    (field, test.statistic, test.df, test.p, float(p), field in changing)
                    for field, test, p in zip(fields, joint, corrected, strict=True)
                ),
                ("", all_.statistic, all_.df, all_.p, None, bool(changing)),
            ],
            schema=_CHECKS,
            orient="row",
        ).with_columns(pl.col("statistic", "p", "p_holm").fill_nan(None)),
        over_time=_stretches(columns, fit, spec.level) if checked else pl.DataFrame(schema=_OVER_TIME),
        used=tuple(fields),
        stratified=tuple(spec.stratify),
        chosen=chosen,
        left_out=pl.DataFrame(
            left_out,
            schema={"field": pl.String, "level": pl.String, "reason": pl.String, "value": pl.Float64},
            orient="row",
        ),
        concordance=concordance(linear, part, stratum[rows] if strata else None),
        likelihood_ratio=(ratio, len(columns), float(chdtrc(len(columns), max(ratio, 0.0)))),
        n_customers=spells.frame[rows]["customer_id"].n_unique(),
        n_ended=int(part.ended.sum()),
        robust=part.cluster is not None,
        baseline=pl.DataFrame(
            {
                "stratum": pl.Series(fit.baseline.stratum).replace_strict(
                    design.stratum_names(), return_dtype=pl.String
                ),
                "time": fit.baseline.time,
                "hazard": fit.baseline.hazard,
            }
        ),
        predictor=Predictor(fit, design),
        caveats=tuple(caveats),
        key=derive_key("fit_hazards", spec, spells.key, dataset.key, *([labels.key] if labels else [])),
    )


def _with_segments(known: Known, spells: Spells, labels: CustomerLabels | None) -> Known:
    if labels is None:
        return known
    held = spells.frame.select("customer_id").join(
        labels.frame.select("customer_id", segment="label"), on="customer_id", how="left", maintain_order="left"
    )
    return Known(known.frame.with_columns(held["segment"]), known.fields, known.repeats)


def _asked(spec: SurvivalSpec, known: Known, spells: Spells, timed: Durations) -> list[str]:
    """The covariates of the person, or all that may explain, the strongest by themselves first."""
    if spec.covariates is not None:
        for name in spec.covariates:
            if name not in known.frame.columns:
                raise AnalysisError("survival_group_unknown", field=name)
        return list(spec.covariates)
    if not known.fields:
        raise AnalysisError("survival_no_covariates", n=0)
    strength = []
    for place, name in enumerate(known.fields):
        grouped = group_spells(spells, known, name, None)
        inside = np.flatnonzero(grouped.codes >= 0)
        if len(grouped.labels) < 2:
            strength.append((0.0, place, name))
            continue
        test = compare(timed.take(inside), grouped.codes[inside], len(grouped.labels))
        if not np.isnan(test.p):
            strength.append((test.df - test.statistic, place, name))
    return [name for _negative, _place, name in sorted(strength)]


def _design(
    known: pl.DataFrame,
    asked: list[str],
    strata: tuple[tuple[str, tuple[str, ...]], ...],
    timed: Durations,
    room: int,
    most: int,
    penalty: float,
) -> tuple[Design, list[tuple[str, str | None, str, float | None]]]:
    """The columns that can be used, in the order asked, and why others cannot."""
    columns: list[Column] = []
    levels: list[tuple[str, tuple[str, ...]]] = []
    dropped: list[tuple[str, str]] = []
    left_out: list[tuple[str, str | None, str, float | None]] = []
    span = _strata_span(known, strata)  # orthogonal directions of what is in already
    n_fields = 0
    for name in asked:
        if n_fields == most:
            break
        new: list[Column] = []
        if is_number(known[name]):
            if known[name].drop_nulls().n_unique() < 2:
                left_out.append((name, None, "one_value", None))
                continue
            new = [Column(name, None, None, round_step(known[name]))]
            shown: tuple[str, ...] = ()
        else:
            shown = levels_by_count(known[name])
            if len(shown) < 2:
                left_out.append((name, None, "one_value", None))
                continue
            told = as_levels(known[name], shown)
            usual = [level for level in shown if timed.ended[(told == level).fill_null(False).to_numpy()].any()]
            empty = [level for level in shown if level not in usual] if penalty == 0 else []
            if len([level for level in shown if level not in empty]) < 2:
                left_out.append((name, None, "separation", None))
                continue
            for level in empty:
                left_out.append((name, level, "nobody_left", None))
                dropped.append((name, level))
            reference = next(level for level in shown if level not in empty)
            new = [Column(name, level, reference, 1.0) for level in shown if level not in (reference, *empty)]
        if len(columns) + len(new) > room and columns:
            left_out.append((name, None, "too_few_leavings", float(room)))
            continue
        kept = []
        for column in new:
            own = _one_column(known, column, shown)
            own = own - own.mean()
            size = float(np.linalg.norm(own))
            for direction in span:
                own = own - direction * float(direction @ own)
            rest = float(np.linalg.norm(own))
            if size == 0 or rest < 1e-3 * size:
                left_out.append((name, column.level, "collinear", None))
                continue
            span.append(own / rest)
            kept.append(column)
        if kept:
            columns += kept
            n_fields += 1
            if shown:
                levels.append((name, shown))
    dropped = [(field, level) for field, level in dropped if field in dict(levels)]
    return Design(tuple(columns), tuple(levels), strata, tuple(dropped)), left_out


def _strata_span(known: pl.DataFrame, strata: tuple[tuple[str, tuple[str, ...]], ...]) -> list[Floats]:
    """Directions of the levels that are stratified by: what only repeats them differs within no stratum."""
    span: list[Floats] = []
    for name, levels in strata:
        told = as_levels(known[name], levels)
        for level in levels[1:]:
            own = (told == level).fill_null(False).cast(pl.Float64).to_numpy()
            own = own - own.mean()
            size = float(np.linalg.norm(own))
            for direction in span:
                own = own - direction * float(direction @ own)
            if np.linalg.norm(own) > 1e-6 * size > 0:
                span.append(own / float(np.linalg.norm(own)))
    return span


def _one_column(known: pl.DataFrame, column: Column, levels: tuple[str, ...]) -> Floats:
    if column.level is None:
        values = known[column.field].cast(pl.Float64)
        return np.asarray(values.fill_null(strategy="mean").to_numpy() / column.step)
    told = as_levels(known[column.field], levels)
    return np.asarray((told == column.level).fill_null(False).cast(pl.Float64).to_numpy())


def is_number(column: pl.Series) -> bool:
    """Whether a field enters as a number: numeric with more than two values."""
    return bool(column.dtype.is_numeric() and column.drop_nulls().n_unique() > 2)


def levels_by_count(column: pl.Series) -> tuple[str, ...]:
    """The most frequent levels with at least ten customers, then "other" for the rest of them where these are ten."""
    counts = column.cast(pl.String).drop_nulls().value_counts().sort("count", column.name, descending=[True, False])
    kept = counts.filter(pl.col("count") >= FEWEST).head(MOST_LEVELS)[column.name].to_list()
    rest = counts.filter(~pl.col(column.name).is_in(kept)).select(pl.col("count").sum()).item()
    return (*kept, OTHER) if rest >= FEWEST and OTHER not in kept else tuple(kept)


def as_levels(column: pl.Series, levels: tuple[str, ...]) -> pl.Series:
    """Each row's level; what has none is "other" where that is a level, else null."""
    if is_number(column):
        edges = [float(level.partition("–")[0]) for level in levels]
        values = column.cast(pl.Float64).to_numpy()
        place = np.clip(np.searchsorted(np.array(edges), values, side="right") - 1, 0, len(levels) - 1)
        named = pl.Series(levels, dtype=pl.String).gather(place)
        return pl.select(pl.when(pl.Series(np.isfinite(values))).then(named)).to_series()
    told = column.cast(pl.String)
    kept = told.is_in(list(levels))
    rest = pl.lit(OTHER) if OTHER in levels else pl.lit(None, pl.String)
    frame = pl.DataFrame({"told": told, "kept": kept})
    return frame.select(pl.when("kept").then("told").when(pl.col("told").is_not_null()).then(rest))["told"]


def strata_levels(known: pl.DataFrame, name: str) -> tuple[str, ...]:
    """The levels that a field is stratified by: its own, or quarters of a number."""
    if name not in known.columns:
        raise AnalysisError("survival_group_unknown", field=name)
    if not is_number(known[name]):
        return levels_by_count(known[name])
    values = known[name].cast(pl.Float64).drop_nulls().to_numpy()
    edges = np.unique(np.quantile(values, np.arange(STRATA) / STRATA, method="lower"))
    ends = [*edges[1:], float(values.max())]
    return tuple(f"{low:.6g}–{high:.6g}" for low, high in zip(edges, ends, strict=True))


def round_step(column: pl.Series) -> float:
    """1, 2 or 5 times a power of ten, next to the standard deviation: what one hazard ratio is for."""
    spread = float(np.std(column.cast(pl.Float64).drop_nulls().to_numpy()))
    if spread <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(spread))
    return float(min((power * m for m in (1, 2, 5, 10)), key=lambda step: abs(np.log(step / spread))))


def _terms(
    columns: list[Column],
    fit: CoxFit,
    x: Floats,
    part: Durations,
    single: list[Any],
    changing: set[str],
    level: float,
) -> pl.DataFrame:
    from scipy.special import ndtr

    errors = np.sqrt(np.diag(fit.covariance))
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * ndtr(-np.abs(fit.coefficients / errors))
    corrected = holm(p)
    rows = []
    for i, column in enumerate(columns):
        inside = x[:, i] != 0 if column.level is not None else np.ones(len(x), dtype=bool)
        beta, error = float(fit.coefficients[i]), float(errors[i])
        rows.append(
            {
                "field": column.field,
                "level": column.level,
                "reference": column.reference,
                "step": None if column.level is not None else column.step,
                "n": int(inside.sum()),
                "n_ended": int((inside & part.ended).sum()),
                "coefficient": beta,
                "se": error,
                "hazard_ratio": float(np.exp(beta)),
                "lo": float(np.exp(beta - z * error)),
                "hi": float(np.exp(beta + z * error)),
                "p": float(p[i]),
                "p_holm": float(corrected[i]),
                "ph_statistic": single[i].statistic,
                "ph_p": single[i].p,
                "changes": column.field in changing,
            }
        )
    return pl.DataFrame(rows, schema=_TERMS, orient="row").with_columns(pl.col("ph_statistic", "ph_p").fill_nan(None))


def _stretches(columns: list[Column], fit: CoxFit, level: float) -> pl.DataFrame:
    rows = [
        {
            "field": columns[one.column].field,
            "level": columns[one.column].level,
            "time": one.time,
            "first": one.first,
            "last": one.last,
            "n_ended": one.n_events,
            "coefficient": one.coefficient,
            "lo": one.lo,
            "hi": one.hi,
        }
        for one in over_time(fit, min(STRETCHES, max(fit.n_events // 20, 2)), level)
    ]
    return pl.DataFrame(rows, schema=_OVER_TIME, orient="row")
