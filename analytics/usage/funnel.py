"""The funnel, in order within a session, and the paths that end in a purchase or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from analytics.contrasts import wilson
from analytics.usage.sessions import Ints, Visits, session_interval

PATHS_EACH = 5  # of those that end in a purchase, and of those that do not
LONGEST = 6  # collapsed event types that a path shows
MIDDLE = "…"
_JOIN = "\x1f"
_FUNNEL = {
    "unit": pl.String,
    "step": pl.Int64,
    "n_reached": pl.Int64,
    "n_any": pl.Int64,
    "conversion": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "overall": pl.Float64,
}


def count_funnel(visits: Visits) -> pl.DataFrame:
    """How many sessions and customers pass each step; no row with fewer than two steps."""
    if len(visits.steps) < 2:
        return pl.DataFrame(schema=_FUNNEL)
    session = visits.events["session"].to_numpy()
    reached = passes(visits, session)
    customer = visits.sessions["customer"].to_numpy()
    rows: list[dict[str, Any]] = []
    for unit in ("session", "customer"):
        before = 0
        for i, step in enumerate(visits.steps):
            has = visits.events["event"].is_in(list(step.events)).to_numpy()
            if unit == "session":
                n, n_any = int(reached[i].sum()), len(np.unique(session[has]))
            else:
                n = len(np.unique(customer[reached[i]]))
                n_any = len(np.unique(visits.events["customer"].to_numpy()[has]))
            low = high = None
            if i and before:
                if unit == "session":
                    came = reached[i - 1]
                    low, high = session_interval(pl.Series(reached[i][came]), pl.Series(customer[came]))
                else:
                    low, high = (min(max(limit, 0.0), 1.0) for limit in wilson(n / before, before))
            first = rows[-i]["n_reached"] if i else n
            rows.append(
                {
                    "unit": unit,
                    "step": i,
                    "n_reached": n,
                    "n_any": n_any,
                    "conversion": n / before if i and before else None,
                    "lo": low,
                    "hi": high,
                    "overall": n / first if first else None,
                }
            )
            before = n
    return pl.DataFrame(rows, schema=_FUNNEL, orient="row")


def passes(visits: Visits, session: Ints) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """For each step: which sessions have its event after one of the step before, and so on down to the first.

    The earliest event that fits is taken at each step: if any choice of events passes, this one does.
    """
    n_rows, n_sessions = len(session), visits.sessions.height
    last = np.full(n_sessions, -1)
    found = []
    for step in visits.steps:
        here = np.flatnonzero(visits.events["event"].is_in(list(step.events)).to_numpy())
        here = here[here > last[session[here]]]
        last = np.full(n_sessions, n_rows)
        last[session[here[::-1]]] = here[::-1]  # the earliest is assigned last, and the last assignment holds
        found.append(last < n_rows)
    return found


def count_paths(visits: Visits) -> tuple[pl.DataFrame, tuple[tuple[bool, int], ...]]:
    """The most frequent paths of each outcome, and how many different ones there are."""
    buys = visits.events["event"].is_in(list(visits.purchases))
    steps = visits.events.select("session", "event", buys=buys).with_columns(
        done=pl.col("buys").cast(pl.Int64).cum_sum().over("session")
    )
    # Up to the first purchase: what a person does after it is no path to it.
    steps = steps.filter((pl.col("done") == 0) | (pl.col("buys") & (pl.col("done") == 1)))
    new = (pl.col("event") != pl.col("event").shift()) | (pl.col("session") != pl.col("session").shift())
    steps = steps.filter(new.fill_null(True)).with_columns(
        at=pl.int_range(pl.len()).over("session"), n=pl.len().over("session")
    )
    long = pl.col("n") > LONGEST
    shown = pl.when(long & (pl.col("at") == LONGEST - 2)).then(pl.lit(MIDDLE)).otherwise("event")
    kept = ~long | (pl.col("at") <= LONGEST - 2) | (pl.col("at") == pl.col("n") - 1)
    paths = (
        steps.filter(kept)
        .with_columns(event=shown)
        .group_by("session", maintain_order=True)
        .agg(path=pl.col("event").str.join(_JOIN))
        .join(visits.sessions.select("session", "customer", "purchased"), on="session")
    )
    counted = (
        paths.group_by("purchased", "path")
        .agg(n_sessions=pl.len().cast(pl.Int64), n_customers=pl.col("customer").n_unique().cast(pl.Int64))
        .with_columns(share=pl.col("n_sessions") / pl.col("n_sessions").sum().over("purchased"))
        .sort("purchased", "n_sessions", "path", descending=[True, True, False])
    )
    n_paths = tuple((outcome, counted.filter(purchased=outcome).height) for outcome in (True, False))
    top = counted.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("purchased"))
    top = top.filter(pl.col("rank") <= PATHS_EACH)
    return (
        top.select("purchased", "rank", pl.col("path").str.split(_JOIN), "n_sessions", "n_customers", "share"),
        n_paths,
    )
