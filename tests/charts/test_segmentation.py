"""Charts of segments: they build in every language for good and for poor results, and show the result's own figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import segmentation as charts
from analytics.customers import CustomerTable
from analytics.i18n import LANGUAGES, Words, phrases, words_for
from analytics.segmentation import SegmentationResult, SegmentationSpec, segment

FEATURES = ("recency_days", "n_orders", "mean_order_value")
DRAWN = (charts.segment_map, charts.profile, charts.difference)
SAID = (
    charts.segment_map_finding,
    charts.segment_map_note,
    charts.profile_finding,
    charts.profile_note,
    charts.difference_finding,
    charts.difference_note,
    charts.number_of_segments_finding,
    charts.number_of_segments_note,
)


class Marked(Words):
    """Words that mark everything that went through them."""

    def __init__(self) -> None:
        super().__init__("en", {}, phrases.load())

    def __call__(self, message: str, /, **params: object) -> str:
        return "§" + super().__call__(message, **params)


def customers(n: int = 400, seed: int = 0) -> CustomerTable:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    centres = np.array([[3.0, 3.0, 6.5], [4.5, 1.0, 6.0], [5.8, 2.0, 7.5]])
    logs = centres[kind] + rng.normal(0, 0.3, (n, 3))
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "recency_days": np.round(np.exp(logs[:, 0])).astype(int),
            "n_orders": np.maximum(1, np.round(np.exp(logs[:, 1]))).astype(int),
            "mean_order_value": np.round(np.exp(logs[:, 2]), 2),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    return CustomerTable(frame, date(2026, 6, 30), "TWD", (*FEATURES, "revenue"), (), f"c{seed}{n}")


@pytest.fixture(scope="module")
def good() -> SegmentationResult:
    return segment(customers(), SegmentationSpec(features=FEATURES))


@pytest.fixture(scope="module")
def results(good: SegmentationResult) -> dict[str, SegmentationResult]:
    few = customers(12)
    bare = few.frame.select("customer_id", trait=pl.col("n_orders").cast(pl.Float64))
    poor = CustomerTable(bare, few.as_of, "", ("trait",), (), "poor")
    return {
        "good": good,
        "rfm": segment(customers(), SegmentationSpec(method="rfm")),
        "one feature, no money": segment(poor, SegmentationSpec(features=("trait",))),
        "three customers": segment(
            replace(few, frame=few.frame.head(3)), SegmentationSpec(features=FEATURES, n_segments=2)
        ),
    }


def rows(spec: dict[str, Any], *columns: str) -> list[dict[str, Any]]:
    """The rows of the first data set of a chart that holds these columns."""
    return next(data for data in spec["datasets"].values() if data and set(columns) <= data[0].keys())


def marks(spec: dict[str, Any]) -> list[str]:
    return [layer["mark"]["type"] for layer in spec["layer"]]


def titles(spec: object) -> Iterator[str]:
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key == "title" and isinstance(value, str):
                yield value
            elif key != "datasets":
                yield from titles(value)
    elif isinstance(spec, list):
        for each in spec:
            yield from titles(each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_and_sentence_builds(results, language) -> None:
    _ = words_for(language)
    for name, result in results.items():
        for chart in DRAWN:
            assert json.dumps(chart(result, _)), name
        if result.evidence.height:
            assert json.dumps(charts.number_of_segments(result, _))
        for say in SAID:
            text = say(result, _)
            assert text, (name, say.__name__)
            assert "{" not in text
        card = charts.headline(result, _)
        assert card.finding
        assert card.sentence
        assert 3 <= len(card.metrics) <= 4
        assert charts.sizes_table(result, _)["segment"].to_list()[0].startswith("1 · ")


def test_english_headings_and_labels_are_short(results) -> None:
    _ = words_for("en")
    for result in results.values():
        for say in SAID:
            if say.__name__.endswith("finding"):
                assert len(say(result, _)) <= 60, say(result, _)
        card = charts.headline(result, _)
        assert len(card.finding) <= 60
        assert all(len(metric.label) <= 20 for metric in card.metrics)


def test_no_word_bypasses_translation(results) -> None:
    _ = Marked()
    for result in results.values():
        specs = [chart(result, _) for chart in DRAWN]
        specs += [charts.number_of_segments(result, _)] if result.evidence.height else []
        for spec in specs:
            assert all("§" in title or title == "trait" for title in titles(spec)), list(titles(spec))
        for say in SAID:
            assert say(result, _).startswith("§") or result.currency
        card = charts.headline(result, _)
        assert all(metric.label.startswith("§") for metric in card.metrics)


def test_the_map_draws_every_customer_once_with_its_majority_colour(good) -> None:
    _ = words_for("en")
    spec = charts.segment_map(good, _)
    cells = rows(spec, "depth", "x2")
    assert sum(cell["n"] for cell in cells) == good.n_customers
    assert len(cells) <= 48 * 26
    assert max(cell["depth"] for cell in cells) == 1
    colour = spec["layer"][0]["encoding"]["color"]["scale"]
    assert colour == {"domain": list(charts.segment_names(good.names, _).values()), "range": "category"}
    assert {centre["label"] for centre in rows(spec, "left")} <= {label for label, _code in good.names}


def test_the_profile_shows_medians_and_clamps_its_colours(good) -> None:
    spec = charts.profile(good, words_for("en"))
    assert marks(spec) == ["rect", "text"]
    cells = rows(spec, "z", "text")
    assert len(cells) == good.profiles.height
    first = good.profiles.row(0, named=True)
    assert cells[0]["text"] == charts.field_value(first["field"], first["median"], "", words_for("en"))
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == [-2, 2]
    assert scale["clamp"] is True


def test_the_difference_has_dot_interval_and_rule(good) -> None:
    spec = charts.difference(good, words_for("en"), "n_orders")
    assert {"rule", "bar", "point", "text"} == set(marks(spec))
    drawn = rows(spec, "median", "lo", "hi")
    expected = good.profiles.filter(pl.col("field") == "n_orders").select("median", "lo", "hi").rows()
    assert [(row["median"], row["lo"], row["hi"]) for row in drawn] == expected
    assert "Orders" in charts.difference_finding(good, words_for("en"), "n_orders")


def test_the_evidence_marks_what_is_shown_and_recommended(good) -> None:
    _ = words_for("en")
    spec = charts.number_of_segments(good, _)
    assert rows(spec, "n_segments", "text") == [{"n_segments": 3, "text": "shown, recommended"}]
    assert len(rows(spec, "measure")) == 2 * good.evidence.height
    other = segment(customers(), SegmentationSpec(features=FEATURES, n_segments=5))
    assert charts.number_of_segments_finding(other, _) == "The evidence speaks for 3; 5 are shown"
    assert {row["text"] for row in rows(charts.number_of_segments(other, _), "n_segments", "text")} == {
        "shown",
        "recommended",
    }


def test_the_headline_names_the_share_of_the_strongest_segment(good) -> None:
    card = charts.headline(good, words_for("en"))
    top = (
        good.sizes.with_columns(power=pl.col("revenue_share") / pl.col("customer_share"))
        .sort("power")
        .row(-1, named=True)
    )
    assert card.finding == f"{top['customer_share']:.0%} of customers bring {top['revenue_share']:.0%} of revenue"
    assert card.metrics[-1].tone == "good"
    chinese = charts.headline(good, words_for("zh_TW"))
    assert not any("萬" in metric.value for metric in chinese.metrics)


def test_an_unstable_cut_says_so() -> None:
    values = np.random.default_rng(1).normal(size=(500, 4))
    names = ("a", "b", "c", "d")
    frame = pl.DataFrame({"customer_id": [f"c{i}" for i in range(500)], **dict(zip(names, values.T, strict=True))})
    table = CustomerTable(frame, date(2026, 6, 30), "", names, (), "flat")
    result = segment(table, SegmentationSpec(features=names, n_segments=7))
    card = charts.headline(result, words_for("en"))
    assert "no clear groups" in card.sentence
    assert card.metrics[-1].tone == "watch"
    assert charts.number_of_segments_finding(result, words_for("en")) == "No number of segments stands out"
    assert "overlap" in charts.segment_map_finding(result, words_for("en"))
