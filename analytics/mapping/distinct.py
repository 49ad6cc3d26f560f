"""A column of text as its different values: reading a value once is enough, however often it stands there."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.mapped import keep_pieces, pieces


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """A column taken apart.

    Attributes
    ----------
    values : String: what stands in it; each once in ``distinct``, but two may have become equal since, or null.
    codes : UInt32 per row: which of the ``values``; null where the cell is empty.
    written : the column itself, as long as the ``values`` are those that stand in it.
    """

    values: pl.Series
    codes: pl.Series
    written: pl.Series | None = None

    def column(self) -> pl.Series:
        """The values beside every row."""
        return self.spread(self.values) if self.written is None else self.written

    def changed(self, values: pl.Series) -> Distinct:
        """With other values in place of these."""
        return Distinct(values, self.codes)

    def counted(self) -> pl.DataFrame:
        """text (one row per value that is not null), n (UInt32, rows that hold it), code."""
        n = self.codes.drop_nulls().alias("code").value_counts(name="n")
        return pl.DataFrame([self.values.alias("text"), self.aligned(n, "n"), self._numbers()]).drop_nulls("text")

    def aligned(self, known: pl.DataFrame, name: str) -> pl.Series:
        """The column ``name`` of ``known`` (rows of ``counted``, by their code) in the order of ``values``."""
        known = known.select("code", name)
        return self._numbers().to_frame().join(known, on="code", how="left", maintain_order="left")[name]

    def spread(self, values: pl.Series) -> pl.Series:
        """``values`` (one per distinct value) beside every row."""
        return keep_pieces(values.gather(piece) for piece in pieces(self.codes))

    def rows_of(self, values: pl.Series) -> pl.DataFrame:
        """row_number (UInt32, 1-based) and value of the rows where ``values`` (one per distinct value) is not null."""
        wanted = values.is_not_null()
        if not wanted.any():
            return pl.DataFrame({"row_number": pl.Series([], dtype=pl.UInt32), "value": values.clear()})
        at = wanted.gather(self.codes).fill_null(False).arg_true()
        return pl.DataFrame({"row_number": (at + 1).cast(pl.UInt32), "value": values.gather(self.codes.gather(at))})

    def _numbers(self) -> pl.Series:
        return pl.int_range(len(self.values), dtype=pl.UInt32, eager=True).alias("code")


def distinct(text: pl.Series) -> Distinct:
    """The different values of a String column."""
    kind = pl.Categorical(pl.Categories.random())
    coded = [piece.cast(kind) for piece in pieces(text)]  # the categories live as long as these
    codes = pl.concat([piece.to_physical() for piece in coded], rechunk=True)
    most = codes.max()
    n = most + 1 if isinstance(most, int) else 0
    return Distinct(pl.int_range(n, dtype=pl.UInt32, eager=True).cat.to(kind).cast(pl.String), codes, text)
