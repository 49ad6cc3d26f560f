"""Which model, on which clock, with which covariates: the one that foretells best what it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.bg_nbd import fit_bg_nbd
from analytics.btyd.mbg_nbd import fit_mbg_nbd
from analytics.btyd.model import RepeatModel
from analytics.btyd.pareto_nbd import fit_pareto_nbd
from analytics.errors import AnalysisError, Param
from analytics.progress import report
from analytics.value.holdout import Foretold, foretell
from analytics.value.purchases import Seen
from analytics.value.spec import MODELS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_COMPARED = 50_000  # customers that models are compared on: what they differ by shows there
CLEARLY = 1.64  # standard errors of a mean log score by which one must lead to be called better

_FITS: Mapping[str, Callable[..., RepeatModel]] = {
    "bg_nbd": fit_bg_nbd,
    "mbg_nbd": fit_mbg_nbd,
    "pareto_nbd": fit_pareto_nbd,
}


def fit(name: str, seen: Seen, z: Floats | None = None) -> RepeatModel:
    """The model of that name on what was seen. Raises ``AnalysisError`` (codes ``btyd_...``)."""
    return _FITS[name](seen.x, seen.t_x, seen.T, z, unit_days=seen.clock.unit_days)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One way to foretell the holdout, and how it did; ``failed`` is the code of why it could not be fitted."""

    name: str
    model: RepeatModel | None
    foretold: Foretold | None
    failed: AnalysisError | None = None

    @property
    def score(self) -> float:
        return -np.inf if self.foretold is None else float(self.foretold.log_score.mean())


def attempt(name: str, seen: Seen, horizon: float, actual: Ints, z: Floats | None = None) -> Candidate:
    """Fit, foretell, and keep what went wrong instead of raising it."""
    try:
        model = fit(name, seen, z)
        return Candidate(name, model, foretell(model, seen, horizon, actual, z))
    except AnalysisError as error:
        return Candidate(name, None, None, error)


def lead(one: Foretold, other: Foretold) -> tuple[float, float]:
    """Mean difference of log scores, ``one`` less ``other``, and its standard error over customers."""
    difference = one.log_score - other.log_score
    n = len(difference)
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0


def choose(candidates: list[Candidate]) -> tuple[Candidate | None, str]:
    """The best by mean log score; among those not clearly worse the simplest (first); and why: see ``ValueResult``."""
    fitted = [candidate for candidate in candidates if candidate.foretold is not None]
    if not fitted:
        return None, ""
    if len(fitted) == 1:
        return fitted[0], "only"
    best = max(fitted, key=lambda candidate: candidate.score)
    for candidate in fitted:
        if candidate is best:
            return best, "best"
        assert best.foretold is not None
        assert candidate.foretold is not None
        ahead, error = lead(best.foretold, candidate.foretold)
        if ahead <= CLEARLY * error:
            return candidate, "simplest"
    return best, "best"


def in_question(asked: str) -> tuple[str, ...]:
    return MODELS if asked == "auto" else (asked,)


def try_models(names: tuple[str, ...], seen: Seen, horizon: float, actual: Ints) -> list[Candidate]:
    tried = []
    for done, name in enumerate(names):
        report(0.1 + 0.25 * done / len(names), "value_compare")
        tried.append(attempt(name, seen, horizon, actual))
    return tried


def compared(seen: Seen, actual: Ints) -> Ints:
    """Which customers the models are compared on: all, or evenly spaced ones in the order of their histories."""
    n = len(seen.x)
    if n <= MOST_COMPARED:
        return np.arange(n)
    order = np.lexsort((actual, seen.first, seen.last, seen.x))
    return order[np.linspace(0, n - 1, MOST_COMPARED).astype(np.int64)]


def model_table(candidates: list[Candidate], chosen: Candidate | None, level: float) -> pl.DataFrame:
    """See ``ValueResult.models``."""
    best = max(candidates, key=lambda candidate: candidate.score, default=None)
    rows: list[dict[str, Param]] = []
    for candidate in candidates:
        row: dict[str, Param] = {"model": candidate.name, "failed": candidate.failed.code if candidate.failed else None}
        if candidate.model is not None:
            row["log_likelihood"] = candidate.model.log_likelihood
            row["aic"] = 2 * len(candidate.model.parameters) - 2 * candidate.model.log_likelihood
        told = candidate.foretold
        if told is not None:
            gap = told.expected - told.actual
            row["holdout_mae"] = float(np.abs(gap).mean())
            row["holdout_rmse"] = float(np.sqrt((gap**2).mean()))
            row["holdout_log_score"] = candidate.score
            if best is not None and best.foretold is not None:
                row["log_score_se"] = lead(best.foretold, told)[1]
            total = int(told.actual.sum())
            row["total_error"] = float(told.expected.sum()) / total - 1 if total else None
            row["coverage"] = float(told.covered(level).mean())
        row["chosen"] = candidate is chosen
        rows.append(row)
    schema = {
        "model": pl.String,
        "log_likelihood": pl.Float64,
        "aic": pl.Float64,
        "holdout_mae": pl.Float64,
        "holdout_rmse": pl.Float64,
        "holdout_log_score": pl.Float64,
        "log_score_se": pl.Float64,
        "total_error": pl.Float64,
        "coverage": pl.Float64,
        "chosen": pl.Boolean,
        "failed": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)


def better(one: Candidate, other: Candidate) -> bool:
    """Whether ``one`` foretells clearly better than ``other``."""
    if one.foretold is None or other.foretold is None:
        return False
    ahead, error = lead(one.foretold, other.foretold)
    return ahead > CLEARLY * error


def worth_more(larger: Candidate, smaller: Candidate) -> bool:
    """Whether further parameters earn their place: the holdout is foretold better, and the calibration's likelihood
    rises by more than chance would let it in 19 of 20 cases (likelihood ratio)."""
    from scipy.stats import chi2

    if larger.foretold is None or smaller.foretold is None or larger.model is None or smaller.model is None:
        return False
    more = len(larger.model.parameters) - len(smaller.model.parameters)
    gain = 2 * (larger.model.log_likelihood - smaller.model.log_likelihood)
    return larger.score > smaller.score and bool(gain > chi2.ppf(0.95, more))
