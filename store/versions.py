"""The versions behind one workspace: which of them the history shows, and which are kept for how long.

Every save is a row. Kept are

- for an hour: all of them, so that a late save finds the version it had started from;
- for a day: of the saves made by themselves, by one person after the other, the last in each ten minutes of the clock;
- for thirty days the last in each hour, then the last in each day, at most ``MOST_AUTOMATIC``;
- what has a note, the first and the newest version: always; of those with a note the last ``MOST_NAMED``.

Minutes, hours and days are those of the clock and not counted from a save: what is kept does not depend on when, or how
often, somebody thinned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from analytics.workspace import Workspace, from_json
from store.merging import FIELDS
from store.model import Person, Version
from store.tables import PEOPLE, VERSIONS

TOGETHER = timedelta(minutes=10)
ALL_KEPT = timedelta(hours=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
ONE_A_DAY_AFTER, ONE_AN_HOUR_AFTER = timedelta(days=30), timedelta(days=1)
MOST_AUTOMATIC, MOST_NAMED = 1000, 500
THIN_EVERY = 25  # saves


class Saved(NamedTuple):
    """One save, without its choices."""

    number: int
    by: str
    at: datetime
    note: str


def shown(saves: Sequence[Saved]) -> list[int]:
    """The numbers that the history shows, in order: of each run of saves that belong together, the last.

    ``saves`` are in the order of their numbers.
    """
    after = [*saves[1:], None][: len(saves)]
    return [one.number for one, following in zip(saves, after, strict=True) if not _hides(one, following)]


def _hides(one: Saved, after: Saved | None) -> bool:
    return (
        after is not None
        and not one.note
        and not after.note
        and one.by == after.by
        and _of_clock(one.at, TOGETHER) == _of_clock(after.at, TOGETHER)
    )


def needed(saves: Sequence[Saved], moment: datetime) -> set[int]:
    """The numbers of those of ``saves``, in the order of their numbers, that are kept at ``moment``."""
    if not saves:
        return set()
    visible = set(shown(saves))
    always = {saves[0].number, saves[-1].number}
    always |= {one.number for one in saves if moment - one.at < ALL_KEPT}
    always |= set([one.number for one in saves if one.note][-MOST_NAMED:])
    last: dict[tuple[str, int], int] = {}
    for one in saves:
        if one.note or one.number not in visible:
            continue
        hour, day = _of_clock(one.at, _HOUR), _of_clock(one.at, _DAY)
        if _age(day, _DAY, moment) >= ONE_A_DAY_AFTER:
            last["day", day] = one.number
        elif _age(hour, _HOUR, moment) >= ONE_AN_HOUR_AFTER:
            last["hour", hour] = one.number
        else:
            last["save", one.number] = one.number
    return always | set(sorted(last.values())[-MOST_AUTOMATIC:])


def _of_clock(moment: datetime, length: timedelta) -> int:
    return int(moment.timestamp() // length.total_seconds())


def _age(number: int, length: timedelta, moment: datetime) -> timedelta:
    """How long ago an hour or a day of the clock came to its end: none of it is treated unlike the rest."""
    return timedelta(seconds=moment.timestamp() - (number + 1) * length.total_seconds())


def entries(connection: sa.Connection, workspace_id: str, limit: int) -> tuple[Version, ...]:
    """The history as it is shown, newest first, each entry with the fields that differ from the one before."""
    numbers = shown(_saves(connection, workspace_id))[-limit - 1 :]
    asked = (
        sa.select(VERSIONS, *(PEOPLE.c[name].label(f"person_{name}") for name in ("id", "kind", "name", "email")))
        .join(PEOPLE, PEOPLE.c.id == VERSIONS.c.by)
        .where(VERSIONS.c.workspace_id == workspace_id, VERSIONS.c.number.in_(numbers))
        .order_by(VERSIONS.c.number)
    )
    found: list[Version] = []
    before: dict[str, Any] = {}
    for row in connection.execute(asked).mappings():
        # As JSON: what one field holds is compared, not understood. An older app's choices stay comparable.
        choices = msgspec.json.decode(row["body"])["choices"]
        changed = tuple(name for name in FIELDS if choices.get(name) != before.get(name)) if found else ()
        by = Person(row["person_id"], row["person_kind"], row["person_name"], row["person_email"])
        found.append(Version(row["number"], by, row["at"], row["page"], row["note"], changed))
        before = choices
    return tuple(reversed(found))[:limit]


def body(connection: sa.Connection, workspace_id: str, number: int) -> str | None:
    """The choices of one version as JSON; None when it is not there."""
    asked = sa.select(VERSIONS.c.body).where(VERSIONS.c.workspace_id == workspace_id, VERSIONS.c.number == number)
    return connection.execute(asked).scalar()


def base(connection: sa.Connection, workspace_id: str, number: int) -> Workspace | None:
    """The choices of a version, or of the nearest older one that is still there."""
    asked = sa.select(VERSIONS.c.body).where(VERSIONS.c.workspace_id == workspace_id, VERSIONS.c.number <= number)
    found = connection.execute(asked.order_by(VERSIONS.c.number.desc()).limit(1)).scalar()
    return None if found is None else from_json(found.encode())[0]


def name_newest(connection: sa.Connection, workspace_id: str, number: int, by: Person, note: str) -> bool:
    """Give the newest version a note, where it has none and is this person's; whether it has it now."""
    named = VERSIONS.update().where(
        VERSIONS.c.workspace_id == workspace_id,
        VERSIONS.c.number == number,
        VERSIONS.c.by == by.id,
        VERSIONS.c.note.in_(["", note]),
    )
    return bool(connection.execute(named.values(note=note)).rowcount)


def mark(connection: sa.Connection, workspace_id: str, number: int, note: str) -> None:
    """Give a version without a note one, so that it is kept."""
    wanted = (VERSIONS.c.workspace_id == workspace_id) & (VERSIONS.c.number == number) & (VERSIONS.c.note == "")
    connection.execute(VERSIONS.update().where(wanted).values(note=note))


def thin_within(connection: sa.Connection, workspace_id: str, moment: datetime) -> int:
    """Let go of what is not kept any more; how many left."""
    saves = _saves(connection, workspace_id)
    stay = needed(saves, moment)
    gone = [one.number for one in saves if one.number not in stay]
    for first in range(0, len(gone), 500):
        part = VERSIONS.c.number.in_(gone[first : first + 500])
        connection.execute(VERSIONS.delete().where(VERSIONS.c.workspace_id == workspace_id, part))
    return len(gone)


def _saves(connection: sa.Connection, workspace_id: str) -> list[Saved]:
    asked = sa.select(VERSIONS.c.number, VERSIONS.c.by, VERSIONS.c.at, VERSIONS.c.note)
    rows = connection.execute(asked.where(VERSIONS.c.workspace_id == workspace_id).order_by(VERSIONS.c.number))
    return [Saved(*row) for row in rows]
