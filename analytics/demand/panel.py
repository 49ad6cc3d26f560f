"""From order lines, or a ready-made table, to regular series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from analytics import reductions
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.demand import periods
from analytics.demand.hierarchy import Tree, flat, grown, with_sums
from analytics.demand.lines import ABOVE, assigned, called, can_split, chosen, in_rank, ranked
from analytics.demand.ready_made import from_series, given_series, is_ready_made
from analytics.demand.spec import ADDITIVE, DEFAULT, NO_ABOVE, TOTAL, By, DemandPanel, DemandSpec
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report

if TYPE_CHECKING:
    from collections.abc import Collection


def build_panel(dataset: Dataset, spec: DemandSpec = DEFAULT, labels: CustomerLabels | None = None) -> DemandPanel:
    """Regular demand series from order lines, or from a ready-made ``series`` table where there are no order lines.

    By one of ``LABELLED`` a line belongs to its customer's label; anonymous lines and customers without one are
    counted in ``n_without_member``. A line's country or city is its own, else its customer's. A ready-made series is
    split by its own unique_id whatever ``by`` says, is added up when it is finer than ``frequency``, and keeps its own
    frequency when it is coarser.

    With ``parents``, a product belongs to the category of most of its lines, a city to its country; values of the
    members are clipped at zero first, so that the sums are exactly theirs. Lines without a member are in the rest.

    Raises ``AnalysisError``: ``table_missing``, ``fields_missing``, ``labels_missing`` (by label without labels),
    ``panel_empty`` (nothing sold in a whole period), ``panel_too_short`` (fewer than two whole periods),
    ``parents_not_additive`` (orders and customers do not add up), ``series_repeated`` (count, n_series, example).
    """
    key = derive_key("build_panel", spec, dataset.key, *([labels.key] if labels else []))
    report(0.0, "build_panel")
    if is_ready_made(dataset):
        return from_series(dataset, spec, key)
    if spec.parents and spec.measure not in ADDITIVE:
        raise AnalysisError("parents_not_additive", measure=spec.measure)
    field = {"revenue": "amount", "quantity": "quantity", "customers": "customer_id", "orders": "ordered_at"}
    dataset.table("transactions", "ordered_at", field[spec.measure])
    laid = arrange(dataset, spec, labels)
    report(0.4, "build_panel")
    sums = _sums(dataset, laid, spec)
    report(0.8, "build_panel")
    first = sums.group_by("member").agg(first=pl.col("ds").min())
    leaves = periods.on_grid(first, laid.starts).join(sums, on=["member", "ds"], how="left", maintain_order="left")
    n_filled, n_clipped = leaves["y"].null_count(), int((leaves["y"] < 0).sum())
    parents, names = laid.tree.kept(set(leaves["member"].unique()))
    whole = with_sums(leaves.select("member", "ds", pl.col("y").fill_null(0).clip(lower_bound=0)), parents)
    scale = dataset.money("y") if spec.measure == "revenue" else pl.col("y").cast(pl.Float64)
    frame = whole.select(scale, unique_id="member", ds="ds").select("unique_id", "ds", "y").sort("unique_id", "ds")
    back = leaves.select(pl.col("n_returns").sum(), pl.col("back").sum().alias("y")).with_columns(scale)
    caveats = laid.caveats + periods.quiet_end(laid.days, laid.starts, spec.frequency, laid.closed)
    return DemandPanel(
        frame=frame,
        frequency=spec.frequency,
        measure=spec.measure,
        unit={"revenue": dataset.currency, "quantity": "items"}.get(spec.measure, spec.measure),
        as_of=dataset.as_of,
        n_clipped=n_clipped,
        n_filled=n_filled,
        n_dropped_partial=laid.n_dropped,
        key=key,
        by=spec.by,
        members=tuple(names["unique_id"]),
        closed_weekdays=laid.closed,
        n_without_member=laid.n_without_member,
        n_service_lines=_n_service_lines(dataset),
        caveats=tuple(caveats + periods.sparse(frame)),
        parents=parents,
        names=names,
        n_returns=int(back["n_returns"].item()),
        returned=float(-back["y"].item()) if spec.measure in ADDITIVE else 0.0,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Order lines and the series and periods they fall into.

    Attributes
    ----------
    lines : as ``lines.assigned``, those of the series alone, with ``member`` (the unique_id they are counted in) and
        ``ds`` (the first day of their period).
    tree : the series.
    days : the first day of each period of each line of any series, whether or not in ``tree``.
    starts : ds of the whole periods.
    closed : closed weekdays.
    """

    lines: pl.LazyFrame
    tree: Tree
    days: pl.Series
    starts: pl.Series
    closed: tuple[int, ...]
    n_dropped: int
    n_without_member: int
    caveats: list[Caveat]


def arrange(dataset: Dataset, spec: DemandSpec, labels: CustomerLabels | None, carry: Collection[str] = ()) -> Arranged:
    """Choose the series, place every line; the same for whatever is counted along them."""
    given = assigned(dataset, spec.by, labels, carry=carry, above=spec.parents)
    rank, n_without = ranked(given)
    if rank.is_empty():
        raise AnalysisError("panel_empty")
    members, caveats = chosen(rank["member"].to_list(), spec, spec.by)
    names = called(dataset, spec.by, members)
    if spec.parents and spec.by != TOTAL:
        tree = grown(members, spec.by, names, *_above(dataset, given, spec.by))
    else:
        tree = flat(members, spec.by, names)
    by_day = given.group_by("day").agg(pl.len().alias("n"), pl.col("minute").max()).sort("day").collect()
    days = by_day["day"]
    closed = periods.closed_weekdays(days, dataset.as_of)
    last_day, cut_short = periods.last_whole_day(by_day, dataset.as_of)
    starts, n_dropped = periods.whole_periods(periods.earliest(days), last_day, spec.frequency, closed)
    n_dropped += bool(cut_short) and spec.frequency == "day"
    placed = given.with_columns(ds=periods.period(pl.col("day"), spec.frequency))
    if tree.rest:
        leaf = pl.col("member").replace_strict(
            tree.leaf_of["member"], tree.leaf_of["leaf"], default=tree.rest, return_dtype=pl.String
        )
        placed = placed.with_columns(member=leaf.fill_null(tree.rest))
    elif spec.by != TOTAL:
        placed = placed.filter(pl.col("member").is_in(list(members)))
    return Arranged(
        lines=placed,
        tree=tree,
        days=pl.DataFrame({"day": days}).select(periods.period(pl.col("day"), spec.frequency))["day"],
        starts=starts,
        closed=closed,
        n_dropped=n_dropped,
        n_without_member=n_without,
        caveats=caveats + cut_short,
    )


def panel_choices(dataset: Dataset, by: By, labels: CustomerLabels | None = None) -> pl.DataFrame:
    """What a panel can be split into, most revenue first (then most lines, then by name).

    Columns: member (String, the unique_id), name (String: the product's name for a product id, else the member),
    revenue (Float64, whole currency units; the sum of y for a ready-made series), n_lines (Int64).

    Raises ``AnalysisError``: ``table_missing``, ``fields_missing``, ``labels_missing``.
    """
    if is_ready_made(dataset):
        series = given_series(dataset).drop_nulls("member")
        given = series.group_by("member").agg(revenue=pl.col("y").sum(), n_lines=pl.len().cast(pl.Int64))
        return in_rank(given).select("member", pl.col("member").alias("name"), "revenue", "n_lines")
    rank = ranked(assigned(dataset, by, labels))[0].with_columns(dataset.money("revenue"))
    names = called(dataset, by, rank["member"])
    name = pl.col("member").replace_strict(names, return_dtype=pl.String) if names else pl.col("member")
    return rank.select("member", name.alias("name"), "revenue", "n_lines")


def _above(dataset: Dataset, given: pl.LazyFrame, by: By) -> tuple[pl.DataFrame, By | None]:
    """member, above (that of most lines, the first by name among equals), and what ``above`` is."""
    higher = ABOVE.get(by)
    if higher is None or not can_split(dataset, higher):
        return NO_ABOVE, None
    met = given.select("member", "above").drop_nulls().group_by("member", "above").agg(pl.len().alias("n"))
    best = met.sort("n", "above", descending=[True, False]).unique("member", keep="first", maintain_order=True)
    return best.select("member", "above").sort("member").collect(), higher


def _sums(dataset: Dataset, laid: Arranged, spec: DemandSpec) -> pl.DataFrame:
    """member, ds, y (Int64), back (Int64, the part of y that returns took off), n_returns, over the whole periods."""
    import narwhals as nw

    lines = laid.lines.filter(pl.col("ds") <= laid.starts[-1])
    if spec.measure in ADDITIVE:
        value = pl.col("amount" if spec.measure == "revenue" else "quantity")
        return (
            lines.group_by("member", "ds")
            .agg(
                y=value.sum(),
                back=(value * pl.col("n_returned")).sum(),
                n_returns=pl.col("n_returned").sum(),
            )
            .collect()
        )
    counted = reductions.collect(reductions.demand_sums(nw.from_native(lines), ("member", "ds"), spec.measure))
    # A period of returns alone has no order, but a series may begin with it.
    any_line = lines.group_by("member", "ds").agg(back=pl.lit(0, pl.Int64), n_returns=pl.col("n_returned").sum())
    return any_line.collect().join(counted, on=["member", "ds"], how="left")


def _n_service_lines(dataset: Dataset) -> int:
    lines = dataset.tables["transactions"]
    return int((lines["kind"] == "service").sum()) if "kind" in lines.columns else 0
