"""A fitted cut: what puts a customer into a segment, and how far from the border.

Sources: k-means++ starts (Arthur and Vassilvitskii 2007); Ward (1963).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.segmentation.encoding import Encoded, Encoder

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 65_536


class Partition(Protocol):
    """A fitted cut; frozen and picklable."""

    @property
    def n_segments(self) -> int: ...

    def assign(self, encoded: Encoded) -> tuple[Ints, Floats]:
        """The segment of each row (0 to k - 1) and its margin: 0 on the border to the next segment, 1 far from it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Centres:
    """Every row belongs to the nearest centre; its margin is 1 - (distance to it) / (distance to the second)."""

    centres: Floats

    @property
    def n_segments(self) -> int:
        return len(self.centres)

    def assign(self, encoded: Encoded) -> tuple[Ints, Floats]:
        n = len(encoded)
        index = np.empty(n, dtype=np.int64)
        margin = np.empty(n)
        squares = (self.centres**2).sum(axis=1)
        for start in range(0, n, _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            points = encoded.points[part]
            distances = points @ (-2.0 * self.centres.T)
            distances += squares
            index[part] = nearest = distances.argmin(axis=1)
            rows = np.arange(len(points))
            first = distances[rows, nearest]
            distances[rows, nearest] = np.inf
            own = np.einsum("ij,ij->i", points, points)
            second = np.maximum(distances.min(axis=1) + own, 1e-300)
            margin[part] = 1.0 - np.sqrt(np.clip((first + own) / second, 0.0, 1.0))
        return index, margin if self.n_segments > 1 else np.ones(n)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedCut:
    """A partition with the encoder that feeds it: places the customers of any table."""

    encoder: Encoder
    partition: Partition

    def place(self, frame: pl.DataFrame) -> tuple[Ints, Floats]:
        """The segment of each row and its margin."""
        return self.partition.assign(self.encoder.encode(frame))


def fit_partition(
    encoded: Encoded,
    method: Literal["kmeans", "mixture", "hierarchical"],
    n_segments: int,
    *,
    n_init: int,
    random_state: int,
) -> Partition:
    """Cut ``encoded`` (few enough rows for the method, at least ``n_segments`` different ones) into segments."""
    if method == "mixture":
        from analytics.segmentation.mixture import fit_mixture

        return fit_mixture(encoded.numbers, encoded.counts, n_segments, n_init=n_init, random_state=random_state)
    if method == "hierarchical":
        from analytics.segmentation.hierarchical import ward_centres

        return Centres(ward_centres(encoded.points, n_segments))
    from analytics.segmentation import kmeans

    with one_thread():
        return Centres(kmeans.fit(encoded.points, n_segments, n_init=n_init, random_state=random_state))


def n_profiles(points: Floats, enough: int = 8) -> int:
    """How many different rows there are; counted no further than ``enough``."""
    for rows in (2_000, len(points)):
        found = len(np.unique(points[:: max(len(points) // rows, 1)], axis=0)) if len(points) else 0
        if found >= enough:
            break
    return min(found, enough)


@contextmanager
def one_thread() -> Iterator[None]:
    """Small fits: threads cost more than they bring, and sums in a fixed order make a seed repeatable."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
