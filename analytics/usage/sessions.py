"""Events into sessions, and what sessions are like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.contrasts import wilson
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.usage.spec import FunnelStep, UsageSpec, recognise_steps

Ints = npt.NDArray[np.int64]
_EVENT_BINS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (7, 9), (10, 19), (20, None))
_MINUTE_BINS = ((0, 1), (1, 3), (3, 10), (10, 20), (20, 30), (30, 60), (60, None))


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Events of known customers in the order they happened, and their sessions.

    ``events``: customer, session (positions), event, at, type (position in ``types``), sorted by session and moment.
    ``sessions``: customer, session, start, day (of the start), minutes, n_events, channel, purchased; sorted.
    ``ids``: customer ids by position. ``purchases``: the event types that are a purchase.
    """

    events: pl.DataFrame
    sessions: pl.DataFrame
    ids: pl.Series
    types: tuple[str, ...]
    steps: tuple[FunnelStep, ...]
    purchases: tuple[str, ...]
    first_day: date
    n_anonymous: int
    n_undated: int
    days_only: bool


def read_visits(dataset: Dataset, spec: UsageSpec) -> Visits:
    """Sessions of the events up to ``dataset.as_of``.

    Raises ``AnalysisError``: table_missing, fields_missing (events.customer_id, occurred_at, event), usage_no_events.
    """
    raw = dataset.table("events", "customer_id", "occurred_at", "event")
    at = pl.col("occurred_at").cast(pl.Datetime("us"))
    end = datetime.combine(dataset.as_of + timedelta(days=1), time())
    seen = raw.filter((at < end) | at.is_null())
    n_undated = seen["occurred_at"].null_count()
    if spec.period_days is not None:
        seen = seen.filter(at >= end - timedelta(days=spec.period_days))
    seen = seen.filter(at.is_not_null() & pl.col("event").is_not_null())
    n_anonymous = seen["customer_id"].null_count()
    seen = seen.filter(pl.col("customer_id").is_not_null())
    if seen.is_empty():
        raise AnalysisError("usage_no_events", n=raw.height, n_anonymous=n_anonymous)
    ids = seen["customer_id"].unique().sort()
    counted = seen["event"].cast(pl.String).value_counts().sort(["count", "event"], descending=[True, False])
    types = tuple(counted["event"].to_list())
    steps = _steps(types, spec)
    by_name = {step.name: step.events for step in recognise_steps(types)}
    purchases = by_name.get("purchase", steps[-1].events if len(steps) > 1 else ())
    rank = {event: i for i, step in enumerate(steps, start=1) for event in step.events}
    events = seen.select(
        customer=pl.col("customer_id").cast(pl.Enum(ids)).to_physical().cast(pl.Int64),
        at=at,
        event=pl.col("event").cast(pl.String),
        channel=pl.col("channel").cast(pl.String) if "channel" in seen.columns else pl.lit(None, pl.String),
        seconds=pl.col("duration_s").cast(pl.Float64) if "duration_s" in seen.columns else pl.lit(None, pl.Float64),
    ).with_columns(
        type=pl.col("event").replace_strict({event: i for i, event in enumerate(types)}, return_dtype=pl.Int64),
        rank=pl.col("event").replace_strict(rank, default=0, return_dtype=pl.Int64),
    )
    events = events.sort("customer", "at", "rank", "event", "channel", "seconds", nulls_last=True)
    apart = pl.col("at").diff() > timedelta(minutes=spec.gap_minutes)
    begins = (apart | (pl.col("customer") != pl.col("customer").shift())).fill_null(True)
    events = events.with_columns(session=begins.cast(pl.Int64).cum_sum() - 1)
    length = pl.col("at").last() - pl.col("at").first()
    own = pl.col("seconds").last().fill_null(0).clip(0, 60 * spec.gap_minutes)
    sessions = (
        events.group_by("session", maintain_order=True)
        .agg(
            pl.col("customer").first(),
            start=pl.col("at").first(),
            minutes=(length.dt.total_seconds() + own) / 60,
            n_events=pl.len().cast(pl.Int64),
            channel=pl.col("channel").first(),
            purchased=pl.col("event").is_in(list(purchases)).any(),
        )
        .with_columns(day=pl.col("start").dt.date())
    )
    midnight = (pl.col("at").dt.time() == time()).all()
    return Visits(
        events=events.select("customer", "session", "event", "at", "type"),
        sessions=sessions,
        ids=ids,
        types=types,
        steps=steps,
        purchases=purchases,
        first_day=sessions["day"].min(),  # type: ignore[arg-type]  # a scalar: Polars types any literal
        n_anonymous=n_anonymous,
        n_undated=n_undated,
        days_only=bool(events.select(midnight).item()),
    )


def _steps(types: tuple[str, ...], spec: UsageSpec) -> tuple[FunnelStep, ...]:
    if not spec.steps:
        return recognise_steps(types)
    found = []
    for events in spec.steps:
        standard = recognise_steps(events)
        name = standard[0].name if len(standard) == 1 and set(standard[0].events) == set(events) else ""
        found.append(FunnelStep(name, events))
    return tuple(found)


def describe_weeks(visits: Visits, as_of: date) -> pl.DataFrame:
    """week, n_sessions, n_customers, complete."""
    monday = pl.col("day").dt.truncate("1w")
    first, last = visits.first_day, as_of
    return (
        visits.sessions.group_by(week=monday)
        .agg(n_sessions=pl.len().cast(pl.Int64), n_customers=pl.col("customer").n_unique().cast(pl.Int64))
        .sort("week")
        .with_columns(complete=(pl.col("week") >= first) & (pl.col("week") + timedelta(days=6) <= last))
    )


def describe_channels(visits: Visits) -> pl.DataFrame:
    """Sessions by the channel of their first event."""
    rows = []
    for (channel,), part in visits.sessions.group_by("channel"):
        low, high = session_interval(part["purchased"], part["customer"])
        rows.append(
            {
                "channel": channel,
                "n_sessions": part.height,
                "n_customers": part["customer"].n_unique(),
                "session_share": part.height / visits.sessions.height,
                "events_per_session": part["n_events"].mean(),
                "median_minutes": part["minutes"].median(),
                "purchase_share": part["purchased"].mean() if visits.purchases else None,
                "lo": low if visits.purchases else None,
                "hi": high if visits.purchases else None,
            }
        )
    schema = {
        "channel": pl.String,
        "n_sessions": pl.Int64,
        "n_customers": pl.Int64,
        **dict.fromkeys(
            ("session_share", "events_per_session", "median_minutes", "purchase_share", "lo", "hi"), pl.Float64
        ),
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort("n_sessions", "channel", descending=[True, False], nulls_last=True)


def describe_sizes(visits: Visits) -> pl.DataFrame:
    """How many events sessions have, and how long they last."""
    rows: list[tuple[str, int, int | None, int]] = []
    n_events, minutes = visits.sessions["n_events"].to_numpy(), visits.sessions["minutes"].to_numpy()
    for low, high in _EVENT_BINS:
        inside = (n_events >= low) & (n_events <= (high if high is not None else np.inf))
        rows.append(("events", low, high, int(inside.sum())))
    for low, high in _MINUTE_BINS:
        inside = (minutes >= low) & (minutes < (high if high is not None else np.inf))
        rows.append(("minutes", low, high, int(inside.sum())))
    schema = {"measure": pl.String, "low": pl.Int64, "high": pl.Int64, "n_sessions": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(session_share=pl.col("n_sessions") / visits.sessions.height)


def describe_features(visits: Visits, n_known: int) -> pl.DataFrame:
    """Who uses each event type, and how much."""
    n_active = len(visits.ids)
    found = (
        visits.events.group_by("event")
        .agg(
            n_events=pl.len().cast(pl.Int64),
            n_sessions=pl.col("session").n_unique().cast(pl.Int64),
            n_customers=pl.col("customer").n_unique().cast(pl.Int64),
        )
        .sort("n_customers", "n_events", "event", descending=[True, True, False])
    )
    intervals = [wilson(n / n_active, n_active) for n in found["n_customers"]]
    return found.with_columns(
        share_known=pl.col("n_customers") / n_known,
        share_active=pl.col("n_customers") / n_active,
        lo=pl.Series([max(low, 0.0) for low, _ in intervals], dtype=pl.Float64),
        hi=pl.Series([min(high, 1.0) for _, high in intervals], dtype=pl.Float64),
        events_per_active=pl.col("n_events") / n_active,
        events_per_user=pl.col("n_events") / pl.col("n_customers"),
    )


def session_interval(reached: pl.Series, customer: pl.Series) -> tuple[float, float]:
    """95 % interval of the share of sessions that ``reached``, allowing for several sessions of one customer.

    Wilson's interval (1927) on the effective number of sessions: their number over the design effect of customers as
    clusters (Kish; the use in Wilson's interval is that of Korn and Graubard 1998), never more than their number.
    """
    n = len(reached)
    share = float(reached.mean() or 0.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    parts = pl.DataFrame({"customer": customer, "y": reached.cast(pl.Int64)})
    sums = parts.group_by("customer").agg(pl.col("y").sum(), m=pl.len().cast(pl.Int64))
    c, effective = sums.height, float(n)
    if 0 < share < 1 and c > 1:
        rest = (sums["y"] - share * sums["m"]).to_numpy()
        variance = c / (c - 1) * float((rest**2).sum()) / n**2
        effective = n / max(variance / (share * (1 - share) / n), 1.0)
    low, high = wilson(share, effective)
    return max(low, 0.0), min(high, 1.0)
