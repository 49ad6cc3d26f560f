"""Customers without clusters: their margins, correlations, steps and heaps are those of the customers, peaks merged."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.stats import kstest, spearmanr

from analytics.customers import CustomerTable
from analytics.segmentation.encoding import Encoded, encode
from analytics.segmentation.references import fit_references, single_peaked

RANKS = (np.arange(4000) + 0.5) / 4000


def plain(points: np.ndarray) -> Encoded:
    return Encoded(points, points, (), tuple(f"f{i}" for i in range(points.shape[1])))


def test_one_peak_stays_as_it_is() -> None:
    values = np.random.default_rng(0).normal(size=2000)
    assert kstest(single_peaked(values)(RANKS), values).statistic < 0.03


def test_two_peaks_become_one() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(-3, 0.5, 700), rng.normal(3, 0.5, 700)])
    drawn = single_peaked(values)(RANKS)
    assert (np.abs(values) < 1).mean() < 0.01
    assert (np.abs(drawn) < 1).mean() > 0.1
    assert drawn.min() >= values.min()
    assert drawn.max() <= values.max()


def test_steps_stay_and_missing_ones_are_filled() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.poisson(2, 500), rng.poisson(2, 500) + 20]).astype(float)
    drawn = single_peaked(values)(RANKS)
    assert np.allclose(drawn, np.round(drawn))
    assert {10.0, 13.0} <= set(drawn)


def test_flags_and_heaps_keep_their_share() -> None:
    flag = np.repeat([0.0, 1.0], [300, 100])
    assert single_peaked(flag)(RANKS).mean() == pytest.approx(0.25, abs=0.001)
    heaped = np.concatenate([np.zeros(400), np.random.default_rng(3).normal(5, 1, 600)])
    assert (single_peaked(heaped)(RANKS) == 0).mean() == pytest.approx(0.4, abs=0.01)


def test_correlations_are_kept_through_ties() -> None:
    rng = np.random.default_rng(4)
    common = rng.normal(size=3000)
    points = np.column_stack([common + rng.normal(0, 0.5, 3000), rng.poisson(np.exp(0.8 * common))]).astype(float)
    drawn = fit_references(plain(points)).draw("margins", 1, rng)[0]
    assert spearmanr(drawn).statistic == pytest.approx(spearmanr(points).statistic, abs=0.04)


def test_families_have_the_same_covariance_or_box() -> None:
    rng = np.random.default_rng(5)
    points = rng.normal(size=(4000, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    references = fit_references(plain(points))
    normal = references.draw("normal", 1, rng)[0]
    assert np.cov(normal.T) == pytest.approx(np.cov(points.T), abs=0.08)
    uniform = references.draw("uniform", 2, rng)
    assert uniform.shape == (2, 4000, 2)
    assert np.corrcoef(uniform[0].T)[0, 1] > 0.4


def test_categories_stay_whole_and_mixes_are_shares() -> None:
    rng = np.random.default_rng(6)
    n = 500
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "recency_days": rng.integers(0, 300, n),
            "city": rng.choice(["Taipei", "Tainan", "Hsinchu"], n, p=[0.5, 0.3, 0.2]),
        }
    )
    customers = CustomerTable(frame, date(2026, 6, 30), "TWD", ("recency_days",), ("city",), "k")
    held = encode(customers, ("recency_days", "city"))
    drawn = fit_references(held.encoded, held.encoder).draw("margins", 3, rng)
    city = [i for i, level in enumerate(held.encoded.levels) if level]
    seen = {tuple(row) for row in np.round(held.encoded.points[:, city], 9)}
    for draw in drawn:
        rows = np.round(draw[:, city], 9)
        assert {tuple(row) for row in rows} <= seen
        assert rows.mean(axis=0) == pytest.approx(0, abs=0.1)
