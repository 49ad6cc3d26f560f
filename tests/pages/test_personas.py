"""The personas page: its cards, a person's words on them with undo and stale marks, groups of their own, downloads."""

from __future__ import annotations

import dataclasses

from streamlit.testing.v1 import AppTest

from analytics.i18n import words_for
from analytics.personas import PersonaEdits, PersonaSpec, write
from analytics.workspace import Workspace
from tests.pages.test_pages import app, assert_sound, figures, go


def said(test: AppTest) -> str:
    return "\n".join(item.value for item in test.markdown)


def badges(test: AppTest) -> str:
    return "\n".join(item.value for item in test.markdown if "badge" in item.value)


def names(test: AppTest) -> list[str]:
    return [item.value.replace("\\", "") for item in test.subheader]


def test_each_card_says_who_what_they_need_and_in_whose_words() -> None:
    test = app("personas")
    assert_sound(test)
    n = int(figures(test)["Personas"])
    text = said(test)
    assert text.count("**Who they are**") == n
    assert text.count("**Pains**") == n
    assert text.count("**In their words**") == n
    assert text.count("**Payment**") == n
    assert "women" in text
    assert "praise · rating" in text
    assert "criticism · rating" in text
    assert len([button for button in test.button if button.key.startswith("edit-")]) == n
    assert len(test.table) == 1
    rows = test.table[0].value
    assert rows.shape[1] == n + 1
    assert any("▲" in str(cell) for cell in rows.to_numpy().ravel())
    assert "Stability" in figures(test)


def test_a_person_writes_on_a_card_and_takes_it_back() -> None:
    test = app("personas")
    before = names(test)
    test.button(key="edit-1").click().run()
    test.text_input(key="edit-name-1").set_value("Weekend *Wei*")
    test.text_area(key="edit-pains-1").set_value("They hate waiting.")
    quote = next(item for item in test.checkbox if item.key.startswith("quote-1-"))
    hidden = quote.label
    quote.uncheck()
    test.button(key="keep-1").click().run()
    assert_sound(test)
    assert names(test)[1:] != before[1:]
    assert "Weekend *Wei*" in names(test)
    assert "They hate waiting" in said(test)
    shown = hidden.removeprefix("Show ")
    assert shown not in said(test)
    go(test, "segmentation")
    go(test, "personas")
    assert "Weekend *Wei*" in names(test)
    test.button(key="undo").click().run()
    assert names(test) == before
    assert shown in said(test)


def test_words_whose_figures_have_changed_are_kept_and_marked() -> None:
    edits = write(PersonaEdits(), "segments", "1", "line", "Always first in the queue.", "another basis")
    edits = write(edits, "own", "1", "name", "Not of this cut", "")
    for language in ("en", "zh_CN", "zh_TW"):
        _ = words_for(language)
        test = app("personas", Workspace(language=language, persona_edits=edits))
        assert_sound(test)
        assert "Always first in the queue" in said(test)
        assert _("Check again: {fields}", fields=_.phrase("edited.line")) in badges(test)
        assert "Not of this cut" not in names(test)
    test.button(key="edit-1").click().run()
    test.button(key="revert-line-1").click().run()
    assert "Always first in the queue" not in said(test)


def test_groups_of_their_own_are_cut_by_behaviour_and_attributes() -> None:
    own = PersonaSpec(source="own", own_number=4, own_features=("n_orders", "mean_order_value", "age"))
    test = app("personas", Workspace(personas=own))
    assert_sound(test)
    assert figures(test)["Personas"] == "4"
    assert test.selectbox(key="personas.own_number").value == 4
    chosen = test.multiselect(key="personas.own_features")
    assert chosen.value == ["n_orders", "mean_order_value", "age"]
    chosen.set_value(["n_orders", "mean_order_value"]).run()
    assert_sound(test)
    assert "Age" not in next(item.value for item in test.markdown if "differ by construction" in item.value)
    test.segmented_control(key="personas.source").set_value("segments").run()
    assert_sound(test)
    assert figures(test)["Personas"] != "4"


def test_fewest_people_hides_cards_and_says_so() -> None:
    spec = PersonaSpec(min_group=100)
    test = app("personas", Workspace(personas=dataclasses.replace(spec, n_quotes=0)))
    assert_sound(test)
    assert "No quotes were asked for" in said(test)
    assert "criticism · rating" not in said(test)
