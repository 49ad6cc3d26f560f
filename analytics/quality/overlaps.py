"""Rows that two files of one table both tell: exports whose periods overlap."""

from __future__ import annotations

import polars as pl

from analytics.quality.findings import IssueBook
from analytics.quality.ledger import Tables, alive
from analytics.quality.repeats import identity
from analytics.quality.report import Issue, QualitySpec
from analytics.schema import TABLES

_BY_ID = frozenset({"customers", "series"})  # settled by their ids, or without any identity
_CONTENT = frozenset({"product_id", "product", "quantity", "unit_price", "amount"})


def settle_overlaps(tables: Tables, spec: QualitySpec) -> tuple[Tables, list[Issue]]:
    """Rows of a later file that repeat those of an earlier one on a day that both cover.

    Rows are equal when all columns that both files have are, and only rows that carry an identity are merged: their
    ``#into`` is then a row of the file ``#into_source``. Of a line that stands twice in one file and twice in the
    other, two remain; of one that stands once and twice, two remain as well.
    """
    issues: list[Issue] = []
    settled = dict(tables)
    for name, frame in tables.items():
        rows = _on_shared_days(name, frame)
        if rows is None:
            continue
        twins = _twins(name, rows)
        if not twins.height:
            continue
        book = IssueBook(name, "", frame)
        index = pl.int_range(frame.height, dtype=pl.UInt32, eager=True)
        sure = twins.filter("#identity")
        merge = spec.overlaps == "merge"
        shown = frame["order_id"] if "order_id" in frame.columns else frame[TABLES[name].time_field or "row_number"]
        mask = index.is_in(sure["#index"].implode())
        book.add("overlapping_files", "repaired" if merge else "check", "", mask, "merge" if merge else "keep", shown)
        unsure = index.is_in(twins.filter(~pl.col("#identity"))["#index"].implode())
        book.add("repeated_rows", "note", "", unsure, "keep")
        issues += book.issues
        if merge and sure.height:
            into = sure.select("#index", "#first", "#first_source")
            settled[name] = (
                frame.with_columns(index.alias("#index"))
                .join(into, on="#index", how="left", maintain_order="left")
                .with_columns(
                    pl.coalesce("#into", "#first").alias("#into"), pl.col("#first_source").alias("#into_source")
                )
                .drop("#index", "#first", "#first_source")
            )
    return settled, issues


def _on_shared_days(name: str, frame: pl.DataFrame) -> pl.DataFrame | None:
    """The rows still there on days that at least two files cover, with ``#index``: their place in the frame."""
    time = TABLES[name].time_field
    if name in _BY_ID or time is None or time not in frame.columns or frame["#source"].n_unique() < 2:
        return None
    day = pl.col(time).cast(pl.Date)
    days = frame.lazy().select("#source", day.alias("#day")).unique().drop_nulls().collect()
    shared = days.filter(pl.col("#day").is_duplicated())["#day"].unique()
    if not len(shared):
        return None
    rows = frame.with_row_index("#index").filter(day.is_in(shared.implode()) & alive())
    return rows.with_columns(identity(name, rows).alias("#identity"))


def _twins(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """``#index``, ``#identity``, ``#first`` and ``#first_source`` of the rows that an earlier file has as well."""
    own = [column for column in rows.columns if not column.startswith(("#", "?", "!")) and column != "row_number"]
    filled = rows.group_by("#source").agg(pl.col(own).is_not_null().any())
    common = [column for column in own if filled[column].all()]
    none = rows.select("#index", "#identity", pl.lit(0, pl.UInt32).alias("#first"), "#source").clear()
    if TABLES[name].time_field not in common or (name == "transactions" and not _CONTENT & set(common)):
        return none.rename({"#source": "#first_source"})
    hashed = rows.with_columns(rows.select(common).hash_rows().alias("#hash"))
    suspects = hashed.filter(pl.col("#hash").is_duplicated())
    later = _later(suspects, ["#hash"])
    # Hashes find the pairs; only cells decide.
    cells = suspects.select("#index", *common)
    mine = later.select("#index").join(cells, on="#index", how="left", maintain_order="left")
    other = later.select("#first_index").join(
        cells, left_on="#first_index", right_on="#index", how="left", maintain_order="left"
    )
    if not all((mine[name].eq_missing(other[name])).all() for name in common):
        later = _later(suspects, common)
    return later.select("#index", "#identity", "#first", "#first_source")


def _later(suspects: pl.DataFrame, alike: list[str]) -> pl.DataFrame:
    """The rows whose like stands in an earlier file, the first copy beside the first, the second beside the second."""
    places = ["#source", *alike]
    copy = pl.lit(0, pl.UInt32)
    if suspects.select(places).is_duplicated().any():
        copy = pl.int_range(pl.len(), dtype=pl.UInt32).over(places)
    copies = suspects.select("#index", "#identity", "row_number", *places, copy.alias("#copy"))
    first = copies.unique([*alike, "#copy"], keep="first", maintain_order=True).select(
        *alike,
        "#copy",
        pl.col("row_number").alias("#first"),
        pl.col("#source").alias("#first_source"),
        pl.col("#index").alias("#first_index"),
    )
    paired = copies.join(first, on=[*alike, "#copy"], nulls_equal=True, maintain_order="left")
    return paired.filter(pl.col("#source") != pl.col("#first_source"))
