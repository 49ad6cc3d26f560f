"""Dates as people and machines write them: one reading per column, chosen from the column itself.

A value is taken apart into its numbers once; how they are put together (year first, day first, month first, the
Republic of China's years, two-digit years) is decided for the whole column by what makes every value a real date.
A general-purpose parser decides value by value and reads 113/03/05 as the year 113.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import polars as pl

from analytics.mapping.distinct import Distinct, distinct

DateFormat = Literal["auto", "ymd", "dmy", "mdy", "roc", "compact", "month_name", "month", "serial", "epoch"]
DATE_FORMATS: tuple[str, ...] = get_args(DateFormat)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEARS = (1900, 2199)
_TIME = (
    r"(?i)[\sT]+(?:(am|pm)\s*)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d*)?)?:?"
    r"\s*(am|pm)?\s*(?:z|utc|gmt|[+-]\d{2}:?\d{2})?$"
)
_ISO = r"^\d{4}-\d{2}-\d{2}$"
_ISO_TIME = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"
_NULL_TIME = pl.lit(None, pl.Datetime("us"))


@dataclass(frozen=True, slots=True, eq=False)
class DateReading:
    """A column read as dates.

    Attributes
    ----------
    values : Datetime (us) per row, null where missing or not read.
    cells : the column's different values; None for a column that is dates already.
    reasons : String: why each of those was not read ("not_a_date", "impossible_date", "date_order_unclear"), else null.
    format : the reading of most values; other_format, n_other : the second one met, and on how many rows.
    assumed : no value showed whether day or month comes first, so ``format`` is an assumption.
    n_mixed : rows that read either way in a column that holds both orders.
    """

    values: pl.Series
    format: str
    cells: Distinct | None = None
    reasons: pl.Series | None = None
    other_format: str = ""
    n_other: int = 0
    assumed: bool = False
    n_mixed: int = 0


def read_dates(data: pl.Series | Distinct, format: str = "auto", day_first: bool | None = None) -> DateReading:
    """Dates of ``data`` (text, numbers or dates); ``format`` and ``day_first`` are a person's word against ours."""
    if isinstance(data, pl.Series) and (data.dtype == pl.Date or isinstance(data.dtype, pl.Datetime)):
        values = data.cast(pl.Datetime("us")) if data.dtype == pl.Date else data.dt.replace_time_zone(None)
        return DateReading(values.cast(pl.Datetime("us")), "ymd")
    cells = data if isinstance(data, Distinct) else distinct(data.cast(pl.String))
    # The ISO form, which most exports have, is read a hundred times as fast as what follows.
    iso = cells.counted().with_columns(value=_iso())
    left = iso.filter(pl.col("value").is_null()).drop("value").with_columns(_parts())
    return _decide(cells, left.with_columns(shape=_shape(left)), iso.drop_nulls("value"), format, day_first)


def date_share(sample: pl.Series) -> float:
    """Share of a sample's values that read as dates, without trusting bare numbers other than yyyymmdd."""
    if sample.dtype == pl.Date or isinstance(sample.dtype, pl.Datetime):
        return 1.0
    text = sample.cast(pl.String).drop_nulls()
    if not len(text):
        return 0.0
    reading = read_dates(text)
    if reading.format in ("serial", "epoch"):
        return 0.0
    return 1 - reading.values.null_count() / len(text)


def _iso() -> pl.Expr:
    text = pl.col("text")
    day = pl.when(text.str.contains(_ISO)).then(text.str.strptime(pl.Datetime("us"), "%Y-%m-%d", strict=False))
    time = pl.when(text.str.contains(_ISO_TIME)).then(
        text.str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S", strict=False)
    )
    value = pl.coalesce(time, day)
    return pl.when(value.dt.year().is_between(*_YEARS)).then(value)


def _parts() -> list[pl.Expr]:
    """text -> day part, its numbers a, b, c with the length of a and c, month name, and microseconds of the day."""
    text = pl.col("text").str.strip_chars()
    text = text.str.normalize("NFKC")
    for old, new in (
        ("上午", " am "),
        ("下午", " pm "),
        ("晚上", " pm "),
        (r"[時时点點]", ":"),
        (r"(\d)分", "${1}:"),
        (r"(\d)秒", "${1}"),
        (r"[（(]?(?:星期|周|週|礼拜|禮拜)[一二三四五六日天][）)]?", ""),
        (r"(?i)^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+", ""),
    ):
        text = text.str.replace_all(old, new)
    text = text.str.replace(r"(\d)\s+:", "${1}:").str.strip_chars()
    has_time = text.str.contains(_TIME)
    groups = text.str.extract_groups(_TIME)
    half = pl.coalesce(groups.struct.field("1"), groups.struct.field("6")).str.to_lowercase()
    hour = groups.struct.field("2").cast(pl.Int64)
    hour = (
        pl.when((half == "pm") & (hour < 12))
        .then(hour + 12)
        .when((half == "am") & (hour == 12))
        .then(pl.lit(0, pl.Int64))
        .otherwise(hour)
    )
    minute = groups.struct.field("3").cast(pl.Int64)
    second = groups.struct.field("4").cast(pl.Int64).fill_null(0)
    fraction = groups.struct.field("5").str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    in_day = (hour < 24) & (minute < 60) & (second < 60)
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    day = text.str.replace(_TIME, "").str.strip_chars()
    roc = day.str.contains(r"(?i)^(?:中華)?(?:民國|民国|roc)")
    day = day.str.replace(r"(?i)^(?:中華)?(?:民國|民国|roc)\s*", "")
    day = day.str.replace(r"^(\d{2,4})\s*年\s*(\d{1,2})\s*月\s*(?:(\d{1,2})\s*[日号號]?)?$", "$1-$2-$3")
    day = day.str.strip_chars_end("-")
    numbers = day.str.extract_groups(r"^(\d{1,4})\s*[-/.\s]\s*(\d{1,2})\s*[-/.\s]\s*(\d{1,4})$")
    year_month = day.str.extract_groups(r"^(\d{4})[-/.](\d{1,2})$")
    named = day.str.to_lowercase().str.extract_groups(
        r"^(?:(\d{1,2})(?:st|nd|rd|th)?[\s\-/.]*)?([a-z]{3})[a-z]*\.?[\s\-/.,]*(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?'?(\d{4}|\d{2})$"
    )
    a = pl.coalesce(numbers.struct.field("1"), year_month.struct.field("1"))
    c = numbers.struct.field("3")
    return [
        day.alias("day"),
        a.cast(pl.Int32).alias("a"),
        pl.coalesce(numbers.struct.field("2"), year_month.struct.field("2")).cast(pl.Int32).alias("b"),
        c.cast(pl.Int32).alias("c"),
        a.str.len_chars().cast(pl.Int32).alias("a_len"),
        c.str.len_chars().cast(pl.Int32).alias("c_len"),
        pl.coalesce(named.struct.field("1"), named.struct.field("3")).cast(pl.Int32).alias("named_day"),
        named.struct.field("2")
        .replace_strict(_MONTHS, range(1, 13), default=None, return_dtype=pl.Int32)
        .alias("named_month"),
        named.struct.field("4").cast(pl.Int32).alias("named_year"),
        roc.alias("roc"),
        pl.when(~has_time).then(pl.lit(0, pl.Int64)).when(in_day).then(micros).alias("micros"),
    ]


def _shape(parts: pl.DataFrame) -> pl.Series:
    """Which kind of writing each value is; null where none is known."""
    day, a_len, c_len = pl.col("day"), pl.col("a_len"), pl.col("c_len")
    bare = day.str.contains(r"^\d+$")
    serial = day.str.contains(r"^\d{5}(?:\.\d+)?$")
    shape = (
        pl.when(pl.col("named_month").is_not_null() & pl.col("named_day").is_not_null())
        .then(pl.lit("month_name"))
        .when(pl.col("c").is_null() & pl.col("a").is_not_null())
        .then(pl.lit("month"))
        .when(pl.col("roc"))
        .then(pl.lit("roc"))
        .when(a_len == 4)
        .then(pl.lit("year_first"))
        .when(c_len == 4)
        .then(pl.lit("year_last"))
        .when(pl.col("a").is_not_null() & (a_len <= 3) & (c_len <= 2))
        .then(pl.lit("short"))
        .when(bare & day.str.len_chars().is_in([7, 8, 14]))
        .then(pl.lit("compact"))
        .when(bare & day.str.len_chars().is_in([10, 13, 16]))
        .then(pl.lit("epoch"))
        .when(serial)
        .then(pl.lit("serial"))
    )
    return parts.select(shape.alias("shape"))["shape"]


def _decide(
    cells: Distinct, parts: pl.DataFrame, iso: pl.DataFrame, format: str, day_first: bool | None
) -> DateReading:
    counts = {
        shape: n
        for shape, n in parts.group_by("shape").agg(pl.col("n").sum()).sort("n", "shape").rows()
        if shape is not None
    }
    n_iso = int(iso["n"].sum())
    if n_iso:
        counts["year_first"] = counts.get("year_first", 0) + n_iso
    shapes = sorted(counts, key=lambda shape: -counts[shape])
    no_reason = pl.lit(None, pl.String).alias("reason")
    pieces = [iso.select("code", "value", no_reason)]
    formats: dict[str, int] = {"ymd": n_iso} if n_iso else {}
    assumed, n_mixed, order = False, 0, None if day_first is None else ("dmy" if day_first else "mdy")
    if format in ("dmy", "mdy"):
        order = format
    for i, shape in enumerate(shapes):
        rows = parts.filter(pl.col("shape") == shape)
        name, values, second, mixed, unclear = _read_shape(rows, shape, format, order, is_main=i == 0)
        if name in ("dmy", "mdy") and order is None and not unclear:
            order = name
        assumed |= unclear and i == 0
        n_mixed += mixed
        reason = pl.lit("date_order_unclear" if unclear and i else "impossible_date")
        piece = rows.select("code", value=values).with_columns(reason=pl.when(pl.col("value").is_null()).then(reason))
        pieces.append(piece)
        for used, n in second.items():
            if n:
                formats[used] = formats.get(used, 0) + n
    unknown = parts.filter(pl.col("shape").is_null()).select(
        "code", value=_NULL_TIME, reason=pl.lit("not_a_date", pl.String)
    )
    known = pl.concat([*pieces, unknown])
    ranked = sorted(formats, key=lambda used: -formats[used])
    main = ranked[0] if ranked else "ymd"
    others = ranked[1:]
    return DateReading(
        cells.spread(cells.aligned(known, "value")),
        main,
        cells,
        cells.aligned(known, "reason"),
        others[0] if others else "",
        sum(formats[used] for used in others),
        assumed,
        n_mixed,
    )


def _read_shape(
    rows: pl.DataFrame, shape: str, format: str, order: str | None, *, is_main: bool
) -> tuple[str, pl.Series, dict[str, int], int, bool]:
    """Name of the reading, its values, rows by reading, rows that read either way, and whether the order is unclear."""
    if shape == "year_last" or (shape == "short" and format in ("auto", "dmy", "mdy") and not _is_roc(rows)):
        return _read_either_order(rows, order, is_main=is_main)
    a, b, c = pl.col("a"), pl.col("b"), pl.col("c")
    match shape:
        case "year_first":
            name, value = "ymd", _moment(a, b, c)
        case "month":
            name, value = "month", _moment(a, b, pl.lit(1, pl.Int32))
        case "roc":
            name, value = "roc", _moment(a + 1911, b, c)
        case "short":
            name, value = (
                ("roc", _moment(a + 1911, b, c)) if format in ("auto", "roc") else ("ymd", _moment(_century(a), b, c))
            )
        case "month_name":
            name, value = (
                "month_name",
                _moment(_century(pl.col("named_year")), pl.col("named_month"), pl.col("named_day")),
            )
        case "compact":
            name, value = "compact", _compact()
        case "serial":
            days = pl.col("day").cast(pl.Float64)
            whole = (days * 86_400).round().cast(pl.Int64) * 1_000_000
            start = datetime(1899, 12, 30)
            value = pl.when(days.is_between(18_000, 80_000)).then(pl.lit(start) + pl.duration(microseconds=whole))
            name = "serial"
        case _:
            digits = pl.col("day").str.len_chars()
            number = pl.col("day").cast(pl.Int64, strict=False)
            micros = (
                pl.when(digits == 10).then(number * 1_000_000).when(digits == 13).then(number * 1000).otherwise(number)
            )
            name, value = "epoch", micros.cast(pl.Datetime("us"))
    values = rows.select(value.cast(pl.Datetime("us")).alias("value"))["value"]
    return name, values, {name: _n_read(rows, values)}, 0, False


def _read_either_order(
    rows: pl.DataFrame, order: str | None, *, is_main: bool
) -> tuple[str, pl.Series, dict[str, int], int, bool]:
    a, b, year = pl.col("a"), pl.col("b"), _century(pl.col("c"))
    both = rows.select(dmy=_moment(year, b, a), mdy=_moment(year, a, b), n="n", same=a == b)
    n_read = {name: _n_read(rows, both[name]) for name in ("dmy", "mdy")}
    only = {
        "dmy": int(both.filter(pl.col("dmy").is_not_null() & pl.col("mdy").is_null())["n"].sum()),
        "mdy": int(both.filter(pl.col("mdy").is_not_null() & pl.col("dmy").is_null())["n"].sum()),
    }
    either = both.filter(pl.col("dmy").is_not_null() & pl.col("mdy").is_not_null() & ~pl.col("same"))
    n_either = int(either["n"].sum())
    if order is None and only["dmy"] == only["mdy"] == 0 and n_either:
        if not is_main:
            values = both.select(pl.when(pl.col("same")).then(pl.col("dmy")))["dmy"]
            return "dmy", values, {"dmy": _n_read(rows, values)}, 0, True
        # Nothing shows the order: the one whose dates lie closer together; if even that is equal, day first.
        spans = {name: _span(both[name]) for name in ("dmy", "mdy")}
        name = "mdy" if spans["mdy"] < spans["dmy"] else "dmy"
        return name, both[name], {name: n_read[name]}, 0, True
    name = order or ("dmy" if only["dmy"] >= only["mdy"] and n_read["dmy"] >= n_read["mdy"] else "mdy")
    other = "mdy" if name == "dmy" else "dmy"
    if order is not None or not only[other]:
        # A value that no real date fits in the column's order is left over, unless the other order alone fits it.
        n_other = only[other]
        values = both.select(pl.coalesce(name, other).alias("value"))["value"]
        found = {name: n_read[name]} | ({other: n_other} if n_other else {})
        return name, values, found, n_either if n_other else 0, False
    values = both.select(pl.coalesce(name, other).alias("value"))["value"]
    return name, values, {name: n_read[name], other: only[other]}, n_either, False


def _is_roc(rows: pl.DataFrame) -> bool:
    """Years of the Republic of China: every first part 80-120, and the rest a real month and day."""
    inside = rows.select((pl.col("a").is_between(80, 120) & pl.col("b").is_between(1, 12)).all()).item()
    return bool(inside) and bool(rows["a"].max() > 31)  # type: ignore[operator]  # a scalar: Polars types any literal


def _compact() -> pl.Expr:
    day, length = pl.col("day"), pl.col("day").str.len_chars()
    roc = length == 7
    year = pl.when(roc).then(day.str.slice(0, 3).cast(pl.Int32) + 1911).otherwise(day.str.slice(0, 4).cast(pl.Int32))
    tail = pl.when(roc).then(day.str.slice(3, 4)).otherwise(day.str.slice(4, 4))
    clock = pl.when(length == 14).then(day.str.slice(8, 6)).otherwise(pl.lit("000000"))
    seconds = (
        clock.str.slice(0, 2).cast(pl.Int64) * 3600
        + clock.str.slice(2, 2).cast(pl.Int64) * 60
        + clock.str.slice(4, 2).cast(pl.Int64)
    )
    moment = _moment(year, tail.str.slice(0, 2).cast(pl.Int32), tail.str.slice(2, 2).cast(pl.Int32))
    return pl.when(seconds < 86_400).then(moment + pl.duration(seconds=seconds))


def _century(year: pl.Expr) -> pl.Expr:
    """Two-digit years: 00-69 are 2000-2069, 70-99 are 1970-1999 (POSIX)."""
    return pl.when(year < 70).then(year + 2000).when(year < 100).then(year + 1900).otherwise(year)


def _moment(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """A real date with the value's time of day, or null."""
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    last = (
        pl.when(month == 2)
        .then(pl.when(leap).then(29).otherwise(28))
        .when(month.is_in([4, 6, 9, 11]))
        .then(30)
        .otherwise(31)
    )
    real = year.is_between(*_YEARS) & month.is_between(1, 12) & day.is_between(1, last)
    safe = [pl.when(real).then(part).otherwise(1) for part in (year, month, day)]
    moment = pl.date(*safe).cast(pl.Datetime("us")) + pl.duration(microseconds=pl.col("micros"))
    return pl.when(real & pl.col("micros").is_not_null()).then(moment)


def _span(values: pl.Series) -> float:
    low, high = values.min(), values.max()
    if not isinstance(low, datetime) or not isinstance(high, datetime):
        return float("inf")
    return (high - low).total_seconds()


def _n_read(rows: pl.DataFrame, values: pl.Series) -> int:
    return int(rows["n"].filter(values.is_not_null()).sum())
