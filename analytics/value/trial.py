"""The models on trial: fitted on the calibration, held against the days at the end that they have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.model import RepeatModel
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.progress import report
from analytics.value import past
from analytics.value.checks import by_frequency, compare_rules, grade, in_deciles, rules_of_thumb, track
from analytics.value.choosing import (
    Candidate,
    attempt,
    better,
    choose,
    compared,
    fit,
    in_question,
    model_table,
    try_models,
    worth_more,
)
from analytics.value.clock import Clock
from analytics.value.covariates import encode
from analytics.value.holdout import foretell
from analytics.value.purchases import Purchases, Seen, look, read_purchases, to_date
from analytics.value.spec import ValueSpec
from analytics.value.spreads import drawn_once, kinds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_HOLDOUT_DAYS = 7
N_DRAWS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The calibration, the holdout, and who did best.

    purchases : all, as of the end. before : those known at the cut. seen : its customers, in its order; places : where
    they are in ``purchases``, -1 for whoever took all back. actual, actual_value : what they did in the holdout.
    candidates, chosen, choice : see ``choosing``. z_names : covariates kept. calendar : whether the clock is kept.
    full, now, z_now : the same fitted on the whole history, with what it has seen there.
    """

    cut: int
    days: int
    purchases: Purchases
    places: Ints
    before: Purchases
    seen: Seen
    actual: Ints
    actual_value: Floats | None
    candidates: list[Candidate]
    chosen: Candidate | None
    choice: str
    calendar: bool
    covariates: tuple[str, ...]
    z: Floats | None
    z_names: tuple[str, ...]
    table: pl.DataFrame
    full: RepeatModel | None
    now: Seen
    z_now: Floats | None

    @property
    def failure(self) -> AnalysisError | None:
        """Why no model: what the simplest one says."""
        return next((candidate.failed for candidate in self.candidates if candidate.failed is not None), None)


def try_out(dataset: Dataset, purchases: Purchases, now: Seen, spec: ValueSpec) -> Trial:
    """Split strictly in time, fit each model on what was known at the cut, and compare them on the rest.

    One that cannot be fitted on the whole history (``now``) is out, however well it did.
    """
    span = purchases.until - purchases.first_day
    days = min(spec.holdout_days or span // 3, span)
    cut = purchases.until - days
    before = read_purchases(dataset, to_date(cut))
    plain = Clock(spec.unit_days)
    seen = look(before, cut, plain)
    places = _places(before.ids, purchases.ids)
    actual = _at(purchases.between(cut, purchases.until), places)
    spent = None if purchases.amount is None else _at(purchases.spent(cut, purchases.until), places)
    names = in_question(spec.model)
    full, ahead = None, None
    sample = compared(seen, actual)
    part, part_actual = seen.take(sample), actual[sample]
    if days < LEAST_HOLDOUT_DAYS:
        error = AnalysisError("value_too_short", days=span)
        candidates = [Candidate(name, None, None, error) for name in names]
        chosen, choice = None, ""
    else:
        candidates = try_models(names, part, plain.span(cut, purchases.until), part_actual)
        chosen, choice = choose(candidates)
        while chosen is not None:
            try:
                full = fit(chosen.name, now)
                break
            except AnalysisError as error:
                out = Candidate(chosen.name, chosen.model, None, error)
                candidates = [out if one.name == out.name else one for one in candidates]
                chosen, choice = choose(candidates)
    if spec.model != "auto" and chosen is not None:
        choice = "asked"
    table = model_table(candidates, chosen, spec.level)
    calendar = False
    kept: tuple[str, ...] = ()
    z: Floats | None = None
    z_now: Floats | None = None
    z_names: tuple[str, ...] = ()
    clock = None
    if chosen is not None and spec.calendar != "off":
        clock = past.learn_clock(before, cut, spec.unit_days, chosen.name, days)
        ahead = past.learn_clock(purchases, purchases.until, spec.unit_days, chosen.name, spec.horizon_days)
    if chosen is not None and clock is not None and ahead is not None:
        timed = attempt(chosen.name, part.on(clock), clock.span(cut, purchases.until), part_actual)
        if timed.model is not None and (spec.calendar == "on" or better(timed, chosen)):
            fitted = _fitted(chosen.name, now.on(ahead), None)
            if fitted is not None:
                full, now, calendar = fitted, now.on(ahead), True
                chosen, seen, part = timed, seen.on(clock), part.on(clock)
    if chosen is not None and spec.covariates:
        offered, _ = encode(dataset, before.ids, spec.covariates)
        with_z = Candidate(chosen.name, None, None)
        if offered is not None:
            horizon = part.clock.span(cut, purchases.until)
            with_z = attempt(chosen.name, part, horizon, part_actual, offered[sample])
        if with_z.model is not None and (spec.use_covariates == "always" or worth_more(with_z, chosen)):
            wide, wide_names = encode(dataset, purchases.ids, spec.covariates)
            fitted = None if wide is None else _fitted(chosen.name, now, wide)
            if fitted is not None:
                full, chosen, kept, z, z_now, z_names = fitted, with_z, spec.covariates, offered, wide, wide_names
    report(0.4, "value_checks")
    return Trial(
        cut,
        days,
        purchases,
        places,
        before,
        seen,
        actual,
        spent,
        candidates,
        chosen,
        choice,
        calendar,
        kept,
        z,
        z_names,
        table,
        full,
        now,
        z_now,
    )


def _fitted(name: str, seen: Seen, z: Floats | None) -> RepeatModel | None:
    try:
        return fit(name, seen, z)
    except AnalysisError:
        return None


def _places(ids: pl.Series, among: pl.Series) -> Ints:
    """Position of each id among others; -1 where it is not there (all of its orders were taken back later)."""
    numbered = pl.DataFrame({"customer_id": among, "place": np.arange(len(among))})
    joined = ids.to_frame("customer_id").join(numbered, on="customer_id", how="left", maintain_order="left")
    return joined["place"].fill_null(-1).to_numpy()


def _at(values: Ints | Floats, places: Ints) -> npt.NDArray[Any]:
    return np.where(places >= 0, values[np.maximum(places, 0)], values.dtype.type(0))


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the trial shows of the chosen model (frames as in ``ValueResult``)."""

    tracking: pl.DataFrame
    by_frequency: pl.DataFrame
    deciles: pl.DataFrame
    rules: pl.DataFrame
    grade: str
    grade_rule: pl.DataFrame
    expected: Floats
    straying: past.Straying


def judge(trial: Trial, spec: ValueSpec, order_values: Floats | None) -> Verdict:
    """Hold the chosen model against the holdout. ``order_values``: expected value of an order of each customer."""
    from scipy.stats import norm

    assert trial.chosen is not None
    assert trial.chosen.model is not None
    model, seen = trial.chosen.model, trial.seen
    until = trial.cut + trial.days
    horizon = seen.clock.span(trial.cut, until)
    z_score = float(norm.ppf(0.5 + spec.level / 2))
    straying = stray_at(trial.before, trial.cut, trial.chosen.name, spec, trial.calendar, trial.days)
    expected, variance = _spread(model, seen, horizon, trial.z, straying.common, spec.random_state)
    value = None if order_values is None else expected * order_values
    thumbs = rules_of_thumb(trial.before, seen, trial.days)
    rules = compare_rules({"model": (expected, value), **thumbs}, trial.actual, trial.actual_value)
    frequency = by_frequency(seen.x, trial.actual, expected, variance, z_score)
    sample = compared(seen, trial.actual)
    part_z = None if trial.z is None else trial.z[sample]
    told = foretell(model, seen.take(sample), horizon, trial.actual[sample], part_z, straying.common)
    letter, rule = grade(rules, frequency, float(told.covered(spec.level).mean()), spec.level)
    ties = [seen.T, seen.t_x, trial.actual.astype(np.float64)]
    return Verdict(
        tracking=track(trial.purchases, trial.places, seen, model, until, straying.common, z_score, trial.z),
        by_frequency=frequency,
        deciles=in_deciles(expected, trial.actual, ties, value, trial.actual_value),
        rules=rules,
        grade=letter,
        grade_rule=rule,
        expected=expected,
        straying=straying,
    )


def stray_at(purchases: Purchases, until: int, name: str, spec: ValueSpec, calendar: bool, days: int) -> past.Straying:
    """How far periods and cells strayed from this model at the cuts before ``until``, each on the clock it would have
    had."""
    plain = Clock(spec.unit_days)
    clocks = {}
    for cut in past.earlier_cuts(purchases.first_day, until):
        own = past.learn_clock(purchases, cut, spec.unit_days, name, days) if calendar else None
        clocks[cut] = own or plain
    return past.stray(purchases, past.by_fitting(name, spec.random_state), clocks, until, days)


def _spread(
    model: RepeatModel, seen: Seen, horizon: float, z: Floats | None, common: float, random_state: int
) -> tuple[Floats, Floats]:
    """Expected purchases of each customer and the variance of what may come (process, by draws)."""
    like = kinds(seen.x, seen.t_x, seen.T, None, z)
    rng = np.random.default_rng(random_state)
    drawn = np.stack([drawn_once(model, like.x, like.t_x, like.T, horizon, rng, like.z) for _ in range(N_DRAWS)])
    expected = model.expected_purchases(like.x, like.t_x, like.T, horizon, like.z)
    # Twenty draws of a rare purchase may hold none: a Poisson's variance is the least there is.
    variance = np.maximum(drawn.var(axis=0, ddof=1), expected) + (common * expected) ** 2
    return expected[like.of], variance[like.of]
