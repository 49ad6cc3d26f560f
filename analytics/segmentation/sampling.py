"""Large tables are fitted on a draw: how far another draw of as many customers agrees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.segmentation.partition import fit_partition
from analytics.segmentation.resampling import adjusted_rand, contingency
from analytics.segmentation.result import SegmentationResult
from analytics.segmentation.segment import N_INIT, Prepared

COMPARED_ROWS = 50_000
CLOSE = 0.9  # under this adjusted Rand index the draw decides too much


@dataclass(frozen=True, slots=True, eq=False)
class DrawAgreement:
    """``agreement`` is the adjusted Rand index between the segments and those fitted on another draw of ``n_fitted``
    of ``n_customers``; None where everybody was fitted on, or nothing is fitted at all."""

    n_customers: int
    n_fitted: int
    agreement: float | None
    caveats: tuple[Caveat, ...]
    key: str


def agree_on_another_draw(result: SegmentationResult, prepared: Prepared) -> DrawAgreement:
    """Fit the same cut on another draw and compare the two on ``COMPARED_ROWS`` customers spread over the table.

    ``prepared`` is what ``result`` was cut from. Source of the index: Hubert and Arabie (1985).
    """
    key = derive_key("agree_on_another_draw", None, result.key, prepared.key)
    n, n_fitted, method = result.n_customers, result.n_fitted, result.spec.method
    if n_fitted >= n or method not in ("kmeans", "mixture", "hierarchical"):
        return DrawAgreement(n, n_fitted, None, (), key)
    encoded = prepared.encoded.encoded
    rng = np.random.default_rng(result.spec.random_state + 1)
    drawn = np.sort(rng.choice(n, n_fitted, replace=False))
    k = len(result.model.labels)
    other = fit_partition(
        encoded.take(drawn), method, k, n_init=N_INIT[method], random_state=result.spec.random_state + 1
    )
    rows = np.linspace(0, n - 1, min(n, COMPARED_ROWS)).astype(np.int64)
    theirs, _ = other.assign(encoded.take(rows))
    numbered = {label: i for i, (label, _) in enumerate(result.names)}
    mine = result.members["label"].gather(prepared.landscape.at[rows]).replace_strict(numbered).to_numpy()
    agreement = adjusted_rand(contingency(mine.astype(np.int64), theirs, len(numbered), other.n_segments))
    said = {"n": n_fitted, "of": n, "agreement": round(agreement, 3)}
    caveat = Caveat("fitted_on_a_draw", "note" if agreement >= CLOSE else "watch", said)
    return DrawAgreement(n, n_fitted, agreement, (caveat,), key)
