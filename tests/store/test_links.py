"""Private links in both databases: told once, opened as shared, refused when revoked, ended, altered or guessed."""

from __future__ import annotations

import base64
import secrets
import string
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.population import PopulationSpec
from analytics.segmentation import SegmentationSpec
from analytics.workspace import SourceRef, Workspace
from store import database, links, people, workspaces
from store.database import Store
from store.model import Link, Person, Record
from store.tables import LINKS

OWN = Workspace(
    language="zh_TW",
    world="",
    sources=(SourceRef("orders.csv", "a" * 64),),
    segmentation=SegmentationSpec(n_segments=4),
    population=PopulationSpec(as_of=datetime(2025, 6, 30).date()),
    customer="K000017",
)
ALPHABET = string.ascii_letters + string.digits + "-_"


def stored(store: Store, token: str = "A" * 43) -> tuple[Record, Person]:
    owner = people.browser_person(store, token)
    people.ensure(store, owner)
    return workspaces.create(store, owner, OWN, "segmentation", secret=b"s" * 32), owner


def shared(store: Store, record: Record, owner: Person, **more: object) -> tuple[Link, str]:
    return links.create_link(store, record.id, "view", owner, workspace=OWN, page="segmentation", **more)


def refused(store: Store, token: str) -> str:
    assert not links.is_open(store, token)
    with pytest.raises(AnalysisError) as caught:
        links.open_link(store, token)
    return caught.value.code


def test_a_link_opens_exactly_what_was_shared(store: Store) -> None:
    record, owner = stored(store)
    made, token = shared(store, record, owner, label="  for the\n board\u202e ")
    assert made.label == "for the board"
    workspaces.save(store, record.id, record.version, Workspace(), "upload", owner)
    opened = links.open_link(store, token)
    assert (opened.page, opened.link.role, opened.link.id) == ("segmentation", "view", made.id)
    assert opened.workspace.segmentation.n_segments == 4
    assert opened.workspace.population == OWN.population
    assert (opened.workspace.language, opened.workspace.sources) == ("zh_TW", OWN.sources)
    assert opened.workspace.customer == "", "no customer's id travels"
    assert opened.record.version == 2, "the newest version stands beside it"
    (listed,) = links.links(store, record.id)
    assert listed.opened_at is not None
    assert listed.created_by == owner


def test_only_a_digest_is_stored(store: Store) -> None:
    record, owner = stored(store)
    _made, token = shared(store, record, owner)
    with store.read() as connection:
        row = connection.execute(sa.select(LINKS)).mappings().one()
    assert token not in repr(dict(row))
    assert len(token) == 43
    assert row["token_digest"] == links._digest(token)
    tokens = {shared(store, record, owner)[1] for _i in range(20)}
    assert len(tokens) == 20
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)  # 256 random bits


def test_a_revoked_link_closes_at_once_and_for_good(store: Store) -> None:
    record, owner = stored(store)
    made, token = shared(store, record, owner)
    other, still = shared(store, record, owner)
    assert links.is_open(store, token)
    closed = links.revoke(store, made.id, owner)
    assert refused(store, token) == "link_revoked"
    assert links.revoke(store, made.id, owner).revoked_at == closed.revoked_at
    assert links.is_open(store, still), "the others stay"
    assert [link.id for link in links.links(store, record.id) if link.revoked_at is None] == [other.id]


def test_a_link_ends_on_its_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record, owner = stored(store)
    moment = datetime(2026, 5, 1, 10, tzinfo=UTC)
    monkeypatch.setattr(database, "now", lambda: moment)
    with pytest.raises(AnalysisError, match="link_until_past"):
        shared(store, record, owner, until=moment)
    _made, token = shared(store, record, owner, until=moment + timedelta(days=1))
    assert links.is_open(store, token)
    monkeypatch.setattr(database, "now", lambda: moment + timedelta(days=1))
    assert refused(store, token) == "link_expired"


def test_every_altered_character_is_refused(sqlite_store: Store) -> None:
    record, owner = stored(sqlite_store)
    _made, token = shared(sqlite_store, record, owner)
    altered = [token[:i] + c + token[i + 1 :] for i in range(len(token)) for c in ALPHABET if c != token[i]]
    assert len(altered) == 43 * 63
    for other in altered:
        assert not links.is_open(sqlite_store, other), other
    for other in (token[:-1], token + "A", token.swapcase(), token + "=", " " + token, token + "\n", "", "%", "'--"):
        assert refused(sqlite_store, other) == "link_unknown"
    assert refused(sqlite_store, links._digest(token)) == "link_unknown", "a digest from the database opens nothing"
    assert links.is_open(sqlite_store, token)


def test_guesses_find_nothing_and_say_nothing(sqlite_store: Store) -> None:
    record, owner = stored(sqlite_store)
    shared(sqlite_store, record, owner)
    assert {refused(sqlite_store, secrets.token_urlsafe(32)) for _i in range(300)} == {"link_unknown"}


def test_a_deleted_workspace_answers_like_a_link_that_never_was(store: Store) -> None:
    record, owner = stored(store)
    _made, token = shared(store, record, owner)
    workspaces.delete(store, record.id, owner)
    assert refused(store, token) == "link_unknown"
    workspaces.undelete(store, record.id, owner)
    assert links.is_open(store, token)


def test_links_are_made_and_closed_by_owners_alone(store: Store) -> None:
    record, owner = stored(store)
    made, token = shared(store, record, owner)
    stranger = people.browser_person(store, "B" * 43)
    with pytest.raises(AnalysisError, match="not_allowed"):
        shared(store, record, stranger)
    with pytest.raises(AnalysisError, match="not_allowed"):
        links.revoke(store, made.id, stranger)
    assert links.is_open(store, token)
    colleague = people.member(store, "https://id.example", "9", "Chen", "chen@example.org")
    people.add_member(store, record.id, "chen@example.org", "edit", owner)
    with pytest.raises(AnalysisError, match="not_allowed"):
        links.revoke(store, made.id, colleague)
    people.add_member(store, record.id, "chen@example.org", "owner", owner)
    assert links.revoke(store, made.id, colleague).revoked_at is not None
    with pytest.raises(AnalysisError, match="link_unknown"):
        links.revoke(store, "0" * 32, owner)
    with pytest.raises(AnalysisError, match="workspace_unknown"):
        links.create_link(store, "0" * 32, "view", owner, workspace=OWN, page="upload")


def test_what_no_link_can_be(sqlite_store: Store) -> None:
    record, owner = stored(sqlite_store)

    def code(**changes: object) -> str:
        given: dict[str, object] = {"role": "view", "page": "upload", **changes}
        with pytest.raises(AnalysisError) as caught:
            links.create_link(sqlite_store, record.id, by=owner, workspace=OWN, **given)
        return caught.value.code

    assert code(role="owner") == code(role="operate") == code(role="") == "link_role"
    for page in ("", "../upload", "up load", "https://evil.example", "Upload", "x" * 41, "upload?k=1"):
        assert code(page=page) == "link_page"
    with sqlite_store.write() as connection:
        row = connection.execute(sa.select(LINKS)).first()
        assert row is None, "what was refused left nothing behind"


def test_a_workspace_has_only_so_many_open_links(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record, owner = stored(sqlite_store)
    monkeypatch.setattr(links, "MOST_LINKS", 3)
    first = shared(sqlite_store, record, owner)[0]
    shared(sqlite_store, record, owner)
    shared(sqlite_store, record, owner)
    with pytest.raises(AnalysisError, match="links_many"):
        shared(sqlite_store, record, owner)
    links.revoke(sqlite_store, first.id, owner)
    shared(sqlite_store, record, owner)
