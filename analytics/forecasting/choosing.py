"""Which model forecasts a series: judged on its own past and on that of its like, the baseline always among the judged.

Eight back-tests of one series are noisy evidence, and taking the smallest of several noisy errors picks luck. So a
model's error here is drawn half-way to how it did over all like series of the panel (a shrinkage in the spirit of James
& Stein), and the median of the models is taken unless another is clearly better. Tuned on series and dates that no
reported figure looks at: see ``benchmarks/forecast_sets.py`` and ``docs/accuracy.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

from analytics.forecasting.backtest import Backtest, Scores, origin_errors
from analytics.forecasting.grid import INTERMITTENT
from analytics.forecasting.metrics import whole
from analytics.forecasting.spec import BASELINE, ForecastSpec, Model, Reason

if TYPE_CHECKING:
    from analytics.forecasting.block import Block, Floats

ComparedBy = Literal["mase", "rmsse", "wape", ""]
# For series of mostly zeros: models that forecast a mean, and the baseline.
SUITABLE_WHEN_INTERMITTENT: frozenset[Model] = frozenset({BASELINE, "tsb", "smoothing", "boosting", "prophet_level"})
STEADY: Model = "median"
STEADIER_WITHIN = 0.05  # the median is taken unless another model's error is this much below its own, as a log ratio
OF_OTHERS = 0.5  # weight of what the like series of the panel say
LEAST_LIKE = 5
MOST_RATIO = 5.0  # no single series counts for more when ratios are averaged


@dataclass(frozen=True, slots=True)
class Choice:
    """One series' model, why, and by which figures."""

    model: Model
    reason: Reason
    compared_by: ComparedBy
    model_error: float | None
    baseline_error: float | None
    n_origins: int
    n_won: int


def choose(
    block: Block, told: Backtest, scores: dict[Model, Scores], ahead: dict[Model, Floats], spec: ForecastSpec
) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    """One choice per series, from the origins before the last horizon only.

    A model that abstains today (``ahead``) is not taken. Second: the series for which the one asked for abstains.
    """
    import numpy as np

    sums = {model: origin_errors(told, said) for model, said in told.said.items()}
    intermittent = _zero_share(block, told) > INTERMITTENT
    answers = {model: whole(said) for model, said in ahead.items()}
    compared = [_comparable(scores, row, bool(intermittent[row])) for row in range(len(block.ids))]
    usable = [
        {model: error for model, error in errors.items() if answers[model][row]}
        for row, (errors, _) in enumerate(compared)
    ]
    over_horizon = {model: _total_errors(told, said) for model, said in told.said.items()}
    for row in np.flatnonzero(intermittent).tolist():
        usable[row] = _with_totals(usable[row], {model: float(found[row]) for model, found in over_horizon.items()})
    usual = {kind: _usual([usable[row] for row in np.flatnonzero(intermittent == kind)]) for kind in (False, True)}
    choices, abstained = [], []
    for row, unique_id in enumerate(block.ids):
        sparse = bool(intermittent[row])
        if spec.model != "auto" and answers[spec.model][row]:
            model: Model = spec.model
            reason: Reason = "asked"
        else:
            if spec.model != "auto":
                abstained.append(unique_id)
            model, reason = _pick(usable[row], usual[sparse], sparse, untested=not scores[BASELINE].n[row])
        seen = np.isfinite(sums[BASELINE][:, row]) & np.isfinite(sums[model][:, row])
        won = sums[model][seen, row] < sums[BASELINE][seen, row]
        errors = compared[row][0]
        choices.append(
            Choice(
                model,
                reason,
                compared[row][1],
                errors.get(model),
                errors.get(BASELINE),
                int(seen.sum()),
                int(won.sum()),
            )
        )
    return tuple(choices), tuple(abstained)


def _zero_share(block: Block, told: Backtest) -> Floats:
    """Share of zeros among what the choice may see."""
    import numpy as np

    n_seen = told.places[-1] if told.has_final else block.y.shape[1]
    y = block.y[:, :n_seen]
    seen = np.isfinite(y)
    share: Floats = (seen & (y == 0)).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return share


def _comparable(scores: dict[Model, Scores], row: int, intermittent: bool) -> tuple[dict[Model, float], ComparedBy]:
    """Errors of the models that could be compared with the baseline: on mostly empty series by squared error."""
    import numpy as np

    kinds: tuple[Literal["mase", "rmsse", "wape"], ...] = ("rmsse", "wape") if intermittent else ("mase", "wape")
    for kind in kinds:
        if np.isfinite(scores[BASELINE].values[kind][row]):
            found = {model: float(score.values[kind][row]) for model, score in scores.items()}
            n = scores[BASELINE].n[row]
            return {m: e for m, e in found.items() if np.isfinite(e) and scores[m].n[row] >= 0.75 * n}, kind
    return {}, ""


def _total_errors(told: Backtest, model_said: Floats) -> Floats:
    """(n,): mean size of the error of the horizon's total over the choice's origins; NaN without one."""
    import numpy as np

    errors = (model_said - told.actual)[: told.n_choice]
    seen = np.isfinite(errors)
    sums = np.abs(np.where(seen, errors, 0.0).sum(axis=2))
    there = seen.any(axis=2)
    n = there.sum(axis=0)
    found: Floats = np.where(n > 0, np.where(there, sums, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)
    return found


def _with_totals(errors: dict[Model, float], totals: dict[Model, float]) -> dict[Model, float]:
    """Errors times those of the horizon's totals, as geometric means: what is stocked for is the total."""
    if not errors.get(BASELINE) or not totals[BASELINE] > 0:
        return errors
    return {model: (error * totals[model]) ** 0.5 for model, error in errors.items()}


def _usual(errors: list[dict[Model, float]]) -> dict[Model, float]:
    """Per model the mean log ratio of its error to the baseline's over like series; empty where these are too few."""
    ratios: dict[Model, list[float]] = {}
    for of_one in errors:
        for model, ratio in _ratios(of_one).items():
            ratios.setdefault(model, []).append(ratio)
    return {model: sum(found) / len(found) for model, found in ratios.items() if len(found) >= LEAST_LIKE}


def _ratios(errors: dict[Model, float]) -> dict[Model, float]:
    if not errors.get(BASELINE):
        return {}
    least, most = 1 / MOST_RATIO, MOST_RATIO
    return {model: log(min(max(error / errors[BASELINE], least), most)) for model, error in errors.items()}


def _pick(
    errors: dict[Model, float], usual: dict[Model, float], intermittent: bool, untested: bool
) -> tuple[Model, Reason]:
    if untested:
        return BASELINE, "untested"
    if not errors.get(BASELINE):
        return BASELINE, "equal"
    if intermittent:
        errors = {model: error for model, error in errors.items() if model in SUITABLE_WHEN_INTERMITTENT}
    own = _ratios(errors)
    drawn = {
        model: (1 - OF_OTHERS) * ratio + OF_OTHERS * usual[model] if model in usual else ratio
        for model, ratio in own.items()
    }
    best = min(drawn, key=drawn.__getitem__)
    if STEADY in drawn and best != BASELINE and drawn[STEADY] <= drawn[best] + STEADIER_WITHIN:
        best = STEADY
    if best == BASELINE:
        return BASELINE, "baseline_wins"
    if intermittent:
        return best, "intermittent"
    return best, "lowest_error" if errors[best] == min(errors.values()) else "simpler"
