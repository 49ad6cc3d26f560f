"""One model over all series: what it finds, when it abstains, what may not change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.calendar import CalendarSpec, OwnEvent
from analytics.forecasting import boosting as module
from analytics.forecasting.block import Block
from analytics.forecasting.boosting import boosting
from analytics.forecasting.spec import ForecastSpec

SPEC = ForecastSpec()
WEEK = np.array([1.0, 1.1, 1.2, 1.3, 1.6, 2.0, 0.5])
HORIZON = 14


def _block(y: np.ndarray, horizon: int = HORIZON, frequency: str = "day", season: int = 7) -> Block:
    step = {"day": 1, "week": 7}[frequency]
    start = date(2023, 1, 2)
    days = [start + timedelta(days=step * place) for place in range(y.shape[1] + horizon)]
    ids = tuple(f"P{place:03}" for place in range(len(y)))
    return Block(ids, tuple(days[: y.shape[1]]), y, tuple(days[y.shape[1] :]), frequency, season)


def _related(n: int = 24, n_periods: int = 240, noise: float = 0.1, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Series of one weekly shape and one slow wave, of very different size: what is known, and what comes."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_periods + HORIZON)
    size = np.exp(rng.uniform(0, 6, n))[:, None]
    mean = size * WEEK[t % 7] * (1 + 0.3 * np.sin(2 * np.pi * t / 120))
    y = mean * np.exp(rng.normal(0, noise, mean.shape))
    return y[:, :n_periods], mean[:, n_periods:]


def test_a_shared_shape_is_found_at_every_size() -> None:
    known, coming = _related()
    said = boosting(_block(known), SPEC)
    size = known.mean(axis=1, keepdims=True)
    error = np.abs(said - coming).mean(axis=1) / size[:, 0]
    naive = np.abs(np.tile(known[:, -7:], 2) - coming).mean(axis=1) / size[:, 0]
    assert said.shape == (24, HORIZON)
    assert error.max() < 0.25
    assert error.mean() < 0.9 * naive.mean()


def test_neither_names_nor_order_nor_currency_change_it() -> None:
    known, _ = _related(noise=0.3)
    said = boosting(_block(known), SPEC)
    order = np.random.default_rng(0).permutation(len(known))
    np.testing.assert_allclose(boosting(_block(known[order]), SPEC), said[order], rtol=1e-9)
    renamed = replace(_block(known), ids=tuple(f"Q{place}" for place in range(len(known))))
    assert (boosting(renamed, SPEC) == said).all()
    np.testing.assert_allclose(boosting(_block(known * 128), SPEC), said * 128, rtol=1e-9)


def test_abstains_under_twenty_series_and_where_too_little_was_seen() -> None:
    known, _ = _related()
    assert np.isnan(boosting(_block(known[:19]), SPEC)).all()
    assert np.isnan(boosting(_block(known[:, -34:]), SPEC)).all()
    assert np.isfinite(boosting(_block(known[:, -60:]), SPEC)).all()
    young = known.copy()
    young[5, :-10] = np.nan
    young[7, 100:110] = np.nan
    said = boosting(_block(young), SPEC)
    assert np.isnan(said[5]).all()
    assert np.isfinite(np.delete(said, 5, axis=0)).all()


def test_mostly_empty_series_are_forecast_by_their_mean_and_dead_ones_as_dead() -> None:
    rng = np.random.default_rng(5)
    y = rng.poisson(0.3, (25, 300)).astype(float)
    y[0] = 0.0
    y[1, 150:] = 0.0
    said = boosting(_block(y), SPEC)
    assert said[2:].mean() == pytest.approx(0.3, rel=0.15)
    assert abs(said[:2]).max() < 0.05


@pytest.mark.parametrize("horizon", [3, 60])
def test_weeks_with_a_horizon_longer_than_a_year_see_nothing_they_should_not(horizon: int) -> None:
    """What a row tells about a past origin is the same whether or not the periods after that origin are there."""
    rng = np.random.default_rng(7)
    y = rng.gamma(3.0, 10.0, (22, 200))
    which, origin = np.arange(22), np.full(22, 119)
    ahead = np.full(22, horizon)
    order = np.arange(22)
    fair = OwnEvent("fair", tuple(date(year, month, 3) for year in range(2023, 2027) for month in (2, 5, 9)))
    calendar = CalendarSpec(own=(fair,), festivals=("618",))
    whole = module.Past(_block(y, 60, "week", 52), order, calendar)
    cut = module.Past(_block(y[:, :120], 60, "week", 52), order, calendar)
    np.testing.assert_array_equal(whole.features(which, origin, ahead), cut.features(which, origin, ahead))


def test_constant_series_are_forecast_as_themselves() -> None:
    y = np.tile(np.arange(1.0, 26.0)[:, None], 200)
    np.testing.assert_allclose(boosting(_block(y), SPEC), np.tile(np.arange(1.0, 26.0)[:, None], HORIZON), rtol=1e-6)


def test_an_event_that_doubled_sales_before_is_expected_to_do_so_again() -> None:
    """Every thirtieth day all series sell twice as much; one such day lies ahead."""
    known, coming = _related(noise=0.05)
    block = _block(known)
    sale = [day for place, day in enumerate((*block.ds, *block.ahead)) if place % 30 == 5]
    lifted = known * np.where(np.arange(known.shape[1]) % 30 == 5, 2.0, 1.0)
    at = block.ahead.index(sale[-1])
    calendar = CalendarSpec(own=(OwnEvent("sale", tuple(sale)),))
    with_event = boosting(_block(lifted), ForecastSpec(calendar=calendar))
    without = boosting(_block(lifted), SPEC)
    assert np.median(with_event[:, at] / coming[:, at]) == pytest.approx(2.0, abs=0.25)
    assert np.median(without[:, at] / coming[:, at]) < 1.4
    beside = np.delete(np.arange(HORIZON), at)
    assert np.median(with_event[:, beside] / coming[:, beside]) == pytest.approx(1.0, abs=0.1)


def test_cutoffs_share_what_the_first_of_them_could_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of seven blocks the first, the fourth and the last two are learned from; nothing later has any influence."""
    known, _ = _related(n_periods=300)
    learned: list[int] = []
    learn = module._learn
    monkeypatch.setattr(module, "_learn", lambda past: learned.append(past.n_periods) or learn(past))
    cutoffs = (210, 220, 230, 240, 250, 260, 286)

    def told(y: np.ndarray) -> list[np.ndarray]:
        blocks = [_block(y).until(cutoff, HORIZON) for cutoff in cutoffs]
        module.prepare(blocks, SPEC)
        return [boosting(block, SPEC) for block in blocks]

    said = told(known)
    assert learned == [210, 240, 260, 286]
    for place in (0, 3, 5, 6):
        alone = boosting(_block(known).until(cutoffs[place], HORIZON), SPEC)
        np.testing.assert_array_equal(said[place], alone)
    changed = known.copy()
    changed[:, 230:] *= 3
    for place, again in enumerate(told(changed)[:3]):
        np.testing.assert_array_equal(again, said[place])
