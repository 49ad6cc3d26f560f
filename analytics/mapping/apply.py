"""``apply_mapping``: source columns to canonical fields, every value read exactly or set aside with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.mapped import aligned, keep, let_go
from analytics.mapping.cells import clean_cells, without_missing
from analytics.mapping.dates import DateFormat, DateReading, read_dates
from analytics.mapping.distinct import Distinct, distinct
from analytics.mapping.numbers import DecimalMark, NumberReading, currency_of, read_numbers, to_minor_units
from analytics.progress import report
from analytics.reading import RawTable
from analytics.schema import TABLES, Field, TableSchema

ATTRIBUTE_TABLES = frozenset({"customers", "survey", "feedback", "campaigns"})
RESERVED = frozenset({"row_number", "kind", "quantity_exact"})

_YES = """1 1.0 true t yes y on x v ✓ ✔ √ resolved closed solved done converted
    是 有 对 對 已解决 已解決 已结案 已結案 同意 愿意 願意 订阅 訂閱 完成 已完成"""
_NO = """0 0.0 false f no n off ✗ × unresolved open pending
    否 无 無 没有 沒有 不 未解决 未解決 未结案 未結案 不同意 不愿意 不願意 未订阅 未訂閱 未完成 处理中 處理中"""


@dataclass(frozen=True, slots=True)
class MappingSpec:
    """Which column is which field, and how its values are written.

    Attributes
    ----------
    table : name of the canonical table.
    columns : pairs (source column, canonical field); a field at most once.
    date_format : one of ``DATE_FORMATS``; "auto" decides per column.
    day_first : settles 3/4/2024 (True: 3 April); None decides by the column's other values.
    decimal_mark : settles 1.234.
    keep_attributes : keep unmapped columns of customers, survey, feedback and campaigns under their own names.
    """

    table: str = "transactions"
    columns: tuple[tuple[str, str], ...] = ()
    date_format: DateFormat = "auto"
    day_first: bool | None = None
    decimal_mark: DecimalMark = "auto"
    keep_attributes: bool = True

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise AnalysisError("table_unknown", table=self.table)
        fields = [field for _, field in self.columns]
        for field in fields:
            if field not in TABLES[self.table]:
                raise AnalysisError("field_unknown", field=field, table=self.table)
            if fields.count(field) > 1:
                raise AnalysisError("field_mapped_twice", field=field)


@dataclass(frozen=True, slots=True)
class FieldReading:
    """How one field's column was read.

    ``format`` and ``other_format`` are codes of ``DATE_FORMATS`` (times only), ``n_other`` rows have the second;
    ``assumed``: nothing in the column showed the order of day and month (times) or what the mark means (numbers);
    ``n_mixed``: rows that read both ways in a column with both orders; ``n_rounded``: values with too many decimals;
    ``currency``: ISO code that the values or the heading show; ``percent``: values were percentages.
    """

    field: str
    column: str
    format: str = ""
    other_format: str = ""
    n_other: int = 0
    assumed: bool = False
    n_mixed: int = 0
    n_rounded: int = 0
    currency: str = ""
    decimal_mark: str = ""
    percent: bool = False
    n_fractional: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MappedTable:
    """A file's rows under canonical names and dtypes.

    Attributes
    ----------
    table : name of the canonical table.
    frame : row_number (UInt32, 1-based data row of the file), then the mapped fields in the schema's order, then
        attributes. Money is Int64 at ``money_digits``. ``quantity_exact`` (Float64) stands beside ``quantity`` only
        where quantities are not whole.
    unparsed : row_number (UInt32), field, text, reason (String): the cells that could not be read. ``field`` is ""
        for a row that has more cells than the header.
    readings : how each date and number column was read.
    attributes : names of the attribute columns.
    raw : the source rows, so that the quarantine can show them as they were.
    """

    table: str
    frame: pl.DataFrame
    unparsed: pl.DataFrame
    readings: tuple[FieldReading, ...]
    attributes: tuple[str, ...]
    money_digits: int
    raw: RawTable
    spec: MappingSpec
    caveats: tuple[Caveat, ...]
    key: str


class _Read(NamedTuple):
    values: pl.Series | None  # None for money: scaled once all columns are known
    unread: pl.DataFrame | None = None  # row_number and value: why
    reading: FieldReading | None = None
    numbers: NumberReading | None = None
    digits: int = 0
    extra: pl.Series | None = None


def apply_mapping(raw: RawTable, spec: MappingSpec) -> MappedTable:
    """The canonical table in ``raw`` as ``spec`` says.

    Raises ``AnalysisError``: ``column_missing`` when the file has no such column, ``nothing_mapped``.
    """
    schema = TABLES[spec.table]
    chosen = {field: column for column, field in spec.columns}
    for column in chosen.values():
        if column not in raw.columns:
            raise AnalysisError("column_missing", column=column)
    attributes = _attribute_names(raw, spec, schema)
    if not chosen and not attributes:
        raise AnalysisError("nothing_mapped", table=spec.table)

    reads: dict[str, _Read] = {}
    wanted = [field for field in schema.fields if field.name in chosen]
    for i, field in enumerate(wanted):
        report(i / (len(wanted) + 1), "apply_mapping")
        reads[field.name] = _read_field(raw.frame[chosen[field.name]], field, chosen[field.name], spec)
    digits = max([read.digits for read in reads.values()], default=0)

    series = [keep(pl.int_range(1, raw.n_rows + 1, dtype=pl.UInt32, eager=True).alias("row_number"))]
    for name, read in reads.items():
        values = read.values
        if read.numbers is not None:
            values = read.numbers.cells.spread(to_minor_units(read.numbers.exact, digits))
        assert values is not None
        series.append(values.alias(name))
    series += [read.extra for read in reads.values() if read.extra is not None]
    series += [_attribute(raw.frame[column]).alias(name) for column, name in attributes.items()]
    frame = aligned(series, raw.frame.to_series(0).chunk_lengths())
    report(1.0, "apply_mapping")
    readings = tuple(read.reading for read in reads.values() if read.reading is not None)
    return MappedTable(
        spec.table,
        frame,
        _unparsed(raw, reads, chosen),
        readings,
        tuple(attributes.values()),
        digits,
        raw,
        spec,
        (*raw.caveats, *_caveats(readings)),
        derive_key("apply_mapping", spec, raw.key),
    )


def _attribute_names(raw: RawTable, spec: MappingSpec, schema: TableSchema) -> dict[str, str]:
    """Source column -> its name as an attribute, unlike any canonical one."""
    if not spec.keep_attributes or spec.table not in ATTRIBUTE_TABLES:
        return {}
    mapped = {column for column, _ in spec.columns}
    taken = {*schema.names, *RESERVED}
    names: dict[str, str] = {}
    for column in raw.columns:
        if column in mapped:
            continue
        # Validation keeps its own columns under "#" and "?".
        wanted = column.lstrip("#?") or "column"
        name, n = wanted, 2
        while name in taken:
            name, n = f"{wanted}_{n}", n + 1
        taken.add(name)
        names[column] = name
    return names


def _read_field(column: pl.Series, field: Field, heading: str, spec: MappingSpec) -> _Read:
    data: pl.Series | Distinct
    if column.dtype == pl.String:
        data = clean_cells(distinct(column), field.role, nobody=field.name == "customer_id")
    else:
        data = without_missing(column)
    match field.role:
        case "id":
            return _Read(_ids(data))
        case "time":
            return _times(data, field, heading, spec)
        case "amount":
            return _money(data, field, heading, spec)
        case "quantity" | "score":
            return _numbers(data, field, heading, spec)
        case "flag":
            return _flags(data, field, heading)
        case _:
            return _Read(data.column() if isinstance(data, Distinct) else data.cast(pl.String))


def _ids(data: pl.Series | Distinct) -> pl.Series:
    """17850.0 is 17850 where every id of the column is a number."""
    if isinstance(data, pl.Series):
        if data.dtype.is_float():
            whole = data.drop_nulls()
            if bool((whole == whole.round()).all()) and (not len(whole) or float(whole.abs().max()) < 1e15):  # type: ignore[arg-type]  # a scalar: Polars types any literal
                return data.cast(pl.Int64).cast(pl.String)
        data = distinct(data.cast(pl.String))
    there = data.values
    if there.str.ends_with(".0").any() and there.str.contains(r"^[0-9]+(?:\.0+)?$").all():
        return data.spread(there.str.replace(r"\.0+$", ""))
    return data.column()


def _times(data: pl.Series | Distinct, field: Field, heading: str, spec: MappingSpec) -> _Read:
    dates = read_dates(data, spec.date_format, spec.day_first)
    reading = FieldReading(
        field.name,
        heading,
        format=dates.format,
        other_format=dates.other_format,
        n_other=dates.n_other,
        assumed=dates.assumed,
        n_mixed=dates.n_mixed,
    )
    return _Read(dates.values.cast(field.dtype), _unread(dates), reading)


def _unread(read: DateReading | NumberReading) -> pl.DataFrame | None:
    return None if read.cells is None or read.reasons is None else read.cells.rows_of(read.reasons)


def _money(data: pl.Series | Distinct, field: Field, heading: str, spec: MappingSpec) -> _Read:
    numbers = read_numbers(data, spec.decimal_mark)
    reading = FieldReading(
        field.name,
        heading,
        assumed=numbers.assumed,
        n_rounded=numbers.n_rounded,
        currency=numbers.currency or currency_of(heading),
        decimal_mark=numbers.decimal_mark,
    )
    digits = numbers.digits
    if isinstance(data, pl.Series) and isinstance(data.dtype, pl.Decimal):
        digits = max(digits, min(data.dtype.scale, 4))
    return _Read(None, _unread(numbers), reading, numbers, digits)


def _numbers(data: pl.Series | Distinct, field: Field, heading: str, spec: MappingSpec) -> _Read:
    if isinstance(data, pl.Series):
        if field.name == "birth_year" and (data.dtype == pl.Date or isinstance(data.dtype, pl.Datetime)):
            return _Read(data.dt.year().cast(pl.Int64))
    elif field.name == "birth_year" and _mostly_dates(data.values):
        born = read_dates(data, spec.date_format, spec.day_first)
        return _Read(born.values.dt.year().cast(pl.Int64), _unread(born))
    elif field.name == "rating" and data.values.str.contains("★").any():
        stars = data.values.str.count_matches("★").cast(pl.String)
        data = data.changed(stars.zip_with(data.values.str.contains("★").fill_null(False), data.values))
    elif field.unit == "seconds":
        data = data.changed(_clock_to_seconds(data.values))
    numbers = read_numbers(data, spec.decimal_mark)
    reading = FieldReading(
        field.name, heading, assumed=numbers.assumed, decimal_mark=numbers.decimal_mark, percent=numbers.percent
    )
    if field.dtype == pl.Int64:
        return _whole(numbers, field, reading)
    values = numbers.exact.cast(pl.Float64)
    if field.name == "discount_share":
        high = values.max()
        if numbers.percent or (isinstance(high, float) and high > 1):
            values = values / 100
            reading = FieldReading(field.name, heading, decimal_mark=numbers.decimal_mark, percent=True)
    return _Read(numbers.cells.spread(values), _unread(numbers), reading)


def _whole(numbers: NumberReading, field: Field, reading: FieldReading) -> _Read:
    """Whole numbers; a quantity of 0.75 (sold by weight) counts as one item and keeps its exact value beside it."""
    cells, exact, unread = numbers.cells, numbers.exact, _unread(numbers)
    fraction = exact.str.contains(r"\.[0-9]*[1-9]")
    if field.name != "quantity" or not fraction.any():
        return _Read(cells.spread(to_minor_units(exact, 0)), unread, reading)
    real = exact.cast(pl.Float64)
    away = pl.when(real > 0).then(real.ceil()).otherwise(real.floor())
    counted = pl.select(away.cast(pl.Int64).alias("quantity"))["quantity"]
    n = int(cells.spread(fraction).sum() or 0)
    reading = FieldReading(field.name, reading.column, decimal_mark=reading.decimal_mark, n_fractional=n)
    return _Read(cells.spread(counted), unread, reading, extra=cells.spread(real).alias("quantity_exact"))


def _mostly_dates(column: pl.Series) -> bool:
    there = column.drop_nulls().head(500)
    return len(there) > 0 and float((there.str.len_chars() > 4).mean() or 0.0) > 0.5  # type: ignore[arg-type]  # a scalar: Polars types any literal


def _clock_to_seconds(column: pl.Series) -> pl.Series:
    """00:03:20 and 3:20 as seconds; anything else untouched."""
    parts = (
        column.alias("text")
        .to_frame()
        .select("text", p=pl.col("text").str.extract_groups(r"^(?:(\d+):)?(\d{1,2}):(\d{2})$"))
    )
    part = [pl.col("p").struct.field(str(i)).cast(pl.Int64) for i in (1, 2, 3)]
    seconds = part[0].fill_null(0) * 3600 + part[1] * 60 + part[2]
    return parts.select(pl.coalesce(seconds.cast(pl.String), "text").alias("text"))["text"]


def _flags(data: pl.Series | Distinct, field: Field, heading: str) -> _Read:
    if isinstance(data, pl.Series):
        if data.dtype == pl.Boolean:
            return _Read(data)
        data = distinct(data.cast(pl.String))
    lower = data.values.str.to_lowercase().str.strip_chars().alias("text").to_frame()
    read = lower.select(
        pl.when(pl.col("text").is_in(_YES.split()))
        .then(True)
        .when(pl.col("text").is_in(_NO.split()))
        .then(False)
        .alias("value"),
        text="text",
    ).with_columns(
        reason=pl.when(pl.col("text").is_not_null() & pl.col("value").is_null()).then(pl.lit("not_yes_or_no"))
    )
    return _Read(data.spread(read["value"]), data.rows_of(read["reason"]), FieldReading(field.name, heading))


def _attribute(column: pl.Series) -> pl.Series:
    """An unmapped column as number, date or text, whichever all its values are; leading zeros stay text."""
    if column.dtype != pl.String:
        dtype = column.dtype
        if isinstance(dtype, pl.Decimal):
            return column.cast(pl.Float64)
        if isinstance(dtype, pl.Datetime):
            return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
        if isinstance(dtype, pl.Categorical | pl.Enum | pl.Binary | pl.Time | pl.Duration) or dtype == pl.Null:
            return column.cast(pl.String, strict=False)
        return column.cast(pl.Int64) if dtype.is_integer() else column.cast(pl.Float64) if dtype.is_float() else column
    clean = without_missing(column)
    there = clean.drop_nulls().unique()
    if not len(there):
        return clean
    if there.str.contains(r"^-?(?:0|[1-9][0-9]{0,14})$").all():
        return clean.cast(pl.Int64)
    if there.str.contains(r"^-?(?:0|[1-9][0-9]{0,14})?(?:\.[0-9]+)?$").all():
        return clean.cast(pl.Float64)
    if there.head(20).str.contains(r"[0-9]{1,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,4}").all():
        dates = read_dates(clean)
        if dates.values.null_count() == clean.null_count() and not dates.assumed:
            days = dates.values.cast(pl.Date)
            return days if bool((days.cast(pl.Datetime("us")) == dates.values).all()) else dates.values
    return clean


def _unparsed(raw: RawTable, reads: dict[str, _Read], chosen: dict[str, str]) -> pl.DataFrame:
    """The cells that could not be read, long: one row per cell."""
    pieces = [_no_unparsed()]
    for name, read in reads.items():
        if read.unread is None:
            continue
        text = raw.frame[chosen[name]].gather(read.unread["row_number"] - 1).cast(pl.String)
        let_go()
        pieces.append(
            read.unread.select("row_number", field=pl.lit(name), text=text, reason=pl.col("value").cast(pl.String))
        )
    if raw.overflow:
        long = raw.frame.select(
            row_number=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32),
            field=pl.lit(""),
            text=pl.concat_str(raw.overflow, separator=" ", ignore_nulls=True),
            reason=pl.lit("too_many_cells"),
            filled=pl.any_horizontal(pl.col(name).is_not_null() for name in raw.overflow),
        )
        pieces.append(long.filter("filled").drop("filled"))
    return pl.concat(pieces)


def _no_unparsed() -> pl.DataFrame:
    return pl.DataFrame(schema={"row_number": pl.UInt32, "field": pl.String, "text": pl.String, "reason": pl.String})


def _caveats(readings: tuple[FieldReading, ...]) -> list[Caveat]:
    caveats = []
    for reading in readings:
        named = {"field": reading.field, "column": reading.column}
        if reading.format and reading.assumed:
            code = "date_order_assumed_day" if reading.format == "dmy" else "date_order_assumed_month"
            caveats.append(Caveat(code, params=named))
        if reading.decimal_mark and reading.assumed:
            caveats.append(Caveat("decimal_mark_assumed", params={**named, "mark": reading.decimal_mark}))
        if reading.n_rounded:
            caveats.append(Caveat("money_rounded", "note", {**named, "n": reading.n_rounded}))
        if reading.n_fractional:
            caveats.append(Caveat("quantity_fractional", "note", {**named, "n": reading.n_fractional}))
    return caveats
