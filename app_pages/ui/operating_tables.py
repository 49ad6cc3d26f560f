"""The lists of the Operations page: who is here, what vanishes and when, what was done."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from analytics.charts import operations as charts
from analytics.i18n import Words
from app_pages.ui import audience, page, session
from store import holdings, retention, workspaces
from store.holdings import Holding
from store.model import Person

MOST_DEEDS = 200
MOST_LEAVING = 200
SESSION_KINDS = {"session_who": "text", "session_since": "text", "session_seen": "text", "session_open": "text"}
LEAVING_KINDS = {
    "leaving_at": "text",
    "leaving_name": "text",
    "leaving_owner": "text",
    "leaving_opened": "text",
    "leaving_files": "int",
    "leaving_size": "text",
    "leaving_why": "text",
}
DEED_KINDS = {"deed_at": "text", "deed_what": "text", "deed_count": "int", "deed_who": "text", "deed_workspace": "text"}


def sessions(_: Words) -> None:
    """Who is here. No names but those of people who signed in."""
    frame = sessions_frame(_, session.time_zone())
    finding = _.ngettext("{n} browser is connected", "{n} browsers are connected", frame.height)
    page.heading(finding, _("Sessions of this server process; only people who signed in have a name."))
    if frame.height:
        page.table(frame, _, SESSION_KINDS, key="sessions", alt=finding)


def leaving(_: Words, items: tuple[Holding, ...]) -> None:
    """What vanishes, the first to go first."""
    going = retention.leaving(items)
    if going:
        first = moment(going[0].goes_at, session.time_zone(), _)
        finding = _.ngettext(
            "{n} workspace will vanish, at {first}",
            "{n} workspaces will vanish, the first at {first}",
            len(going),
            first=first,
        )
    else:
        finding = _("Nothing will vanish: all work is kept")
    page.heading(
        finding,
        _(
            "What nobody kept and nobody opened goes with its choices, files and links; deleted work waits as long. "
            "Days of retention: {n}.",
            n=retention.keep_days(),
        ),
    )
    if going:
        page.table(leaving_frame(items, _, session.time_zone()), _, LEAVING_KINDS, key="leaving", alt=finding)


def deeds(_: Words) -> None:
    """What was done to work and data, the newest first."""
    frame = deeds_frame(_, session.time_zone())
    finding = _("What was done lately")
    page.heading(
        finding, _("Who shared, took original ids along, erased or deleted, and when; no figures, no customers.")
    )
    if frame.height:
        page.table(frame, _, DEED_KINDS, key="deeds", alt=finding)
    else:
        st.markdown(_("Nothing yet."))


def held() -> tuple[Holding, ...]:
    """All stored workspaces."""
    return holdings.holdings(session.store(), retention.keep_days())


def sessions_frame(_: Words, place: str) -> pl.DataFrame:
    rows = [
        {
            "session_who": who(item.person, _),
            "session_since": moment(item.since, place, _),
            "session_seen": moment(item.seen, place, _),
            "session_open": _("Stored work") if item.workspace_id else _("Sample data, or not stored"),
        }
        for item in audience.present()
    ]
    return _frame(rows, SESSION_KINDS)


def leaving_frame(items: tuple[Holding, ...], _: Words, place: str) -> pl.DataFrame:
    rows = [
        {
            "leaving_at": moment(item.goes_at, place, _),
            "leaving_name": workspace_name(item, _),
            "leaving_owner": who(item.owner, _),
            "leaving_opened": moment(item.opened_at, place, _),
            "leaving_files": item.n_uploads,
            "leaving_size": charts.in_bytes(item.n_bytes, _) if item.n_uploads else "–",
            "leaving_why": _("Deleted") if item.deleted else _("Not kept"),
        }
        for item in retention.leaving(items)[:MOST_LEAVING]
    ]
    return _frame(rows, LEAVING_KINDS)


def deeds_frame(_: Words, place: str) -> pl.DataFrame:
    rows = [
        {
            "deed_at": moment(item.at, place, _),
            "deed_what": _.label("deed", item.deed),
            "deed_count": item.count or None,
            "deed_who": _("The server") if item.deed == retention.SWEEP and not item.person else who(item.person, _),
            "deed_workspace": item.workspace_id[:6] or "–",
        }
        for item in workspaces.deeds(session.store(), MOST_DEEDS)
    ]
    return _frame(rows, DEED_KINDS)


def _frame(rows: list[dict[str, object]], kinds: dict[str, str]) -> pl.DataFrame:
    schema = {name: pl.Int64 if kind == "int" else pl.String for name, kind in kinds.items()}
    return pl.DataFrame(rows, schema=schema)


def moment(when: datetime | None, place: str, _: Words) -> str:
    """In the reader's own time."""
    if when is None:
        return "–"
    try:
        local = when.astimezone(ZoneInfo(place))
    except (ValueError, OSError, LookupError):
        local = when.astimezone(UTC)
    return f"{_.day(local.date())} {local:%H:%M}"


def who(person: Person | None, _: Words) -> str:
    """A member by name; nobody else has one here."""
    if person is None:
        return _("Nobody known")
    if person.kind == "member":
        return person.name or person.email or _("Somebody without a name")
    return _("This machine") if person.kind == "local" else _("A browser")


def workspace_name(item: Holding, _: Words) -> str:
    return item.name or _("Not named ({id})", id=item.workspace_id[:6])
