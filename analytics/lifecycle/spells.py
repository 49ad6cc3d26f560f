"""Time in a stage: spells of whole months between month ends, those still open as censored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.lifecycle.rules import CODES, Codes
from analytics.lifecycle.spec import STAGES

_SCHEMA = {
    "stage": pl.String,
    "n_completed": pl.Int64,
    "n_current": pl.Int64,
    "months_p25": pl.Int64,
    "months_p50": pl.Int64,
    "months_p75": pl.Int64,
    "median_current_months": pl.Int64,
    "n_unseen": pl.Int64,
}


class Spells:
    """Spells counted while the months go by: ``completed`` and, once asked, current ones, by stage and months."""

    def __init__(self, n_customers: int, n_months: int) -> None:
        size = len(CODES), n_months + 1
        self.completed: npt.NDArray[np.int64] = np.zeros(size, np.int64)
        self._now: Codes | None = None
        self._months: npt.NDArray[np.int16] = np.zeros(n_customers, np.int16)
        self._seen: npt.NDArray[np.bool_] = np.zeros(n_customers, bool)

    def add(self, codes: Codes) -> None:
        """The stages at the next month end."""
        if self._now is not None:
            moved = codes != self._now
            ended = moved & self._seen
            pairs = self._now[ended].astype(np.int64) * self.completed.shape[1] + self._months[ended]
            self.completed += np.bincount(pairs, minlength=self.completed.size).reshape(self.completed.shape)
            self._seen |= moved  # a spell that had begun before the first month end has no known length
            self._months[moved] = 0
        self._months += 1
        self._now = codes

    def table(self) -> pl.DataFrame:
        """One row per stage, see ``LifecycleResult.spells``."""
        if self._now is None:
            return pl.DataFrame(schema=_SCHEMA)
        rows = []
        for code, stage in enumerate(STAGES, start=1):
            inside = self._now == code
            open_months = self._months[inside & self._seen]
            still = np.bincount(open_months, minlength=self.completed.shape[1])
            ended = self.completed[code]
            rows.append(
                (
                    stage,
                    int(ended.sum()),
                    len(open_months),
                    *(product_limit(ended, still, share) for share in (0.25, 0.5, 0.75)),
                    int(np.median(open_months)) if len(open_months) else None,
                    int((inside & ~self._seen).sum()),
                )
            )
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def product_limit(ended: npt.NDArray[np.int64], still: npt.NDArray[np.int64], share: float) -> int | None:
    """The first length by which ``share`` of spells have ended (Kaplan and Meier 1958); None where none is reached.

    ``ended``, ``still``: completed and open spells by their length.
    """
    at_risk = np.cumsum((ended + still)[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.cumprod(np.where(at_risk > 0, 1 - ended / at_risk, 1.0))
    reached = np.flatnonzero((1 - left >= share - 1e-12) & (ended > 0))
    return int(reached[0]) if len(reached) else None
