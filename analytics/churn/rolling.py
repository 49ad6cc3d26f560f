"""Learning as it would have gone: at each cut-off only from label windows that had ended by then.

At a cut-off, both classifiers are fitted on the earlier cut-offs whose windows have ended; which of the two is used,
and its calibration, come from what they had predicted at earlier cut-offs whose windows have ended as well. The model
of today is made in the same way from everything that has ended by today.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.churn import measures
from analytics.churn.classifier import Calibration, Classifier, Matrix, fit_calibration, fit_classifier
from analytics.churn.spec import ChurnSpec, Method
from analytics.progress import report

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_TO_FIT = 20  # gone, and stayed, in what a model is fitted on
RECENT = 5  # cut-offs that a calibration is learned from: the share that leaves drifts
REFIT = 2  # cut-offs that one fit serves: the later ones are predicted by a slightly older model
LEAST_TO_JUDGE = 40  # gone in predictions that choose between methods


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Customers (positions) active on a cut-off ``day``, their n x k values and who was gone by the end of it.

    Rows stand in an order that neither ids nor files decide. ``gone`` is empty where the window has not ended.
    """

    day: int
    customers: Ints
    values: Matrix
    gone: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What was predicted at a window before it had ended: raw log odds by method, the method in use, its calibration.

    ``risk``: calibrated, of the method in use; ``risks``: calibrated, of each. ``classifiers``: models that never saw
    the outcomes of the rows ``held``.
    """

    window: Window
    logits: dict[Method, Floats]
    risks: dict[Method, Floats]
    chosen: Method
    risk: Floats
    classifiers: dict[Method, Classifier]
    held: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """The rolling predictions, and the model of today with its calibration."""

    predictions: tuple[Prediction, ...]
    classifiers: dict[Method, Classifier]
    calibrations: dict[Method, Calibration]
    chosen: Method


def roll(windows: list[Window], horizon: int, today: int, spec: ChurnSpec) -> Learned:
    """Predict every window that can be predicted beforehand, then learn the model of ``today``.

    ``predictions`` is empty where no window can be.
    """
    methods: tuple[Method, ...] = ("logistic", "boosting") if spec.method == "auto" else (spec.method,)
    made: list[Prediction] = []
    classifiers: dict[Method, Classifier] | None = None
    for i, window in enumerate(windows):
        report(0.3 + 0.4 * i / len(windows), "churn_rolling")
        if classifiers is None or (len(windows) - 1 - i) % REFIT == 0:
            classifiers = _fit(windows, window.day - horizon, methods, spec)
        if classifiers is None or not window.gone.any() or window.gone.all():
            continue
        logits = {method: model.logits(window.values) for method, model in classifiers.items()}
        calibrations, chosen = _settle(made, window.day - horizon, methods)
        risks = {method: calibrations[method].risk(logits[method]) for method in methods}
        every = np.arange(len(window.gone))
        made.append(Prediction(window, logits, risks, chosen, risks[chosen], classifiers, every))
    report(0.7, "churn_today")
    latest = _fit(windows, today - horizon, methods, spec)
    if latest is None:
        return Learned((), {}, {}, methods[0])
    calibrations, chosen = _settle(made, today - horizon, methods)
    return Learned(tuple(made), latest, calibrations, chosen)


def _fit(
    windows: list[Window], latest: int, methods: tuple[Method, ...], spec: ChurnSpec
) -> dict[Method, Classifier] | None:
    """Of the windows that begin by ``latest``; None where they hold too few of either kind."""
    ended = [window for window in windows if window.day <= latest and len(window.gone)]
    if not ended:
        return None
    gone = np.concatenate([window.gone for window in ended])
    if min(gone.sum(), len(gone) - gone.sum()) < LEAST_TO_FIT:
        return None
    values = np.concatenate([window.values for window in ended])
    return {method: fit_classifier(method, values, gone, spec.random_state) for method in methods}


def _settle(
    made: list[Prediction], latest: int, methods: tuple[Method, ...]
) -> tuple[dict[Method, Calibration], Method]:
    """Calibrations and the method in use, from predictions whose windows have ended."""
    ended = [one for one in made if one.window.day <= latest][-RECENT:]
    if not ended:
        return dict.fromkeys(methods, Calibration()), methods[0]
    gone = np.concatenate([one.window.gone for one in ended])
    calibrations: dict[Method, Calibration] = {}
    losses: dict[Method, float] = {}
    for method in methods:
        logits = np.concatenate([one.logits[method] for one in ended])
        calibrations[method] = fit_calibration(logits, gone)
        losses[method] = measures.log_loss(gone, calibrations[method].risk(logits))
    if gone.sum() < LEAST_TO_JUDGE:
        return calibrations, methods[0]
    return calibrations, min(methods, key=lambda method: losses[method])
