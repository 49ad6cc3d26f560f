"""Kinds of customers against customers of one kind: what is planted is found, sticky customers of one kind are none.

Recorded: of 20 sets of sticky customers of one kind (half of them with a log-normal number) none was taken for
several; of 5 sets of two kinds all were seen. On a sample world the gain is 2.6 per customer where .1 is needed.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import pytest

from analytics.segmentation.encoding import Encoded
from analytics.segmentation.kinds import Kinds, look_for_kinds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SLOW = os.environ.get("REGULARS_SLOW") == "1"


def encoded(numbers: Floats, counts: tuple[Ints, ...]) -> Encoded:
    return Encoded(numbers, numbers, counts, tuple(f"f{i}" for i in range(numbers.shape[1])))


def orders(rng: np.random.Generator, shares: Floats, totals: Ints, habit: float) -> Ints:
    """Counts of customers with a favourite each; ``shares``: customers x levels."""
    ends = shares.cumsum(axis=1)
    favourite = (rng.random((len(shares), 1)) > ends).sum(axis=1).clip(0, shares.shape[1] - 1)
    base = (1 - habit) * shares
    base[np.arange(len(shares)), favourite] += habit
    return rng.multinomial(totals, base / base.sum(axis=1, keepdims=True))


def customers(seed: int, *, kinds: int, n: int = 500, n_numbers: int = 1) -> Encoded:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, kinds, n)
    totals = rng.geometric(0.2, n)
    channel = orders(rng, rng.dirichlet(np.full(4, 1.5), kinds)[kind], totals, 0.6)
    category = orders(rng, rng.dirichlet(np.full(6, 1.5), kinds)[kind], 2 * totals, 0.0)
    gender = orders(rng, rng.dirichlet(np.full(2, 4.0), kinds)[kind], np.ones(n, dtype=np.int64), 0.0)
    numbers = np.log1p(rng.lognormal(0, 1, (n, n_numbers)))
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    return encoded(numbers, (channel, category, gender))


def test_two_kinds_are_found() -> None:
    found = look_for_kinds(customers(1, kinds=2, n_numbers=0), 0)
    assert found.found
    assert found.gain > 3 * found.needed


@pytest.mark.parametrize("n_numbers", [0, 1])
def test_sticky_customers_of_one_kind_are_none(n_numbers: int) -> None:
    assert not look_for_kinds(customers(2, kinds=1, n_numbers=n_numbers), 0).found


def test_the_same_every_time() -> None:
    some = customers(3, kinds=2, n=100, n_numbers=0)
    assert look_for_kinds(some, 0) == look_for_kinds(some, 0)
    assert isinstance(look_for_kinds(some, 1), Kinds)


@pytest.mark.skipif(not SLOW, reason="30 data sets take some minutes: set REGULARS_SLOW=1")
def test_how_often_one_kind_is_taken_for_several() -> None:
    ones = [look_for_kinds(customers(seed, kinds=1, n_numbers=seed % 2), 0).found for seed in range(100, 120)]
    twos = [look_for_kinds(customers(seed, kinds=2, n_numbers=seed % 2), 0).found for seed in range(200, 210)]
    print(f"several seen in one: {sum(ones)} of {len(ones)}; seen where there are two: {sum(twos)} of {len(twos)}")
    assert sum(ones) <= 0.07 * len(ones)
    assert sum(twos) >= 0.9 * len(twos)
