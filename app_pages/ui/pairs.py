"""Pairs of records to decide: side by side with their evidence; one person, two people, or take it back."""

from __future__ import annotations

import dataclasses

import polars as pl
import streamlit as st

from analytics.charts import integration as charts
from analytics.dataset import Dataset
from analytics.i18n import Words
from analytics.integration import MatchResult, MatchSpec, MergeResult
from app_pages.ui import page, session, walk


def review(_: Words, matches: MatchResult, data: Dataset) -> str:
    """The chosen pair and the three things a person can say of it; gives the pair."""
    names = page.draw(charts.pair_names, matches, _)
    pairs = list(names)
    session.bind_valid("pair", pairs)
    share, done = page.draw(charts.progress, matches, _)
    st.progress(share, text=done)
    pair = st.selectbox(_("Pair"), pairs, format_func=names.__getitem__, key="pair")
    at = pairs.index(pair)
    rows = page.draw(charts.pair_rows, matches, data, pair, _)
    st.table(rows, border="horizontal", hide_index=True, alt=names[pair])
    spec, key = session.workspace().matching, _pair(pair)
    with st.container(horizontal=True, vertical_alignment="center"):
        buttons = (
            ("accepted", _("One person"), ":material/merge:", "1", key in spec.accepted),
            ("refused", _("Two people"), ":material/call_split:", "2", key in spec.refused),
            ("", _("Take back"), ":material/undo:", "0", key not in (*spec.accepted, *spec.refused)),
        )
        for where, label, icon, shortcut, stands in buttons:
            st.button(
                label,
                icon=icon,
                key=f"pair-{where or 'open'}",
                shortcut=shortcut,
                disabled=stands,
                on_click=_decide,
                args=(pair, where, pairs[(at + 1) % len(pairs)]),
            )
    with st.container(horizontal=True):
        for shortcut, icon, to, label in (
            ("P", ":material/chevron_left:", at - 1, _("Previous")),
            ("N", ":material/chevron_right:", (at + 1) % len(pairs), _("Next")),
        ):
            st.button(
                label,
                icon=icon,
                key=f"pair-{shortcut}",
                type="tertiary",
                shortcut=shortcut,
                on_click=session.bind,
                args=("pair", pairs[to]),
            )
    return pair


def reason(_: Words, matches: MatchResult, pair: str) -> None:
    """What stands for the pair, and how its score came about."""
    page.heading(page.draw(charts.pair_decision, matches, pair, _), page.draw(charts.pair_reason, matches, pair, _))


def downloads(_: Words, matches: MatchResult, merged: MergeResult) -> dict[str, pl.DataFrame]:
    """Pairs and merged records by their titles, for who may see rows."""
    if not session.may("see_rows"):
        return {}
    return {
        _("Pairs"): walk.shareable(page.draw(charts.pair_table, matches, _), "customer_id_a", "customer_id_b"),
        _("Merged records"): walk.shareable(charts.record_table(merged), "person", "merged_from"),
    }


def told() -> MatchSpec:
    """The choices behind the matching; which pairs were decided, only for who may see rows."""
    chosen = session.workspace().matching
    return chosen if session.may("see_rows") else dataclasses.replace(chosen, accepted=(), refused=())


def _pair(code: str) -> tuple[str, str]:
    first, _dash, second = code.partition("-")
    return first, second


def _decide(code: str, where: str, following: str) -> None:
    """Store the decision and go on to the next pair."""
    pair, spec = _pair(code), session.workspace().matching
    lists = {name: tuple(item for item in getattr(spec, name) if item != pair) for name in ("accepted", "refused")}
    if where:
        lists[where] = (*lists[where], pair)
        session.bind("pair", following)
    session.change_spec("matching", **lists)
