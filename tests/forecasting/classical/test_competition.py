"""The M4 competition's weekly series: the published scores of its benchmark methods, and ours beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analytics.forecasting.classical import competition
from analytics.forecasting.classical.aligned import align
from analytics.forecasting.classical.seasons import is_seasonal, seasonal_index

HORIZON = 13
SharedData = Callable[[str], Path]
Series = list[np.ndarray]


def read_wide(path: Path) -> Series:
    """One series per line, ragged on the right."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return [np.array([float(cell) for cell in line.replace('"', "").split(",")[1:] if cell]) for line in lines]


def scores(train: Series, test: Series, said: Series) -> tuple[float, float]:
    """Mean sMAPE in percent and mean MASE of a season of one, as M4 counts them."""
    smape, mase = [], []
    for y, actual, forecast in zip(train, test, said, strict=True):
        error = np.abs(actual - forecast)
        smape.append(200 * float((error / (np.abs(actual) + np.abs(forecast))).mean()))
        mase.append(float(error.mean() / np.abs(np.diff(y)).mean()))
    return float(np.mean(smape)), float(np.mean(mase))


@pytest.fixture(scope="module")
def weekly(shared_data: SharedData) -> tuple[Series, Series]:
    folder = shared_data("m4_weekly")
    return read_wide(folder / "Weekly-train.csv"), read_wide(folder / "Weekly-test.csv")


PUBLISHED = {  # method: (sMAPE, MASE), allowed differences
    "naive2": ((9.161, 2.777), (0.001, 0.001)),
    "ses": ((9.012, 2.685), (0.001, 0.001)),
    "theta": ((9.093, 2.637), (0.05, 0.01)),
    "comb": ((8.944, 2.432), (0.15, 0.03)),
}


@pytest.mark.parametrize("method", ["naive2", "ses", "theta"])
def test_published_scores_of_all_359_weekly_series(weekly: tuple[Series, Series], method: str) -> None:
    """Last result: Naive2 9.1613 / 2.7773, SES 9.0115 / 2.6845, Theta 9.0925 / 2.6371 (sMAPE / MASE)."""
    train, test = weekly
    assert len(train) == 359
    check(train, test, method)


@pytest.mark.slow
def test_published_score_of_the_combination(weekly: tuple[Series, Series]) -> None:
    """Comb: the mean of SES, Holt and damped smoothing. Last result: 8.9225 / 2.4354 (published 8.944 / 2.432)."""
    check(*weekly, "comb")


def check(train: Series, test: Series, method: str) -> None:
    said = [getattr(competition, method)(y, 1, HORIZON) for y in train]
    (smape, mase), allowed = PUBLISHED[method]
    found = scores(train, test, said)
    assert found[0] == pytest.approx(smape, abs=allowed[0])
    assert found[1] == pytest.approx(mase, abs=allowed[1])


def test_the_combination_is_the_mean_of_three_methods() -> None:
    rng = np.random.default_rng(4)
    y = 100 + rng.normal(0, 3, 60).cumsum()
    three = [getattr(competition, name)(y, 1, 4) for name in ("ses", "holt", "damped")]
    assert competition.comb(y, 1, 4) == pytest.approx(np.mean(three, axis=0))


def test_trends_are_followed() -> None:
    line = 10 + 2.0 * np.arange(50)
    assert competition.holt(line, 1, 3) == pytest.approx([110, 112, 114], rel=1e-4)
    assert competition.damped(line, 1, 3) == pytest.approx([110, 112, 114], rel=0.01)


def test_a_season_is_found_and_put_back() -> None:
    season = np.array([0.5, 1.0, 1.5, 1.0])
    y = 100 * season[np.arange(41) % 4]
    assert competition.naive2(y, 4, 5) == pytest.approx(100 * season[[1, 2, 3, 0, 1]])
    series = align(y[None], 4)
    assert is_seasonal(series, 4)[0]
    index, good = seasonal_index(series, 4, multiplicative=True)
    assert good[0]
    assert index[0] == pytest.approx(season)
    assert not is_seasonal(align(np.random.default_rng(5).normal(10, 1, (1, 40)), 4), 4)[0]
