"""The choice: by hand on made-up scores, honest with luck."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.forecasting import ForecastSpec
from analytics.forecasting.backtest import Backtest, Bounds, score
from analytics.forecasting.block import Block
from analytics.forecasting.choosing import Choice, choose
from analytics.forecasting.grid import next_periods
from analytics.forecasting.spec import Model

SPEC = ForecastSpec()


def chosen(
    errors: dict[Model, list[float]],
    spec: ForecastSpec = SPEC,
    *,
    zero_share: float = 0.0,
    abstains: tuple[Model, ...] = (),
    cancelling: Model | None = None,
) -> tuple[Choice, ...]:
    """The choices when each model errs by ``errors`` (one per series) at each of four origins and three steps."""
    n = len(next(iter(errors.values())))
    y = np.full((n, 40), 10.0) + np.arange(40) % 2
    y[:, : int(40 * zero_share)] = 0.0
    ds = (date(2024, 1, 1), *next_periods(date(2024, 1, 1), 39, "week"))
    block = Block(tuple(f"s{row}" for row in range(n)), ds, y, next_periods(ds[-1], 3, "week"), "week", 1)
    actual, ones = np.full((4, n, 3), 10.0), np.ones((4, n))
    signs = {cancelling: np.array([1.0, -1.0, 1.0])}
    said: dict[Model, np.ndarray] = {
        model: actual + np.array(sizes)[None, :, None] * signs.get(model, np.ones(3)) for model, sizes in errors.items()
    }
    told = Backtest((20, 25, 30, 35), False, actual, said, ones, ones)
    nothing = Bounds(np.full((2, 4, n, 3), np.nan), np.full((2, 4, n, 3), np.nan))
    scores = {model: score(told, values, nothing, slice(0, 4)) for model, values in said.items()}
    ahead = {model: np.full((n, 3), np.nan if model in abstains else 10.0) for model in errors}
    return choose(block, told, scores, ahead, spec)[0]


def test_the_smallest_error_wins_and_its_figures_are_told() -> None:
    (one,) = chosen({"seasonal_naive": [2.0], "theta": [1.0], "median": [1.5]})
    assert one == Choice("theta", "lowest_error", "mase", pytest.approx(1.0), pytest.approx(2.0), 4, 4)


def test_the_median_is_taken_unless_another_is_clearly_better() -> None:
    (one,) = chosen({"seasonal_naive": [2.0], "theta": [0.97], "median": [1.0]})
    assert (one.model, one.reason) == ("median", "simpler")
    (one,) = chosen({"seasonal_naive": [2.0], "theta": [0.9], "median": [1.0]})
    assert (one.model, one.reason) == ("theta", "lowest_error")


def test_the_baseline_wins_where_nothing_is_better() -> None:
    (one,) = chosen({"seasonal_naive": [1.0], "theta": [1.2], "median": [1.1]})
    assert (one.model, one.reason, one.n_won) == ("seasonal_naive", "baseline_wins", 0)


def test_like_series_outvote_luck() -> None:
    """Five series say theta; the sixth alone would say Prophet by a little, which is taken for luck."""
    choices = chosen({"seasonal_naive": [2.0] * 6, "theta": [1.0] * 6, "prophet": [1.6] * 5 + [0.9]})
    assert [one.model for one in choices] == ["theta"] * 6
    assert choices[5].reason == "simpler"
    assert choices[5].model_error == pytest.approx(1.0)
    # By a lot, it is believed.
    choices = chosen({"seasonal_naive": [2.0] * 6, "theta": [1.0] * 6, "prophet": [1.6] * 5 + [0.4]})
    assert [one.model for one in choices] == ["theta"] * 5 + ["prophet"]
    # Alone, with four others, there is nobody to ask.
    choices = chosen({"seasonal_naive": [2.0] * 4, "theta": [1.0] * 4, "prophet": [1.6] * 3 + [0.9]})
    assert choices[3].model == "prophet"


def test_intermittent_series_compare_models_made_for_them_by_squared_error_and_total() -> None:
    errors: dict[Model, list[float]] = {"seasonal_naive": [2.0], "tsb": [1.0], "theta": [0.5]}
    (one,) = chosen(errors, zero_share=0.8)
    assert (one.model, one.reason, one.compared_by) == ("tsb", "intermittent", "rmsse")
    assert one.model_error == pytest.approx(1.0)


def test_on_intermittent_series_the_total_counts_as_much_as_the_steps() -> None:
    """TSB errs more at each step, but its errors cancel over the horizon: 3 x .8 = 2.4 against 1.1 in the total."""
    (one,) = chosen({"seasonal_naive": [2.0], "tsb": [1.1], "smoothing": [0.8]}, zero_share=0.8, cancelling="tsb")
    assert (one.model, one.model_error) == ("tsb", pytest.approx(1.1))


def test_a_model_that_abstains_today_is_not_taken() -> None:
    (one,) = chosen({"seasonal_naive": [2.0], "theta": [1.0], "prophet": [1.5]}, abstains=("theta",))
    assert one.model == "prophet"
    (one,) = chosen({"seasonal_naive": [2.0], "theta": [1.0]}, ForecastSpec(model="theta"), abstains=("theta",))
    assert one.model == "seasonal_naive"


def test_what_was_asked_for_is_taken() -> None:
    (one,) = chosen({"seasonal_naive": [1.0], "theta": [5.0]}, ForecastSpec(model="theta"))
    assert (one.model, one.reason, one.model_error) == ("theta", "asked", pytest.approx(5.0))


def test_nothing_to_compare() -> None:
    (one,) = chosen({"seasonal_naive": [0.0], "theta": [0.0]})
    assert (one.model, one.reason) == ("seasonal_naive", "equal")
    (one,) = chosen({"seasonal_naive": [float("nan")], "theta": [float("nan")]})
    assert (one.model, one.reason, one.n_origins) == ("seasonal_naive", "untested", 0)
