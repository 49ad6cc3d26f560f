"""Which model forecasts a series: judged on its own past, the baseline always among the judged."""

from __future__ import annotations

from dataclasses import dataclass
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
STEADIER_WITHIN = 1.02  # the median is taken unless another model's error is clearly below its own


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
    zero_share = _zero_share(block, told)
    choices, abstained = [], []
    answers = {model: whole(said) for model, said in ahead.items()}
    for row, unique_id in enumerate(block.ids):
        intermittent = bool(zero_share[row] > INTERMITTENT)
        errors, compared_by = _comparable(scores, row, intermittent)
        errors = {model: error for model, error in errors.items() if answers[model][row]}
        if spec.model != "auto" and answers[spec.model][row]:
            model: Model = spec.model
            reason: Reason = "asked"
        else:
            if spec.model != "auto":
                abstained.append(unique_id)
            model, reason = _pick(errors, intermittent, untested=not scores[BASELINE].n[row])
        seen = np.isfinite(sums[BASELINE][:, row]) & np.isfinite(sums[model][:, row])
        won = sums[model][seen, row] < sums[BASELINE][seen, row]
        choices.append(
            Choice(
                model,
                reason,
                compared_by,
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


def _pick(errors: dict[Model, float], intermittent: bool, untested: bool) -> tuple[Model, Reason]:
    if untested:
        return BASELINE, "untested"
    if not errors.get(BASELINE):
        return BASELINE, "equal"
    if intermittent:
        errors = {model: error for model, error in errors.items() if model in SUITABLE_WHEN_INTERMITTENT}
    best = min(errors, key=errors.__getitem__)
    if best == BASELINE:
        return BASELINE, "baseline_wins"
    if intermittent:
        return best, "intermittent"
    if STEADY in errors and best != STEADY and errors[STEADY] <= STEADIER_WITHIN * errors[best]:
        return STEADY, "simpler"
    return best, "lowest_error"
