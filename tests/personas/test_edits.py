"""A person's words: beside the computed ones, through JSON and links, taken back one by one, flagged when stale."""

from __future__ import annotations

import dataclasses

import msgspec
import polars as pl
import pytest

from analytics.personas import (
    PersonaEdits,
    PersonaSpec,
    PersonasResult,
    basis_of,
    describe_personas,
    hide_quote,
    own_features,
    revert,
    write,
)
from analytics.workspace import Workspace, from_json, from_link, to_json, to_link
from tests.personas.worlds import world


@pytest.fixture(scope="module")
def result() -> PersonasResult:
    customers, labels, dataset = world()
    return describe_personas(customers, labels, PersonaSpec(), dataset)


def test_write_replace_revert() -> None:
    edits = write(PersonaEdits(), "segments", "1", "name", "  Weekend\n Wei ", "b1")
    assert edits.find("segments", "1", "name").text == "Weekend Wei"
    edits = write(edits, "segments", "2", "name", "Quiet Qi", "b2")
    edits = write(edits, "segments", "1", "name", "Sunday Wei", "b3")
    assert len(edits.edits) == 2
    assert (edits.find("segments", "1", "name").text, edits.find("segments", "1", "name").basis) == ("Sunday Wei", "b3")
    assert edits.find("own", "1", "name") is None
    assert write(edits, "segments", "1", "name", "   ", "b4") == revert(edits, "segments", "1", "name")
    assert revert(edits, "segments", "1", "name").find("segments", "2", "name").text == "Quiet Qi"
    assert len(write(edits, "own", "1", "name", "x" * 900, "").find("own", "1", "name").text) == 40
    many = PersonaEdits()
    for i in range(300):
        many = write(many, "segments", str(i), "line", "words", "")
    assert len(many.edits) == 200


def test_a_quote_can_be_hidden_and_put_back() -> None:
    edits = hide_quote(hide_quote(PersonaEdits(), "q1"), "q1")
    assert edits.hidden_quotes == ("q1",)
    assert hide_quote(edits, "q1", hidden=False) == PersonaEdits()


def test_the_basis_follows_what_is_told_and_nothing_else(result: PersonasResult) -> None:
    fields = ("name", "line", "goals", "needs", "pains")
    before = {field: basis_of(result, "1", field, "loyal") for field in fields}
    assert len(set(before.values())) == 5
    assert before == {
        field: basis_of(dataclasses.replace(result, key="other"), "1", field, "loyal") for field in fields
    }
    assert basis_of(result, "1", "name", "new") != before["name"]
    nudged = dataclasses.replace(result, needs=result.needs.with_columns(pl.col("value_group") + 0.0001))
    moved = dataclasses.replace(result, needs=result.needs.with_columns(pl.col("value_group") + 0.05))
    assert basis_of(nudged, "1", "needs") == before["needs"]
    assert basis_of(moved, "1", "needs") != before["needs"]
    assert basis_of(moved, "1", "pains") == before["pains"]


def test_edits_travel_in_files_and_in_links_of_the_sample_alone() -> None:
    edits = hide_quote(write(PersonaEdits(), "segments", "1", "name", "週末小薇", "b"), "q1")
    sample, own = Workspace(persona_edits=edits), Workspace(world="", persona_edits=edits)
    assert from_json(to_json(sample))[0].persona_edits == edits
    assert from_json(to_json(own))[0].persona_edits == edits
    assert from_link(to_link(sample))[0].persona_edits == edits
    assert from_link(to_link(own))[0].persona_edits == PersonaEdits()
    long = PersonaEdits()
    for i in range(60):
        words = "".join(chr(0x4E00 + (i * 7919 + j * 104729) % 20000) for j in range(400))
        long = write(long, "segments", str(i), "needs", words, "b")
    opened, refused = from_link(to_link(Workspace(persona_edits=long, language="zh_TW")))
    assert (opened.language, opened.persona_edits, refused) == ("zh_TW", PersonaEdits(), ())


def test_hostile_edits_are_refused_and_cost_only_themselves() -> None:
    body = msgspec.json.decode(to_json(Workspace(language="zh_TW")))
    for edit in (
        {"source": "segments", "label": "1", "field": "revenue", "text": "x"},
        {"source": "segments", "label": "1", "field": "name", "text": "x" * 5000},
        {"source": "elsewhere", "label": "1", "field": "name", "text": "x"},
    ):
        body["choices"] = {"language": "zh_TW", "persona_edits": {"edits": [edit]}}
        opened, refused = from_json(msgspec.json.encode(body))
        assert (opened.persona_edits, opened.language, refused) == (PersonaEdits(), "zh_TW", ("persona_edits",))


# ---- groups of their own


def test_own_groups_start_from_what_is_known_of_most() -> None:
    customers, _labels, _dataset = world()
    assert own_features(customers) == ("category_mix", "channel_mix", "age", "gender")
    unmixed = tuple(trait for trait in customers.traits if trait.kind != "counts")
    assert own_features(dataclasses.replace(customers, traits=unmixed)) == ("n_orders", "age", "gender")
    thin = customers.frame.with_columns(gender=pl.when(pl.int_range(pl.len()) % 2 == 0).then("gender"))
    assert "gender" not in own_features(dataclasses.replace(customers, frame=thin))
