"""Order lines with the series they belong to, and the series in the order of what they bring in."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from analytics import reductions
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.demand.spec import LABELLED, TOTAL, By, DemandSpec
from analytics.errors import AnalysisError, Caveat

# What the series of a split are summed up into, where the data have it.
ABOVE: dict[By, By] = {"product": "category", "city": "country"}


def assigned(
    dataset: Dataset, by: By, labels: CustomerLabels | None, *, carry: Collection[str] = (), above: bool = False
) -> pl.LazyFrame:
    """The goods lines of ``reductions.project`` with their ``member`` (null where the column split by is empty).

    ``day`` is a Date. ``carry`` names further columns of the order lines. With ``above`` there is also the column
    ``above``: what the member is summed up into (``ABOVE``), null where that is empty or not in the data.

    Raises ``AnalysisError``: ``table_missing``, ``fields_missing``, ``labels_missing``.
    """
    dataset.table("transactions", "ordered_at")
    lines: pl.LazyFrame = reductions.project(dataset, carry=carry).to_native()
    held = set(lines.collect_schema().names())
    lines = lines.with_columns(pl.col("day").cast(pl.Date))
    if by == TOTAL:
        lines = lines.with_columns(member=pl.lit(TOTAL))
    elif by in LABELLED:
        if labels is None:
            raise AnalysisError("labels_missing")
        dataset.table("transactions", "customer_id")
        groups = labels.frame.lazy().select("customer_id", member="label")
        lines = lines.join(groups, on="customer_id", how="left", maintain_order="left")
    else:
        lines = _split(dataset, lines, held, by, "member")
    if not above:
        return lines
    higher = ABOVE.get(by)
    if higher is None or not can_split(dataset, higher):
        return lines.with_columns(above=pl.lit(None, pl.String))
    return _split(dataset, lines, held, higher, "above")


def can_split(dataset: Dataset, by: By) -> bool:
    """Whether the data say which series of this split a line belongs to (of groups of customers: who bought)."""
    if by == TOTAL:
        return dataset.has("transactions.ordered_at")
    if by in LABELLED:
        return dataset.has("transactions.customer_id")
    columns = [f"transactions.{by}", *(["transactions.product_id"] if by == "product" else [])]
    if any(dataset.has(column) for column in columns):
        return True
    return by in ("country", "city") and dataset.has(
        "transactions.customer_id", "customers.customer_id", f"customers.{by}"
    )


def _split(dataset: Dataset, lines: pl.LazyFrame, held: set[str], by: By, name: str) -> pl.LazyFrame:
    """A line's country or city is its own, else its customer's."""
    column = "product_id" if by == "product" else by
    if by in ("country", "city") and dataset.has("customers.customer_id", f"customers.{by}"):
        homes = dataset.tables["customers"].lazy().select("customer_id", home=by).drop_nulls()
        homes = homes.unique("customer_id", keep="first", maintain_order=True)
        lines = lines.join(homes, on="customer_id", how="left", maintain_order="left")
        named = pl.coalesce(by, "home") if by in held else pl.col("home")
        return lines.with_columns(named.alias(name)).drop("home")
    if column not in held:
        raise AnalysisError("fields_missing", table="transactions", fields=f"transactions.{by}")
    return lines.with_columns(pl.col(column).alias(name))


def ranked(lines: pl.LazyFrame) -> tuple[pl.DataFrame, int]:
    """member, revenue (minor units), n_lines in the order of revenue; and the lines without a member."""
    sums = lines.group_by("member").agg(revenue=pl.col("amount").sum(), n_lines=pl.len().cast(pl.Int64)).collect()
    n_without = sums.filter(pl.col("member").is_null())["n_lines"].sum()
    return in_rank(sums.filter(pl.col("member").is_not_null())), int(n_without)


def in_rank(given: pl.DataFrame) -> pl.DataFrame:
    """Most revenue first, then most lines, then by name."""
    return given.sort("revenue", "n_lines", "member", descending=[True, True, False])


def chosen(there: list[str], spec: DemandSpec, by: str) -> tuple[tuple[str, ...], list[Caveat]]:
    """The members asked for in the order of rank, or the first of them."""
    if by == TOTAL or not spec.members:
        members, n_absent = there[: spec.n_series], 0
    else:
        wanted = set(spec.members)
        members = [member for member in there if member in wanted]
        n_absent = len(wanted) - len(members)
    if not members:
        raise AnalysisError("panel_empty")
    caveats = [Caveat("members_absent", "watch", {"n": n_absent})] if n_absent else []
    return tuple(members), caveats


def called(dataset: Dataset, by: By, members: Collection[str]) -> dict[str, str]:
    """Names of members: the product's name for its id, else the member itself.

    Of several names the one met most often: a product keeps one name however often it was renamed.
    """
    names = {member: member for member in members}
    if by == "product" and dataset.has("transactions.product_id", "transactions.product"):
        lines = dataset.tables["transactions"].lazy().select(member="product_id", name="product").drop_nulls()
        met = lines.filter(pl.col("member").is_in(list(members))).group_by("member", "name").agg(pl.len().alias("n"))
        best = met.sort("n", "name", descending=[True, False]).unique("member", keep="first", maintain_order=True)
        names |= dict(best.select("member", "name").collect().iter_rows())
    return names
