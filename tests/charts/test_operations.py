"""What wants care, from plain numbers: every threshold at both sides, the worst first, in three languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analytics.charts import operations as charts
from analytics.charts.operations import Standing, Step
from analytics.i18n import LANGUAGES, words_for

WELL = Standing(
    up_hours=30,
    cpu=0.25,
    cores=2,
    sessions=3,
    process_bytes=600_000_000,
    workers_bytes=400_000_000,
    session_bytes=1_300_000,
    memory_bytes=8_000_000_000,
    memory_free=4_000_000_000,
    hits=90,
    runs=8,
    waits=2,
    held_bytes=97_000_000,
    max_bytes=1_000_000_000,
    workers=2,
    upload_bytes=2_000_000_000,
    table_bytes=500_000_000,
    database_bytes=4_000_000,
    uploads=12,
    tables=30,
    disk_bytes=100_000_000_000,
    disk_free=50_000_000_000,
    keep_days=14,
    sweep_hours=3,
)
STEPS = (Step("analytics.forecasting.forecast_all", 3, 12.4, 30.0), Step("scan", 10, 0.42, 1.5))
_ = words_for("en")


def codes(**changes: Any) -> list[str]:
    return [item.code for item in charts.judge(replace(WELL, **changes), _)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"disk_free": 10_000_000_000}, []),
        ({"disk_free": 9_999_999_999}, ["disk_filling"]),
        ({"disk_free": 2_999_999_999}, ["disk_full"]),
        ({"memory_free": 800_000_000}, []),
        ({"memory_free": 799_999_999}, ["memory_high"]),
        ({"waiting": 9}, []),
        ({"waiting": 10}, ["queue_long"]),
        ({"deaths": 2}, []),
        ({"deaths": 3}, ["workers_died"]),
        ({"sweep_hours": 48.0}, []),
        ({"sweep_hours": 48.1}, ["sweep_overdue"]),
        ({"sweep_hours": None, "up_hours": 0.9}, []),
        ({"sweep_hours": None, "up_hours": 1.1}, ["sweep_never"]),
        ({"keep_days": None, "sweep_hours": 99.0}, ["retention_unusable"]),
        ({"problem": "The database is away", "sweep_hours": None, "disk_free": 0}, ["store_failing"]),
        (
            {"problem": "away", "memory_free": 1, "waiting": 20, "deaths": 9},
            ["store_failing", "memory_high", "queue_long", "workers_died"],
        ),
    ],
)
def test_thresholds(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(**changes) == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "changes", [{}, {"disk_free": 1, "memory_free": 1, "waiting": 99, "deaths": 5}, {"problem": "x"}]
)
def test_the_card_names_the_worst_and_leaves_no_placeholder(language: Any, changes: dict[str, Any]) -> None:
    words = words_for(language)
    standing = replace(WELL, **changes)
    found = charts.judge(standing, words)
    card = charts.headline(standing, found, words)
    texts = [card.finding, card.sentence, charts.thresholds(words), charts.room_finding(standing, words)]
    texts += [part for item in card.metrics for part in (item.label, item.value, item.note)]
    texts += [words.phrase(f"caveat.{item.code}.body", **item.params) for item in found]
    assert not [text for text in texts if "{" in text or "caveat." in text]
    if found:
        assert card.finding == words.phrase(f"caveat.{found[0].code}", **found[0].params)
    else:
        assert card.finding == words("All is well")


def test_figures_of_the_card() -> None:
    card = charts.headline(WELL, (), _)
    assert [(item.label, item.value) for item in card.metrics] == [
        ("Live sessions", "3"),
        ("Memory", "1.0 GB"),
        ("Saved work", "2.5 GB"),
        ("Waiting steps", "0"),
    ]
    assert "Running for 30 h; 25% of 2 cores in use." in card.sentence
    assert [item.value for item in charts.engine_metrics(WELL, _)] == ["92%", "97.0 MB", "0 kB", "–"]
    assert charts.engine_metrics(replace(WELL, sessions=5), _)[-1].value == "1.3 MB"


def test_bars_hold_what_the_finding_says() -> None:
    spec = charts.room(WELL, _)
    values = str(spec)
    assert "2.0 GB" in values
    assert "500 MB" in values
    assert charts.room_finding(WELL, _) == "Saved work takes 2.5 GB; 50.0 GB of the disk are free"
    slow = str(charts.slow_steps(STEPS, _))
    assert "Looking for personal data" in slow, "a step that people see has its words"
    assert charts.slow_steps_finding(STEPS, _).endswith("12 s")
    assert charts.slow_steps_finding((), _) == "No step has run since the start"


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [(0, "0 kB"), (999_999, "1,000 kB"), (1.25e6, "1.2 MB"), (456e6, "456 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes(n_bytes: float, shown: str) -> None:
    assert charts.in_bytes(n_bytes, _) == shown
