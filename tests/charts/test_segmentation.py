"""Charts of segments: they build in every language for good and for poor results, and show the result's own figures."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from analytics.charts import segmentation as charts
from analytics.charts.segmentation.rfm import grid_cells
from analytics.charts.segmentation.sizes import spread
from analytics.contrasts import PRIVACY_LIMIT
from analytics.customers import CustomerTable, Trait
from analytics.i18n import LANGUAGES, Words, phrases, words_for
from analytics.segmentation import Condition, Rule, SegmentationResult, SegmentationSpec, segment
from analytics.segmentation.evidence import EvidenceResult, weigh_numbers
from analytics.segmentation.explaining import ExplainSpec, Explanation, explain_segments
from analytics.segmentation.naming import JOINED, rename_segments

FEATURES = ("recency_days", "n_orders", "mean_order_value")


class Case(NamedTuple):
    customers: CustomerTable
    result: SegmentationResult
    evidence: EvidenceResult
    explanation: Explanation


class Marked(Words):
    """Words that mark everything that went through them."""

    def __init__(self) -> None:
        super().__init__("en", {}, phrases.load())

    def __call__(self, message: str, /, **params: object) -> str:
        return "§" + super().__call__(message, **params)


def customers(n: int = 600, seed: int = 0) -> CustomerTable:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    centres = np.array([[3.0, 3.0, 6.5], [4.5, 1.0, 6.0], [5.8, 2.0, 7.5]])
    logs = centres[kind] + rng.normal(0, 0.3, (n, 3))
    books = rng.poisson(np.where(kind == 2, 8, 1))
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "recency_days": np.round(np.exp(logs[:, 0])).astype(int),
            "n_orders": np.maximum(1, np.round(np.exp(logs[:, 1]))).astype(int),
            "mean_order_value": np.round(np.exp(logs[:, 2]), 2),
            "city": rng.choice(["Taipei", "*Tainan*"], n),
            "category_mix: Books": books,
            "category_mix: Food": rng.poisson(3, n),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    mix = Trait("category_mix", "needs", "counts", ("category_mix: Books", "category_mix: Food"), ("Books", "Food"))
    plain = CustomerTable(frame, date(2026, 6, 30), "TWD", (*FEATURES, "revenue"), ("city",), f"c{seed}{n}")
    return replace(plain, traits=(*plain.traits, mix))


def case(table: CustomerTable, spec: SegmentationSpec) -> Case:
    evidence = weigh_numbers(table, spec)
    number = spec.n_segments or evidence.recommended
    result = segment(table, replace(spec, n_segments=number))
    return Case(table, result, evidence, explain_segments(table, result, ExplainSpec()))


@pytest.fixture(scope="module")
def good() -> Case:
    return case(customers(), SegmentationSpec(features=FEATURES))


@pytest.fixture(scope="module")
def rfm() -> Case:
    return case(customers(), SegmentationSpec(method="rfm"))


@pytest.fixture(scope="module")
def cases(good: Case, rfm: Case) -> dict[str, Case]:
    few = customers(12)
    bare = few.frame.select("customer_id", trait=pl.col("n_orders").cast(pl.Float64))
    poor = CustomerTable(bare, few.as_of, "", ("trait",), (), "poor")
    rules = (
        Rule("*Loyal*", (Condition("n_orders", "at_least", low=8),)),
        Rule("From Taipei", (Condition("city", "one_of", values=("Taipei",)),)),
    )
    return {
        "good": good,
        "rfm": rfm,
        "rules": case(customers(), SegmentationSpec(method="rules", rules=rules)),
        "one feature, no money": case(poor, SegmentationSpec(features=("trait",))),
        "three customers": case(
            replace(few, frame=few.frame.head(3), key="three"), SegmentationSpec(features=FEATURES, n_segments=2)
        ),
    }


def drawn(one: Case, _: Words) -> Iterator[dict[str, Any]]:
    yield charts.segment_map(one.result, _)
    yield charts.profile(one.result, _)
    if charts.has_value(one.result):
        yield charts.size_against_value(one.result, _)
    if one.evidence.structure:
        yield charts.number_of_segments(one.result, one.evidence, _)
    if one.result.rfm_cells.height:
        yield charts.rfm_grid(one.result, _)
    for label in charts.explained(one.explanation):
        yield charts.dumbbells(one.explanation, label, _)


def findings(one: Case, _: Words) -> Iterator[str]:
    yield charts.segment_map_finding(one.result, _)
    yield charts.profile_finding(one.result, _)
    yield charts.size_against_value_finding(one.result, _)
    yield charts.number_of_segments_finding(one.result, one.evidence, _)
    yield charts.rules_finding(one.explanation, _)
    yield charts.border_finding(one.explanation, _)
    if one.result.rfm_cells.height:
        yield charts.rfm_grid_finding(one.result, _)


def notes(one: Case, _: Words) -> Iterator[str]:
    yield charts.segment_map_note(one.result, _)
    yield charts.profile_note(one.result, _)
    yield charts.size_against_value_note(one.result, _)
    yield charts.number_of_segments_note(one.result, one.evidence, _)
    if one.result.rfm_cells.height:
        yield charts.rfm_grid_note(one.result, _)


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
def test_every_chart_and_sentence_builds(cases, language) -> None:
    _ = words_for(language)
    for name, one in cases.items():
        for spec in drawn(one, _):
            assert json.dumps(spec), name
        for text in (*findings(one, _), *notes(one, _)):
            assert text, name
            assert "{" not in text
        card = charts.headline(one.result, one.evidence, _)
        assert card.finding
        assert card.sentence
        assert 2 <= len(card.metrics) <= 4
        assert charts.sizes_table(one.result, _)["segment"].to_list()[0].startswith("1 · ")
        for label in charts.explained(one.explanation):
            assert charts.rule_card(one.explanation, label, _)
            assert charts.difference_sentence(one.explanation, label, _)
            assert charts.card_note(one.result, label, _)
        assert len(charts.rules_table(one.explanation, _)) == one.explanation.rules.height
        assert charts.typical_table(one.explanation, _).columns[:2] == ["segment", "customer_id"]


def test_every_chart_compiles(cases) -> None:
    """A chart that Vega-Lite cannot read is a blank place on the page."""
    convert = pytest.importorskip("vl_convert")
    for one in cases.values():
        for spec in drawn(one, words_for("en")):
            convert.vegalite_to_vega({**spec, "width": 500})


def test_english_headings_and_labels_are_short(cases) -> None:
    _ = words_for("en")
    for one in cases.values():
        for text in findings(one, _):
            assert len(text.replace("\\", "")) <= 60, text
        card = charts.headline(one.result, one.evidence, _)
        assert len(card.finding) <= 60
        assert all(len(metric.label) <= 20 for metric in card.metrics)


def test_no_word_bypasses_translation(cases) -> None:
    _ = Marked()
    for one in cases.values():
        for spec in drawn(one, _):
            assert all("§" in title or title == "trait" for title in titles(spec)), list(titles(spec))
        for text in (*findings(one, _), *notes(one, _)):
            assert "§" in text
        card = charts.headline(one.result, one.evidence, _)
        assert all(metric.label.startswith("§") for metric in card.metrics)


def test_the_map_draws_every_customer_once_with_its_majority_colour(good) -> None:
    _ = words_for("en")
    spec = charts.segment_map(good.result, _)
    cells = rows(spec, "depth", "x2")
    assert sum(cell["n"] for cell in cells) == good.result.n_customers
    assert len(cells) <= 48 * 26
    assert max(cell["depth"] for cell in cells) == 1
    colour = spec["layer"][0]["encoding"]["color"]["scale"]
    assert colour == {"domain": list(charts.segment_names(good.result.names, _).values()), "range": "category"}
    assert {centre["label"] for centre in rows(spec, "left")} <= {label for label, _code in good.result.names}


def test_the_profile_shows_medians_and_clamps_its_colours(good) -> None:
    spec = charts.profile(good.result, words_for("en"))
    assert marks(spec) == ["rect", "text"]
    cells = rows(spec, "z", "text")
    assert len(cells) == good.result.profiles.height
    first = good.result.profiles.row(0, named=True)
    assert cells[0]["text"] == charts.field_value(first["field"], first["median"], "", words_for("en"))
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == [-2, 2]
    assert scale["clamp"] is True


def test_dumbbells_show_the_strongest_traits_with_their_intervals_about_a_rule_at_zero(good) -> None:
    _ = words_for("en")
    label = charts.explained(good.explanation)[0]
    spec = charts.dumbbells(good.explanation, label, _)
    assert rows(spec, "x") == [{"x": 0.0}]
    shown = good.explanation.contrasts.filter((pl.col("label") == label) & pl.col("shown")).sort("rank").head(5)
    drawn_rows = rows(spec, "at", "lo", "hi")
    assert len(drawn_rows) == shown.height
    for row, told in zip(drawn_rows, shown.iter_rows(named=True), strict=True):
        assert row["lo"] <= row["at"] <= row["hi"]
        assert np.sign(row["at"]) == np.sign(told["effect"])
        if told["kind"] == "number" and abs(told["effect"]) < 2.5:
            assert row["at"] == pytest.approx(told["effect"], abs=1e-3)
    # One scale for every segment.
    domains = {
        json.dumps(layer["encoding"]["x"]["scale"]["domain"])
        for each in charts.explained(good.explanation)
        for layer in charts.dumbbells(good.explanation, each, _)["layer"]
        if "scale" in layer["encoding"].get("x", {})
    }
    assert len(domains) == 1


def test_sizes_against_value_end_at_their_shares_and_their_labels_lie_apart(good) -> None:
    ends = rows(charts.size_against_value(good.result, words_for("en")), "customer_share", "left_y")
    expected = good.result.sizes.filter(pl.col("n_customers") > 0).select("customer_share", "revenue_share").rows()
    assert [(row["customer_share"], row["revenue_share"]) for row in ends] == expected
    for side in ("left_y", "right_y"):
        places = sorted(row[side] for row in ends)
        assert min(b - a for a, b in itertools.pairwise(places)) > 0.02


def test_labels_are_moved_apart_as_little_as_possible() -> None:
    assert spread([0.1, 0.5, 0.9], 0.1) == pytest.approx([0.1, 0.5, 0.9])
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.9, 0.1, 0.12], 0.1) == pytest.approx([0.9, 0.06, 0.16])
    assert spread([], 0.1) == []


def test_the_rfm_grid_holds_every_customer_in_the_cell_of_its_segment(rfm) -> None:
    cells = grid_cells(rfm.result)
    assert cells["n_customers"].sum() == rfm.result.n_customers
    assert cells.select("r", "worth").is_unique().all(), "a cell belongs to one segment"
    assert cells["revenue"].sum() == pytest.approx(rfm.customers.frame["revenue"].sum())
    by_label = dict(cells.group_by("label").agg(pl.col("n_customers").sum()).iter_rows())
    assert by_label == dict(
        rfm.result.sizes.filter(pl.col("n_customers") > 0).select("label", "n_customers").iter_rows()
    )
    told = rows(charts.rfm_grid(rfm.result, words_for("en")), "count", "share")
    few = cells.filter(pl.col("n_customers") < PRIVACY_LIMIT).height
    assert sum(row["count"] == f"<{PRIVACY_LIMIT}" for row in told) == few
    assert sum(row["share"] == "–" for row in told) == few


def test_the_evidence_marks_what_is_shown_and_recommended_and_draws_the_references(good) -> None:
    _ = words_for("en")
    spec = charts.number_of_segments(good.result, good.evidence, _)
    assert rows(spec, "n_segments", "text") == [{"n_segments": 3, "text": "shown, recommended"}]
    assert len(rows(spec, "measure")) == 2 * good.evidence.numbers.height
    band = rows(spec, "low", "high")
    references = good.evidence.references
    assert [row["high"] for row in band] == references.group_by("n_segments").agg(pl.col("high").max()).sort(
        "n_segments"
    )["high"].to_list()
    other = segment(good.customers, SegmentationSpec(features=FEATURES, n_segments=5))
    assert charts.number_of_segments_finding(other, good.evidence, _) == "The evidence speaks for 3; 5 are shown"
    texts = {row["text"] for row in rows(charts.number_of_segments(other, good.evidence, _), "n_segments", "text")}
    assert texts == {"shown", "recommended"}
    assert "3" in charts.reason_sentence(good.evidence, _)


def test_the_headline_names_the_strongest_segment_and_says_whether_the_structure_is_real(good) -> None:
    card = charts.headline(good.result, good.evidence, words_for("en"))
    top = (
        good.result.sizes.with_columns(power=pl.col("revenue_share") / pl.col("customer_share"))
        .sort("power")
        .row(-1, named=True)
    )
    assert card.finding == f"{top['customer_share']:.0%} of customers bring {top['revenue_share']:.0%} of revenue"
    assert [metric.tone for metric in card.metrics[-2:]] == ["good", "good"]
    assert "real groups" in card.sentence
    chinese = charts.headline(good.result, good.evidence, words_for("zh_TW"))
    assert not any("萬" in metric.value for metric in chinese.metrics)


def test_a_cut_through_a_continuum_says_so() -> None:
    values = np.random.default_rng(1).normal(size=(500, 4))
    names = ("a", "b", "c", "d")
    frame = pl.DataFrame({"customer_id": [f"c{i}" for i in range(500)], **dict(zip(names, values.T, strict=True))})
    flat = case(CustomerTable(frame, date(2026, 6, 30), "", names, (), "flat"), SegmentationSpec(features=names))
    _ = words_for("en")
    card = charts.headline(flat.result, flat.evidence, _)
    assert card.sentence.startswith("No cluster structure here: any cut is a convenience")
    assert card.metrics[2].tone == "watch"
    assert charts.number_of_segments_finding(flat.result, flat.evidence, _).startswith("No cluster structure")


def test_rules_are_read_as_conditions_with_units(good) -> None:
    _ = words_for("en")
    row = {"field": "n_orders", "level": None, "kind": "number", "lo": 7.0, "hi": None, "whole": True, "has": None}
    from analytics.charts.segmentation.explanation import condition_words

    assert condition_words(row, "TWD", _) == "Orders at least 8"
    assert condition_words({**row, "hi": 20.0}, "TWD", _) == "Orders 8–20"
    assert condition_words({**row, "field": "recency_days", "lo": 480.0}, "TWD", _) == "Days since last order over 480"
    assert condition_words({**row, "field": "recency_days", "lo": 90.0, "hi": 200.0}, "TWD", _).endswith(" 91–200")
    assert condition_words({**row, "lo": None, "hi": 3.0}, "TWD", _) == "Orders at most 3"
    money = {**row, "field": "mean_order_value", "lo": 4000.0, "whole": False}
    assert condition_words(money, "TWD", _) == "Average order value over NT$4,000"
    city = {**row, "field": "city", "level": "Taipei", "kind": "category", "has": True}
    assert condition_words(city, "TWD", _) == "City is Taipei"
    mix = {**row, "field": "category_mix", "level": "Books", "kind": "counts", "lo": 0.4, "whole": False}
    assert condition_words(mix, "TWD", _) == "Categories bought: Books over 40%"
    table = charts.rules_table(good.explanation, _)
    assert all("%" in line["Of the segment found"] for line in table)


def test_a_persons_own_name_is_everywhere_and_harmless(good) -> None:
    _ = words_for("en")
    label = good.result.names[0][0]
    named = rename_segments(good.result, ((label, "**VIP** [x](y)"),))
    assert charts.segment_names(named.names, _)[label] == "1 · **VIP** [x](y)"
    assert charts.spoken_names(named.names, _)[label] == r"\*\*VIP\*\* \[x\]\(y\)"
    assert charts.sizes_table(named, _)["segment"][0] == "1 · **VIP** [x](y)"
    assert charts.card_title(named, label, _).startswith(r"1 · \*\*VIP")
    assert charts.members_table(named, _)["segment"].str.contains("VIP").any()
    finding = charts.size_against_value_finding(named, _)
    assert "**" not in finding.replace(r"\*", "")


def test_every_form_of_a_proposed_name_has_words_in_each_language() -> None:
    codes = (
        "loyal",
        "rest",
        "prefers:Books",
        "through:app",
        "pays:cash",
        "mostly:female",
        "more:age",
        "less:age",
        "own:Ours",
    )
    pairs = (
        ("occasional", "big_baskets"),
        ("group", "prefers:Books"),
        ("lapsed", "long_ago"),
        ("pays:card", "more:age"),
    )
    joined = [JOINED.join(pair) for pair in pairs]
    for language in LANGUAGES:
        _ = words_for(language)
        said = [charts.segment_name(code, _) for code in (*codes, *joined)]
        assert len(set(said)) == len(said)
        assert not any(JOINED in name or "{" in name for name in said)
    assert charts.segment_name("prefers:Books", words_for("en")) == "Books fans"
    assert charts.segment_name(f"occasional{JOINED}big_baskets", words_for("en")) == "Occasional, big baskets"
