"""Counting findings: a mask over a table's rows becomes an ``Issue`` with its shares and examples."""

from __future__ import annotations

import polars as pl

from analytics.mapped import count_values, let_go, pieces
from analytics.quality.report import Issue, Remedy, Severity

_EXAMPLES = 5
_LONGEST = 80  # characters of an example


class IssueBook:
    """Collects the issues of one source (or of one table across sources)."""

    def __init__(self, table: str, source: str, frame: pl.DataFrame, kept: frozenset[str] = frozenset()) -> None:
        """``kept``: codes whose rows are remembered in ``flags`` (``!<code>`` -> mask), for steps that name them."""
        self.flags: dict[str, pl.Series] = {}
        self._kept = kept
        self.table = table
        self.source = source
        self.n_rows = frame.height
        self._amount = frame["amount"] if table == "transactions" and "amount" in frame.columns else None
        self._gross = _positive(self._amount)
        self.issues: list[Issue] = []

    def add(
        self,
        code: str,
        severity: Severity,
        field: str,
        mask: pl.Series,
        remedy: Remedy,
        shown: pl.Series | tuple[str, ...] = (),
        source: str | None = None,
    ) -> int:
        """Note the rows where ``mask`` holds, if there are any; ``shown`` gives the examples. Returns their number.

        ``source``: the one file that it is about, where that is not the book's own.
        """
        let_go()  # of what the mask was made from, then of what each figure is taken from
        n = int(mask.sum() or 0)
        if n and code in self._kept:
            before = self.flags.get(f"!{code}")
            known = mask.fill_null(False)
            self.flags[f"!{code}"] = known if before is None else before | known
        if n:
            share = n / self.n_rows if self.n_rows else 0.0
            found = shown if isinstance(shown, tuple) else examples(shown.filter(mask.fill_null(False)))
            let_go()
            self.issues.append(
                Issue(
                    code,
                    severity,
                    self.table,
                    field,
                    n,
                    share,
                    self._share(mask),
                    found,
                    remedy,
                    self.source if source is None else source,
                )
            )
        let_go()
        return n

    def add_days(self, code: str, severity: Severity, field: str, n_days: int, shown: list[str]) -> None:
        """Note days that have no rows at all."""
        found = tuple(shown[:_EXAMPLES])
        self.issues.append(Issue(code, severity, self.table, field, 0, 0.0, None, found, "keep", self.source, n_days))

    def add_count(
        self, code: str, severity: Severity, field: str, n: int, remedy: Remedy, shown: tuple[str, ...] = ()
    ) -> None:
        """Note ``n`` rows whose amounts are not known one by one."""
        if n:
            share = n / self.n_rows if self.n_rows else 0.0
            self.issues.append(Issue(code, severity, self.table, field, n, share, None, shown, remedy, self.source))

    def _share(self, mask: pl.Series) -> float | None:
        """The larger of positive and negative amounts touched, over all positive amounts."""
        if self._amount is None or not self._gross:
            return None
        touched = self._amount.filter(mask.fill_null(False))
        return max(_positive(touched), _positive(-touched)) / self._gross


def examples(values: pl.Series) -> tuple[str, ...]:
    """Up to five distinct values as text, the commonest first."""
    counted = count_values(values).with_columns(pl.col("value").cast(pl.String))
    top = counted.sort("n", "value", descending=[True, False])["value"].head(_EXAMPLES)
    return tuple(value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…" for value in top)


def _positive(amount: pl.Series | None) -> int:
    return 0 if amount is None else sum(int(part.filter(part > 0).sum() or 0) for part in pieces(amount))
