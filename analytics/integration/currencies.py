"""``settle_currency``: order lines in several currencies become one, by the person's rates, or are kept apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.schema import TRANSACTIONS

_CODE = re.compile(r"[A-Z]{3}")
_RATE = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
_MONEY = tuple(field.name for field in TRANSACTIONS.fields if field.role == "amount")


@dataclass(frozen=True, slots=True)
class CurrencySpec:
    """Into which currency, and at which rates.

    Attributes
    ----------
    to : ISO 4217 code; "" takes the data set's currency, else the one most order lines are in.
    rates : pairs (currency, rate): one unit of it is ``rate`` units of ``to``, as decimal text.
    """

    to: str = ""
    rates: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.to and not _CODE.fullmatch(self.to):
            raise AnalysisError("currency_unknown", currency=self.to[:10])
        for code, rate in self.rates:
            if not _CODE.fullmatch(code):
                raise AnalysisError("currency_unknown", currency=code[:10])
            if not _RATE.fullmatch(rate) or not Decimal(rate):
                raise AnalysisError("rate_unreadable", currency=code, rate=rate[:20])
        if len({code for code, _ in self.rates}) < len(self.rates):
            raise AnalysisError("rate_twice")


@dataclass(frozen=True, slots=True, eq=False)
class CurrencyResult:
    """The data in one currency.

    Attributes
    ----------
    dataset : transactions all in ``currency``; the very Dataset that came in where there is but one.
    apart : the transactions that are in another currency without a rate, as they came.
    by_currency : currency (null: not given), n_rows, rate (String, null where none), treated ("kept", "converted",
        "apart").
    """

    dataset: Dataset
    currency: str
    apart: pl.DataFrame
    by_currency: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str


def settle_currency(dataset: Dataset, spec: CurrencySpec | None = None) -> CurrencyResult:
    """``dataset`` with the money of its transactions in one currency, by their column ``currency``.

    Amounts are converted line by line in exact decimal arithmetic and rounded once to minor units, half away from
    zero. Lines in a currency without a rate are set apart, never summed with the others. Lines that name no currency
    count as the chosen one. Raises ``AnalysisError("currency_all_apart")`` when no line would be left.
    """
    spec = spec or CurrencySpec()
    key = derive_key("settle_currency", spec, dataset.key)
    orders = dataset.tables.get("transactions")
    if orders is None or "currency" not in orders.columns or not orders["currency"].drop_nulls().len():
        return CurrencyResult(dataset, dataset.currency, pl.DataFrame(), _ROWS.clone(), (), key)
    code = pl.col("currency").str.strip_chars().str.to_uppercase()
    counts = orders.group_by(code).len("n_rows").sort("n_rows", "currency", descending=[True, False], nulls_last=True)
    held = counts["currency"].drop_nulls().to_list()
    to = spec.to or dataset.currency or str(held[0])
    rates = {name: rate for name, rate in spec.rates if name != to}
    treated = dict.fromkeys(counts["currency"], "apart")
    treated |= dict.fromkeys(rates, "converted") | {to: "kept", None: "kept"}
    by_currency = counts.select(
        "currency",
        pl.col("n_rows").cast(pl.Int64),
        rate=pl.col("currency").replace_strict(rates, default=None, return_dtype=pl.String),
        treated=pl.Series([treated[name] for name in counts["currency"]], dtype=pl.String),
    )
    foreign = [name for name in held if treated[name] == "apart"]
    away = code.is_in(foreign).fill_null(False)
    apart, kept = orders.filter(away), orders.filter(~away)
    if not kept.height:
        raise AnalysisError("currency_all_apart", currency=to, n=apart.height)
    money = [name for name in _MONEY if name in kept.columns]
    for name, rate in rates.items():
        if treated.get(name) == "converted":
            this = (code == name).fill_null(False)
            kept = kept.with_columns(
                pl.when(this).then(_converted(column, rate)).otherwise(column).alias(column) for column in money
            )
    kept = kept.with_columns(pl.lit(to).alias("currency"))
    settled = Dataset.build(
        {**dataset.tables, "transactions": kept},
        as_of=dataset.as_of,
        currency=to,
        money_digits=dataset.money_digits,
        sources=dataset.sources,
    )
    caveats: tuple[Caveat, ...] = ()
    if foreign:
        named = ", ".join(foreign)
        caveats = (Caveat("currency_apart", params={"n": apart.height, "currency": to, "currencies": named}),)
    return CurrencyResult(settled, to, apart, by_currency, caveats, key)


_ROWS = pl.DataFrame(schema={"currency": pl.String, "n_rows": pl.Int64, "rate": pl.String, "treated": pl.String})


def _converted(column: str, rate: str) -> pl.Expr:
    """column x rate in minor units of the same scale, half away from zero, in 128-bit integers."""
    exact = Decimal(rate).as_tuple()
    scale = -int(exact.exponent)
    times = int("".join(map(str, exact.digits)))
    value, one = pl.col(column), pl.lit(10**scale, pl.Int128)
    product = value.abs().cast(pl.Int128) * pl.lit(times, pl.Int128)
    return value.sign() * ((product + one // 2) // one).cast(pl.Int64)
