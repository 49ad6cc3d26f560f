"""Persona cards: five bars at most with the figures of the result, sentences in every language."""

from __future__ import annotations

import itertools
import json
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from analytics.charts import persona_card
from analytics.charts import personas as charts
from analytics.customers import CustomerLabels, CustomerTable
from analytics.i18n import LANGUAGES, words_for
from analytics.personas import PersonaEdits, PersonaSpec, PersonasResult, describe_personas, write

ROOT = Path(__file__).parents[2]
NAMES = {"1": "1 · Champions", "2": "2 · Loyal", "3": "3 · New"}


def described(planted: bool = True, groups: int = 3, n: int = 1500) -> PersonasResult:
    rng = np.random.default_rng(0)
    group = rng.integers(1, groups + 1, n)
    first = (group == 1) & planted
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "n_orders": rng.poisson(np.where(first, 12, 4)) + 1,
            "mean_order_value": np.exp(rng.normal(6, 0.3, n)),
            "recency_days": rng.integers(0, 365, n) // np.where(first, 4, 1),
            "age": np.where(rng.random(n) < 0.3, None, rng.integers(18, 80, n).astype(object)).tolist(),
            "gender": np.where(rng.random(n) < 0.5, "female", "male"),
            "app [x](y)": np.where(rng.random(n) < np.where(first, 0.7, 0.3), "a*b", "c_d"),
            "uses_app": rng.random(n) < np.where(first, 0.7, 0.3),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    customers = CustomerTable(
        frame,
        date(2026, 6, 30),
        "TWD",
        ("n_orders", "mean_order_value", "recency_days", "revenue"),
        ("age", "gender", "app [x](y)", "uses_app"),
        "k",
    )
    labels = CustomerLabels(
        frame.select("customer_id", pl.Series("label", [str(g) for g in group])),
        tuple(str(i) for i in range(1, groups + 1)),
        "segment",
        "l",
    )
    return describe_personas(customers, labels, PersonaSpec(built_from=("n_orders", "recency_days")))


@pytest.fixture(scope="module")
def results() -> dict[str, PersonasResult]:
    good = described()
    return {
        "good": good,
        "nothing differs": described(planted=False),
        "one group": described(groups=1),
        "no money": replace(
            good,
            cards=good.cards.with_columns(revenue=pl.lit(None, pl.Float64), revenue_share=pl.lit(None, pl.Float64)),
        ),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_builds(results, language) -> None:
    _ = words_for(language)
    for name, result in results.items():
        head = charts.headline(result, NAMES, 0.91, _)
        assert head.finding, name
        assert 3 <= len(head.metrics) <= 4
        assert charts.traits_note(result, _)
        assert charts.cards_finding(result, _)
        for label in result.cards["label"]:
            assert json.dumps(charts.traits(result, label, NAMES, _))
            card = persona_card.card(result, label, NAMES, NAMES, PersonaEdits(), _)
            assert 3 <= len(card.metrics) <= 4
            said = [card.line, card.similar, card.evidence, card.people, charts.traits_finding(result, label, _)]
            for text in [*said, *(text for section in card.sections for text in section)]:
                assert text
                assert "{" not in text


def test_bars_and_ticks_are_the_traits_figures(results) -> None:
    result = results["good"]
    spec = charts.traits(result, "1", NAMES, words_for("en"))
    data = next(rows for rows in spec["datasets"].values() if "bar" in rows[0])
    shown = result.traits.filter((pl.col("label") == "1") & pl.col("shown"))
    assert 3 <= len(data) == shown.height <= 5
    for row, trait in zip(data, shown.iter_rows(named=True), strict=True):
        whole = max(trait["value_group"], trait["value_rest"]) if trait["kind"] == "number" else 1
        assert row["bar"] == pytest.approx(trait["value_group"] / whole, abs=1e-3)
        assert row["tick"] == pytest.approx(trait["value_rest"] / whole, abs=1e-3)
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale == {"domain": list(NAMES.values()), "range": "category"}
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "tick", "text", "text"]


def test_sentences_say_what_differs_and_what_does_not(results) -> None:
    _ = words_for("en")
    good = results["good"]
    assert "orders more often" in persona_card.one_line(good, "1", _)
    assert "Orders" in charts.built_in_note(good, _)
    assert (
        persona_card.one_line(results["nothing differs"], "1", _) == "Does not differ clearly from the other customers."
    )
    assert (
        charts.headline(results["nothing differs"], NAMES, None, _).finding
        == "No persona differs clearly from the rest"
    )
    assert charts.built_in_note(results["nothing differs"], _) == ""
    assert "Age 7" in persona_card.evidence_line(good, "1", _)
    n = good.cards["n_customers"][0]
    assert f"{n} people" in persona_card.evidence_line(good, "1", _)


def test_english_headings_are_short(results) -> None:
    _ = words_for("en")
    for result in results.values():
        card = charts.headline(result, NAMES, 0.5, _)
        assert len(card.finding) <= 60
        assert all(len(metric.label) <= 20 for metric in card.metrics)
        for label in result.cards["label"]:
            assert all(len(metric.label) <= 20 for metric in persona_card.card_metrics(result, label, _))


def test_initials() -> None:
    assert persona_card.initials("2 · Big baskets") == "BB"
    assert persona_card.initials("1 · 常勝") == "常"
    assert persona_card.initials("") == "?"
    assert persona_card.initials("· ·") == "?"


def test_a_portrait_is_letters_on_the_groups_colour_and_nothing_else(results) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    assert list(persona_card.LIGHT) == config["light"]["chartCategoricalColors"]
    assert list(persona_card.DARK) == config["dark"]["chartCategoricalColors"]
    color = persona_card.color_of(results["good"], "2")
    assert color == persona_card.LIGHT[1]
    drawn = persona_card.portrait("<&", color)
    assert ElementTree.fromstring(drawn).find("{http://www.w3.org/2000/svg}text").text == "<&"
    assert "<image" not in drawn


# ---- what a person writes


def test_own_words_stand_beside_the_computed_ones_and_are_flagged_when_these_change(results) -> None:
    _ = words_for("en")
    good = results["good"]
    fresh = persona_card.card(good, "1", NAMES, {"1": "champions"}, PersonaEdits(), _)
    edits = write(PersonaEdits(), "segments", "1", "name", "Weekend Wei", fresh.basis["name"])
    edits = write(edits, "segments", "1", "line", "Always first in the queue.", fresh.basis["line"])
    edits = write(edits, "own", "1", "name", "Another cut", "")
    card = persona_card.card(good, "1", NAMES, {"1": "champions"}, edits, _)
    assert (card.name, card.initials, card.line) == ("Weekend Wei", "WW", "Always first in the queue.")
    assert card.computed["name"] == "1 · Champions"
    assert card.computed["line"] == fresh.line
    assert card.stale == ()
    assert card.metrics == fresh.metrics
    renamed = persona_card.card(good, "1", NAMES, {"1": "loyal"}, edits, _)
    assert renamed.stale == ("name",)
    changed = persona_card.card(results["nothing differs"], "1", NAMES, {"1": "champions"}, edits, _)
    assert changed.stale == ("line",)
    assert changed.line == "Always first in the queue."


# ---- side by side


def test_side_by_side_shows_value_mark_and_word(results) -> None:
    good = results["good"]
    rows = charts.comparison(good, NAMES, words_for("en"))
    assert all(list(row) == ["", *NAMES.values()] for row in rows)
    held = {row[""]: row for row in rows}
    assert held["Customers"]["1 · Champions"] == f"{good.cards['n_customers'][0]:,}"
    for (label, name), verdict in itertools.product(NAMES.items(), ("n_orders",)):
        row = good.traits.filter((pl.col("label") == label) & (pl.col("field") == verdict)).row(0, named=True)
        word = {"similar": "= alike", "unclear": "? unclear"}.get(row["verdict"])
        word = word or ("▲ more" if row["effect"] > 0 else "▼ less")
        assert held["Orders"][name].endswith(word)
        assert held["Orders"][name].startswith(f"{row['value_group']:.0f}")
    assert len(rows) <= charts.MOST_ROWS + 3
