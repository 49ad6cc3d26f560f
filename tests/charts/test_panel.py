"""What was done to the rows, in three languages."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from analytics.charts.panel import panel_facts
from analytics.demand import DemandPanel
from analytics.i18n import LANGUAGES, words_for

EN = words_for("en")


def made(**facts: Any) -> DemandPanel:
    frame = pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64})
    given: dict[str, Any] = {"frequency": "day", "measure": "revenue", "unit": "GBP", "as_of": date(2024, 1, 1)}
    counts = {"n_clipped": 0, "n_filled": 0, "n_dropped_partial": 0, "key": "k"}
    return DemandPanel(**{"frame": frame, **given, **counts, **facts})


def test_nothing_done_is_nothing_said() -> None:
    assert panel_facts(made(), EN) == ()
    # The total has every line: none is without a member.
    assert panel_facts(made(n_without_member=3), EN) == ()


def test_everything_done_is_said_with_its_size() -> None:
    panel = made(
        by="category",
        n_returns=9288,
        returned=896812.49,
        closed_weekdays=(6, 7),
        n_dropped_partial=1,
        n_filled=53,
        n_missing=2,
        n_clipped=1,
        n_without_member=1500,
        n_service_lines=1,
    )
    assert panel_facts(panel, EN) == (
        "Returns taken off: 9,288 lines, £896,812",
        "Never open on: Sat, Sun",
        "1 incomplete period left out",
        "53 values without a sale count as zero",
        "2 values are not known",
        "1 value below zero set to zero",
        "1,500 order lines name no category",
        "1 line of postage or fees left out",
    )
    told = {language: panel_facts(panel, words_for(language)) for language in LANGUAGES}
    assert len({len(facts) for facts in told.values()}) == 1
    for facts in zip(*told.values(), strict=True):
        assert len(set(facts)) == 3
        assert not any("{" in fact for fact in facts)


def test_returns_by_what_is_measured() -> None:
    items = made(measure="quantity", unit="items", n_returns=1, returned=12.0)
    assert panel_facts(items, EN) == ("Returns taken off: 1 line, 12",)
    orders = made(measure="orders", unit="orders", n_returns=5)
    assert panel_facts(orders, EN) == ("Returns do not count, nor does an order of which all came back",)
