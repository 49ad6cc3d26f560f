"""Values of a category that appear, vanish or are renamed in the course of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

_MONTHLY, _WEEKLY = 180, 56  # days of a period that are told apart by months, by weeks; less is too short
_LEAST = 20  # rows of a period that count
_EXPECTED = 10  # rows that a value would have had on the side where it has none: fewer may be chance
_STRAY = 0.01  # of the expected rows may stand there all the same: a mistyped date, a late booking
_ALIKE = 1.7  # a new name takes over its old name's share up to this factor


@dataclass(frozen=True, slots=True)
class Change:
    """A value's abrupt change: ``new`` appears, ``old`` vanishes, or ``old`` is called ``new`` from ``day`` on."""

    what: Literal["appears", "vanishes", "renamed"]
    old: str
    new: str
    day: date


@dataclass(frozen=True, slots=True)
class _Cut:
    value: str
    place: int  # first period behind the change
    share: float  # on the side where the value is
    day: date


def find_changes(values: pl.Series, days: pl.Series, least_share: float) -> list[Change]:
    """Abrupt changes of the values that hold at least ``least_share`` of the rows while they are in use.

    ``values`` (String) and ``days`` (Date) may be a sample of a table's rows. A value that grows slowly, comes every
    December or holds little is none.
    """
    frame = pl.DataFrame([values.alias("value"), days.alias("day")]).drop_nulls()
    if not frame.height:
        return []
    first, last = frame["day"].min(), frame["day"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    span = (last - first).days
    if span < _WEEKLY:
        return []
    period = (
        pl.col("day").dt.year().cast(pl.Int32) * 12 + pl.col("day").dt.month()
        if span >= _MONTHLY
        else (pl.col("day").cast(pl.Int32) + 3) // 7  # weeks begin on Monday
    )
    counted = frame.group_by("value", period.alias("period")).agg(
        pl.len().alias("n"), pl.col("day").min().alias("from"), pl.col("day").max().alias("to")
    )
    totals = counted.group_by("period").agg(pl.col("n").sum().alias("rows")).filter(pl.col("rows") >= _LEAST)
    totals = totals.sort("period").with_row_index("place")
    if totals.height < 4:
        return []
    counted = counted.join(totals, on="period")
    # Only a value that reaches the share in some period can change so.
    large = counted.group_by("value").agg((pl.col("n") / pl.col("rows")).max().alias("most"))
    levels = large.filter(pl.col("most") >= least_share).sort("most", "value", descending=[True, False])
    rows = totals["rows"].to_numpy().astype(float)
    appeared: list[_Cut] = []
    vanished: list[_Cut] = []
    for value in levels["value"].head(50):
        own = counted.filter(pl.col("value") == value).sort("place")
        n = np.zeros(len(rows))
        n[own["place"].to_numpy()] = own["n"].to_numpy()
        place = _absent_before(n, rows, least_share)
        if place:
            day = own.filter(pl.col("place") >= place)["from"].min()
            appeared.append(_Cut(value, place, _share(n[place:], rows[place:]), day))  # type: ignore[arg-type]  # a scalar: Polars types any literal
            continue
        place = _absent_before(n[::-1], rows[::-1], least_share)
        if place:
            place = len(rows) - place
            day = own.filter(pl.col("place") < place)["to"].max()
            vanished.append(_Cut(value, place, _share(n[:place], rows[:place]), day))  # type: ignore[arg-type]  # a scalar: Polars types any literal
    return _paired(appeared, vanished)


def _absent_before(n: np.ndarray, rows: np.ndarray, least_share: float) -> int:
    """The period from which a value is there, steadily, having been absent in at least two before; 0 where not."""
    shares = n / rows
    present = np.flatnonzero(shares >= 0.2 * shares.max())
    place = int(present[0])
    # The change may lie within the first period.
    steady = shares[place + 1 :]
    if place < 2 or len(steady) < 1 or steady.min() < 0.5 * least_share:
        return 0
    share = _share(n[place + 1 :], rows[place + 1 :])
    expected = share * rows[:place].sum()
    return place if share >= least_share and expected >= _EXPECTED and n[:place].sum() <= _STRAY * expected else 0


def _share(n: np.ndarray, rows: np.ndarray) -> float:
    return float(n.sum() / rows.sum())


def _paired(appeared: list[_Cut], vanished: list[_Cut]) -> list[Change]:
    """Old and new names that change at one time with a like share; the rest by themselves."""
    pairs = sorted(
        (abs(float(np.log(new.share / old.share))), old.value, new.value, old, new)
        for old in vanished
        for new in appeared
        if abs(old.place - new.place) <= 1 and 1 / _ALIKE <= new.share / old.share <= _ALIKE
    )
    changes: list[Change] = []
    told: set[int] = set()
    for *_distance, old, new in pairs:
        if id(old) not in told and id(new) not in told:
            told |= {id(old), id(new)}
            changes.append(Change("renamed", old.value, new.value, new.day))
    changes += [Change("appears", "", cut.value, cut.day) for cut in appeared if id(cut) not in told]
    changes += [Change("vanishes", cut.value, "", cut.day) for cut in vanished if id(cut) not in told]
    return changes
