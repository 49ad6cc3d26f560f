"""The drawn lives are what their definition says."""

from __future__ import annotations

import numpy as np

from sample_data.product_lives import (
    FIRST,
    MONTH_DAYS,
    N_DAYS,
    STAGES,
    compute_weights,
    draw_product_lives,
    month_of_day,
    write_lines,
)


def test_a_life_runs_through_its_stages_in_order_with_the_weights_at_its_boundaries() -> None:
    boundaries = np.array([[2.0, 6.0, 14.0, 20.0, 30.0]] * 2)
    straight, curved = compute_weights(boundaries, np.array([False, True]), np.array([1, 2, 6, 14, 20, 29.999, 30]))
    assert np.allclose(straight, [0, 0.05, 0.15, 1, 1, 0.08, 0], atol=1e-3)
    assert np.allclose(curved, [0, 0.03, 0.12, 0.95, 0.95, 0.08, 0], atol=1e-3)
    months = np.linspace(6, 14, 20)
    rising = compute_weights(boundaries, np.array([False, True]), months)
    assert (np.diff(rising, axis=1) > 0).all()


def test_demand_is_level_times_weight_times_calendar() -> None:
    lives = draw_product_lives(400, 3)
    assert lives.units.shape == lives.weight.shape == (400, N_DAYS)
    assert (np.diff(lives.boundaries, axis=1) > 0).all()
    expected = (lives.level[:, None] * lives.weight * lives.exposure).sum(axis=1)
    error = lives.units.sum(axis=1) - expected
    # Poisson, and gamma draws by month: the variance of a product's sum.
    month = np.zeros((400, 42))
    np.add.at(month.T, month_of_day(), (lives.level[:, None] * lives.weight * lives.exposure).T)
    spread = np.sqrt(expected + (month**2).sum(axis=1) / lives.shape)
    assert abs((error / np.maximum(spread, 1)).mean()) < 4 / np.sqrt(400)
    assert (lives.units[lives.weight == 0] == 0).all()
    for product, first, last in lives.stock_outs:
        assert lives.units[product, first : last + 1].sum() == 0


def test_every_stage_is_met_on_the_last_day_and_a_seed_is_a_shop() -> None:
    lives = draw_product_lives(600, 5)
    now = lives.stages(np.array([N_DAYS / MONTH_DAYS - 0.5]))[:, 0]
    shares = {stage: float((now == stage).mean()) for stage in STAGES}
    assert shares["not_launched"] < 0.02
    assert all(shares[stage] > 0.03 for stage in STAGES[1:])
    assert shares["maturity"] < 0.6
    assert (draw_product_lives(600, 5).units == lives.units).all()
    assert (draw_product_lives(600, 6).units != lives.units).any()


def test_lines_hold_every_unit() -> None:
    lives = draw_product_lives(20, 1)
    lines = write_lines(lives)
    assert lines["quantity"].sum() == lives.units.sum()
    assert lines["order_id"].n_unique() == lines.height
    day = int(np.nonzero(lives.units[0])[0][0])
    first = lines.filter(product_id="P0000")["ordered_at"].min()
    assert first is not None
    assert (first.date() - FIRST).days == day
