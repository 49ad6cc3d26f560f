"""Tables of groups as they may leave: cells of few customers empty, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import polars.selectors as cs

from analytics.privacy import hide_in_lines, suppress

# How each aggregated table is cut (rows, columns) and which of its columns count customers.
SHAPES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("from_stage", "to_stage"), ("n_latest", "n_mean")),
    (("month", "stage"), ("n_customers",)),
    (("stage",), ("n_customers",)),
    (("label",), ("n_customers",)),
    (("periods_since",), ("n_active",)),
)
COHORTS = ("cohort", "periods_since", "n_customers", "n_active")
GROUP = "label"
SIZES = ("n_customers", "n")  # a row about fewer customers than k says nothing at all
FLOWS = ("n_active_before", "n_new", "n_retained", "n_resurrected", "n_lost", "n_active")  # sums of each other


@dataclass(frozen=True, slots=True, eq=False)
class Aggregates:
    """tables: title -> frame with small cells empty; n_cells and n_hidden over all of them; n_hidden_customers: of the
    table that hides most."""

    tables: Mapping[str, pl.DataFrame]
    n_cells: int
    n_hidden: int
    n_hidden_customers: int


def safe_aggregates(tables: Mapping[str, pl.DataFrame], k: int) -> Aggregates:
    """The tables of one download. Tables of single customers (they hold pseudonymous ids) pass as they are."""
    safe: dict[str, pl.DataFrame] = {}
    n_cells = n_hidden = most = 0
    tiny = _tiny_groups(tables, k)
    for title, frame in tables.items():
        if "customer_id" in frame.columns:
            safe[title] = frame
            continue
        frame = _without_tiny(frame, tiny, k)
        if set(COHORTS) <= set(frame.columns):
            frame, cells, hidden, customers = _safe_cohorts(frame, k)
            n_cells, n_hidden, most = n_cells + cells, n_hidden + hidden, max(most, customers)
        for by, counts in SHAPES:
            if set(by) <= set(frame.columns) and (set(counts) & set(frame.columns)):
                for count in (name for name in counts if name in frame.columns):
                    done = suppress(frame, by, count, k)
                    frame = done.frame
                    n_cells += done.n_cells
                    n_hidden += done.n_hidden
                    most = max(most, int(done.n_hidden_customers))
                break
        safe[title] = frame
    return Aggregates(safe, n_cells, n_hidden, most)


def listed_aggregates(titles: tuple[str, ...], k: int, *frames: pl.DataFrame) -> Aggregates:
    """``safe_aggregates`` of tables given one by one."""
    return safe_aggregates(dict(zip(titles, frames, strict=True)), k)


def _safe_cohorts(frame: pl.DataFrame, k: int) -> tuple[pl.DataFrame, int, int, int]:
    """Cohorts with small cells empty; numbers of cells, of hidden ones, and of the customers in those.

    How many customers ordered in a month stands in another table, so the cells of a month have a known total like
    those of a cohort and of a number of periods. The first period of a cohort is its size, which every row tells.
    """
    cells = frame.with_row_index("#row").filter(pl.col("n_active").is_not_null())
    months = pl.col("cohort").dt.year() * 12 + pl.col("cohort").dt.month()
    step = 3 if (cells["cohort"].dt.month() % 3 == 1).all() and cells["cohort"].n_unique() > 1 else 1
    step = 1 if (cells["cohort"].unique().sort().diff().drop_nulls().dt.total_days() < 45).any() else step
    lines = [
        group["at"].to_list()
        for by in ("cohort", "periods_since", "month")
        for _key, group in cells.with_columns(month=months + step * pl.col("periods_since"))
        .with_row_index("at")
        .group_by(by, maintain_order=True)
    ]
    values = cells["n_active"].to_list()
    told = (cells["periods_since"] == 0) & (cells["n_active"] == cells["n_customers"])
    hidden = sorted(hide_in_lines(values, lines, k, told.arg_true().to_list()))
    gone = frame.with_row_index("#row")["#row"].is_in(cells["#row"][hidden].implode())
    measures = [name for name, dtype in frame.schema.items() if dtype.is_numeric() and name not in COHORTS[:2]]
    safe = frame.with_columns(pl.when(~gone).then(pl.col(name)).otherwise(None).alias(name) for name in measures)
    return safe, cells.height, len(hidden), sum(values[i] for i in hidden)


def _tiny_groups(tables: Mapping[str, pl.DataFrame], k: int) -> list[str]:
    """Groups of fewer than ``k`` customers: none of their figures leaves in any table."""
    sized = [frame for frame in tables.values() if {GROUP, "n_customers"} <= set(frame.columns)]
    found = [frame.filter(pl.col("n_customers").is_between(1, k - 1))[GROUP].cast(pl.String) for frame in sized]
    return sorted(set(pl.concat(found).drop_nulls())) if found else []


def _without_tiny(frame: pl.DataFrame, tiny: list[str], k: int) -> pl.DataFrame:
    small = pl.lit(False)
    if GROUP in frame.columns and tiny and "n_customers" not in frame.columns:
        small = pl.col(GROUP).cast(pl.String).is_in(tiny)
    sizes = [name for name in SIZES if name in frame.columns and (name != "n_customers" or "cohort" in frame.columns)]
    sizes = [name for name in sizes if frame.schema[name].is_numeric()]  # a file's own column may be called so, too
    flows = [name for name in FLOWS if name in frame.columns] if set(FLOWS) <= set(frame.columns) else []
    for name in [*sizes, *flows]:
        small = small | pl.col(name).is_between(1, k - 1).fill_null(False)
    keys = [*COHORTS[:2], *(name for by, _counts in SHAPES for name in by)]
    if not sizes and not flows and not (tiny and GROUP in frame.columns):
        return frame
    return frame.with_columns(pl.when(~small).then(cs.numeric() - cs.by_name(keys, require_all=False)).name.keep())
