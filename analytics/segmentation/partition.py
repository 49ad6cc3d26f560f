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
Singles = npt.NDArray[np.float32]

_ROWS_AT_ONCE = 16_384  # few enough to stay in the processor's cache


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
        return self.assign_turned(turned(encoded.points))

    def assign_turned(self, columns: Singles) -> tuple[Ints, Floats]:
        """As ``assign``, for ``turned`` points (d x n)."""
        k, n = len(self.centres), columns.shape[1]
        centres = self.centres.astype(np.float32)
        index, margin = np.zeros(n, dtype=np.int64), np.ones(n)
        squares = np.empty((k, min(n, _ROWS_AT_ONCE)), dtype=np.float32)
        apart = np.empty(squares.shape[1], dtype=np.float32)
        # Value by value, not as a product of matrices: the same row gives the same bits wherever it lies in memory.
        for start in range(0, n if k > 1 else 0, _ROWS_AT_ONCE):
            part = columns[:, start : start + _ROWS_AT_ONCE]
            distance, step = squares[:, : part.shape[1]], apart[: part.shape[1]]
            for own, centre in zip(distance, centres, strict=True):
                own[:] = 0.0
                for column, at in zip(part, centre, strict=True):
                    np.subtract(column, at, out=step)
                    np.multiply(step, step, out=step)
                    own += step
            best, second = distance[0].copy(), np.full_like(distance[0], np.inf)
            nearest = index[start : start + _ROWS_AT_ONCE]
            for i in range(1, k):
                nearest[distance[i] < best] = i
                np.minimum(second, np.maximum(best, distance[i]), out=second)
                np.minimum(best, distance[i], out=best)
            np.divide(best, np.maximum(second, np.float32(1e-30)), out=best)
            np.subtract(1.0, np.sqrt(best), out=margin[start : start + _ROWS_AT_ONCE])
        return index, margin


def turned(points: Floats) -> Singles:
    """Points as d x n in single precision: what distances to centres are quickest from."""
    return np.ascontiguousarray(points.T, dtype=np.float32)


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
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

    with threadpool_limits(limits=1):
        yield
