"""What series are called, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from analytics.charts.forecasting.wording import period_words
from analytics.demand import TOTAL, DemandPanel
from analytics.forecasting.spec import PanelForecast
from analytics.i18n import Words

Names = Mapping[str, str]
Basis = Literal["last_year", "recent"]


def series_names(panel: DemandPanel, called: Mapping[str, str], _: Words) -> dict[str, str]:
    """unique_id -> name: ``called`` first (segments, personas, stages), then as the data name it."""
    found = {}
    for unique_id, level, name in panel.names.select("unique_id", "level", "name").iter_rows():
        if level == TOTAL:
            found[unique_id] = _("Everything")
        elif level == "rest":
            found[unique_id] = _("The rest of {parent}", parent=name) if name else _("Everything else")
        else:
            found[unique_id] = called.get(unique_id) or name or unique_id
    return {unique_id: found.get(unique_id, called.get(unique_id, unique_id)) for unique_id in panel.members}


def leaves(panel: DemandPanel) -> tuple[str, ...]:
    """The series that are no sum of others, in the panel's order."""
    sums = set(panel.parents["parent"])
    return tuple(member for member in panel.members if member not in sums)


def parts_of(panel: DemandPanel, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of those series that are no sum of others."""
    return frame.filter(pl.col("unique_id").is_in(leaves(panel)))


def basis(result: PanelForecast) -> Basis:
    """What totals are compared with: the same periods a year ago where at least half of the series have them."""
    known = result.totals["last_year"].drop_nulls().len()
    return "last_year" if known * 2 >= result.totals.height else "recent"


def basis_words(result: PanelForecast, _: Words) -> str:
    """``a year ago`` or ``the last 28 days``, inside a sentence."""
    if basis(result) == "last_year":
        return _("a year ago")
    return _("the last {periods}", periods=period_words(result, _))


def moves(panel: DemandPanel, result: PanelForecast) -> pl.DataFrame:
    """unique_id, total, lo, hi, before, change, change_lo, change_hi, change_share, clear; of the leaves, by change.

    ``clear``: the interval named first lies on one side of what was sold before.
    """
    level = round(result.spec.interval_width * 100)
    held = parts_of(panel, result.totals)
    before = pl.col(basis(result))
    return (
        held.select(
            "unique_id",
            "total",
            lo=pl.col(f"lo_{level}"),
            hi=pl.col(f"hi_{level}"),
            before=before,
            change=pl.col("total") - before,
            change_lo=pl.col(f"lo_{level}") - before,
            change_hi=pl.col(f"hi_{level}") - before,
            change_share=pl.when(before > 0).then(pl.col("total") / before - 1),
        )
        .with_columns(clear=(pl.col("change_lo") > 0) | (pl.col("change_hi") < 0))
        .sort("change", "unique_id", descending=[True, False], nulls_last=True)
    )
