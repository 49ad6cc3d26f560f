"""The charts of one customer: the timeline, places, rhythm, habits and tables, in three languages, rich and poor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest

from analytics.charts import portrait as charts
from analytics.charts import timeline
from analytics.customers import summarise_customers
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, words_for
from analytics.lifecycle.history import StageHistory
from analytics.portrait import Portrait, PortraitSpec, list_customers, portray
from tests.test_portrait import AS_OF, ann, build, cut, tables

EN = words_for("en")
PLACES = ("places", "rhythm", "habits_bought", "habits_ways")


@cache
def rich() -> Portrait:
    return ann()[1]


@cache
def poor() -> Portrait:
    """Known by one event only."""
    event = pl.DataFrame({"customer_id": ["x"], "occurred_at": [datetime(2026, 3, 1)], "event": ["view"]})
    return portray(Dataset.build({"events": event}, as_of=AS_OF), None, "x", PortraitSpec())


@cache
def first_time() -> Portrait:
    data = build(cut(tables(), AS_OF))
    return portray(data, summarise_customers(data), "bob", PortraitSpec())


def rows_in(spec: Any) -> Iterator[dict[str, Any]]:
    """Every row that a chart holds."""
    if isinstance(spec, dict):
        yield from spec.get("data", {}).get("values", []) if isinstance(spec.get("data"), dict) else []
        for item in spec.values():
            yield from rows_in(item)
    elif isinstance(spec, list):
        for item in spec:
            yield from rows_in(item)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", [rich, poor, first_time])
def test_the_timeline_draws_what_there_is(make: Any, language: Any) -> None:
    portrait, _ = make(), words_for(language)
    spec = timeline.timeline(portrait, _)
    text = json.dumps(spec, ensure_ascii=False)
    for lane in set(portrait.moments["lane"]):
        assert _.label("lane", lane) in text
    assert _("as of {day}", day=portrait.as_of) in text
    assert timeline.timeline_finding(portrait, _)
    assert len(timeline.timeline_finding(portrait, _)) <= 60


def test_nothing_is_drawn_after_as_of_but_the_window_of_the_next_order() -> None:
    portrait = rich()
    spec = timeline.timeline(portrait, EN)
    rows = list(rows_in(spec))
    # Layers of one lane hold the same rows.
    marks = list({(row["lane"], row["at"]): row for row in rows if "figure" in row}.values())
    assert len(marks) == portrait.moments.height
    assert max(row["at"] for row in marks) <= AS_OF.isoformat() + "T23:59:59"
    windows = [row for row in rows if row.get("text") == "20 Feb 2026 to 25 Feb 2026"]
    assert len(windows) == 1
    sizes = {row["figure"]: row["size"] for row in marks if row["lane"] == "Orders"}
    assert sizes["NT$700"] > sizes["NT$300"] > sizes["NT$100"]
    # A longer look and a shorter one are the same marks, only fewer.
    short = timeline._shown(portray(build(cut(tables(), AS_OF)), None, "ann", PortraitSpec(timeline_days=50)))
    assert 0 < short.height < portrait.moments.height


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PLACES)
def test_each_chart_has_its_picture_finding_and_note(name: str, language: Any) -> None:
    _ = words_for(language)
    for portrait in (rich(), first_time()):
        if name == "rhythm" and not charts.has_rhythm(portrait):
            assert charts.rhythm_finding(portrait, _)
            continue
        json.dumps(getattr(charts, name)(portrait, _))
        finding, note = (getattr(charts, f"{name}_{part}")(portrait, _) for part in ("finding", "note"))
        assert finding
        assert note
        assert "{" not in finding + note


def test_the_headline_says_where_the_customer_stands() -> None:
    head = charts.headline(rich(), {"2": "2 · Loyal"}, EN)
    assert head.finding == "ann: 33% of customers bring more"
    assert "longer than each of the 3 gaps before" in head.sentence
    assert "Segment 2 · Loyal, on the border to another." in head.sentence
    by_label = {metric.label: metric for metric in head.metrics}
    assert by_label["Revenue"].value == "NT$700"
    assert (by_label["Days of silence"].note, by_label["Days of silence"].tone) == ("overdue", "bad")
    assert charts.headline(poor(), {}, EN).finding == "x: known, without an order"
    assert charts.headline(first_time(), {}, EN).sentence.startswith("Silent for 30 days; with 0 gaps")


def test_a_hostile_id_text_or_category_stays_text() -> None:
    held = cut(tables(), AS_OF)
    bad = "<img src=x> [a](http://b) $x$"
    changed = {name: frame.with_columns(pl.col("customer_id").replace({"ann": bad})) for name, frame in held.items()}
    changed["feedback"] = changed["feedback"].with_columns(text=pl.lit(bad))
    data = build(changed)
    portrait = portray(data, summarise_customers(data), bad, PortraitSpec())
    assert "<img" not in charts.headline(portrait, {}, EN).finding.replace("\\<", "")
    words = charts.text_rows(portrait, EN)["Words"]
    assert all("[a](" not in text for text in words)


def test_rows_are_told_in_words_and_lists_by_what_they_are_sorted_by() -> None:
    portrait = rich()
    notes = {name: charts.rows_note(rows, EN) for name, rows in portrait.rows}
    assert notes["revenue"] == "Orders: Kind of line is not service"
    assert notes["n_orders"] == "Orders: not wholly returned or cancelled"
    assert notes["tenure_days"].endswith("Order time on 1 Jan 2026") or "on 1 Jan 2026" in notes["tenure_days"]
    data = build(cut(tables(), AS_OF))
    listed = list_customers(data, summarise_customers(data), PortraitSpec())
    assert charts.list_labels(listed, "TWD", EN) == {
        "cat": "cat · NT$4,100",
        "ann": "ann · NT$700",
        "bob": "bob · NT$500",
    }
    assert charts.figures_of(portrait, EN)["customer_id"].unique().to_list() == ["ann"]
    assert charts.moments_of(portrait, EN).height == portrait.moments.height
    assert charts.campaign_table(portrait, EN)["answer"].to_list() == ["responded"]


def test_stages_are_drawn_in_their_own_colours() -> None:
    spec = timeline.timeline(rich(), EN)
    text = json.dumps(spec)
    assert "3 \\u00b7 Active use" in text
    assert "5 \\u00b7 Lapsed" in text
    from analytics.lifecycle import STAGES

    assert timeline.STAGES == STAGES


def test_an_empty_history_draws_no_band() -> None:
    data = build(cut(tables(), AS_OF))
    empty = StageHistory(pl.DataFrame(schema={"day": pl.Date, "stage": pl.String}), "k")
    portrait = portray(data, None, "ann", PortraitSpec(), None, None, None, empty)
    assert portrait.spells.is_empty()
    assert "Active use" not in json.dumps(timeline.timeline(portrait, EN))
    assert timeline._span(portrait)[0] < date(2026, 1, 1) - timedelta(days=1)
