"""How two partitions of the same customers agree.

Sources: the adjusted Rand index (Hubert and Arabie 1985); segments matched by Kuhn's assignment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def contingency(a: Ints, b: Ints, n_a: int, n_b: int) -> Ints:
    """How many rows have segment i in ``a`` and j in ``b``: an n_a x n_b table."""
    return np.bincount(a * n_b + b, minlength=n_a * n_b).reshape(n_a, n_b).astype(np.int64)


def adjusted_rand(table: Ints) -> float:
    """Adjusted Rand index of two partitions from their contingency table; 1 when they are the same."""
    counts = table.astype(np.float64)
    n = counts.sum()
    pairs = (counts * (counts - 1)).sum() / 2
    of_rows, of_columns = ((s * (s - 1)).sum() / 2 for s in (counts.sum(1), counts.sum(0)))
    expected = of_rows * of_columns / max(n * (n - 1) / 2, 1.0)
    largest = (of_rows + of_columns) / 2
    return 1.0 if largest == expected else float((pairs - expected) / (largest - expected))


def matched(table: Ints) -> Ints:
    """For each column the row it is the counterpart of, so that most rows keep their segment; -1 for none."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    counterpart = np.full(table.shape[1], -1, dtype=np.int64)
    counterpart[columns] = rows
    return counterpart
