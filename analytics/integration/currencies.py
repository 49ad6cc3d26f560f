"""``settle_currency``: order lines in several currencies become one, by the person's rates, or are kept apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.schema import TABLES

_CODE = re.compile(r"[A-Z]{3}")
_RATE = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
_HEADINGS = frozenset({"currency", "currency code", "币种", "货币", "幣別", "貨幣"})  # of attributes that name one


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of ``currency`` is ``rate`` (decimal text) units of ``to``, from ``start`` to ``end`` (both included;
    None: without limit). ``to`` "" is whatever the money is counted in."""

    currency: str
    rate: str
    to: str = ""
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        for code in (self.currency, *([self.to] if self.to else [])):
            if not _CODE.fullmatch(code):
                raise AnalysisError("currency_unknown", currency=code[:10])
        if not _RATE.fullmatch(self.rate) or not Decimal(self.rate):
            raise AnalysisError("rate_unreadable", currency=self.currency, rate=self.rate[:20])
        if self.start and self.end and self.start > self.end:
            raise AnalysisError("rate_days", currency=self.currency)

    @property
    def is_dated(self) -> bool:
        return self.start is not None or self.end is not None

    def meets(self, other: Rate) -> bool:
        """Whether both would hold for one and the same line."""
        if (self.currency, self.to, self.is_dated) != (other.currency, other.to, other.is_dated):
            return False
        return max(self.start or date.min, other.start or date.min) <= min(self.end or date.max, other.end or date.max)


@dataclass(frozen=True, slots=True)
class CurrencySpec:
    """Into which currency, and at which rates.

    Attributes
    ----------
    to : ISO 4217 code; "" takes the data set's currency, else the one most order lines are in.
    rates : a rate with days goes before one without; rates into another currency than ``to`` wait.
    """

    to: str = ""
    rates: tuple[Rate, ...] = ()

    def __post_init__(self) -> None:
        if self.to and not _CODE.fullmatch(self.to):
            raise AnalysisError("currency_unknown", currency=self.to[:10])
        for i, rate in enumerate(self.rates):
            if any(rate.meets(other) for other in self.rates[:i]):
                raise AnalysisError("rate_twice", currency=rate.currency)


@dataclass(frozen=True, slots=True, eq=False)
class CurrencyResult:
    """The data in one currency.

    Attributes
    ----------
    dataset : all money in ``currency``; the very Dataset that came in where there is nothing to settle.
    apart : the transactions that are in another currency without a rate for their day, as they came.
    by_currency : table, currency, n_rows, n_apart (Int64), rates (String, "" where none), treated ("kept", "converted",
        "partly", "apart"); by table and number of rows.
    """

    dataset: Dataset
    currency: str
    apart: pl.DataFrame
    by_currency: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str


def settle_currency(dataset: Dataset, spec: CurrencySpec | None = None) -> CurrencyResult:
    """``dataset`` with all its money (orders, campaigns) in one currency, by each table's column of currencies.

    Amounts are converted line by line in exact decimal arithmetic and rounded once to minor units, half away from
    zero. Lines in a currency without a rate are set apart, never summed with the others. Lines that name no currency
    are in the data set's own, where that is known, else in the chosen one. Raises
    ``AnalysisError("currency_all_apart")`` when no order line would be left.
    """
    spec = spec or CurrencySpec()
    key = derive_key("settle_currency", spec, dataset.key)
    named = {name: _currency_column(name, frame) for name, frame in dataset.tables.items() if _money(name, frame)}
    counts = {
        name: dataset.tables[name]
        .group_by(_code(column))
        .len("n")
        .drop_nulls()
        .sort("n", "code", descending=[True, False])
        for name, column in named.items()
        if column
    }
    held = next((str(found["code"][0]) for found in counts.values() if found.height), "")
    to = spec.to or dataset.currency or held
    if not to or (not held and to == (dataset.currency or to)):
        return CurrencyResult(dataset, dataset.currency, pl.DataFrame(), _ROWS.clone(), (), key)
    tables, rows, aparts = dict(dataset.tables), [_ROWS], {}
    for name, column in named.items():
        frame, apart, counted = _settled(name, dataset.tables[name], column, dataset.currency or to, to, spec)
        tables[name] = frame
        aparts[name] = apart
        rows.append(counted)
        if name == "transactions" and not frame.height:
            raise AnalysisError("currency_all_apart", currency=to, n=apart.height)
    by_currency = pl.concat(rows)
    settled = Dataset.build(
        tables,
        as_of=dataset.as_of,
        currency=to,
        money_digits=dataset.money_digits,
        sources=dataset.sources,
    )
    caveats: tuple[Caveat, ...] = ()
    away = by_currency.filter(pl.col("n_apart") > 0)
    if away.height:
        codes = ", ".join(away["currency"].unique(maintain_order=True))
        caveats = (
            Caveat("currency_apart", params={"n": int(away["n_apart"].sum()), "currency": to, "currencies": codes}),
        )
    return CurrencyResult(settled, to, aparts.get("transactions", pl.DataFrame()), by_currency, caveats, key)


_ROWS = pl.DataFrame(
    schema={
        "table": pl.String,
        "currency": pl.String,
        "n_rows": pl.Int64,
        "n_apart": pl.Int64,
        "rates": pl.String,
        "treated": pl.String,
    }
)


def _money(table: str, frame: pl.DataFrame) -> list[str]:
    return [field.name for field in TABLES[table].fields if field.role == "amount" and field.name in frame.columns]


def _currency_column(table: str, frame: pl.DataFrame) -> str:
    """The column that says which currency a row is in; "" where there is none."""
    for name in frame.columns:
        plain = name.replace("_", " ").strip().casefold()
        if plain in _HEADINGS and frame.schema[name] == pl.String and (name in TABLES[table]) == (name == "currency"):
            return name
    return "currency" if "currency" in frame.columns else ""


def _code(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_uppercase().alias("code")


def _settled(
    table: str, frame: pl.DataFrame, column: str, own: str, to: str, spec: CurrencySpec
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The table in the currency ``to``, the rows set apart, and its rows of ``by_currency``."""
    code = _code(column).fill_null(own) if column else pl.lit(own).alias("code")
    held = TABLES[table].time_field
    day = pl.col(held).cast(pl.Date) if held in frame.columns else pl.lit(None, pl.Date)
    rates = sorted((rate for rate in spec.rates if rate.to in ("", to)), key=lambda rate: not rate.is_dated)
    rates = [rate for rate in rates if rate.currency != to]
    chosen: Any = pl.when(code == to).then(-1)
    for i, rate in enumerate(rates):
        holds = code == rate.currency
        if rate.is_dated:
            holds &= day.is_between(rate.start or date.min, rate.end or date.max).fill_null(False)
        chosen = chosen.when(holds).then(i)
    marked = frame.with_columns(code.alias("#code"), chosen.otherwise(None).cast(pl.Int32).alias("#rate"))
    counted = (
        marked.group_by("#code")
        .agg(pl.len().cast(pl.Int64).alias("n_rows"), pl.col("#rate").null_count().cast(pl.Int64).alias("n_apart"))
        .sort("n_rows", "#code", descending=[True, False])
    )
    used = {name: [rate.rate for rate in rates if rate.currency == name] for name in counted["#code"]}
    treated = (
        pl.when(pl.col("#code") == to)
        .then(pl.lit("kept"))
        .when(pl.col("n_apart") == 0)
        .then(pl.lit("converted"))
        .when(pl.col("n_apart") < pl.col("n_rows"))
        .then(pl.lit("partly"))
        .otherwise(pl.lit("apart"))
    )
    counted = counted.select(
        table=pl.lit(table),
        currency="#code",
        n_rows="n_rows",
        n_apart="n_apart",
        rates=pl.Series([", ".join(used[name]) for name in counted["#code"]], dtype=pl.String),
        treated=treated,
    )
    apart, kept = marked.filter(pl.col("#rate").is_null()), marked.filter(pl.col("#rate").is_not_null())
    for name in _money(table, frame):
        exact: Any = pl.when(pl.col("#rate") == -1).then(pl.col(name))
        for i, rate in enumerate(rates):
            exact = exact.when(pl.col("#rate") == i).then(_converted(name, rate.rate))
        kept = kept.with_columns(exact.otherwise(None).cast(pl.Int64).alias(name))
    if column:
        kept = kept.with_columns(pl.lit(to).alias(column))
    return kept.drop("#code", "#rate"), apart.drop("#code", "#rate"), counted


def _converted(column: str, rate: str) -> pl.Expr:
    """column x rate in minor units of the same scale, half away from zero, in 128-bit integers."""
    exact = Decimal(rate).as_tuple()
    scale = -int(exact.exponent)
    times = int("".join(map(str, exact.digits)))
    value, one = pl.col(column), pl.lit(10**scale, pl.Int128)
    product = value.abs().cast(pl.Int128) * pl.lit(times, pl.Int128)
    return value.sign() * ((product + one // 2) // one).cast(pl.Int64)
