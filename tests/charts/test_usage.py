"""Usage charts: every one in three languages, for a rich and for a poor result; what they say."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import usage as charts
from analytics.charts.usage.paths import _coloured
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, words_for
from analytics.usage import UsageResult, UsageSpec, study_usage

EN = words_for("en")
NAMES = ("funnel", "paths_bought", "paths_left", "waits", "weeks", "features")


@cache
def rich() -> UsageResult:
    rng = np.random.default_rng(8)
    rows: list[tuple[Any, ...]] = []
    start = datetime(2026, 1, 1)
    trails = (["view"], ["search", "view"], ["view", "add_to_cart"], ["view", "add_to_cart", "checkout", "purchase"])
    for i in range(120):
        for day in rng.random(rng.poisson(18)) * (180 if i % 3 else 110):
            for k, event in enumerate(trails[int(rng.integers(0, 4))]):
                rows.append((f"c{i}", start + timedelta(days=float(day), minutes=k), event, "web"))
    schema = {"customer_id": pl.String, "occurred_at": pl.Datetime("us"), "event": pl.String, "channel": pl.String}
    events = pl.DataFrame(rows, schema=schema, orient="row")
    people = pl.DataFrame({"customer_id": [f"c{i}" for i in range(150)]}).with_columns(
        joined_at=pl.lit(date(2025, 1, 1))
    )
    labels = CustomerLabels(
        people.select("customer_id", label=pl.Series([str(1 + i % 3) for i in range(150)])), ("1", "2", "3"), "t", "k"
    )
    data = Dataset.build({"events": events, "customers": people}, as_of=date(2026, 6, 29))
    return study_usage(data, UsageSpec(), labels)


@cache
def poor() -> UsageResult:
    event = pl.DataFrame({"customer_id": ["a"], "occurred_at": [datetime(2026, 1, 1, 9)], "event": ["purchase"]})
    return study_usage(
        Dataset.build({"events": event}, as_of=date(2026, 1, 3)), UsageSpec(steps=(("view",), ("purchase",)))
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", [rich, poor])
@pytest.mark.parametrize("name", NAMES)
def test_each_chart_has_its_picture_finding_and_note(name: str, make: Any, language: Any) -> None:
    result, _ = make(), words_for(language)
    spec = getattr(charts, name)(result, _)
    assert spec["config"]["axis"]["domain"] is False
    json.dumps(spec)
    finding, note = (getattr(charts, f"{name}_{part}")(result, _) for part in ("finding", "note"))
    assert finding
    assert note
    assert len(finding) <= (60 if language == "en" else 34)
    assert "{" not in finding + note


@pytest.mark.parametrize("language", LANGUAGES)
def test_decline_and_headline_speak(language: Any) -> None:
    _ = words_for(language)
    names = {"1": "1 · A", "2": "2 · B"}
    spec = charts.decline(rich(), names, _)
    assert "1 · A" in json.dumps(spec, ensure_ascii=False)
    for result in (rich(), poor()):
        head = charts.headline(result, _)
        assert len(head.finding) <= 60
        assert len(head.metrics) >= 2
        assert charts.decline_count(result, _)
        assert charts.decline_method(result, _)


def test_what_is_said_is_what_is_there() -> None:
    result = rich()
    assert charts.headline(result, EN).metrics[0].value == f"{result.n_sessions:,}"
    text = json.dumps(charts.funnel(result, EN))
    assert '"share": 1.0' in text
    assert f"{result.funnel['n_reached'][1]:,}" in text
    assert charts.decliners(result).height == result.n_declining
    assert result.n_declining > result.n_by_chance
    assert charts.decline_count(result, EN).startswith(f"{result.n_declining} customers come less")
    assert charts.path_table(result, EN)["path"][0].count(" > ") == len(result.paths["path"][0]) - 1
    assert set(charts.funnel_table(result, EN)["step"]) == {"View or search", "Add to cart", "Checkout", "Purchase"}
    assert charts.step_name(poor(), 0, EN) == "View or search"


def test_at_most_eight_colours_and_the_funnel_comes_first() -> None:
    result = rich()
    assert _coloured(result) == ["view", "search", "add_to_cart", "checkout", "purchase"]
