"""People and colleagues: who is the same person, what is written down and when, whose e-mail counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from analytics.errors import AnalysisError
from store import people
from store.database import Store, open_store
from store.model import Person
from store.tables import MEMBERS, PEOPLE, WORKSPACES

TOKEN = "A" * 43


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.engine.dispose()


def rows(store: Store, table: sa.Table) -> list[sa.Row]:
    with store.read() as connection:
        return list(connection.execute(sa.select(table)).all())


def a_workspace(store: Store, owner: Person, workspace_id: str = "a" * 32) -> str:
    people.ensure(store, owner)
    now = datetime.now(UTC)
    row = {"id": workspace_id, "owner_id": owner.id, "version": 1, "body": "{}", "secret": b"0" * 32}
    moments = {"created_at": now, "changed_at": now, "opened_at": now, "changed_by": owner.id}
    with store.write() as connection:
        connection.execute(sa.insert(WORKSPACES).values(**row, **moments))
    return workspace_id


def test_looking_around_writes_nothing_down(store: Store) -> None:
    for token in (TOKEN, "B" * 43):
        people.browser_person(store, token)
    people.local_person(store)
    people.member(store, "https://id.example", "17", "Ada", "ada@example.com")
    assert rows(store, PEOPLE) == []


def test_the_same_token_is_the_same_person_before_and_after_the_first_save(store: Store) -> None:
    first, again = people.browser_person(store, TOKEN), people.browser_person(store, TOKEN)
    assert first == again
    assert first.kind == "browser"
    assert people.browser_person(store, "B" * 43).id != first.id
    people.ensure(store, first)
    people.ensure(store, first)
    assert people.browser_person(store, TOKEN) == first
    assert len(rows(store, PEOPLE)) == 1
    assert TOKEN not in str(rows(store, PEOPLE)), "the cookie cannot be had from the database"


def test_an_issuer_and_a_subject_make_a_person_and_the_email_does_not(store: Store) -> None:
    ada = people.member(store, "https://id.example", "17", "Ada", "Ada@Example.com")
    assert ada.email == "ada@example.com"
    assert people.member(store, "https://id.example", "17", "Ada L.", "other@example.com").id == ada.id
    assert people.member(store, "https://other.example", "17", "Ada", "ada@example.com").id != ada.id
    assert people.member(store, "https://id.example", "18", "Ada", "ada@example.com").id != ada.id
    # Where one part ends and the next begins is part of the identity.
    assert people.member(store, "https://id.example1", "7").id != people.member(store, "https://id.example", "17").id
    assert people.member(store, "browser", TOKEN).id != people.browser_person(store, TOKEN).id


def test_a_member_is_called_as_the_provider_says_and_a_visitor_as_they_say(store: Store) -> None:
    people.ensure(store, people.member(store, "i", "1", "Ada", "ada@example.com"))
    renamed = people.ensure(store, people.member(store, "i", "1", "Ada Lovelace", "ada@example.com"))
    assert people.person(store, renamed.id) == renamed
    assert renamed.name == "Ada Lovelace"
    with pytest.raises(ValueError, match="provider"):
        people.set_name(store, renamed, "Somebody else")
    visitor = people.set_name(store, people.browser_person(store, TOKEN), "  Li\n Lei ")
    assert visitor.name == "Li Lei"
    people.ensure(store, Person(visitor.id, "browser"))  # a tab that began before keeps the name
    assert people.browser_person(store, TOKEN) == visitor
    assert people.set_name(store, visitor, "").name == "" == people.browser_person(store, TOKEN).name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("李雷", "李雷"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u200b\x00\x1b[31mb", "a[31mb"),
        ("x" * 500, "x" * 120),
        ("\n\t ", ""),
        ("![](http://evil/x.png)", "![](http://evil/x.png)"),  # escaped where it is shown
    ],
)
def test_a_name_is_one_short_line(name: str, shown: str) -> None:
    assert people.clean_name(name) == shown
    assert not any(unicodedata.category(letter) in {"Cc", "Cf"} for letter in people.clean_name(name))


def test_an_address_is_compared_without_one_passing_for_another() -> None:
    assert people.email_key("  Kim@Example.COM ") == "kim@example.com"
    kelvin = "\u212aim@example.com"
    assert kelvin.lower() == "kim@example.com"
    assert people.email_key("stra\u00dfe@example.com") != people.email_key("strasse@example.com")
    for odd in (
        "",
        "kim",
        "@example.com",
        "a@b@c",
        "a b@c.d",
        "a@b.c, d@e.f",
        "<a@b.c>",
        "a@b\u202e.c",
        "a" * 400,
        kelvin,
    ):
        with pytest.raises(AnalysisError, match="email_odd"):
            people.email_key(odd)


def test_a_colleague_gets_a_role_another_role_and_none(store: Store) -> None:
    owner = people.member(store, "i", "1", "Ada", "ada@example.com")
    one, other = a_workspace(store, owner), a_workspace(store, owner, "b" * 32)
    people.add_member(store, one, "Ben@example.com", "view", owner)
    ben = people.member(store, "i", "2", "Ben", "ben@EXAMPLE.com")
    assert people.role_of(store, one, ben) == "view"
    assert people.role_of(store, other, ben) is None, "a role is of one workspace"
    people.add_member(store, one, "ben@example.com", "edit", owner)
    people.add_member(store, one, "amy@example.com", "owner", owner)
    assert [(m.email, m.role, m.added_by) for m in people.members(store, one)] == [
        ("amy@example.com", "owner", owner),
        ("ben@example.com", "edit", owner),
    ]
    assert people.remove_member(store, one, "BEN@example.com") is True
    assert people.remove_member(store, one, "ben@example.com") is False
    assert people.role_of(store, one, ben) is None


def test_an_address_nobody_vouches_for_opens_nothing(store: Store) -> None:
    owner = people.member(store, "i", "1", "Ada", "ada@example.com")
    one = a_workspace(store, owner)
    people.add_member(store, one, "ben@example.com", "edit", owner)
    for stranger in (
        people.member(store, "i", "2", "ben@example.com"),
        Person(people.browser_person(store, TOKEN).id, "browser", "Ben", "ben@example.com"),
        Person(people.local_person(store).id, "local", "Ben", "ben@example.com"),
        None,
    ):
        assert people.role_of(store, one, stranger) is None


def test_who_cannot_be_added(store: Store) -> None:
    owner = people.member(store, "i", "1", "Ada", "ada@example.com")
    one = a_workspace(store, owner)
    for email, code in [("ADA@example.com", "member_is_owner"), ("nobody", "email_odd")]:
        with pytest.raises(AnalysisError, match=code):
            people.add_member(store, one, email, "view", owner)
    with pytest.raises(AnalysisError, match="workspace_unknown"):
        people.add_member(store, "f" * 32, "ben@example.com", "view", owner)
    with pytest.raises(ValueError, match="operate"):
        people.add_member(store, one, "ben@example.com", "operate", owner)
    assert rows(store, MEMBERS) == []


def test_a_workspace_has_room_for_so_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MAX_MEMBERS", 2)
    owner = people.member(store, "i", "1", "Ada", "ada@example.com")
    one = a_workspace(store, owner)
    for name in ("b", "c"):
        people.add_member(store, one, f"{name}@example.com", "view", owner)
    people.add_member(store, one, "c@example.com", "edit", owner)  # a new role needs no new place
    with pytest.raises(AnalysisError, match="too_many_members"):
        people.add_member(store, one, "d@example.com", "view", owner)


def test_two_tabs_that_begin_at_once_are_one_person(store: Store) -> None:
    def begin(_: int) -> Person:
        return people.ensure(store, people.browser_person(store, TOKEN))

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(begin, range(24)))) == 1
    assert len(rows(store, PEOPLE)) == 1


def test_a_visit_is_written_down_once_an_hour(store: Store) -> None:
    person = people.ensure(store, people.browser_person(store, TOKEN))
    (first,) = rows(store, PEOPLE)
    people.ensure(store, person)
    assert rows(store, PEOPLE) == [first]
    long_ago = datetime.now(UTC) - timedelta(days=2)
    with store.write() as connection:
        connection.execute(sa.update(PEOPLE).values(seen_at=long_ago))
    people.ensure(store, person)
    assert rows(store, PEOPLE)[0].seen_at > long_ago + timedelta(days=1)


def test_nobody_is_known_under_a_made_up_number(store: Store) -> None:
    with pytest.raises(AnalysisError, match="person_unknown"):
        people.person(store, "../../etc/passwd")
    assert people.people(store, ["f" * 32]) == {}
