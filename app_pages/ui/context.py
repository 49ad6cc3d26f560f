"""The context bar: which data, as of which day, which population and definitions; undo, language and the share link."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from analytics.dataset import UNKNOWN_DAY, Dataset
from analytics.errors import AnalysisError
from analytics.i18n import N_, Words, escape_markdown
from analytics.population import DefinitionsSpec, PopulationChoices, PopulationSpec, choices
from app_pages.ui import languages, saving, session, sharing, signing_in, walk, widgets
from app_pages.ui.compute import compute

WORLD_NAMES = {
    "marketplace": N_("Marketplace world"),
    "marketplace_dirty": N_("Marketplace world, as dirty as real exports"),
    "streaming": N_("Streaming world: subscriptions"),
}
REVENUE_LABELS = {"net": N_("After discounts"), "gross": N_("Before discounts")}
RETURN_LABELS = {"subtract": N_("Subtracted"), "ignore": N_("Left out")}
ACCOUNT_LABELS = {"test": N_("Test accounts"), "wholesale": N_("Wholesale accounts")}


def bar(_: Words, name: str) -> None:
    """Always in sight on every page. Data that cannot be had yet leave their places empty, never an error."""
    data = _dataset()
    row: dict[str, Any] = {"horizontal": True, "vertical_alignment": "center", "gap": "xsmall"}
    with st.container(**row, key="context"):
        # What is looked at wraps within its own part, so that what one does with it stays together.
        with st.container(**row):
            _looked_at(_, data)
        with st.container(**row, width="content"):
            saving.state(_)
            st.button(
                _("Undo"),
                type="tertiary",
                key="undo",
                disabled=not session.can_undo(),
                on_click=session.undo,
                help=_("Take the last change back"),
            )
            signing_in.account(_)
            languages.choose(_)
            # It tells whether it is open, so that a link's code can close it: it would stand before the dialog.
            with st.popover(_("Share"), icon=":material/share:", key=sharing.PLACE, on_change="rerun"):
                try:
                    sharing.panel(_, name)
                except AnalysisError as error:  # the store is away: everything else goes on
                    st.markdown(_.phrase(f"error.{error.code}", **error.params))


def _looked_at(_: Words, data: Dataset | None) -> None:
    workspace, record, named = session.workspace(), session.record(), escape_markdown(source_name(_))
    if record is not None and record.name:
        named = f"**{saving.short(record.name)}** · {named}"
    st.markdown(f":small[:material/storefront: {named}]", width="content")
    if data is None:
        return
    offered = compute(choices, data)
    if data.as_of != UNKNOWN_DAY:  # data without any date have no such day
        as_of = workspace.population.as_of or data.as_of
        with st.popover(_("As of {day}", day=as_of), icon=":material/event:", type="tertiary", key="as-of"):
            _as_of(_, data, offered)
    with st.popover(summary(_), icon=":material/filter_alt:", type="tertiary", key="population"):
        _population(_, offered)


def source_name(_: Words) -> str:
    """The name of the world, or of the person's own files."""
    workspace = session.workspace()
    if workspace.world:
        return _(WORLD_NAMES[workspace.world])
    names = [source.name for source in workspace.sources]
    if not names:
        return _("No data yet")
    return names[0] if len(names) == 1 else _("{first} and {n} more", first=names[0], n=len(names) - 1)


def require(fields: tuple[str, ...]) -> None:
    """Raise ``AnalysisError`` (``table_missing``, ``fields_missing``) when the present data lack what a page needs."""
    data = walk.observed()
    missing = data.missing(*fields)
    if not missing:
        return
    table = missing[0].partition(".")[0]
    if table not in data.tables:
        raise AnalysisError("table_missing", table=table)
    raise AnalysisError("fields_missing", table=table, fields=", ".join(missing))


def summary(_: Words) -> str:
    """The population and definitions in a few words: what is left out is always in sight."""
    population, definitions = session.workspace().population, session.workspace().definitions
    parts = []
    if population.countries:
        parts.append(_.listing(population.countries))
    if population.channels:
        parts.append(_.listing(_.label("channel", channel) for channel in population.channels))
    if population.start:
        parts.append(_("from {day}", day=population.start))
    if "wholesale" in population.leave_out:
        parts.append(_("no wholesale"))
    parts = parts or [_("All customers")]
    if definitions.revenue == "gross":
        parts.append(_("before discounts"))
    if definitions.returns == "ignore":
        parts.append(_("returns left out"))
    return " · ".join(escape_markdown(part) for part in parts)


def described(_: Words) -> str:
    """Rows, filters and definitions behind a page's figures, as Markdown."""
    data = walk.observed()
    workspace = session.workspace()
    rows = [
        _("{table}: {n} rows", table=_.phrase(f"table.{table}"), n=frame.height) for table, frame in data.tables.items()
    ]
    definitions = workspace.definitions
    lines = [
        _(
            "Data: {name}; as of {day}",
            name=escape_markdown(source_name(_)),
            day="–" if data.as_of == UNKNOWN_DAY else data.as_of,
        ),
        _("Rows looked at: {rows}", rows=_.listing(rows)),
        _("Population: {population}", population=summary(_)),
        _(
            "Revenue: {revenue}; returns: {returns}",
            revenue=_(REVENUE_LABELS[definitions.revenue]),
            returns=_(RETURN_LABELS[definitions.returns]),
        ),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _dataset() -> Dataset | None:
    try:
        return walk.protected()
    except AnalysisError:
        return None  # the page itself tells it


def _as_of(_: Words, data: Dataset, offered: PopulationChoices) -> None:
    widgets.day(
        "population",
        "as_of",
        _("As of"),
        data.as_of,
        min(offered.first_day or date(1990, 1, 1), data.as_of),
        data.as_of,
        help=_("Everything is shown as it would have been seen at the end of this day."),
    )
    st.button(
        _("Back to the last day of the data"),
        icon=":material/last_page:",
        key="as-of-end",
        on_click=session.change_spec,
        args=("population",),
        kwargs={"as_of": None},
        disabled=not session.may("change"),
    )


def _population(_: Words, offered: PopulationChoices) -> None:
    countries, channels = offered.countries["country"], offered.channels["channel"]
    if len(countries) > 1:
        options = {name: name for name in countries}
        widgets.several("population", "countries", _("Countries"), options, placeholder=_("All"))
    if len(channels) > 1:
        options = {name: _.label("channel", name) for name in channels}
        widgets.several("population", "channels", _("Channels"), options, placeholder=_("All"))
    if offered.first_day and offered.last_day:
        first, last = offered.first_day, offered.last_day
        widgets.day("population", "start", _("Orders from"), first, first, last)
    if not offered.account_types.is_empty():
        options = {code: _(label) for code, label in ACCOUNT_LABELS.items()}
        widgets.several("population", "leave_out", _("Leave out"), options, placeholder=_("Nobody"))
    widgets.segmented(
        "definitions", "revenue", _("Revenue"), {code: _(label) for code, label in REVENUE_LABELS.items()}
    )
    widgets.segmented("definitions", "returns", _("Returns"), {code: _(label) for code, label in RETURN_LABELS.items()})
    st.button(
        _("Everybody, by the usual definitions"),
        icon=":material/restart_alt:",
        key="population-reset",
        on_click=session.change,
        kwargs={"population": PopulationSpec(), "definitions": DefinitionsSpec()},
        disabled=not session.may("change"),
    )
