"""The one table of who may do what, row by row: every kind of visitor with every kind of work."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from analytics.workspace import Workspace
from store.access import DEEDS, decide
from store.model import Access, Deed, Link, Person, Record, Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOCAL, BROWSER, OTHER = Person("l", "local"), Person("b", "browser"), Person("o", "browser")
MEMBER, COLLEAGUE = (
    Person("m", "member", "Mei", "mei@example.org"),
    Person("c", "member", "Chen", "chen@example.org"),
)
RECORD = Record("w" * 32, "", 1, Workspace(), "upload", MEMBER, MEMBER, NOW)
OF_BROWSER = replace(RECORD, owner=BROWSER)
VIEW = Link("k" * 32, RECORD.id, "view", NOW, MEMBER)
EDIT = replace(VIEW, role="edit")
EVERYTHING = frozenset(get_args(Deed))

# As the documentation has it, written again by hand.
MAY = {
    "out": "",
    "world": "look change see_rows export export_ids erase",
    "view": "look export",
    "edit": "look export change upload see_rows save",
    "owner": "look export change upload see_rows save export_ids share erase delete",
}


def decided(
    person: Person | None,
    record: Record | None = None,
    link: Link | None = None,
    role: Role | None = None,
    *,
    sign_in: bool = False,
    owners: frozenset[str] = frozenset(),
) -> Access:
    return decide(person, record, link, role, sign_in=sign_in, owners=owners, now=NOW)


def test_the_table_is_what_the_documentation_says() -> None:
    assert {role: frozenset(deeds.split()) for role, deeds in MAY.items()} == dict(DEEDS)
    assert DEEDS["view"] < DEEDS["edit"] < DEEDS["owner"]
    assert EVERYTHING - DEEDS["owner"] == {"operate"}


@pytest.mark.parametrize(
    ("person", "record", "link", "member_role", "sign_in", "role"),
    [
        # Nothing stored is open.
        (None, None, None, None, False, "world"),
        (None, None, None, None, True, "out"),
        (BROWSER, None, None, None, False, "world"),
        (MEMBER, None, None, None, True, "world"),
        (LOCAL, None, None, None, False, "world"),
        # One's own, somebody else's, and by membership.
        (BROWSER, OF_BROWSER, None, None, False, "owner"),
        (OTHER, OF_BROWSER, None, None, False, "out"),
        (None, OF_BROWSER, None, None, False, "out"),
        (MEMBER, RECORD, None, None, True, "owner"),
        (COLLEAGUE, RECORD, None, None, True, "out"),
        (COLLEAGUE, RECORD, None, "view", True, "view"),
        (COLLEAGUE, RECORD, None, "edit", True, "edit"),
        (COLLEAGUE, RECORD, None, "owner", True, "owner"),
        (None, RECORD, None, "owner", True, "out"),
        (BROWSER, RECORD, None, "owner", False, "out"),  # a cookie has no e-mail that anybody vouches for
        (LOCAL, RECORD, None, None, False, "owner"),  # whoever sits at the machine owns its disk
        (LOCAL, RECORD, None, None, True, "out"),
        # By link: its role and never more, for its maker too.
        (None, RECORD, VIEW, None, False, "view"),
        (None, RECORD, VIEW, None, True, "view"),
        (OTHER, RECORD, VIEW, None, False, "view"),
        (MEMBER, RECORD, VIEW, None, True, "view"),
        (COLLEAGUE, RECORD, VIEW, "owner", True, "view"),
        (LOCAL, RECORD, VIEW, None, False, "view"),
        (OTHER, RECORD, EDIT, None, False, "edit"),
        (MEMBER, RECORD, EDIT, None, True, "edit"),
        (None, RECORD, EDIT, None, False, "view"),  # no cookie, so a change would have no name
        (None, RECORD, EDIT, None, True, "out"),  # a change has a name: sign in
        (OTHER, RECORD, replace(VIEW, role="owner"), None, False, "view"),  # a row that somebody tampered with
        # A link that does not hold.
        (OTHER, RECORD, replace(EDIT, revoked_at=NOW - timedelta(seconds=1)), None, False, "out"),
        (OTHER, RECORD, replace(EDIT, until=NOW), None, False, "out"),
        (OTHER, RECORD, replace(EDIT, until=NOW + timedelta(seconds=1)), None, False, "edit"),
        (OTHER, RECORD, replace(EDIT, workspace_id="x" * 32), None, False, "out"),
        (OTHER, None, EDIT, None, False, "out"),
        (MEMBER, RECORD, replace(EDIT, revoked_at=NOW), None, True, "out"),  # its owner opens it without the link
    ],
)
def test_the_role_of_a_visitor(
    person: Person | None, record: Record | None, link: Link | None, member_role: Role | None, sign_in: bool, role: str
) -> None:
    found = decided(person, record, link, member_role, sign_in=sign_in)
    assert found.role == role
    more = {"upload", "save"} if role == "world" and person is not None else set()
    operates = {"operate"} if person == LOCAL and not sign_in else set()
    assert found.deeds == DEEDS[found.role] | more | operates


def test_who_operates() -> None:
    owners = frozenset({"mei@example.org"})
    assert decided(MEMBER, owners=owners, sign_in=True).may("operate")
    assert decided(replace(MEMBER, email="Mei@Example.org"), owners=owners, sign_in=True).may("operate")
    assert decided(LOCAL).may("operate")
    assert decided(LOCAL, RECORD, VIEW).may("operate"), "it comes with the person"
    for person in (None, BROWSER, COLLEAGUE, replace(MEMBER, email=""), replace(BROWSER, email="mei@example.org")):
        assert not decided(person, owners=owners, sign_in=person is None).may("operate"), person
    assert not decided(LOCAL, sign_in=True).may("operate")
    assert not decided(replace(MEMBER, email=""), owners=frozenset({""})).may("operate")


def test_nobody_without_a_name_changes_anything_stored() -> None:
    """Over all combinations: who is not known never saves, uploads, shares, sees rows of a record or its ids."""
    stored = frozenset({"save", "upload", "share", "delete", "operate"})
    rows = frozenset({"see_rows", "export_ids", "erase", "change"})
    links = (None, VIEW, EDIT, replace(EDIT, revoked_at=NOW), replace(EDIT, role="owner"))
    roles: tuple[Role | None, ...] = (None, "view", "edit", "owner")
    for record, link, role, sign_in in itertools.product((None, RECORD), links, roles, (False, True)):
        found = decided(None, record, link, role, sign_in=sign_in)
        assert not found.deeds & stored
        assert record is None or not found.deeds & rows
        assert not sign_in or found.role in ("out", "view")
