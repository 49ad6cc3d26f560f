"""Who was in which stage on one day, and who on another: the moves between any two days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.lifecycle.activity import EPOCH, read_activity
from analytics.lifecycle.rules import CODES, observable, stage_codes
from analytics.lifecycle.spec import LifecycleRules
from analytics.lifecycle.trace import revenue_of

_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """Two days: None is, for ``from_day``, a year before the other (the first month end, where the data are shorter),
    for ``to_day`` the as-of date. A day outside the data is brought inside them."""

    from_day: date | None = None
    to_day: date | None = None

    def __post_init__(self) -> None:
        if self.from_day is not None and self.to_day is not None and self.from_day >= self.to_day:
            raise AnalysisError("flow_days", start=self.from_day.isoformat(), end=self.to_day.isoformat())


@dataclass(frozen=True, slots=True, eq=False)
class FlowResult:
    """Stages at the end of two days.

    Attributes
    ----------
    frame : from_stage, to_stage (also "outside": not yet known), n_customers, share (0-1, of those in from_stage),
        revenue_12m (whole currency units, in the 365 days up to ``to_day``; null without amounts); every pair that
        somebody made, nobody from outside to outside.
    from_day, to_day, first_day : the days compared, and the first that can be.
    hidden : stages that could not be seen on the first day.
    n_customers, n_moved : customers known on either day; those known on both whose stage differs.
    """

    frame: pl.DataFrame
    from_day: date
    to_day: date
    first_day: date
    hidden: tuple[str, ...]
    currency: str
    n_customers: int
    n_moved: int
    key: str


def trace_flow(dataset: Dataset, spec: FlowSpec, rules: LifecycleRules) -> FlowResult:
    """The moves between two days by ``rules`` as ``trace_lifecycle`` settled them; each day by what was known then.

    Raises as ``trace_lifecycle`` does.
    """
    activity, _caveats = read_activity(dataset, rules.kind)
    as_of, first = dataset.as_of, EPOCH + timedelta(days=activity.first_day)
    to_day = min(max(spec.to_day or as_of, first + timedelta(days=1)), as_of)
    month_end = (first.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    wanted = spec.from_day or max(to_day - timedelta(days=_YEAR_DAYS), month_end)
    from_day = min(max(wanted, first), to_day - timedelta(days=1))
    days = [(day - EPOCH).days for day in (from_day, to_day)]
    before, after = (stage_codes(activity, day, rules)[0] for day in days)
    size = len(CODES)
    pairs = before.astype(np.int64) * size + after
    counts = np.bincount(pairs, minlength=size * size).reshape(size, size)
    revenue = revenue_of(activity, pairs, days[1], _YEAR_DAYS)
    rows = [
        (
            CODES[i],
            CODES[j],
            int(counts[i, j]),
            float(counts[i, j] / counts[i].sum()) if i else None,
            None if revenue is None else revenue.get(i * size + j, 0) / activity.scale,
        )
        for i in (*range(1, size), 0)
        for j in (*range(1, size), 0)
        if counts[i, j] and (i or j)
    ]
    schema = {"from_stage": pl.String, "to_stage": pl.String, "n_customers": pl.Int64, "share": pl.Float64}
    inside = counts[1:, 1:]
    seen = observable(activity, days[0], rules)
    return FlowResult(
        frame=pl.DataFrame(rows, schema={**schema, "revenue_12m": pl.Float64}, orient="row"),
        from_day=from_day,
        to_day=to_day,
        first_day=first,
        hidden=tuple(stage for stage, known in zip(CODES[1:], seen, strict=True) if not known),
        currency=dataset.currency,
        n_customers=int(counts.sum() - counts[0, 0]),
        n_moved=int(inside.sum() - np.trace(inside)),
        key=derive_key("trace_flow", (spec, rules), dataset.key),
    )
