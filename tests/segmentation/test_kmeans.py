"""K-means: many small fits at once find what scikit-learn finds one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from analytics.segmentation import kmeans


def separated(seed: int, n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0, 0], [8, 0, 0], [0, 8, 0], [0, 0, 8]])
    return centres[rng.integers(0, 4, n)] + rng.normal(size=(n, 3))


def test_many_fits_are_as_good_as_single_ones() -> None:
    sets = np.stack([separated(seed) for seed in range(5)]).astype(np.float32)
    fits = kmeans.fit_many(sets, 4, n_init=5, rng=np.random.default_rng(0))
    assert fits.centres.shape == (5, 4, 3)
    for points, segment, within in zip(sets, fits.segment, fits.within, strict=True):
        model = KMeans(4, n_init=5, random_state=0).fit(points)
        assert within == pytest.approx(model.inertia_, rel=1e-3)
        assert sorted(np.bincount(segment)) == sorted(np.bincount(model.labels_))


def test_steps_from_given_centres_only_improve() -> None:
    points = separated(3).astype(np.float32)[None]
    start = points[:, :4].copy()
    few = kmeans.improve_many(points, start, most_steps=1)
    many = kmeans.improve_many(points, start, most_steps=20)
    assert many.within[0] <= few.within[0] + 1e-3
    distances = ((points[0][:, None] - many.centres[0][None]) ** 2).sum(axis=2)
    assert (distances.argmin(axis=1) == many.segment[0]).mean() > 0.99


def test_an_empty_segment_keeps_its_centre() -> None:
    points = np.zeros((1, 10, 2), dtype=np.float32)
    start = np.array([[[0.0, 0.0], [50.0, 50.0]]], dtype=np.float32)
    fits = kmeans.improve_many(points, start)
    assert fits.centres[0].tolist() == [[0, 0], [50, 50]]
    assert fits.within[0] == 0


def test_a_fit_is_repeatable_and_drawn_from_large_tables() -> None:
    points = separated(1, 25_000)
    first, again = (kmeans.fit(points, 4, n_init=2, random_state=7) for _ in range(2))
    assert np.array_equal(first, again)
    found = np.sort(np.round(first).astype(int), axis=0)
    assert found.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [8, 8, 8]]
    assert kmeans.draw_rows(np.random.default_rng(0), 50, 100).tolist() == list(range(50))
    rows = kmeans.draw_rows(np.random.default_rng(0), 500, 100)
    assert len(np.unique(rows)) == 100
    assert (np.diff(rows) > 0).all()
