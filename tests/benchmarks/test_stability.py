"""The stability benchmark at a tiny size: the shape of its lines and equal verdicts, never times."""

from __future__ import annotations

from benchmarks import stability


def test_verdicts_are_compared_number_by_number() -> None:
    separated, overlapping = stability.run(n_customers=600, n_repeats=2)
    assert (separated["data"], overlapping["data"]) == ("separated", "overlapping")
    for line in (separated, overlapping):
        assert list(line["stability"]) == list(line["peer_stability"]) == list(range(2, 9))
        assert line["equal"] is (line["same_verdicts"] == 7 or line["data"] == "overlapping")
        assert 0 <= line["same_verdicts"] <= 7
    assert separated["stability"][5] > 0.99
    assert separated["peer_stability"][5] > 0.99


def test_the_nearest_centres_are_as_far_apart_as_asked() -> None:
    import numpy as np

    points = stability.draw(20_000, 6.0)
    assert points.shape == (20_000, 8)
    assert np.allclose(points.mean(axis=0), 0)
    assert np.allclose(points.std(axis=0), 1)
    assert (np.diff(points[:, 0]) >= 0).all()
