"""One row per customer, and the two ways in which work about customers crosses from one analysis to another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from analytics import reductions
from analytics.dataset import UNKNOWN_DAY, Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.progress import report
from analytics.schema import CUSTOMERS

# Attributes of the customers table in display order; age and joined_days are computed, further columns follow.
_ATTRIBUTES = (
    "gender",
    "age",
    "city",
    "country",
    "tier",
    "account_type",
    "acquisition_channel",
    "joined_days",
    "marketing_consent",
)
_PERSONAL = re.compile(
    r"(^|_)(id|ids|uid|uuid|key|code|no|number|name|surname|mail|email|phone|mobile|tel|fax|address|street|zip|"
    r"postcode|ip|url|note|notes|comment|comments|text|birthday)(_|$)",
    re.IGNORECASE,
)
_FAVOURITES = ("category", "channel", "payment_method")
_EPOCH = date(1970, 1, 1)

Family = Literal["behaviour", "demographics", "psychographics", "needs"]


@dataclass(frozen=True, slots=True)
class Trait:
    """What a customer can be described and segmented by.

    Attributes
    ----------
    name : the column it stands in; for ``counts`` the name of the whole group ("category_mix").
    family : what it tells about a person: what they do, who they are, what they think, what they are after.
    kind : "number", "flag", "category" (one text of a few), "counts" (how often each of several levels).
    columns : its column in ``CustomerTable.frame``; for ``counts`` one Int64 column per level, 0 where never.
    levels : for ``counts``: what each column counts, in the same order; the empty text is what is left of the rest.
    """

    name: str
    family: Family
    kind: Literal["number", "flag", "category", "counts"]
    columns: tuple[str, ...]
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomerSpec:
    """How the customer table is made.

    ``max_attribute_values``: a further text column of the customers table (one that Regulars does not know) becomes an
    attribute when it has at most so many different values.
    """

    max_attribute_values: int = 30

    def __post_init__(self) -> None:
        if not 2 <= self.max_attribute_values <= 1000:
            raise AnalysisError("max_attribute_values_out_of_range", value=self.max_attribute_values)


@dataclass(frozen=True, slots=True, eq=False)
class CustomerTable:
    """One row per customer with at least one order (without order lines: per known customer), unique ``customer_id``.

    Units are in the names.

    Definitions: days are calendar days. An order is a distinct order id of a customer with at least one sale line
    (without order ids: a calendar day with such a line) that stands: not all of it was returned or cancelled by
    ``as_of`` (``reversals``). A free order counts. Returns and cancellations are subtracted from revenue and items and
    make no order; service lines (postage, fees) count nowhere.

    Attributes
    ----------
    frame : sorted by customer_id (String). With orders: first_order_on, last_order_on (Date); recency_days (days from
        the last order to ``as_of``), tenure_days (days from the first order to ``as_of``), n_orders, n_order_days
        (Int64); mean_gap_days ((last - first) / (n_order_days - 1), Float64, null with one order day).
        Where there are amounts: revenue (sum of amounts), mean_order_value (revenue / n_orders) (Float64, whole
        currency units). Where there are quantities: n_items (Int64). Where there are products, categories: n_products,
        n_categories (Int64, different ones bought). Where there are discounts: discount_share (Float64, 0-1, mean over
        sale lines of the share of the undiscounted amount that was taken off). Where there are returns: return_share
        (Float64, 0-1, returned and cancelled amount / sold amount; by lines where there are no amounts; null for who
        returned but paid nothing). Where the columns are there: top_category, top_channel, top_payment_method (String,
        on most sale lines, ties broken by name, null where never given). Then the attributes.
    measures : names of the numeric behaviour columns that are there, in display order. ``n_order_days`` stands in the
        frame only: it all but repeats ``n_orders``.
    attributes : names of the attribute columns (text, flag or number) that are there, in display order: those of the
        customers table (age in years at ``as_of``, joined_days from joining to ``as_of``), country and city of most
        sale lines where the customers table has none, then top_category, top_channel, top_payment_method. Never an id,
        a name, an address or free text, nor a column with one value or with nearly as many values as customers.
    traits : by what customers can be described and segmented, in display order. Where none are given, those of the
        measures (behaviour) and attributes (needs for top_*, else demographics); ``gather_traits`` adds more.
    n_without_orders : customers known from the customers table or from a line, but without an order that stands.
    n_anonymous_lines : goods lines without a customer id.
    n_service_lines : order lines that are no goods.
    """

    frame: pl.DataFrame
    as_of: date
    currency: str
    measures: tuple[str, ...]
    attributes: tuple[str, ...]
    key: str
    traits: tuple[Trait, ...] = ()
    n_without_orders: int = 0
    n_anonymous_lines: int = 0
    n_service_lines: int = 0

    def __post_init__(self) -> None:
        if not self.traits:
            names = [name for name in (*self.measures, *self.attributes) if name in self.frame.columns]
            traits = (describe_column(self.frame, name, self._family(name)) for name in names)
            object.__setattr__(self, "traits", tuple(traits))

    def _family(self, name: str) -> Family:
        if name in self.measures:
            return "behaviour"
        return "needs" if name.startswith("top_") else "demographics"


@dataclass(frozen=True, slots=True, eq=False)
class CustomerLabels:
    """Which group each customer belongs to.

    Attributes
    ----------
    frame : customer_id (String, unique), label (String).
    labels : the labels in display order; colour *i* belongs to label *i* on every page.
    origin : the verb that made them ("segment", "lifecycle", "describe_personas").
    key : the key of the Result they came from.
    """

    frame: pl.DataFrame
    labels: tuple[str, ...]
    origin: str
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class CustomerScores:
    """A number per customer with its interval.

    Attributes
    ----------
    frame : customer_id (String, unique), value, lo, hi (Float64, in ``unit``; lo and hi null where not estimated).
    """

    frame: pl.DataFrame
    unit: str
    origin: str
    key: str


def summarise_customers(dataset: Dataset, spec: CustomerSpec = CustomerSpec()) -> CustomerTable:
    """One row per customer from order lines and the customers table.

    Where there are no order lines at all, the customers table alone is described (without one, who answered the
    survey): every row a customer, attributes and no behaviour. Raises ``AnalysisError``: ``table_missing``,
    ``fields_missing`` (customer_id, ordered_at), ``no_orders`` (no customer has an order).
    """
    alone = [name for name in ("customers", "survey") if dataset.has(f"{name}.customer_id")]
    if "transactions" not in dataset.tables and alone:
        return _known_only(dataset, alone[0], spec)
    lines = dataset.table("transactions", "customer_id", "ordered_at")
    report(0.0, "summarise_customers")
    ids = reductions.values(dataset, "customer_id")
    table = _behaviour(dataset)
    if table.is_empty():
        raise AnalysisError("no_orders", n_lines=lines.height)
    frame = table.with_columns(ids.gather(table["customer_id"]).alias("customer_id"))
    measures = tuple(name for name in _MEASURES if name in frame.columns)
    frame, attributes = _with_attributes(frame, dataset, spec)
    held = dataset.tables.get("customers")
    known = ids if held is None or "customer_id" not in held.columns else pl.concat([ids, held["customer_id"]])
    goods = pl.lit(True) if "kind" not in lines.columns else pl.col("kind") != "service"
    n_goods, n_anonymous = lines.select(
        goods.sum().alias("goods") if "kind" in lines.columns else pl.len().alias("goods"),
        (goods & pl.col("customer_id").is_null()).sum().alias("anonymous"),
    ).row(0)
    return CustomerTable(
        frame=frame,
        as_of=dataset.as_of,
        currency=dataset.currency,
        measures=measures,
        attributes=attributes,
        key=derive_key("summarise_customers", spec, dataset.key),
        n_without_orders=known.drop_nulls().n_unique() - frame.height,
        n_anonymous_lines=n_anonymous,
        n_service_lines=lines.height - n_goods,
    )


def describe_column(frame: pl.DataFrame, name: str, family: Family) -> Trait:
    """The trait that one column is: a number, a flag or a category, by its dtype."""
    dtype = frame.schema[name]
    kind: Literal["number", "flag", "category"]
    kind = "flag" if dtype == pl.Boolean else "number" if dtype.is_numeric() else "category"
    return Trait(name, family, kind, (name,))


def _known_only(dataset: Dataset, table: str, spec: CustomerSpec) -> CustomerTable:
    """The customers of one table by themselves; nothing is known of what these people do."""
    ids = dataset.table(table)["customer_id"].drop_nulls().unique().sort()
    frame, attributes = _with_attributes(pl.DataFrame({"customer_id": ids}), dataset, spec)
    return CustomerTable(
        frame=frame,
        as_of=dataset.as_of,
        currency=dataset.currency,
        measures=(),
        attributes=attributes,
        key=derive_key("summarise_customers", spec, dataset.key),
    )


_MEASURES = (
    "recency_days",
    "n_orders",
    "revenue",
    "mean_order_value",
    "tenure_days",
    "mean_gap_days",
    "n_items",
    "n_products",
    "n_categories",
    "discount_share",
    "return_share",
)


def _behaviour(dataset: Dataset) -> pl.DataFrame:
    """The behaviour columns by encoded customer, sorted by it."""
    has = set(reductions.project(dataset).collect_schema().names())
    parts = [column for column in ("product_id", *_FAVOURITES, *_places(dataset)) if column in has]
    lines = reductions.project(dataset, encode=("customer_id", *parts))
    # One after the other, not at once: several half-finished groupings of ten million lines do not fit side by side.
    table = reductions.collect(reductions.order_counts(lines)).sort("customer_id")
    for done, column in enumerate(["", *parts]):
        part = reductions.preferences(lines, column) if column else reductions.customer_sums(lines)
        reduced = reductions.collect(part)
        if column:
            named: dict[str, pl.Expr | pl.Series] = {f"n_{column}": pl.col("n_distinct")}
            if column != "product_id":
                named[f"favourite_{column}"] = reductions.values(dataset, column).gather(reduced["favourite"])
            reduced = reduced.select("customer_id", **named)
        table = table.join(reduced, on="customer_id", how="left", maintain_order="left")
        report(0.8 * (done + 1) / (len(parts) + 1), "summarise_customers")
    return _measured(table, dataset)


def _measured(table: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    as_of = (dataset.as_of - _EPOCH).days
    first, last = pl.col("first_day").cast(pl.Int64), pl.col("last_day").cast(pl.Int64)
    columns = {
        "customer_id": pl.col("customer_id"),
        "first_order_on": pl.col("first_day").cast(pl.Int32).cast(pl.Date),
        "last_order_on": pl.col("last_day").cast(pl.Int32).cast(pl.Date),
        "recency_days": as_of - last,
        "tenure_days": as_of - first,
        "n_orders": pl.col("n_orders"),
        "n_order_days": pl.col("n_order_days"),
        "mean_gap_days": pl.when(pl.col("n_order_days") > 1).then((last - first) / (pl.col("n_order_days") - 1)),
    }
    priced = dataset.has("transactions.amount")
    if priced:
        columns["revenue"] = dataset.money("amount")
        columns["mean_order_value"] = dataset.money("amount") / pl.col("n_orders")
    if dataset.has("transactions.quantity"):
        columns["n_items"] = pl.col("quantity")
    counts = {"n_products": "n_product_id", "n_categories": "n_category"}
    columns |= {name: pl.col(count).fill_null(0) for name, count in counts.items() if count in table.columns}
    if dataset.has("transactions.discount_share") or dataset.has("transactions.discount_amount"):
        columns["discount_share"] = pl.col("discount_ppm") / pl.col("n_sales") / reductions.PER_MILLION
    if table["n_returned"].sum():
        back, sold = (-pl.col("returned"), pl.col("sold")) if priced else (pl.col("n_returned"), pl.col("n_sold"))
        columns["return_share"] = pl.when(sold > 0).then((back / sold).clip(0, 1)).when(back == 0).then(0.0)
    tops = {f"top_{name}": f"favourite_{name}" for name in _FAVOURITES}
    tops |= {name: f"favourite_{name}" for name in ("city", "country")}
    columns |= {name: pl.col(favourite) for name, favourite in tops.items() if favourite in table.columns}
    return table.select(**columns)


def _places(dataset: Dataset) -> tuple[str, ...]:
    """Which of city and country must come from the order lines, since the customers table has none."""
    return tuple(name for name in ("city", "country") if not dataset.has(f"customers.{name}"))


def _with_attributes(frame: pl.DataFrame, dataset: Dataset, spec: CustomerSpec) -> tuple[pl.DataFrame, tuple[str, ...]]:
    tops = [name for name in frame.columns if name.startswith("top_")]
    held = dataset.tables.get("customers")
    if held is not None and dataset.has("customers.customer_id"):
        own = _attributes(held, dataset.as_of, spec).filter(pl.col("customer_id").is_not_null())
        own = own.unique("customer_id", keep="first", maintain_order=True)
        frame = frame.join(own, on="customer_id", how="left", maintain_order="left")
    plain = {"customer_id", "first_order_on", "last_order_on", "n_order_days", *_MEASURES, *tops}
    found = [name for name in frame.columns if name not in plain]
    ordered = [name for name in _ATTRIBUTES if name in found] + [name for name in found if name not in _ATTRIBUTES]
    telling = [name for name in ordered + tops if tells_apart(frame[name])]
    silent = {name for name in found if name not in telling}
    order = [name for name in frame.columns if name not in found] + [name for name in telling if name in found]
    return frame.select(order).drop(silent, strict=False), tuple(telling)


def _attributes(held: pl.DataFrame, as_of: date, spec: CustomerSpec) -> pl.DataFrame:
    """customer_id and every column of the customers table that may describe a person without naming them."""
    columns: dict[str, pl.Expr] = {"customer_id": pl.col("customer_id")}
    for name, dtype in held.schema.items():
        if name in CUSTOMERS:
            if CUSTOMERS[name].role in ("category", "flag") and name != "leaving_reason":
                columns[name] = pl.col(name)
        elif not names_a_person(name) and _describes(held[name], spec):
            columns[name] = pl.col(name) if dtype != pl.Categorical else pl.col(name).cast(pl.String)
    born = as_of.year - pl.col("birth_year") if "birth_year" in held.columns and as_of != UNKNOWN_DAY else None
    given = pl.col("age") if "age" in held.columns else None
    ages = [age for age in (born, given) if age is not None]
    if ages:
        columns["age"] = pl.coalesce(ages).cast(pl.Int64)
    if "joined_at" in held.columns:
        joined = pl.col("joined_at").cast(pl.Date)
        days = (pl.lit(as_of) - joined).dt.total_days()
        columns["joined_days"] = pl.when(joined <= as_of).then(days)
    return held.select(**columns)


def names_a_person(name: str) -> bool:
    """Whether a column's name says that it holds an id, a name, an address or a note."""
    return bool(_PERSONAL.search(name))


def _describes(series: pl.Series, spec: CustomerSpec) -> bool:
    """Whether a column that Regulars does not know is a category, a flag or a number, rather than an id or a text."""
    dtype = series.dtype
    if dtype == pl.Boolean or dtype.is_float():
        return True
    if dtype.is_integer():
        # A whole number that never repeats is a row's number or an id.
        return series.drop_nulls().n_unique() < max(len(series) - series.null_count(), 1)
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        return series.drop_nulls().n_unique() <= spec.max_attribute_values
    return False


def tells_apart(series: pl.Series) -> bool:
    """Whether an attribute can tell customers apart: more than one value, and a text not nearly unique."""
    given = series.drop_nulls()
    n_values = given.n_unique()
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return n_values > 1
    return n_values > 1 and (n_values <= 10 or n_values <= len(given) / 2)
