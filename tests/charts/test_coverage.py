"""The strips of time: every period counted, holes told, in whole words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from analytics.charts import coverage as charts
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, words_for


def busy(days: list[date]) -> list[date]:
    return days * charts.LEAST_USUAL


def orders(days: list[date]) -> Dataset:
    frame = pl.DataFrame(
        {
            "customer_id": ["a"] * len(days),
            "ordered_at": days,
            "amount": [100] * len(days),
            "kind": ["sale"] * len(days),
        }
    ).with_columns(pl.col("ordered_at").cast(pl.Datetime("us")))
    return Dataset.build({"transactions": frame}, as_of=max(days, default=date(2024, 1, 1)))


def cells(dataset: Dataset) -> list[dict[str, Any]]:
    spec = charts.coverage(dataset, words_for("en"))
    (rows,) = spec["datasets"].values() if "datasets" in spec else (spec["data"]["values"],)
    return list(rows)


DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(60) if n not in (20, 21, 22)]


def test_every_day_has_its_cell_and_the_empty_ones_are_told() -> None:
    drawn = cells(orders(busy(DAYS) + busy(DAYS)[:1]))
    assert len(drawn) == 60
    assert [cell["from"] for cell in drawn if cell["cell"] == "hole"] == ["2024-01-21", "2024-01-22", "2024-01-23"]
    assert drawn[0]["rows"] == "9"
    assert charts.coverage_finding(orders(busy(DAYS)), words_for("en")) == "3 empty periods in the midst of the data"


def test_a_closed_weekday_is_no_hole() -> None:
    open_days = [day for day in DAYS if day.weekday() != 6]
    holes = [cell["from"] for cell in cells(orders(busy(open_days))) if cell["cell"] == "hole"]
    assert holes == ["2024-01-22", "2024-01-23"]  # the 21st was a Sunday


def test_an_empty_day_of_a_quiet_table_is_no_hole() -> None:
    assert {cell["cell"] for cell in cells(orders(DAYS))} == {"rows", "none"}
    assert charts.coverage_finding(orders(DAYS), words_for("en")) == "No period drawn here stands out as empty"


@pytest.mark.parametrize(("n_days", "n_cells"), [(150, 150), (700, 101), (2000, 66), (9000, 99)])
def test_long_periods_are_drawn_in_longer_steps(n_days: int, n_cells: int) -> None:
    drawn = cells(orders([date(2000, 1, 1) + timedelta(days=n) for n in range(n_days)]))
    assert len(drawn) == n_cells <= charts.MOST_CELLS
    assert not any(cell["cell"] == "hole" for cell in drawn)


def test_a_monthly_export_is_not_full_of_holes() -> None:
    drawn = cells(orders([date(2024, month, 1) for month in range(1, 13)]))
    assert [cell["from"][5:] for cell in drawn] == [f"{month:02d}-01" for month in range(1, 13)]


def test_without_dates_there_is_nothing_to_draw() -> None:
    assert not charts.has_coverage(orders([]))
    assert not charts.has_coverage(orders([date(2024, 1, 1)] * 3))
    assert charts.has_coverage(orders(DAYS))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_said_in_whole_words(language: Any) -> None:
    _ = words_for(language)
    for data in (orders(busy(DAYS)), orders(DAYS), orders(busy(DAYS[:3] + DAYS[4:8]))):
        text = charts.coverage_finding(data, _) + charts.coverage_note(data, _)
        assert "{" not in text
        assert "period." not in text
