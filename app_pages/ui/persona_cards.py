"""One persona on the page: its card, the form in which a person writes on it, its sheets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from analytics.charts import personas as charts
from analytics.charts.persona_card import Card, color_of, portrait
from analytics.export.persona_sheet import HTML_MIME, PNG_MIME, ZIP_MIME, can_draw, sheet
from analytics.i18n import Words, escape_markdown
from analytics.personas import (
    EDITED_FIELDS,
    MOST_CHARACTERS,
    EditedField,
    PersonaEdits,
    PersonasResult,
    hide_quote,
    revert,
    write,
)
from app_pages.ui import page, session
from app_pages.ui.compute import draw, later, picture

Names = dict[str, str]
IN_SIGHT = ("people", "needs", "pains")  # sections; the others stand in the fold of a card


def show(result: PersonasResult, card: Card, names: Names, _: Words) -> None:
    """One card: who, how many, what sets it apart, what they need and suffer, in whose words, on what evidence."""
    dark = st.context.theme.type == "dark"
    with st.container(border=True, height="stretch", key=f"persona-{card.label}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            drawn = portrait(card.initials, color_of(result, card.label, dark=dark), dark=dark)
            st.image(drawn, width=52, alt=card.initials)
            with st.container(gap=None, width="stretch"):
                st.subheader(escape_markdown(card.name), anchor=False)
                st.markdown(f":small[:gray[{escape_markdown(card.people)}]]")
        st.markdown(escape_markdown(card.line))
        _stale(card, ("name", "line"), _)
        page.metrics(card.metrics, columns=2, narrowest=110)
        finding = draw(charts.traits_finding, result, card.label, _)
        bars = picture(charts.traits, result, card.label, names, _)
        st.vega_lite_chart(bars, width="stretch", key=f"traits-{card.label}", alt=finding)
        for section in card.sections:
            if section[0] in IN_SIGHT:
                _section(card, section, _)
        if card.shown_quotes or card.unquoted:
            _quotes(card, _)
        with st.expander(_("More about them"), icon=":material/unfold_more:", type="compact"):
            for section in card.sections:
                if section[0] not in IN_SIGHT:
                    _section(card, section, _)
            _line(_("Alike"), card.similar)
        st.markdown(f":small[:gray[{escape_markdown(card.evidence)}]]")
        st.space("stretch")
        with st.container(horizontal=True, gap="small"):
            locked = not session.may("change")
            if st.button(_("Edit"), icon=":material/edit:", key=f"edit-{card.label}", type="tertiary", disabled=locked):
                opened = st.dialog(_("Edit the card"), width="medium", on_dismiss="rerun")
                opened(_form)(result, card, _)
            with st.popover(_("Sheet"), icon=":material/print:", type="tertiary"):
                sheets(result, (card,), names, _)


def sheets(result: PersonasResult, cards: tuple[Card, ...], names: Names, _: Words) -> None:
    """Printable sheets as downloads: one card as HTML and PNG, several as an archive."""
    named = tuple(names.items())
    if len(cards) > 1:
        st.download_button(
            _("All sheets (ZIP)"),
            data=later(sheet, result, cards, named, _.language, "zip"),
            file_name="regulars-personas.zip",
            mime=ZIP_MIME,
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        return
    forms = {"html": (_("Page (HTML)"), HTML_MIME, ":material/html:")}
    if can_draw(cards[0], _):
        forms["png"] = (_("Picture (PNG)"), PNG_MIME, ":material/image:")
    for form, (label, mime, icon) in forms.items():
        st.download_button(
            label,
            data=later(sheet, result, cards, named, _.language, form),
            file_name=f"regulars-persona-{cards[0].label}.{form}",
            mime=mime,
            icon=icon,
            on_click="ignore",
            key=f"sheet-{form}-{cards[0].label}",
            width="stretch",
        )
    if "png" not in forms:
        st.markdown(f":small[:gray[{_('No picture: this machine has no font with Chinese characters.')}]]")


def _section(card: Card, section: tuple[str, str, str], _: Words) -> None:
    field, title, said = section
    own = dict(card.own).get(field)
    _line(title, said)
    if own:
        st.markdown(f":material/edit_note: {escape_markdown(own)}")
        _stale(card, (field,), _)


def _line(title: str, said: str) -> None:
    with st.container(gap=None):
        st.markdown(f":small[:gray[**{title}**]]")
        if said:
            st.markdown(f":small[{escape_markdown(said)}]")


def _quotes(card: Card, _: Words) -> None:
    with st.container(gap="xxsmall"):
        st.markdown(f":small[:gray[**{_('In their words')}**]]")
        for quote in card.shown_quotes:
            said = escape_markdown(_.quote(quote.text))
            st.markdown(f":small[{said}]  \n:small[:gray[{escape_markdown(quote.about)}]]")
        if card.unquoted:
            st.markdown(f":small[:gray[{card.unquoted}]]")


def _stale(card: Card, fields: tuple[Any, ...], _: Words) -> None:
    """A word where the figures beneath what a person wrote have changed since."""
    late = [field for field in fields if field in card.stale]
    if late:
        which = _.listing(_.phrase(f"edited.{field}") for field in late)
        st.badge(_("Check again: {fields}", fields=which), icon=":material/history:", color="orange")


def _form(result: PersonasResult, card: Card, _: Words) -> None:
    """What a person can write on a card, beside what was computed. Keeping confirms what was out of date."""
    pressed = []
    with st.form(f"form-{card.label}", border=False):
        for field in EDITED_FIELDS:
            key, most = f"edit-{field}-{card.label}", MOST_CHARACTERS[field]
            replaces = field in ("name", "line")
            label = _.phrase(f"edited.{field}")
            session.bind(key, card.own.get(field, card.computed[field] if replaces else ""))
            if field == "name":
                st.text_input(label, key=key, max_chars=most)
            else:
                st.text_area(label, key=key, max_chars=most, height=72)
            said = card.computed[field]
            if said and (not replaces or field in card.own):
                st.markdown(f":small[:gray[{_('Computed:')} {escape_markdown(said)}]]")
            _stale(card, (field,), _)
            if field in card.own:
                reverted = st.form_submit_button(
                    _("Back to the computed one") if replaces else _("Remove the note"),
                    icon=":material/undo:",
                    type="tertiary",
                    key=f"revert-{field}-{card.label}",
                    on_click=_revert,
                    args=(result.spec.source, card.label, field),
                )
                pressed.append(reverted)
        for quote in card.quotes:
            key = f"quote-{card.label}-{quote.quote_id}"
            session.bind(key, not quote.hidden)
            st.checkbox(_("Show {quote}", quote=_.quote(escape_markdown(quote.text))), key=key)
        pressed.append(st.form_submit_button(
            _("Keep"), type="primary", icon=":material/check:", key=f"keep-{card.label}", on_click=_keep,
            args=(result.spec.source, card),
        ))  # fmt: skip
    if any(pressed):
        st.rerun()


def _keep(source: Any, card: Card) -> None:
    edits: PersonaEdits = session.workspace().persona_edits
    for field in EDITED_FIELDS:
        text = str(session.widget_value(f"edit-{field}-{card.label}"))
        same = " ".join(text.split()) == " ".join(card.computed[field].split())
        edits = write(edits, source, card.label, field, "" if same else text, card.basis[field])
    for quote in card.quotes:
        shown = bool(session.widget_value(f"quote-{card.label}-{quote.quote_id}"))
        if shown == quote.hidden:
            edits = hide_quote(edits, quote.quote_id, hidden=not shown)
    session.change(persona_edits=edits)


def _revert(source: Any, label: str, field: EditedField) -> None:
    session.change(persona_edits=revert(session.workspace().persona_edits, source, label, field))
