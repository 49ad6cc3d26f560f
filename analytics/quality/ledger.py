"""The ledger of repairs: what each step found and left, in the order in which they were made."""

from __future__ import annotations

import polars as pl

Tables = dict[str, pl.DataFrame]

SCHEMA = {
    "step": pl.UInt32(),
    "own": pl.UInt32(),
    "action": pl.String(),
    "reason": pl.String(),
    "table": pl.String(),
    "field": pl.String(),
    "n_rows": pl.UInt32(),
    "rows_before": pl.UInt32(),
    "rows_after": pl.UInt32(),
    "revenue_before": pl.Int64(),
    "revenue_after": pl.Int64(),
}


def alive() -> pl.Expr:
    """Rows neither set aside (``#reason``) nor merged into another (``#into``)."""
    return pl.col("#reason").is_null() & pl.col("#into").is_null()


class Ledger:
    """Collects one entry per repair; rows and revenue of a table go on from the entry before it."""

    def __init__(self, tables: Tables) -> None:
        self._standing = {name: _standing(frame, pl.lit(True)) for name, frame in tables.items()}
        self._entries: list[tuple[object, ...]] = []

    def enter(
        self,
        tables: Tables,
        action: str,
        reason: str,
        table: str,
        field: str,
        n_rows: int,
        *,
        own: int | None = None,
        left: tuple[int, int | None] | None = None,
    ) -> None:
        """One repair: ``tables`` as it left them; ``left`` are rows and revenue where the caller has counted them."""
        before = self._standing.get(table, (0, None))
        after = before
        if left is not None:
            after = left
        elif table in tables:
            after = _standing(tables[table], alive())
        self._standing[table] = after
        place = len(self._entries) + 1
        self._entries.append(
            (place, own, action, reason, table, field, n_rows, before[0], after[0], before[1], after[1])
        )

    def standing(self, table: str) -> tuple[int, int | None]:
        """Rows and revenue of a table behind the last entry."""
        return self._standing[table]

    def frame(self) -> pl.DataFrame:
        """One row per repair, with the columns of ``SCHEMA``."""
        return pl.DataFrame(self._entries, schema=SCHEMA, orient="row")


def _standing(frame: pl.DataFrame, rows: pl.Expr) -> tuple[int, int | None]:
    amount = pl.col("amount").sum() if "amount" in frame.columns else pl.lit(None, pl.Int64)
    counted = frame.lazy().filter(rows).select(pl.len().alias("n"), amount.alias("amount")).collect()
    return int(counted["n"][0]), counted["amount"][0]
