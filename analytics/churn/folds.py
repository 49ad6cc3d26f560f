"""Cross-validation for a target without dates: every customer is predicted by models that never saw them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.churn import measures
from analytics.churn.classifier import Calibration, fit_calibration, fit_classifier
from analytics.churn.rolling import Learned, Prediction, Window
from analytics.churn.spec import ChurnSpec, Method
from analytics.progress import report

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 10


def fold_of(gone: Ints, seed: int, n_folds: int = FOLDS) -> Ints:
    """The fold of each row: drawn, with the gone spread evenly over the folds."""
    rng = np.random.default_rng(seed)
    folds = np.empty(len(gone), np.int64)
    for value in (0, 1):
        rows = np.flatnonzero(gone == value)
        folds[rng.permutation(rows)] = np.arange(len(rows)) % n_folds
    return folds


def cross_validate(window: Window, spec: ChurnSpec) -> Learned:
    """Ten folds; the calibration of a fold comes from the out-of-fold predictions of the others."""
    methods: tuple[Method, ...] = ("logistic", "boosting") if spec.method == "auto" else (spec.method,)
    folds = fold_of(window.gone, spec.random_state)
    logits: dict[Method, Floats] = {method: np.zeros(len(folds)) for method in methods}
    for fold in range(FOLDS):
        report(0.3 + 0.4 * fold / FOLDS, "churn_folds")
        inside, held = folds != fold, folds == fold
        for method in methods:
            model = fit_classifier(method, window.values[inside], window.gone[inside], spec.random_state)
            logits[method][held] = model.logits(window.values[held])
    risks: dict[Method, Floats] = {method: np.zeros(len(folds)) for method in methods}
    for fold in range(FOLDS):
        inside, held = folds != fold, folds == fold
        for method in methods:
            line = fit_calibration(logits[method][inside], window.gone[inside])
            risks[method][held] = line.risk(logits[method][held])
    chosen = min(methods, key=lambda method: measures.log_loss(window.gone, risks[method]))
    report(0.7, "churn_today")
    classifiers = {m: fit_classifier(m, window.values, window.gone, spec.random_state) for m in methods}
    calibrations: dict[Method, Calibration] = {m: fit_calibration(logits[m], window.gone) for m in methods}
    held = np.flatnonzero(folds < 3)
    rest = np.flatnonzero(folds >= 3)
    blind = {m: fit_classifier(m, window.values[rest], window.gone[rest], spec.random_state) for m in methods}
    made = Prediction(window, logits, risks, chosen, risks[chosen], blind, held)
    return Learned((made,), classifiers, calibrations, chosen)
