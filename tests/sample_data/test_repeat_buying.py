"""Moments of the draws against the models' published closed forms."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.special import hyp2f1

from sample_data.repeat_buying import (
    Buying,
    draw_bg_nbd,
    draw_mbg_nbd,
    draw_pareto_nbd,
    draw_sbg,
    draw_spans,
    draw_values,
    write_orders,
)

N = 200_000
BG = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
PARETO = {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}


def expected_bg(t: float, r: float, alpha: float, a: float, b: float) -> float:
    """E[X(t)] of BG/NBD, equation 9 of Fader, Hardie & Lee (2005)."""
    return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t))))


def expected_pareto(t: float, r: float, alpha: float, s: float, beta: float) -> float:
    """E[X(t)] of Pareto/NBD (Schmittlein, Morrison & Colombo 1987)."""
    return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))


def near(drawn: np.ndarray, expected: float) -> bool:
    """Within four standard errors of the mean."""
    return bool(abs(drawn.mean() - expected) < 4 * drawn.std() / np.sqrt(len(drawn)))


def test_bg_nbd_draws_have_its_mean_before_and_after_the_cut() -> None:
    buying = draw_bg_nbd(np.random.default_rng(1), np.full(N, 39.0), 39.0, **BG)
    assert near(buying.x, expected_bg(39, **BG))
    assert near(buying.x + buying.holdout, expected_bg(78, **BG))
    # nobody drops out before a repeat, so P(x = 0) is the negative binomial's
    assert near(buying.x == 0, (BG["alpha"] / (BG["alpha"] + 39)) ** BG["r"])


def test_mbg_nbd_loses_some_right_after_the_first_purchase() -> None:
    buying = draw_mbg_nbd(np.random.default_rng(2), np.full(N, 39.0), **BG)
    at_once = BG["a"] / (BG["a"] + BG["b"])
    assert near(buying.lifetime == 0, at_once)
    assert near(buying.x == 0, at_once + (1 - at_once) * (BG["alpha"] / (BG["alpha"] + 39)) ** BG["r"])


def test_pareto_nbd_draws_have_its_mean_and_lifetimes() -> None:
    buying = draw_pareto_nbd(np.random.default_rng(3), np.full(N, 39.0), 39.0, **PARETO)
    assert near(buying.x, expected_pareto(39, **PARETO))
    assert near(buying.x + buying.holdout, expected_pareto(78, **PARETO))
    assert near(buying.alive, (PARETO["beta"] / (PARETO["beta"] + 39)) ** PARETO["s"])


@pytest.mark.parametrize("draw", [draw_bg_nbd, draw_mbg_nbd])
def test_histories_are_those_of_the_events(draw: object) -> None:
    rng = np.random.default_rng(4)
    spans = draw_spans(rng, 300, 39.0, 27.0)
    assert 27 <= spans.min() < 28 < 38 < spans.max() <= 39
    check_by_hand(draw(rng, spans, 20.0, **BG))


def test_pareto_histories_are_those_of_the_events() -> None:
    buying = draw_pareto_nbd(np.random.default_rng(5), np.linspace(0, 39, 300), 20.0, **PARETO)
    check_by_hand(buying)
    assert (buying.x[:1], buying.t_x[:1]) == (0, 0.0)  # T = 0: nothing is known


def check_by_hand(buying: Buying) -> None:
    """x, t_x and the holdout by a loop over customers; no purchase after dropping out."""
    for i, end in enumerate(buying.T):
        times = buying.time[buying.customer == i]
        seen = times[times <= end]
        assert np.all(np.diff(times) >= 0)
        assert (buying.x[i], buying.holdout[i]) == (len(seen), len(times) - len(seen))
        assert buying.t_x[i] == (seen.max() if len(seen) else 0.0)
        assert len(times) == 0 or times[-1] <= buying.lifetime[i]
        assert len(times) == 0 or times[-1] <= end + buying.horizon


def test_parameters_may_differ_by_customer() -> None:
    z = np.repeat([0.0, 1.0], N // 2)
    varied = BG | {"alpha": BG["alpha"] / np.exp(0.7 * z)}
    buying = draw_bg_nbd(np.random.default_rng(6), np.full(N, 39.0), **varied)
    assert near(buying.x[z == 0], expected_bg(39, **BG))
    assert near(buying.x[z == 1], expected_bg(39, **(BG | {"alpha": BG["alpha"] / np.exp(0.7)})))


def test_values_have_the_mean_of_gamma_gamma_and_are_independent_of_buying() -> None:
    rng = np.random.default_rng(7)
    buying = draw_bg_nbd(rng, np.full(N, 39.0), 10.0, **BG)
    values = draw_values(rng, buying, p=6.25, q=5.74, gamma=15.44)
    expected = 6.25 * 15.44 / (5.74 - 1)
    assert near(values.first, expected)
    assert near(values.expected, expected)
    assert len(values.repeat) == len(buying.time)
    mean, x = values.mean_of_repeats(buying), buying.x
    assert np.array_equal(np.isnan(mean), x == 0)
    assert near(mean[x > 0], expected)
    assert abs(np.corrcoef(x[x > 0], mean[x > 0])[0, 1]) < 0.02
    # given nu, a mean of x values has the variance p / (x nu^2): the more repeats, the nearer to the truth
    of_many = np.abs(mean / values.expected - 1)
    assert of_many[x >= 5].mean() < 0.6 * of_many[x == 1].mean()


def test_sbg_durations_follow_the_beta_geometric() -> None:
    alpha, beta = 0.704, 1.182
    drawn = draw_sbg(np.random.default_rng(8), np.full(N, 7), alpha=alpha, beta=beta)
    survival = 1.0
    for t, left in enumerate(drawn.survivors()):
        if t:
            survival *= (beta + t - 1) / (alpha + beta + t - 1)
        assert abs(left / N - survival) < 4 * np.sqrt(survival * (1 - survival) / N) + 1e-12
    assert len(drawn.survivors()) == 8
    assert np.array_equal(drawn.has_left, drawn.true_duration <= 7)
    assert drawn.duration.max() == 7
    assert drawn.duration.min() == 1


def test_orders_are_dated_back_from_the_end() -> None:
    rng = np.random.default_rng(9)
    buying = draw_bg_nbd(rng, draw_spans(rng, 500, 39.0), 10.0, **BG)
    orders = write_orders(buying, draw_values(rng, buying, p=6, q=4, gamma=15), date(2026, 6, 30))
    assert orders.height == 500 + len(buying.time)
    assert orders["customer_id"].n_unique() == 500
    assert orders["customer_id"].str.len_chars().unique().to_list() == [3]
    day = pl.col("ordered_at").dt.date()
    assert orders.filter(~pl.col("in_holdout")).select(day.max()).item() <= date(2026, 6, 30)
    assert orders.filter("in_holdout").select(day.min()).item() > date(2026, 6, 30)
    assert orders.filter("in_holdout").height == buying.holdout.sum()
    assert orders["amount"].min() >= 0.01


def test_the_same_stream_gives_the_same_histories() -> None:
    first, again = (draw_pareto_nbd(np.random.default_rng(10), np.full(50, 20.0), **PARETO) for _ in range(2))
    assert np.array_equal(first.time, again.time)
    assert np.array_equal(first.lifetime, again.lifetime)
