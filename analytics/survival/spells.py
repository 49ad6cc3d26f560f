"""From a Dataset to spells: what began, what ended, and what was still going on when the data end."""

from __future__ import annotations

from datetime import date

import polars as pl

from analytics import reductions
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.rhythm import learn_rhythm
from analytics.schema import TABLES
from analytics.survival.columns import is_duration, is_flag, left_value, propose_columns, unit_of
from analytics.survival.kaplan_meier import Durations
from analytics.survival.spec import FEWEST, Clock, ClockSpec, Spells, Unit

_EPOCH = date(1970, 1, 1)
ONE_DAY_SHARE = 0.3  # of the leavings on one calendar day: probably the day a list was made
MANY_ENDED = 50  # leavings from which that is said
_FRAME = {
    "customer_id": pl.String,
    "start": pl.Date,
    "time": pl.Float64,
    "months": pl.Float64,
    "ended": pl.Boolean,
    "entry": pl.Float64,
    "entry_months": pl.Float64,
    "reason": pl.String,
    "weight": pl.Float64,
}
_DATED = ("transactions", "events", "contacts", "feedback", "campaigns")


def available_clocks(dataset: Dataset) -> tuple[Clock, ...]:
    """The clocks that these data allow, the proposed one first."""
    found: list[Clock] = []
    if dataset.has("customers.customer_id", "customers.joined_at", "customers.left_at"):
        found.append("membership")
    columns = propose_columns(dataset)
    if columns.duration and columns.event:
        found.append("tenure")
    if dataset.has("transactions.customer_id", "transactions.ordered_at"):
        found += ["lapse", "second_order", "next_order"]
    if not found and columns.durations and columns.events:
        found.append("tenure")
    return tuple(found)


def find_spells(dataset: Dataset, spec: ClockSpec) -> Spells:
    """The spells of one clock.

    Raises ``AnalysisError``: ``survival_no_clock`` (nothing can be timed), ``survival_columns`` (no tenure or no churn
    column is known), ``survival_column`` (field: not of the type it must be), ``survival_value`` (the value that means
    left is not in the column), ``survival_nothing`` (every row was set aside: n), ``survival_no_rhythm`` (n: customers
    who ordered on two days).
    """
    clocks = available_clocks(dataset)
    clock = spec.clock or (clocks[0] if clocks else None)
    if clock is None:
        raise AnalysisError("survival_no_clock")
    if clock not in clocks:
        clocks = (*clocks, clock)
    report(0.0, "survival_spells")
    columns = ("", "", "", "")
    unit: Unit = "day"
    observed = None
    also: list[Caveat] = []
    match clock:
        case "membership":
            rows, aside, observed = _membership(dataset, spec)
        case "tenure":
            rows, aside, columns = _tenure(dataset, spec)
            unit = columns[3]  # type: ignore[assignment]  # the fourth of the columns is the unit
        case "lapse":
            rows, aside, once = _lapse(dataset, spec)
            also.append(once)
        case _:
            rows, aside = _orders(dataset, clock)
    frame = rows.select(list(_FRAME)).cast(_FRAME)  # type: ignore[arg-type]  # Polars takes any mapping of types; its own alias is invariant
    if frame.is_empty():
        raise AnalysisError("survival_nothing", n=sum(aside.values()))
    # One row per customer of a sorted table is in order as it is.
    if not frame["customer_id"].is_sorted() or clock == "next_order":
        frame = frame.sort("customer_id", "start", "time", maintain_order=True)
    n_late = int((frame["entry"] > 0).sum())
    return Spells(
        clock=clock,
        clocks=clocks,
        unit=unit,
        as_of=dataset.as_of,
        frame=frame,
        n_customers=frame["customer_id"].n_unique() if clock == "next_order" else frame.height,
        n_ended=int(frame["ended"].sum()),
        n_late=n_late,
        columns=columns,
        observed_from=observed,
        set_aside=pl.DataFrame(
            {"reason": [name for name, n in aside.items() if n], "n": [n for n in aside.values() if n]},
            schema={"reason": pl.String, "n": pl.Int64},
        ),
        caveats=(*_caveats(frame, clock, aside, n_late, observed), *also),
        key=derive_key("find_spells", spec, dataset.key),
    )


def durations(frame: pl.DataFrame, *, months: bool = False) -> Durations:
    """The spells of a frame as arrays; customers are clusters where they have several."""
    time, entry = ("months", "entry_months") if months else ("time", "entry")
    late = frame[entry].to_numpy()
    several = bool((frame["weight"] != 1.0).any())
    return Durations(
        time=frame[time].to_numpy(),
        ended=frame["ended"].to_numpy(),
        entry=late if late.any() else None,
        weight=frame["weight"].to_numpy() if several else None,
        cluster=frame["customer_id"].rle_id().cast(pl.Int64).to_numpy() if several else None,
    )


# ---- people who join and leave


def _membership(dataset: Dataset, spec: ClockSpec) -> tuple[pl.DataFrame, dict[str, int], date | None]:
    people = dataset.table("customers", "customer_id", "joined_at")
    as_of = dataset.as_of
    left = pl.col("left_at") if "left_at" in people.columns else pl.lit(None, pl.Date)
    reason = pl.col("leaving_reason") if "leaving_reason" in people.columns else pl.lit(None, pl.String)
    rows = people.select("customer_id", start=pl.col("joined_at").cast(pl.Date), left=left.cast(pl.Date), reason=reason)
    aside = {"no_customer": rows["customer_id"].null_count()}
    rows = rows.filter(pl.col("customer_id").is_not_null())
    rows, aside["repeated"] = _unique(rows)
    # A leaving after as-of is not yet known: the customer is there.
    known = pl.col("left") <= as_of
    rows = rows.with_columns(left=pl.when(known).then("left"), reason=pl.when(known).then("reason"))
    for name, kept in (
        ("no_beginning", pl.col("start").is_not_null()),
        ("begins_later", pl.col("start") <= as_of),
        ("left_before_joining", pl.col("left").is_null() | (pl.col("left") >= pl.col("start"))),
    ):
        before = rows.height
        rows = rows.filter(kept)
        aside[name] = before - rows.height
    observed = _observed_from(dataset, rows, spec)
    until = pl.coalesce("left", pl.lit(as_of))
    rows = rows.with_columns(ended=pl.col("left").is_not_null(), until=until, seen=pl.col("start"))
    if observed is not None:
        before = rows.height
        # Who left before the data begin could never have been seen by them.
        rows = rows.filter((pl.col("until") > observed) | (pl.col("start") >= observed))
        aside["left_before_data"] = before - rows.height
        rows = rows.with_columns(seen=pl.max_horizontal("start", pl.lit(observed)))
    rows = rows.with_columns(
        time=(pl.col("until") - pl.col("start")).dt.total_days(),
        months=calendar_months("start", "until"),
        entry=(pl.col("seen") - pl.col("start")).dt.total_days(),
        entry_months=calendar_months("start", "seen"),
        weight=pl.lit(1.0),
    )
    return rows, aside, observed


def calendar_months(first: str, last: str) -> pl.Expr:
    """Months from one day to a later one: completed calendar months, and the share of the next that has gone.

    A month is completed on the same day of the next month, or on its last day where it has no such day.
    """
    start, end = pl.col(first), pl.col(last)

    def index(day: pl.Expr) -> pl.Expr:
        return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1

    def same_day(month: pl.Expr) -> pl.Expr:
        begin = pl.date(month // 12, month % 12 + 1, 1)
        return pl.min_horizontal(begin + pl.duration(days=start.dt.day().cast(pl.Int64) - 1), begin.dt.month_end())

    now = index(end) - (same_day(index(end)) > end).cast(pl.Int32)
    low, high = same_day(now), same_day(now + 1)
    return (now - index(start)) + (end - low).dt.total_days() / (high - low).dt.total_days()


def _observed_from(dataset: Dataset, rows: pl.DataFrame, spec: ClockSpec) -> date | None:
    """The day from which leavings are on record.

    Where the other tables begin later than the first customer joined, and nobody's leaving lies before that beginning,
    those who left earlier are not in the file: the others are counted from that day on.
    """
    if not spec.late_entry:
        return None
    if spec.observed_from is not None:
        return spec.observed_from if rows.filter(pl.col("start") < spec.observed_from).height else None
    firsts = [
        dataset.tables[name][TABLES[name].time_field].min()  # type: ignore[index]  # a scalar: Polars types any literal
        for name in _DATED
        if dataset.has(f"{name}.{TABLES[name].time_field}")
    ]
    days = [first if type(first) is date else first.date() for first in firsts if first is not None]  # type: ignore[union-attr]  # a scalar: Polars types any literal
    if not days:
        return None
    begin = min(days)
    earlier = rows.filter(pl.col("start") < begin)
    if earlier.is_empty() or rows.filter(pl.col("left") < begin).height:
        return None
    return begin


def _unique(rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """One row per customer: the first by content."""
    if rows["customer_id"].is_sorted():
        kept = rows.filter((pl.col("customer_id") != pl.col("customer_id").shift(1)).fill_null(True))
    else:
        kept = rows.unique("customer_id", keep="first", maintain_order=True)
    return kept, rows.height - kept.height


# ---- files with a number instead of dates


def _tenure(dataset: Dataset, spec: ClockSpec) -> tuple[pl.DataFrame, dict[str, int], tuple[str, str, str, str]]:
    people = dataset.table("customers", "customer_id")
    proposed = propose_columns(dataset)
    duration, event = spec.duration_column or proposed.duration, spec.event_column or proposed.event
    if not duration or not event:
        raise AnalysisError("survival_columns", durations=len(proposed.durations), events=len(proposed.events))
    for name, fits in ((duration, is_duration), (event, is_flag)):
        if name not in people.columns or not fits(people[name]):
            raise AnalysisError("survival_column", field=name)
    value = spec.event_value or left_value(people[event])
    told = people[event].cast(pl.String)
    if value not in told.drop_nulls().unique().to_list():
        raise AnalysisError("survival_value", field=event, value=value)
    unit = spec.duration_unit or unit_of(people, duration)
    reason = pl.col("leaving_reason") if "leaving_reason" in people.columns else pl.lit(None, pl.String)
    rows = people.select("customer_id", time=pl.col(duration).cast(pl.Float64), ended=told == value, reason=reason)
    aside = {"no_customer": rows["customer_id"].null_count()}
    rows = rows.filter(pl.col("customer_id").is_not_null())
    rows, aside["repeated"] = _unique(rows)
    known = rows.filter(pl.col("time").is_finite() & pl.col("ended").is_not_null())
    aside["no_tenure"] = rows.height - known.height
    rows = known.with_columns(
        start=pl.lit(None, pl.Date),
        months=pl.col("time"),
        entry=pl.lit(0.0),
        entry_months=pl.lit(0.0),
        weight=pl.lit(1.0),
        reason=pl.when("ended").then("reason"),
    )
    return rows, aside, (duration, event, value, unit)


# ---- orders


def _days_of_orders(dataset: Dataset) -> tuple[pl.DataFrame, pl.Series]:
    """customer (a position), day (Int32): each customer's days with an order that stands; and the customers' ids."""
    lines = reductions.project(dataset, encode=("customer_id",))
    days = reductions.collect(reductions.order_days(lines)).select(customer="customer_id", day="day")
    if days.is_empty():
        raise AnalysisError("no_orders", n_lines=dataset.tables["transactions"].height)
    return days.sort("customer", "day"), reductions.values(dataset, "customer_id")


def _began_before(dataset: Dataset, days: pl.DataFrame, ids: pl.Series) -> pl.Series | None:
    """Customers (positions) who were there before the order lines begin: their first order may not be in the data."""
    if not dataset.has("customers.customer_id", "customers.joined_at"):
        return None
    begin = date.fromordinal(_EPOCH.toordinal() + int(days["day"].min()))  # type: ignore[arg-type]  # a scalar: Polars types any literal
    people = dataset.tables["customers"].select("customer_id", joined=pl.col("joined_at").cast(pl.Date)).drop_nulls()
    early = people.filter(pl.col("joined") < begin)["customer_id"].unique()
    return pl.DataFrame({"id": ids}).with_row_index("row").filter(pl.col("id").is_in(early.implode()))["row"]


def _orders(dataset: Dataset, clock: Clock) -> tuple[pl.DataFrame, dict[str, int]]:
    days, ids = _days_of_orders(dataset)
    as_of = (dataset.as_of - _EPOCH).days
    gaps = days.with_columns(
        following=pl.col("day").shift(-1).over("customer"), nth=pl.int_range(pl.len()).over("customer")
    )
    aside: dict[str, int] = {}
    if clock == "second_order":
        gaps = gaps.filter(pl.col("nth") == 0)
        early = _began_before(dataset, days, ids)
        if early is not None:
            before = gaps.height
            gaps = gaps.filter(~pl.col("customer").is_in(early.implode()))
            aside["began_before_data"] = before - gaps.height
    gaps = gaps.with_columns(
        ended=pl.col("following").is_not_null(), until=pl.coalesce("following", pl.lit(as_of, pl.Int32))
    )
    if clock == "next_order":
        # Long gaps are likelier to be the open one: who has complete gaps is told by these alone (Wang & Chang 1999).
        done = pl.col("ended").sum().over("customer")
        gaps = gaps.filter(pl.col("ended") | (done == 0)).with_columns(weight=1 / pl.len().over("customer"))
    else:
        gaps = gaps.with_columns(weight=pl.lit(1.0))
    return _timed(gaps, ids), aside


def _lapse(dataset: Dataset, spec: ClockSpec) -> tuple[pl.DataFrame, dict[str, int], Caveat]:
    days, ids = _days_of_orders(dataset)
    rhythm = learn_rhythm(days, dataset.as_of, spec.lapse_quantile)
    if rhythm is None:
        several = days.group_by("customer").len().filter(pl.col("len") > 1).height
        raise AnalysisError("survival_no_rhythm", n=several)
    report(0.3, "survival_spells")
    as_of = (dataset.as_of - _EPOCH).days
    first = pl.col("day").first().over("customer")
    gaps = days.with_columns(
        nth=pl.int_range(pl.len()).over("customer"),
        first=first,
        until=pl.coalesce(pl.col("day").shift(-1).over("customer"), pl.lit(as_of, pl.Int32)),
    )
    span = (gaps["day"] - gaps["first"]).to_numpy()
    limits = rhythm.lapsed_after_days(gaps["nth"].to_numpy(), span)
    gaps = gaps.with_columns(lapses=pl.col("day") + pl.Series(limits).cast(pl.Int32) + 1)
    # Silent for longer than the rhythm of that day: by the next order, or by as-of.
    late = gaps.filter(pl.col("lapses") <= pl.col("until")).group_by("customer").agg(pl.col("lapses").min())
    spells = gaps.filter(pl.col("nth") == 0).select("customer", day="first").join(late, on="customer", how="left")
    spells = spells.with_columns(
        ended=pl.col("lapses").is_not_null(),
        until=pl.coalesce("lapses", pl.lit(as_of, pl.Int32)),
        weight=pl.lit(1.0),
    )
    aside: dict[str, int] = {}
    early = _began_before(dataset, days, ids)
    if early is not None:
        before = spells.height
        spells = spells.filter(~pl.col("customer").is_in(early.implode()))
        aside["began_before_data"] = before - spells.height
    n_once = days.group_by("customer").len().filter(pl.col("len") == 1).height
    limit = int(rhythm.lapsed_after_days(0, 0))
    return _timed(spells, ids), aside, Caveat("survival_once", "note", {"n": n_once, "days": limit})


def _timed(spells: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """customer, day, until, ended, weight as rows of a spell frame."""
    spells = spells.with_columns(
        customer_id=ids.gather(spells["customer"]),
        start=pl.col("day").cast(pl.Int32).cast(pl.Date),
        last=pl.col("until").cast(pl.Int32).cast(pl.Date),
    )
    return spells.with_columns(
        time=pl.col("until") - pl.col("day"),
        months=calendar_months("start", "last"),
        entry=pl.lit(0.0),
        entry_months=pl.lit(0.0),
        reason=pl.lit(None, pl.String),
    )


# ---- what is said about them


def _caveats(
    frame: pl.DataFrame, clock: Clock, aside: dict[str, int], n_late: int, observed: date | None
) -> tuple[Caveat, ...]:
    found = []
    n_aside = sum(aside.values())
    named = {"left_before_joining", "began_before_data"}
    if aside.get("left_before_joining"):
        found.append(Caveat("survival_left_before_joining", "watch", {"n": aside["left_before_joining"]}))
    if aside.get("began_before_data"):
        found.append(Caveat("survival_began_before_data", "note", {"n": aside["began_before_data"]}))
    others = n_aside - sum(aside.get(name, 0) for name in named)
    if others:
        found.append(Caveat("survival_set_aside", "note", {"n": others, "rows": frame.height + n_aside}))
    if n_late and observed is not None:
        found.append(Caveat("survival_late_entry", "note", {"n": n_late, "day": observed.isoformat()}))
    if clock == "membership":
        ends = frame.filter("ended").select(pl.col("start") + pl.duration(days=pl.col("time").cast(pl.Int64)))
        if ends.height >= MANY_ENDED:
            day, n = ends["start"].value_counts().sort("count", "start", descending=True).row(0)
            if n > ONE_DAY_SHARE * ends.height:
                params = {"percent": round(100 * n / ends.height), "day": day.isoformat()}
                found.append(Caveat("survival_one_day", "watch", params))
    n_ended = int(frame["ended"].sum())
    if 0 < n_ended < FEWEST:
        found.append(Caveat("survival_few_ended", "watch", {"n": n_ended}))
    return tuple(found)
