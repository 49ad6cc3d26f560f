"""A cut fitted on a draw says how many customers that were, and how far another draw agrees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from analytics.segmentation import prepare, segment
from analytics.segmentation import segment as verb
from analytics.segmentation.sampling import agree_on_another_draw

from .test_identity import FEATURES, customers, cut


def test_everybody_fitted_on_says_nothing() -> None:
    table = customers()
    for choices in ({}, {"method": "rfm"}):
        found = agree_on_another_draw(cut(4, table, **choices), prepare(table, FEATURES))
        assert (found.agreement, found.caveats) == (None, ())


def test_another_draw_is_compared_on_the_same_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = sys.modules[verb.__module__]
    monkeypatch.setattr(module, "FIT_ROWS", 300)
    table = customers(3000)
    prepared = prepare(table, FEATURES)
    result = segment(table, cut(5, table).spec, prepared)
    assert (result.n_fitted, result.n_customers) == (300, 3000)
    found = agree_on_another_draw(result, prepared)
    assert found.agreement is not None
    assert 0.6 < found.agreement <= 1
    again = segment(table, type(result.spec)(features=FEATURES, n_segments=5, random_state=1), prepared)
    # The other draw is that of the next seed: every customer is compared here, so the index is scikit-learn's own.
    labels = [np.array(item.members["label"].to_list()) for item in (result, again)]
    assert found.agreement == pytest.approx(adjusted_rand_score(*labels), abs=1e-9)
    (caveat,) = found.caveats
    assert caveat.code == "fitted_on_a_draw"
    assert (caveat.params["n"], caveat.params["of"]) == (300, 3000)
