"""Where the rows of each table lie in time: a strip per table, in which a hole is seen at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import altair as alt
import polars as pl

from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, ramp_scale, time_axis, tooltip
from analytics.dataset import Dataset
from analytics.i18n import Words
from analytics.schema import TABLES

MOST_CELLS = 190  # along the strip
STEPS = ("1d", "1w", "1mo", "1q")
STRIP = 34  # pixels
BATCHES = frozenset({"campaigns", "survey"})  # sent and asked now and then: what lies between is no hole
LEAST_USUAL = 8  # rows of a period that has any: with fewer an empty one is chance


class _Strip(NamedTuple):
    """One table's rows per period: every period from its first to its last, empty ones too."""

    table: str
    step: str
    periods: list[date]
    n_rows: list[int]

    def holes(self) -> list[bool]:
        """Which periods are empty although they usually are not: neither chance, nor a weekday that is closed."""
        filled = [n > 0 for n in self.n_rows]
        if self.table in BATCHES or sum(self.n_rows) < LEAST_USUAL * sum(filled):
            return [False] * len(filled)
        kinds = [day.weekday() if self.step == "1d" else 0 for day in self.periods]
        open_kinds = {kind for kind in kinds if 2 * _count(filled, kinds, kind) > kinds.count(kind)}
        return [not full and kind in open_kinds for full, kind in zip(filled, kinds, strict=True)]


def coverage(dataset: Dataset, _: Words) -> Spec:
    """Cells by period and table, the stronger the more rows; a hole inside a steady table's own time stands out."""
    strips = _strips(dataset)
    rows: list[dict[str, Any]] = []
    for strip in strips:
        most = max(strip.n_rows)
        nexts = [*strip.periods[1:], None]
        for first, following, n, hole in zip(strip.periods, nexts, strip.n_rows, strip.holes(), strict=True):
            end = following or _next(first, strip.step)
            rows.append(
                {
                    "table": _.phrase(f"table.{strip.table}"),
                    "from": first.isoformat(),
                    "to": end.isoformat(),
                    "share": n / most,
                    "cell": "rows" if n else "hole" if hole else "none",
                    "rows": _.number(n),
                    "period": _.day(first)
                    if strip.step == "1d"
                    else _.span(_.day(first), _.day(end - timedelta(days=1))),
                }
            )
    names = [_.phrase(f"table.{strip.table}") for strip in strips]
    base = chart_of(rows).encode(
        x=alt.X("from:T", axis=time_axis(_)),
        x2="to:T",
        y=alt.Y("table:N", sort=names, axis=plain_axis(labelLimit=160)),
        tooltip=[tooltip("table", _("Table")), tooltip("period", _("Period")), tooltip("rows", _("Rows"))],
    )
    rect: dict[str, Any] = {"height": alt.RelativeBandSize(0.7)}
    shade = alt.Color("share:Q", scale=ramp_scale(0, 1), legend=None)
    filled = base.transform_filter("datum.cell == 'rows'").mark_rect(**rect, stroke=neutral("paper"), strokeWidth=0.5)
    holes = base.transform_filter("datum.cell == 'hole'").mark_rect(**rect, color=neutral("bad"))
    return finish(alt.layer(filled.encode(color=shade), holes), _, height=STRIP * len(strips) + 8)


def coverage_finding(dataset: Dataset, _: Words) -> str:
    """How many periods are empty in the midst of a table's time."""
    n = sum(sum(strip.holes()) for strip in _strips(dataset))
    if n:
        return _.ngettext("One empty period in the midst of the data", "{n} empty periods in the midst of the data", n)
    return _("No period drawn here stands out as empty")


def coverage_note(dataset: Dataset, _: Words) -> str:
    """What is drawn."""
    return _(
        "Rows kept by day, week or month, as suits each table: the stronger the colour, the more of its rows. "
        "A hole is red."
    )


def has_coverage(dataset: Dataset) -> bool:
    """Whether any table has rows on more than a day."""
    return bool(_strips(dataset))


def _strips(dataset: Dataset) -> list[_Strip]:
    days = {}
    for name, frame in dataset.tables.items():
        field = TABLES[name].time_field
        if field is None or field not in frame.columns or name == "customers":
            continue  # people join when they like
        counted = frame.select(pl.col(field).cast(pl.Date).alias("day")).drop_nulls().group_by("day").len("n")
        if counted.height > 1:
            days[name] = counted.sort("day")
    if not days:
        return []
    span = (max(counted["day"][-1] for counted in days.values()) - min(n["day"][0] for n in days.values())).days + 1
    readable = sum(span > MOST_CELLS * length for length in (1, 7, 30))
    strips = []
    for name, counted in days.items():
        # A table that is kept by the month would be full of holes by the day.
        usual = float(counted["day"].diff().dt.total_days().quantile(0.75) or 1)
        step = STEPS[max(readable, sum(usual > length for length in (1, 7, 31)))]
        by = counted.group_by_dynamic("day", every=step).agg(pl.col("n").sum()).upsample("day", every=step)
        strips.append(_Strip(name, step, by["day"].to_list(), by["n"].fill_null(0).to_list()))
    return strips


def _count(filled: list[bool], kinds: list[int], kind: int) -> int:
    return sum(full for full, other in zip(filled, kinds, strict=True) if other == kind)


def _next(first: date, step: str) -> date:
    return pl.select(pl.lit(first).dt.offset_by(step)).item()  # type: ignore[no-any-return]  # a scalar: Polars types any literal
