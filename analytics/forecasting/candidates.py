"""The candidates by name, and all of them run on one block."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

from analytics.forecasting.metrics import never_negative, whole
from analytics.forecasting.spec import BASELINE, MODELS, ForecastSpec, Model

if TYPE_CHECKING:
    from analytics.forecasting.block import Block, Candidate, Floats

# Where each lives: imported when first used, since the models bring heavy libraries.
_HOME: dict[Model, str] = {
    "seasonal_naive": "analytics.forecasting.classical",
    "smoothing": "analytics.forecasting.classical",
    "theta": "analytics.forecasting.classical",
    "tsb": "analytics.forecasting.classical",
    "prophet": "analytics.forecasting.prophet_model",
    "prophet_level": "analytics.forecasting.prophet_model",
    "boosting": "analytics.forecasting.boosting",
}
# The first four that do not abstain. Of the fours tried on the tuning halves of the benchmark, this errs least: 1.3
# percent less, as a geometric mean over six sets, than the one without boosting.
MEDIAN_OF: tuple[Model, ...] = ("smoothing", "theta", "prophet_level", "boosting", "prophet")
LEAST_FOR_MEDIAN, MOST_FOR_MEDIAN = 3, 4


def asked_for(spec: ForecastSpec) -> tuple[Model, ...]:
    """The models to compare, in the order of ``MODELS``; the baseline and the one asked for are always among them."""
    wanted = set(spec.candidates or MODELS) | {BASELINE}
    if spec.model != "auto":
        wanted.add(spec.model)
    return tuple(model for model in MODELS if model in wanted)


def run_candidates(block: Block, spec: ForecastSpec, models: Iterable[Model]) -> dict[Model, Floats]:
    """Each model's forecasts, shape (n, h); a row of NaN where it abstains. Zero is the floor of what never was below.

    The median is that of ``MEDIAN_OF``, whichever of them were asked for; those that abstain have no say.
    """
    import numpy as np

    models = tuple(models)
    needed = {*models, *(MEDIAN_OF if "median" in models else ())} - {"median"}
    floored = never_negative(block.y)
    found: dict[Model, Floats] = {}
    for model in (model for model in MODELS if model in needed):
        said = np.array(_find(model)(block, spec), dtype=float)
        said[~whole(said)] = np.nan
        found[model] = np.where(floored[:, None], np.maximum(said, 0.0), said)
    if "median" in models:
        found["median"] = median([found[model] for model in MEDIAN_OF if model in found])
    return {model: found[model] for model in models if model in found}


def prepare_candidates(
    blocks: Sequence[Block], spec: ForecastSpec, models: Iterable[Model], tell: Callable[[float], None] | None = None
) -> None:
    """What the cutoffs of a back-test share: Prophet fits them together, boosting learns at some of them only.

    ``tell`` hears which share of Prophet's work is done.
    """
    if {"boosting", "median"} & set(models):
        importlib.import_module(_HOME["boosting"]).prepare(blocks, spec)
    if {"prophet", "prophet_level", "median"} & set(models):
        importlib.import_module(_HOME["prophet"]).prepare(blocks, spec, tell)


def median(forecasts: list[Floats]) -> Floats:
    """The median per series and period of the first four that do not abstain; fewer than three of them have none."""
    import numpy as np

    stacked = np.array(forecasts)
    there = whole(stacked)
    there &= there.cumsum(axis=0) <= MOST_FOR_MEDIAN
    stacked = np.where(there[:, :, None], stacked, np.nan)
    found = np.full(stacked.shape[1:], np.nan)
    rows = there.sum(axis=0) >= LEAST_FOR_MEDIAN
    if rows.any():
        found[rows] = np.nanmedian(stacked[:, rows], axis=0)
    return found


def _find(model: Model) -> Candidate:
    return cast("Candidate", getattr(importlib.import_module(_HOME[model]), model))
