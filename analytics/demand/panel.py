"""From order lines, or a ready-made table, to regular series."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from analytics import reductions
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.demand.spec import (
    DEFAULT,
    EVERY,
    FREQUENCIES,
    LABELLED,
    MIN_PERIODS,
    TOTAL,
    By,
    DemandPanel,
    DemandSpec,
    Frequency,
    Measure,
)
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report

# A weekday that never sells is closed only once it had this many chances.
_WEEKS_TO_CALL_CLOSED = 8


def build_panel(dataset: Dataset, spec: DemandSpec = DEFAULT, labels: CustomerLabels | None = None) -> DemandPanel:
    """Regular demand series from order lines, or from a ready-made ``series`` table where there are no order lines.

    By one of ``LABELLED`` a line belongs to its customer's label; anonymous lines and customers without one are
    counted in ``n_without_member``. A line's country or city is its own, else its customer's. A ready-made series is
    split by its own unique_id whatever ``by`` says, is added up when it is finer than ``frequency``, and keeps its own
    frequency when it is coarser.

    Raises ``AnalysisError``: ``table_missing``, ``fields_missing``, ``labels_missing`` (by label without labels),
    ``panel_empty`` (nothing sold in a whole period), ``panel_too_short`` (fewer than two whole periods).
    """
    key = derive_key("build_panel", spec, dataset.key, *([labels.key] if labels else []))
    report(0.0, "build_panel")
    if _is_ready_made(dataset):
        return _from_series(dataset, spec, key)
    _need(dataset, spec)
    lines = _with_member(dataset, spec.by, labels)
    if lines.is_empty():
        raise AnalysisError("panel_empty")
    members, caveats = _chosen(_ranked(lines), spec)
    placed = lines.with_columns(ds=_period(pl.col("day"), spec.frequency))
    sums = _sums(placed.filter(pl.col("member").is_in(list(members))), spec.measure)
    sums = sums.with_columns(dataset.money("y") if spec.measure == "revenue" else pl.col("y").cast(pl.Float64))
    report(0.6, "build_panel")
    closed = _closed_weekdays(lines["day"], dataset.as_of)
    starts, n_dropped = _whole_periods(_first(lines["day"]), dataset.as_of, spec.frequency, closed)
    frame, n_filled, n_clipped = _laid_out(sums, starts)
    caveats += _quiet_end(placed["ds"], starts, spec.frequency, closed) + _sparse(frame)
    left = set(frame["unique_id"].unique())
    return DemandPanel(
        frame=frame,
        frequency=spec.frequency,
        measure=spec.measure,
        unit={"revenue": dataset.currency, "quantity": "items"}.get(spec.measure, spec.measure),
        as_of=dataset.as_of,
        n_clipped=n_clipped,
        n_filled=n_filled,
        n_dropped_partial=n_dropped,
        key=key,
        by=spec.by,
        members=tuple(member for member in members if member in left),
        closed_weekdays=closed,
        n_without_member=lines["member"].null_count(),
        n_service_lines=_n_service_lines(dataset),
        caveats=tuple(caveats),
    )


def panel_choices(dataset: Dataset, by: By, labels: CustomerLabels | None = None) -> pl.DataFrame:
    """What a panel can be split into, most revenue first (then most lines, then by name).

    Columns: member (String, the unique_id), name (String: the product's name for a product id, else the member),
    revenue (Float64, whole currency units; the sum of y for a ready-made series), n_lines (Int64).

    Raises ``AnalysisError``: ``table_missing``, ``fields_missing``, ``labels_missing``.
    """
    if _is_ready_made(dataset):
        series = dataset.table("series", "unique_id", "ds", "y")
        given = series.group_by(member="unique_id").agg(revenue=pl.col("y").sum(), n_lines=pl.len().cast(pl.Int64))
        return _in_rank(given).select("member", pl.col("member").alias("name"), "revenue", "n_lines")
    ranked = _ranked(_with_member(dataset, by, labels)).with_columns(dataset.money("revenue"))
    names = ranked.select("member", pl.col("member").alias("name"))
    if by == "product" and dataset.has("transactions.product_id", "transactions.product"):
        lines = dataset.tables["transactions"].lazy().select(member="product_id", name="product").drop_nulls()
        # The name met most often; a product keeps one name however often it was renamed.
        names = (
            lines.group_by("member", "name")
            .agg(pl.len().alias("n"))
            .sort("n", "name", descending=[True, False])
            .unique("member", keep="first", maintain_order=True)
            .select("member", "name")
            .collect()
        )
    named = ranked.join(names, on="member", how="left", maintain_order="left")
    return named.select("member", pl.coalesce("name", "member").alias("name"), "revenue", "n_lines")


def _is_ready_made(dataset: Dataset) -> bool:
    return "transactions" not in dataset.tables and "series" in dataset.tables


def _need(dataset: Dataset, spec: DemandSpec) -> None:
    field = {"revenue": "amount", "quantity": "quantity", "customers": "customer_id", "orders": "ordered_at"}
    dataset.table("transactions", "ordered_at", field[spec.measure])


def _with_member(dataset: Dataset, by: By, labels: CustomerLabels | None) -> pl.DataFrame:
    """The goods lines: customer_id, order_id, day (Date), amount, quantity, is_sale, member (null where empty)."""
    dataset.table("transactions", "ordered_at")
    lines = reductions.project(dataset).to_native()
    held = lines.collect_schema().names()
    if by == "total":
        member = pl.lit(TOTAL)
    elif by in LABELLED:
        if labels is None:
            raise AnalysisError("labels_missing")
        dataset.table("transactions", "customer_id")
        groups = labels.frame.lazy().select("customer_id", member="label")
        lines, member = lines.join(groups, on="customer_id", how="left", maintain_order="left"), pl.col("member")
    elif by in ("country", "city") and dataset.has("customers.customer_id", f"customers.{by}"):
        homes = dataset.tables["customers"].lazy().select("customer_id", home=by).drop_nulls()
        homes = homes.unique("customer_id", keep="first", maintain_order=True)
        lines = lines.join(homes, on="customer_id", how="left", maintain_order="left")
        member = pl.coalesce(by, "home") if by in held else pl.col("home")
    else:
        column = "product_id" if by == "product" else by
        if column not in held:
            raise AnalysisError("fields_missing", table="transactions", fields=f"transactions.{by}")
        member = pl.col(column)
    kept = lines.select(
        "customer_id", "order_id", pl.col("day").cast(pl.Date), "amount", "quantity", "is_sale", member.alias("member")
    )
    frame: pl.DataFrame = kept.collect()
    return frame


def _ranked(lines: pl.DataFrame) -> pl.DataFrame:
    """member, revenue (minor units), n_lines, in rank order."""
    given = lines.lazy().filter(pl.col("member").is_not_null()).group_by("member")
    return _in_rank(given.agg(revenue=pl.col("amount").sum(), n_lines=pl.len().cast(pl.Int64)).collect())


def _in_rank(given: pl.DataFrame) -> pl.DataFrame:
    return given.sort("revenue", "n_lines", "member", descending=[True, True, False])


def _chosen(ranked: pl.DataFrame, spec: DemandSpec) -> tuple[tuple[str, ...], list[Caveat]]:
    there: list[str] = ranked["member"].to_list()
    if spec.by == "total" or not spec.members:
        members, n_absent = there[: spec.n_series], 0
    else:
        members = [member for member in there if member in spec.members]
        n_absent = len(set(spec.members)) - len(members)
    if not members:
        raise AnalysisError("panel_empty")
    caveats = [Caveat("members_absent", "watch", {"n": n_absent})] if n_absent else []
    return tuple(members), caveats


def _sums(placed: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    import narwhals as nw

    return reductions.collect(reductions.demand_sums(nw.from_native(placed.lazy()), ("member", "ds"), measure))


def _period(day: pl.Expr, frequency: Frequency) -> pl.Expr:
    """The first day of the period a day is in; weeks start on Monday."""
    return day.dt.truncate(EVERY[frequency])


def _period_of(day: date, frequency: Frequency) -> date:
    if frequency == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if frequency == "month" else day


def _next_period(start: date, frequency: Frequency) -> date:
    if frequency == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if frequency == "week" else 1)


def _first(days: pl.Series) -> date:
    first = days.min()
    assert isinstance(first, date)
    return first


def _closed_weekdays(days: pl.Series, as_of: date) -> tuple[int, ...]:
    """Weekdays without a single line, where chance is no explanation at the pace of the other weekdays."""
    first = _first(days)
    n_weeks = ((as_of - first).days + 1) // 7
    if n_weeks < _WEEKS_TO_CALL_CLOSED:
        return ()
    sold = days.unique()
    opened = set(sold.dt.weekday().unique())
    pace = min(len(sold) / (len(opened) * n_weeks), 1.0)
    if (1 - pace) ** n_weeks > 0.01:
        return ()
    return tuple(weekday for weekday in range(1, 8) if weekday not in opened)


def _whole_periods(
    first_day: date, last_day: date, frequency: Frequency, closed: tuple[int, ...]
) -> tuple[pl.Series, int]:
    """The first days of the periods that were observed whole, and how many at the ends were not."""
    start, n_dropped = _period_of(first_day, frequency), 0
    before = [start + timedelta(days=i) for i in range((first_day - start).days)]
    if any(day.isoweekday() not in closed for day in before):
        start, n_dropped = _next_period(start, frequency), 1
    end = _period_of(last_day, frequency)
    if _next_period(end, frequency) - timedelta(days=1) > last_day:
        end, n_dropped = _period_of(end - timedelta(days=1), frequency), n_dropped + (end >= start)
    starts = pl.date_range(start, end, EVERY[frequency], eager=True) if end >= start else pl.Series([], dtype=pl.Date)
    if len(starts) < MIN_PERIODS:
        raise AnalysisError("panel_too_short", n=len(starts), needed=MIN_PERIODS)
    return starts.alias("ds"), n_dropped


def _laid_out(sums: pl.DataFrame, starts: pl.Series) -> tuple[pl.DataFrame, int, int]:
    """The regular frame, values filled with zero, values clipped at zero."""
    first = sums.group_by("member").agg(first=pl.col("ds").min())
    grid = first.join(starts.to_frame(), how="cross").filter(pl.col("ds") >= pl.col("first"))
    laid = grid.join(sums, on=["member", "ds"], how="left")
    frame = laid.select(unique_id="member", ds="ds", y=pl.col("y").fill_null(0.0).clip(lower_bound=0.0))
    if frame.is_empty():
        raise AnalysisError("panel_empty")
    n_clipped = int((laid["y"] < 0).sum())
    return frame.sort("unique_id", "ds"), laid["y"].null_count(), n_clipped


def _quiet_end(periods: pl.Series, starts: pl.Series, frequency: Frequency, closed: tuple[int, ...]) -> list[Caveat]:
    """Whether the end is quiet for longer than the data ever were before: a sign that as-of lies past the data."""
    open_starts = starts.filter(~starts.dt.weekday().is_in(list(closed))) if frequency == "day" else starts
    sold = open_starts.is_in(periods.unique().implode()).to_list()
    runs = [0]
    for has_sale in sold:
        runs = [*runs, 0] if has_sale else [*runs[:-1], runs[-1] + 1]
    n_quiet = runs[-1]
    return [Caveat("panel_quiet_end", "watch", {"n": n_quiet})] if n_quiet > max(runs[:-1], default=0) else []


def _sparse(frame: pl.DataFrame) -> list[Caveat]:
    zeros = frame.group_by("unique_id").agg(share=(pl.col("y") == 0).mean())
    n_sparse = int((zeros["share"] > 0.5).sum())
    return [Caveat("panel_sparse", "note", {"n": n_sparse, "n_series": zeros.height})] if n_sparse else []


def _n_service_lines(dataset: Dataset) -> int:
    lines = dataset.tables["transactions"]
    return int((lines["kind"] == "service").sum()) if "kind" in lines.columns else 0


def _from_series(dataset: Dataset, spec: DemandSpec, key: str) -> DemandPanel:
    series = dataset.table("series", "unique_id", "ds", "y").drop_nulls(["unique_id", "ds", "y"])
    series = series.filter(pl.col("ds") <= dataset.as_of)
    ranked = _in_rank(series.group_by(member="unique_id").agg(revenue=pl.col("y").sum(), n_lines=pl.len()))
    split = DemandSpec(spec.measure, "product", spec.members, spec.n_series, spec.frequency)
    members, caveats = _chosen(ranked, split)
    series = series.filter(pl.col("unique_id").is_in(list(members)))
    own = _own_frequency(series)
    coarser = FREQUENCIES.index(own) > FREQUENCIES.index(spec.frequency)
    frequency = own if coarser else spec.frequency
    if coarser:
        caveats.append(Caveat("frequency_coarser", "note", {}))
    placed = series.select(member="unique_id", ds=_period(pl.col("ds"), frequency), y="y")
    sums = placed.group_by("member", "ds").agg(pl.col("y").sum())
    # A value stands for the whole of its own period, whichever day of it is its date.
    first, last = _first(series["ds"]), series["ds"].max()
    assert isinstance(last, date)
    until = _next_period(_period_of(last, own), own) - timedelta(days=1)
    starts, n_dropped = _whole_periods(_period_of(first, own), until, frequency, ())
    frame, n_filled, n_clipped = _laid_out(sums, starts)
    if n_filled:
        severity = "watch" if n_filled > 0.3 * frame.height else "note"
        caveats.append(Caveat("series_gaps", severity, {"n": n_filled, "n_values": frame.height}))
    left = set(frame["unique_id"].unique())
    return DemandPanel(
        frame=frame,
        frequency=frequency,
        measure="value",
        unit="",
        as_of=dataset.as_of,
        n_clipped=n_clipped,
        n_filled=n_filled,
        n_dropped_partial=n_dropped,
        key=key,
        by="series",
        members=tuple(member for member in members if member in left),
        caveats=tuple(caveats),
    )


def _own_frequency(series: pl.DataFrame) -> Frequency:
    """The coarsest grid that keeps two values of one series apart."""
    gaps = series.select("unique_id", "ds").unique().sort("unique_id", "ds")
    step = gaps.select(pl.col("ds").diff().over("unique_id").dt.total_days().min()).item()
    if step is None:
        raise AnalysisError("panel_too_short", n=1, needed=MIN_PERIODS)
    return "month" if step >= 28 else "week" if step >= 7 else "day"
