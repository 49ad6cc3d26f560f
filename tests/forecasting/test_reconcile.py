"""Adding up: by hand, against the formula of the paper, and what it must never do."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analytics.forecasting.reconcile import Tree, incoherence, read_tree, reconcile, spread

PARENTS = pl.DataFrame(
    {"unique_id": ["A", "B", "a1", "a2", "b1", "b2", "b3"], "parent": ["total", "total", "A", "A", "B", "B", "B"]}
)
IDS = ("total", "A", "B", "a1", "a2", "b1", "b2", "b3")


@pytest.fixture
def tree() -> Tree:
    found = read_tree(IDS, PARENTS)
    assert found is not None
    return found


def test_equally_sure_series_share_a_difference_equally() -> None:
    small = read_tree(("t", "x", "y"), pl.DataFrame({"unique_id": ["x", "y"], "parent": ["t", "t"]}))
    assert small is not None
    said = reconcile(small, np.array([[12.0], [4.0], [5.0]]), np.eye(3))
    assert said[:, 0] == pytest.approx([11, 5, 6])
    # The total is known without error: it stays, and the children share by their variances.
    said = reconcile(small, np.array([[12.0], [4.0], [5.0]]), np.diag([0.0, 1.0, 2.0]))
    assert said[:, 0] == pytest.approx([12, 5, 7])


def test_the_tree_knows_its_leaves_and_sums(tree: Tree) -> None:
    assert tree.leaves.tolist() == [False, False, False, True, True, True, True, True]
    assert tree.sums.tolist() == [[1] * 5, [1, 1, 0, 0, 0], [0, 0, 1, 1, 1], *np.eye(5).tolist()]
    assert (tree.constraints @ tree.sums == 0).all()
    assert read_tree(("a1", "b1"), PARENTS) is None


@pytest.mark.parametrize("method", ["wls", "mint"])
def test_it_is_the_minimum_trace_projection(tree: Tree, method: str) -> None:
    """Theorem 1 of Wickramasuriya et al.: S (S' W^-1 S)^-1 S' W^-1 y."""
    rng = np.random.default_rng(0)
    covariance = spread(rng.normal(0, [5, 3, 3, 1, 2, 1, 2, 1], (60, 8)), method)
    base = rng.normal(50, 5, (8, 4))
    s, inverse = tree.sums, np.linalg.inv(covariance)
    expected = s @ np.linalg.solve(s.T @ inverse @ s, s.T @ inverse @ base)
    assert reconcile(tree, base, covariance) == pytest.approx(expected)
    assert reconcile(tree, expected, covariance) == pytest.approx(expected)  # what adds up already stays


def test_every_parent_is_the_sum_of_its_children(tree: Tree) -> None:
    rng = np.random.default_rng(1)
    base = rng.gamma(1.0, 1e6, (3, 8, 5))
    said = reconcile(tree, base, np.diag(rng.gamma(1, 1e10, 8)), np.ones(8, dtype=bool))
    levels = np.abs(base).mean(axis=(0, 2))
    for row in range(3):
        assert incoherence(tree, base[row], levels) > 0.01
        assert incoherence(tree, said[row], levels) < 1e-12
    assert said.min() >= 0


def test_what_never_was_below_zero_is_held_there_and_the_rest_shares(tree: Tree) -> None:
    base = np.array([[10.0], [3.0], [4.0], [1.0], [0.0], [8.0], [1.0], [0.5]])
    free = reconcile(tree, base, np.eye(8))
    assert free.min() < 0
    said = reconcile(tree, base, np.eye(8), np.ones(8, dtype=bool))
    assert said.min() == 0
    assert incoherence(tree, said, np.ones(8)) < 1e-9
    # No other forecasts that add up and stay at or above zero are nearer: a coarse search around them finds none.
    rng = np.random.default_rng(2)
    distance = ((said - base) ** 2).sum()
    leaves = said[tree.leaves]
    for _ in range(2_000):
        other = tree.sums @ np.maximum(leaves + rng.normal(0, 0.2, leaves.shape), 0)
        assert ((other - base) ** 2).sum() >= distance - 1e-9


def test_a_missing_forecast_takes_what_is_left(tree: Tree) -> None:
    base = np.array([[30.0], [12.0], [18.0], [5.0], [np.nan], [6.0], [6.0], [6.0]])
    assert reconcile(tree, base, np.eye(8))[4, 0] == pytest.approx(7.0)
    base[0] = np.nan
    base[1] = np.nan
    base[4] = 7.0
    assert reconcile(tree, base, np.eye(8))[:2, 0] == pytest.approx([30.0, 12.0])
    assert np.isfinite(reconcile(tree, np.full((8, 1), np.nan), np.eye(8))).all()


def test_shrinkage_is_that_of_schaefer_and_strimmer() -> None:
    """The naive double loop of their equation for standardised data about zero."""
    rng = np.random.default_rng(3)
    errors = rng.normal(0, 1, (25, 4)) @ rng.normal(0, 1, (4, 4))
    standard = errors / np.sqrt((errors**2).mean(axis=0))
    n = len(errors)
    top = bottom = 0.0
    for i in range(4):
        for j in range(4):
            if i == j:
                continue
            products = standard[:, i] * standard[:, j]
            top += n / (n - 1) ** 2 * float(((products - products.mean()) ** 2).mean())
            bottom += float(products.mean()) ** 2
    keep = 1 - min(top / bottom, 1)
    found = spread(errors, "mint")
    expected = errors.T @ errors / n
    expected[~np.eye(4, dtype=bool)] *= keep
    assert 0 < keep < 1
    assert found == pytest.approx(expected)


def test_errors_that_are_not_known_are_left_out() -> None:
    errors = np.array([[1.0, np.nan, np.nan], [3.0, 2.0, np.nan]])
    assert np.diag(spread(errors, "wls")) == pytest.approx([5.0, 4.0, 4.5])
    assert np.diag(spread(np.zeros((4, 2)), "wls")) == pytest.approx([1.0, 1.0])


def test_weighing_by_variance_lowers_the_error_of_what_is_unsure(tree: Tree) -> None:
    """500 hierarchies with errors of known size: the total's mean squared error falls, no series' rises."""
    rng = np.random.default_rng(4)
    truth = tree.sums @ rng.gamma(4, 10, (5, 500))
    sizes = np.array([12, 6, 6, 1, 1, 1, 1, 1.0])
    base = truth + sizes[:, None] * rng.normal(0, 1, truth.shape)
    said = reconcile(tree, base, np.diag(sizes**2))
    before, after = ((base - truth) ** 2).mean(axis=1), ((said - truth) ** 2).mean(axis=1)
    assert (after < 1.02 * before).all()
    assert after[0] < 0.1 * before[0]
