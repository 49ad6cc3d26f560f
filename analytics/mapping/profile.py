"""What a source column's values look like, and how well that fits a canonical field."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from analytics.mapped import let_go
from analytics.mapping.cells import without_missing
from analytics.mapping.dates import date_share
from analytics.mapping.numbers import numeric_share, read_numbers
from analytics.schema import Field

_SAMPLE_ROWS = 1_000
_DATE_LIKE = re.compile(r"\d{1,4}\s*[-/.年]\s*\d{1,2}|\b\d{7,8}\b|\b\d{14}\b|[A-Za-z]{3,9}\.?[ -]\d|\d[ -][A-Za-z]{3}")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Shares are of the sample's values that are there; ``unique_share`` is distinct values per value."""

    n: int
    filled_share: float
    date_share: float
    numeric_share: float
    whole_share: float
    unique_share: float
    n_distinct: int
    mean_length: float
    low: float | None
    high: float | None


def profile(column: pl.Series, n_values: int = _SAMPLE_ROWS) -> ColumnProfile:
    """The profile of about ``n_values`` values spread evenly over ``column``."""
    step = max(1, len(column) // n_values)
    sample = without_missing(column.gather_every(step))
    let_go()
    there = sample.drop_nulls()
    n = len(there)
    if not n:
        return ColumnProfile(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, None, None)
    # Whether any digits are there at all is seen on a few values; reading thousands as numbers and dates costs more.
    few = [str(value) for value in there.gather_every(max(1, n // 40)).to_list()]
    digits = sum(any(character.isdecimal() for character in value) for value in few) / len(few)
    numeric = numeric_share(there) if digits > 0.2 else 0.0
    whole, low, high = 0.0, None, None
    if numeric > 0.5:
        reading = read_numbers(there)
        numbers = reading.cells.spread(reading.exact.cast(pl.Float64)).drop_nulls()
        whole = float((numbers == numbers.round()).mean() or 0.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
        low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]  # a scalar: Polars types any literal
    bare = numeric > 0.99 and not _day_numbers(low, high, whole)
    date_like = sum(bool(_DATE_LIKE.search(value)) for value in few) / len(few)
    typed = there.dtype != pl.String and not there.dtype.is_numeric()
    dates = date_share(there) if (typed or date_like > 0.3) and not bare else 0.0
    text = there.cast(pl.String)
    return ColumnProfile(
        n,
        n / len(sample),
        dates,
        numeric,
        whole,
        there.n_unique() / n,
        there.n_unique(),
        float(text.str.len_chars().mean() or 0.0),  # type: ignore[arg-type]  # a scalar: Polars types any literal
        low,
        high,
    )


def _day_numbers(low: float | None, high: float | None, whole: float) -> bool:
    """Whether all numbers look like yyyymmdd (with years 1900 to 2199)."""
    return whole == 1.0 and low is not None and high is not None and low >= 19_000_101 and high <= 21_991_231


def fit(values: ColumnProfile, field: Field, *, stated: bool) -> float:
    """0-1: how well the values fit ``field``; ``stated`` when the heading already says so (serial days pass then)."""
    if not values.n:
        return 0.8  # an empty column contradicts nothing
    if field.name in ("phone", "email") and values.mean_length < 6:
        return 0.1
    match field.role:
        case "time":
            serial = stated and values.numeric_share > 0.95 and values.low is not None and _serial(values)
            return 1.0 if serial else values.date_share
        case "amount":
            if (
                field.name == "discount_amount"
                and values.high is not None
                and values.high <= 1
                and values.whole_share < 1
            ):
                return 0.3
            return values.numeric_share if values.date_share < 0.5 else 0.3
        case "quantity":
            return _fit_quantity(values, field)
        case "score":
            if field.name == "discount_share":
                inside = values.high is not None and values.high <= 100 and (values.low or 0) >= 0
                return values.numeric_share if (inside and values.whole_share < 1) or values.high in (0.0, 1.0) else 0.2
            return values.numeric_share if values.n_distinct <= 101 else 0.3
        case "flag":
            return 1.0 if values.n_distinct <= 2 else 0.5 if values.n_distinct <= 4 else 0.2
        case "category":
            return _fit_category(values)
        case "text":
            return 0.4 if values.date_share > 0.9 or values.numeric_share > 0.95 else 1.0
        case "id":
            fractions = values.numeric_share > 0.95 and values.whole_share < 0.9
            return 0.2 if fractions or (values.date_share > 0.9 and values.numeric_share < 0.5) else 1.0
    return 1.0


def _serial(values: ColumnProfile) -> bool:
    low, high = values.low or 0.0, values.high or 0.0
    return (low >= 18_000 and high <= 80_000) or low >= 1e8


def _fit_quantity(values: ColumnProfile, field: Field) -> float:
    if field.name == "birth_year":
        years = values.low is not None and values.high is not None and values.low >= 1850 and values.high <= 2100
        return 1.0 if years or values.date_share > 0.8 else 0.2
    if field.name == "age" and values.high is not None and (values.high > 130 or (values.low or 0) < 0):
        return 0.6
    if field.dtype == pl.Int64 and values.numeric_share > 0.5 and values.whole_share < 0.5:
        return 0.35
    return values.numeric_share


def _fit_category(values: ColumnProfile) -> float:
    if values.date_share > 0.9 and values.numeric_share < 0.9:
        return 0.3
    if values.numeric_share > 0.95 and values.whole_share < 0.9:
        return 0.3
    return 0.9 if values.mean_length > 200 else 1.0
