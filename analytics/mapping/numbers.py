"""Numbers as people write them, read exactly: decimal text stays decimal and becomes integers of a minor unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from analytics.mapping.distinct import Distinct, distinct

DecimalMark = Literal["auto", ".", ","]
MAX_MONEY_DIGITS = 4

_PLAIN = r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$"
_FLOATING = r"^[+-]?\d+(?:\.\d+)?[eE][+-]?\d+$"
# Longer marks first: "NT$" is found before "$".
_CURRENCIES = (
    (r"NT\$|TWD|NTD|新台[币幣]|新臺幣", "TWD"),
    (r"HK\$|HKD|港[币幣元]", "HKD"),
    (r"US\$|USD|美元|美金", "USD"),
    (r"RMB|CNY|CN[¥￥]|人民[币幣]", "CNY"),
    (r"JPY|JP[¥￥]|円|日[圆圓元]", "JPY"),
    (r"£|GBP", "GBP"),
    (r"€|EUR", "EUR"),
    (r"SGD|S\$", "SGD"),
    (r"AUD|A\$", "AUD"),
    (r"CAD|C\$", "CAD"),
    (r"₩|KRW", "KRW"),
    (r"₹|INR|\bRs\.?", "INR"),
)
_MARKS = (
    r"(?i)NT\$|HK\$|US\$|CN[¥￥]|JP[¥￥]|[SAC]\$|TWD|NTD|HKD|USD|RMB|CNY|JPY|GBP|EUR|SGD|AUD|CAD|KRW|INR|\bRs\.?"
    r"|[$£€¥￥₩₹円]|新[台臺][币幣]|人民[币幣]|港[币幣元]|美[元金]|日[圆圓元]|[元块塊圆圓]"
)
_UNITS = (
    r"(?i)\s*(?:件|个|個|只|隻|瓶|包|盒|台|臺|组|組|份|次|分|星|岁|歲|年|人|秒"
    r"|pcs?|pieces?|units?|ea|x|stars?|points?|pts?|yrs?|years?|s|sec|seconds?)\.?$"
)


@dataclass(frozen=True, slots=True, eq=False)
class NumberReading:
    """A column read as numbers.

    Attributes
    ----------
    cells : the column's different values; ``exact`` and ``reasons`` say what became of each of them.
    exact : String: canonical decimal text ("-1234.5"), null where missing or not read.
    reasons : String: "not_a_number" or "other_currency" where a value was not read, else null.
    digits : most decimals seen (trailing zeros of a written fraction count), at most ``MAX_MONEY_DIGITS``.
    n_rounded : values with more decimals than that which are no mere noise of binary floats.
    currency : ISO code shown by most values that show one, "" where none is shown.
    decimal_mark : "." or ","; assumed: nothing but groups of three showed what the mark means.
    percent : whether most values carry a percent sign.
    """

    cells: Distinct
    exact: pl.Series
    reasons: pl.Series
    digits: int
    n_rounded: int = 0
    currency: str = ""
    decimal_mark: str = "."
    assumed: bool = False
    percent: bool = False


def read_numbers(data: pl.Series | Distinct, decimal_mark: str = "auto") -> NumberReading:
    """Numbers of ``data`` (text or numbers): 1.234,56; 1,234.56; ￥1,234; NT$1,200; (1,234.56); 15%; １２."""
    cells = data if isinstance(data, Distinct) else distinct(data.cast(pl.String))
    is_text = isinstance(data, Distinct) or data.dtype == pl.String
    counted = cells.counted()
    values = counted["text"]
    if decimal_mark != "," and values.str.contains(_PLAIN).all():
        known = counted.with_columns(exact=pl.col("text"), reason=pl.lit(None, pl.String))
        reading = _Extras(assumed=is_text and _only_triples(values))
    else:
        known, reading = _read_written(counted, decimal_mark)
    digits, n_rounded = _digits(known)
    return NumberReading(
        cells,
        cells.aligned(known, "exact"),
        cells.aligned(known, "reason"),
        digits,
        n_rounded,
        reading.currency,
        reading.mark,
        reading.assumed,
        reading.percent,
    )


def to_minor_units(exact: pl.Series, digits: int) -> pl.Series:
    """Int64 of ``exact`` (canonical decimal text) times 10 ** digits, half away from zero beyond that."""
    scaled = exact.cast(pl.Decimal(38, 10), strict=False).round(digits, mode="half_away_from_zero")
    minor: pl.Series = (scaled * 10**digits).cast(pl.Int64, strict=False)
    return minor


def numeric_share(sample: pl.Series) -> float:
    """Share of a sample's values that read as numbers."""
    if sample.dtype.is_numeric():
        return 1.0
    text = sample.cast(pl.String).drop_nulls()
    if not len(text):
        return 0.0
    reading = read_numbers(text)
    return int(reading.cells.spread(reading.exact.is_not_null()).sum()) / len(text)


@dataclass(frozen=True, slots=True)
class _Extras:
    currency: str = ""
    mark: str = "."
    assumed: bool = False
    percent: bool = False


def _read_written(counted: pl.DataFrame, decimal_mark: str) -> tuple[pl.DataFrame, _Extras]:
    clean = pl.col("text").str.normalize("NFKC").str.strip_chars()
    rows = counted.with_columns(clean=clean).with_columns(
        currency=_currency(), percent=pl.col("clean").str.ends_with("%")
    )
    bare = (
        pl.col("clean")
        .str.replace_all(_MARKS, "")
        .str.replace(r"[%％]$", "")
        .str.replace(_UNITS, "")
        .str.replace_all(r"[\s'’`_]", "")
        .str.replace_all("−", "-")
    )
    rows = rows.with_columns(bare=bare).with_columns(
        negative=pl.col("bare").str.contains(r"^\(.*\)$|^-|-$"),
        body=pl.col("bare").str.replace_all(r"^[(+\-]+|[)\-]+$", ""),
    )
    rows = rows.with_columns(
        # One mark at most, or groups of digits between repeated marks: 01.02.2024 is no number.
        valid=pl.col("body").str.contains(
            r"^(?:[0-9]*[.,]?[0-9]+|[0-9]+[.,]|[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]*)?|[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?)$"
        ),
        n_dots=pl.col("body").str.count_matches(".", literal=True),
        n_commas=pl.col("body").str.count_matches(",", literal=True),
        last_is_comma=pl.col("body").str.contains(r",[^.,]*$"),
        triple=pl.col("body").str.contains(r"^[1-9]\d{0,2}[.,]\d{3}$"),
    )
    mark, assumed = _column_mark(rows) if decimal_mark == "auto" else (decimal_mark, False)
    decimal = (
        pl.when((pl.col("n_dots") > 0) & (pl.col("n_commas") > 0))
        .then(pl.when(pl.col("last_is_comma")).then(pl.lit(",")).otherwise(pl.lit(".")))
        .when((pl.col("n_dots") > 1) | (pl.col("n_commas") > 1))
        .then(pl.lit(""))
        .when(pl.col("triple"))
        .then(pl.lit(mark))
        .when(pl.col("n_commas") == 1)
        .then(pl.lit(","))
        .otherwise(pl.lit("."))
    )
    rows = rows.with_columns(decimal=decimal)
    plain = (
        pl.when(pl.col("decimal") == ",")
        .then(pl.col("body").str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
        .when(pl.col("decimal") == ".")
        .then(pl.col("body").str.replace_all(",", "", literal=True))
        .otherwise(pl.col("body").str.replace_all(r"[.,]", ""))
    )
    floating = pl.col("bare").str.contains(_FLOATING)
    widened = pl.col("bare").cast(pl.Float64, strict=False).cast(pl.Decimal(38, 10), strict=False).cast(pl.String)
    signed = pl.when(pl.col("negative")).then(pl.lit("-") + plain).otherwise(plain)
    readable = pl.col("valid") & plain.str.contains(r"^\d*\.?\d*$") & (plain.str.len_chars() <= 28)
    exact = pl.when(floating).then(widened).when(readable).then(signed)
    currency = _most(rows, "currency")
    rows = rows.with_columns(exact=exact)
    foreign = (pl.col("currency") != currency).fill_null(False)
    rows = rows.with_columns(
        reason=pl.when(pl.col("exact").is_null())
        .then(pl.lit("not_a_number"))
        .when(foreign)
        .then(pl.lit("other_currency")),
    ).with_columns(exact=pl.when(~foreign).then(pl.col("exact")))
    n = int(rows["n"].sum())
    n_percent = int(rows.filter("percent")["n"].sum())
    return rows, _Extras(currency, mark, assumed, n_percent > n / 2)


def _only_triples(values: pl.Series) -> bool:
    """Whether every point stands before exactly three digits, as a mark of thousands would."""
    dotted = values.filter(values.str.contains(".", literal=True))
    return len(dotted) > 0 and bool(dotted.str.contains(r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$").all())


def _currency() -> pl.Expr:
    found: pl.Expr = pl.lit(None, pl.String)
    for pattern, code in reversed(_CURRENCIES):
        found = pl.when(pl.col("clean").str.contains(f"(?i){pattern}")).then(pl.lit(code)).otherwise(found)
    return found


def currency_of(heading: str) -> str:
    """The currency that a heading names ("Amount (GBP)", "金额（人民币）"), else ""."""
    found = pl.DataFrame({"clean": [heading]}).select(_currency().alias("code"))["code"][0]
    return str(found) if found else ""


def _column_mark(rows: pl.DataFrame) -> tuple[str, bool]:
    """The decimal mark that the column's unmistakable values show; "." and assumed where there are only triples."""
    n = pl.col("n").sum()
    single_comma = (pl.col("n_commas") == 1) & (pl.col("n_dots") == 0) & ~pl.col("triple")
    single_dot = (pl.col("n_dots") == 1) & (pl.col("n_commas") == 0) & ~pl.col("triple")
    both = (pl.col("n_dots") > 0) & (pl.col("n_commas") > 0)
    comma = int(
        rows.filter(pl.col("valid") & (single_comma | (both & pl.col("last_is_comma")) | (pl.col("n_dots") > 1)))
        .select(n)
        .item()
    )
    dot = int(
        rows.filter(pl.col("valid") & (single_dot | (both & ~pl.col("last_is_comma")) | (pl.col("n_commas") > 1)))
        .select(n)
        .item()
    )
    triples = rows.filter(pl.col("valid") & pl.col("triple"))
    if comma > dot:
        return ",", False
    only_dotted = triples.height > 0 and not dot and bool((triples["n_dots"] == 1).any())
    return ".", only_dotted


def _most(rows: pl.DataFrame, column: str) -> str:
    counted = (
        rows.drop_nulls(column).group_by(column).agg(pl.col("n").sum()).sort("n", column, descending=[True, False])
    )
    return str(counted[column][0]) if counted.height else ""


def _digits(known: pl.DataFrame) -> tuple[int, int]:
    fraction = pl.col("exact").str.extract(r"\.(\d+)$", 1)
    found = known.select("n", fraction=fraction.fill_null(""), exact="exact")
    stripped = found["fraction"].str.strip_chars_end("0").str.len_chars()
    written = int(found["fraction"].str.len_chars().clip(0, 2).max() or 0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    # Binary floats print as 2.5500000000000003: digits that vanish when rounded to ten places are noise.
    long = found.filter(stripped > MAX_MONEY_DIGITS)
    if long.height:
        rounded = long["exact"].cast(pl.Float64).round(8).cast(pl.String).str.extract(r"\.(\d+)$", 1).fill_null("")
        true_digits = rounded.str.strip_chars_end("0").str.len_chars()
        n_rounded = int(long["n"].filter(true_digits > MAX_MONEY_DIGITS).sum())
        short = stripped.filter(stripped <= MAX_MONEY_DIGITS)
        digits = max([int(short.max() or 0), min(int(true_digits.max() or 0), MAX_MONEY_DIGITS)])  # type: ignore[arg-type]  # a scalar: Polars types any literal
    else:
        n_rounded = 0
        digits = int(stripped.max() or 0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    digits = max(digits, written)
    return (2 if digits == 1 else digits), n_rounded
