"""Who and what counts: the as-of date, the population and the definitions that hold on every page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Literal, get_args

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.schema import TABLES

AccountType = Literal["wholesale", "test"]
_ACCOUNT_TYPES: tuple[AccountType, ...] = get_args(AccountType)
# Rows without a date stay "as of the file", except where no analysis could place them.
_DATED_ONLY = frozenset({"transactions", "series"})


@dataclass(frozen=True, slots=True)
class PopulationSpec:
    """Which rows are looked at, and as of which day.

    ``as_of`` None means the data set's own end of observation. ``start`` leaves out what happened before it.
    Empty ``countries`` or ``channels`` mean all. ``leave_out`` names account types ("wholesale", "test").

    Raises ``AnalysisError("start_after_as_of")``, ``AnalysisError("account_type_unknown")``.
    """

    as_of: date | None = None
    start: date | None = None
    countries: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    leave_out: tuple[AccountType, ...] = ("test",)

    def __post_init__(self) -> None:
        if self.as_of is not None and self.start is not None and self.start > self.as_of:
            raise AnalysisError("start_after_as_of", start=self.start.isoformat(), as_of=self.as_of.isoformat())
        for account_type in self.leave_out:
            if account_type not in _ACCOUNT_TYPES:
                raise AnalysisError("account_type_unknown", account_type=str(account_type))


@dataclass(frozen=True, slots=True)
class DefinitionsSpec:
    """What revenue means: after discounts ("net") or before ("gross"); returns subtracted or ignored.

    Raises ``AnalysisError("definition_unknown")``.
    """

    revenue: Literal["net", "gross"] = "net"
    returns: Literal["subtract", "ignore"] = "subtract"

    def __post_init__(self) -> None:
        for value, allowed in ((self.revenue, ("net", "gross")), (self.returns, ("subtract", "ignore"))):
            if value not in allowed:
                raise AnalysisError("definition_unknown", value=str(value))


@dataclass(frozen=True, slots=True, eq=False)
class PopulationChoices:
    """What there is to choose from.

    Attributes
    ----------
    countries : country (String), n_customers, n_lines (Int64); most lines first, ties by name. A line's country is its
        own, else its customer's; without order lines the customers table is counted and n_lines is 0.
    channels : channel (String), n_customers, n_lines (Int64), in the same order.
    account_types : account_type (String), n_customers (Int64), in the same order.
    first_day, last_day : of the order lines (of the other dated tables where there are none) up to the data set's
        as-of date; None where nothing is dated.
    """

    countries: pl.DataFrame
    channels: pl.DataFrame
    account_types: pl.DataFrame
    first_day: date | None
    last_day: date | None
    key: str


def observe(
    dataset: Dataset,
    population: PopulationSpec = PopulationSpec(),
    definitions: DefinitionsSpec = DefinitionsSpec(),
) -> Dataset:
    """The data set as it would have been seen at the end of the as-of day, for a population and its definitions.

    As of: every table keeps the rows up to that day; customers who joined later are dropped from the customers table
    (their earlier order lines, if any, stay); a leaving that lies later is not yet known; a cancellation or a return is
    a line of its own and counts from its own day. Rows without a date stay, except order lines and series.

    Population: a line is in if its country (its own, else its customer's) and its channel are among those asked for,
    and it is not before ``start``. A customer is in with a line that is in; without any line, by their own country.
    Rows of other tables follow their customer, and their own date. Accounts of a type in ``leave_out`` go from every
    table; anonymous lines stay.

    Definitions: with "gross", ``amount`` becomes quantity x unit_price (amount plus discount where these are missing),
    and ``discount_share`` is written so that the discount stays known; with returns "ignore", return and cancellation
    lines go.

    ``as_of`` of the result is the effective one: never later than the data set's own. Its frames keep their order.

    Raises ``AnalysisError``: ``as_of_too_early`` (before the first row), ``population_empty`` (no order line, or
    without order lines no customer, is left).
    """
    as_of = min(population.as_of or dataset.as_of, dataset.as_of)
    if population.start is not None and population.start > as_of:
        raise AnalysisError("start_after_as_of", start=population.start.isoformat(), as_of=as_of.isoformat())
    first = _span(dataset)[0]
    if first is not None and as_of < first:
        raise AnalysisError("as_of_too_early", as_of=as_of.isoformat(), first=first.isoformat())
    tables = {name: _seen(name, frame, as_of) for name, frame in dataset.tables.items()}
    tables = _restricted(_without_accounts(tables, population.leave_out), population)
    if "transactions" in tables:
        tables["transactions"] = _defined(tables["transactions"], definitions)
    told = [name for name in ("transactions", "series", "customers") if dataset.tables.get(name, pl.DataFrame()).height]
    if told and tables[told[0]].is_empty():
        raise AnalysisError("population_empty", as_of=as_of.isoformat())
    return Dataset(
        tables=MappingProxyType(tables),
        as_of=as_of,
        currency=dataset.currency,
        money_digits=dataset.money_digits,
        sources=dataset.sources,
        key=derive_key("observe", (population, definitions), dataset.key),
    )


def choices(dataset: Dataset) -> PopulationChoices:
    """What a person can choose a population from: countries, channels, account types and days up to the as-of date."""
    tables = {name: _seen(name, frame, dataset.as_of) for name, frame in dataset.tables.items()}
    customers = tables.get("customers", pl.DataFrame())
    lines = tables.get("transactions", pl.DataFrame())
    countries = _counted(_country_of_lines(tables), "country")
    if countries.is_empty() and "country" in customers.columns:
        countries = _counted(customers, "country").with_columns(n_lines=pl.lit(0, pl.Int64))
    first, last = _span(dataset)
    return PopulationChoices(
        countries=countries,
        channels=_counted(lines, "channel"),
        account_types=_counted(customers, "account_type").drop("n_lines"),
        first_day=first,
        last_day=last,
        key=derive_key("choices", None, dataset.key),
    )


def _span(dataset: Dataset) -> tuple[date | None, date | None]:
    """First and last dated row up to the data set's as-of date: of the order lines, else of the other tables."""
    dated = [
        dataset.tables[name][table.time_field]
        for name, table in TABLES.items()
        if table.time_field and name != "customers" and dataset.has(f"{name}.{table.time_field}")
    ]
    days = [series.cast(pl.Date) for series in (dated[:1] if "transactions" in dataset.tables else dated)]
    seen = [series.filter(series <= dataset.as_of) for series in days]
    firsts = [day for day in (series.min() for series in seen) if isinstance(day, date)]
    lasts = [day for day in (series.max() for series in seen) if isinstance(day, date)]
    return min(firsts, default=None), max(lasts, default=None)


def _seen(name: str, frame: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The rows of a table up to the end of a day, and only what was known about them then."""
    time_field = TABLES[name].time_field
    if time_field in frame.columns:
        # The midnight after: a comparison of moments is cheaper than turning every one into a day.
        limit = datetime.combine(as_of + timedelta(days=1), time())
        happened = pl.col(time_field) < (limit if frame.schema[time_field] == pl.Datetime else limit.date())
        undated = pl.lit(name not in _DATED_ONLY or frame[time_field].null_count() == frame.height)
        frame = frame.filter(happened | (pl.col(time_field).is_null() & undated))
    if name == "customers" and "left_at" in frame.columns:
        later = pl.col("left_at").cast(pl.Date) > as_of
        unknown = [column for column in ("left_at", "leaving_reason") if column in frame.columns]
        frame = frame.with_columns(
            # left_at last: the condition reads it.
            pl.when(later.fill_null(False)).then(None).otherwise(pl.col(column)).alias(column)
            for column in unknown
        )
    return frame


def _without_accounts(
    tables: Mapping[str, pl.DataFrame], leave_out: tuple[AccountType, ...]
) -> dict[str, pl.DataFrame]:
    held = tables.get("customers")
    if held is None or not leave_out or not {"customer_id", "account_type"} <= set(held.columns):
        return dict(tables)
    kind = pl.col("account_type").str.strip_chars().str.to_lowercase()
    left_out = held.filter(kind.is_in(list(leave_out)))["customer_id"].drop_nulls()
    if left_out.is_empty():
        return dict(tables)
    outside = pl.col("customer_id").is_in(left_out.implode()).fill_null(False)
    return {name: frame.filter(~outside) if "customer_id" in frame.columns else frame for name, frame in tables.items()}


def _restricted(tables: dict[str, pl.DataFrame], population: PopulationSpec) -> dict[str, pl.DataFrame]:
    chosen: dict[str, pl.DataFrame] = {}
    for name, frame in tables.items():
        time_field = TABLES[name].time_field
        if population.start is not None and name != "customers" and time_field in frame.columns:
            # A row without a date was let through on purpose: it stays.
            frame = frame.filter((pl.col(time_field).cast(pl.Date) >= population.start).fill_null(True))
        chosen[name] = frame
    if not (population.countries or population.channels or population.start):
        return chosen
    lines = chosen.get("transactions")
    if lines is not None:
        if population.countries:
            country = _country_of_lines(chosen).get_column(
                "country", default=pl.Series("country", [None] * lines.height)
            )
            lines = lines.filter(country.cast(pl.String).is_in(list(population.countries)).fill_null(False))
        if population.channels:
            # Where no line knows its channel, none can be asked for.
            channel = lines.get_column("channel", default=pl.Series("channel", [None] * lines.height))
            lines = lines.filter(channel.cast(pl.String).is_in(list(population.channels)).fill_null(False))
        chosen["transactions"] = lines
    inside = _members(tables, lines, population)
    if inside is None:
        return chosen
    belongs = pl.col("customer_id").is_in(inside.implode())
    for name, frame in chosen.items():
        if name != "transactions" and "customer_id" in frame.columns:
            # Rows of nobody in particular have no country: they stay only where none is asked for.
            chosen[name] = frame.filter(belongs.fill_null(not population.countries))
    return chosen


def _members(
    tables: Mapping[str, pl.DataFrame], lines: pl.DataFrame | None, population: PopulationSpec
) -> pl.Series | None:
    """The customers in the population; None where nobody can be told."""
    none = pl.Series("customer_id", [], pl.String)
    buyers = none if lines is None else lines.get_column("customer_id", default=none).drop_nulls().unique()
    held = tables.get("customers")
    if held is None or "customer_id" not in held.columns:
        return buyers if lines is not None and "customer_id" in lines.columns else None
    ever = tables["transactions"].get_column("customer_id", default=none) if "transactions" in tables else none
    others = held.filter(~pl.col("customer_id").is_in(ever.drop_nulls().unique().implode()))
    if population.countries:
        country = others.get_column("country", default=pl.Series("country", [None] * others.height))
        others = others.filter(country.cast(pl.String).is_in(list(population.countries)).fill_null(False))
    return pl.concat([buyers, others["customer_id"].drop_nulls()]).unique()


def _country_of_lines(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The order lines in their order, each with its country: its own, else its customer's."""
    lines = tables.get("transactions", pl.DataFrame())
    held = tables.get("customers", pl.DataFrame())
    if not {"customer_id", "country"} <= set(held.columns) or "customer_id" not in lines.columns:
        return lines
    homes = (
        held.select("customer_id", home="country").drop_nulls().unique("customer_id", keep="first", maintain_order=True)
    )
    own = pl.col("country") if "country" in lines.columns else pl.lit(None, pl.String)
    placed = lines.join(homes, on="customer_id", how="left", maintain_order="left")
    return placed.with_columns(country=pl.coalesce(own, "home")).drop("home")


def _counted(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    if column not in rows.columns:
        return pl.DataFrame(schema={column: pl.String, "n_customers": pl.Int64, "n_lines": pl.Int64})
    customers = pl.col("customer_id").drop_nulls().n_unique() if "customer_id" in rows.columns else pl.lit(0)
    counted = rows.lazy().filter(pl.col(column).is_not_null()).group_by(column)
    return (
        counted.agg(customers.cast(pl.Int64).alias("n_customers"), pl.len().cast(pl.Int64).alias("n_lines"))
        .sort(pl.col("n_lines"), pl.col(column), descending=[True, False])
        .collect()
    )


def _defined(lines: pl.DataFrame, definitions: DefinitionsSpec) -> pl.DataFrame:
    if definitions.returns == "ignore" and "kind" in lines.columns:
        lines = lines.filter(~pl.col("kind").is_in(["return", "cancellation"]))
    if definitions.revenue == "net":
        return lines
    undiscounted: list[pl.Expr] = []
    if {"quantity", "unit_price"} <= set(lines.columns):
        undiscounted.append(pl.col("quantity") * pl.col("unit_price"))
    if {"amount", "discount_amount"} <= set(lines.columns):
        # On a return, files write the discount with either sign: it always makes the amount smaller.
        away = pl.when(pl.col("amount") < 0).then(-1).otherwise(1)
        undiscounted.append(pl.col("amount") + away * pl.col("discount_amount").abs())
    if {"amount", "discount_share"} <= set(lines.columns):
        share = pl.col("discount_share")
        undiscounted.append((pl.col("amount") / pl.when(share < 1).then(1 - share)).round().cast(pl.Int64))
    if not undiscounted:
        return lines
    gross = pl.coalesce([*undiscounted, *([pl.col("amount")] if "amount" in lines.columns else [])])
    columns = [gross.alias("amount")]
    if "discount_amount" in lines.columns:
        # Once the amount is gross, the discount can no longer be read off the two: write its share down.
        known = pl.col("discount_share") if "discount_share" in lines.columns else pl.lit(None, pl.Float64)
        taken = pl.when(gross != 0).then(pl.col("discount_amount").abs() / gross.abs())
        columns.append(pl.coalesce(known, taken).alias("discount_share"))
    return lines.with_columns(columns)
