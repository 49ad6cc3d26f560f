"""One customer's stages at each month end, by the rules that hold for all."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.lifecycle.activity import EPOCH, read_activity
from analytics.lifecycle.rules import CODES, stage_codes
from analytics.lifecycle.spec import OUTSIDE, LifecycleRules


@dataclass(frozen=True, slots=True, eq=False)
class StageHistory:
    """``frame``: day (month ends from the first acquaintance on, then as-of), stage (at its end), in time order."""

    frame: pl.DataFrame
    key: str


def stage_history(dataset: Dataset, customer_id: str, rules: LifecycleRules) -> StageHistory:
    """The stages of one customer, each by what was known on its day; empty for who never ordered.

    ``rules`` are those that ``trace_lifecycle`` settled for all customers; they are held for the whole history.
    """
    key = derive_key("stage_history", (rules, customer_id), dataset.key)
    frame = pl.DataFrame(schema={"day": pl.Date, "stage": pl.String})
    tables = {
        name: table.filter(pl.col("customer_id") == customer_id)
        for name, table in dataset.tables.items()
        if "customer_id" in table.columns
    }
    mine = dataclasses.replace(dataset, tables=MappingProxyType(tables))
    try:
        activity, _caveats = read_activity(mine, rules.kind)
    except AnalysisError:
        return StageHistory(frame, key)
    rows = []
    for day in _days(EPOCH + timedelta(days=min(activity.first_day, activity.known_from)), dataset.as_of):
        codes, _n_orders = stage_codes(activity, (day - EPOCH).days, rules)
        if CODES[codes[0]] != OUTSIDE:
            rows.append((day, CODES[codes[0]]))
    return StageHistory(pl.DataFrame(rows, schema=frame.schema, orient="row"), key)


def _days(first: date, as_of: date) -> list[date]:
    """Month ends from ``first`` on, then ``as_of``."""
    if first > as_of:
        return [as_of]
    starts = pl.date_range(first.replace(day=1), as_of, "1mo", eager=True).dt.offset_by("1mo").to_list()
    ends = [start - timedelta(days=1) for start in starts]
    return [*(end for end in ends if end < as_of), as_of]
