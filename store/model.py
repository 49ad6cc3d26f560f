"""What the store speaks of: people, stored workspaces, their versions, links, and what a visitor may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from analytics.workspace import Workspace

Role = Literal["view", "edit", "owner"]
Kind = Literal["local", "browser", "member"]  # one's own machine; a browser's cookie; somebody who signed in
Deed = Literal[
    "look",  # see figures and charts
    "change",  # change a choice
    "upload",  # bring a file, or take one out
    "see_rows",  # see rows of the files as they came, and the rows set aside
    "export",  # take tables away; ids in them are pseudonyms unless "export_ids" is allowed too
    "export_ids",  # the original ids, and the key behind the pseudonyms
    "save",  # keep the work in the store
    "share",  # make, list and revoke links; add and remove colleagues
    "erase",  # erase a customer
    "delete",  # rename, delete and restore the workspace as a whole
    "operate",  # the operations page
]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can own work. ``id`` is random and tells nothing; ``name`` is what others see, "" when unknown."""

    id: str
    kind: Kind
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a workspace: the name it came under, the SHA-256 of its bytes, their number."""

    name: str
    digest: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erased customer: keyed digests of ids in the data of ``world`` ("" for own files), and the ids' headings."""

    world: str
    digests: tuple[str, ...]
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A stored workspace at its newest version.

    ``version`` counts saves from 1. ``kept`` is true once a person named it or asked to keep it: the uploads of what is
    not kept vanish after the days of retention. ``page`` is where the last save was made. ``refused`` names the stored
    choices that this version of Regulars does not accept any more; they stay in the store until something is changed.
    """

    id: str
    name: str
    version: int
    workspace: Workspace
    page: str
    owner: Person
    changed_by: Person
    changed_at: datetime
    kept: bool = False
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A stored workspace in a list, without its choices.

    ``role`` is that of whoever asked; ``world`` the sample market that it looks at, "" for own files. ``n_links`` are
    those that open now; ``deleted_at`` is None for what is there.
    """

    id: str
    name: str
    role: Role
    version: int
    page: str
    world: str
    owner: Person
    changed_by: Person
    changed_at: datetime
    opened_at: datetime
    kept: bool = False
    deleted_at: datetime | None = None
    n_uploads: int = 0
    n_bytes: int = 0
    n_links: int = 0
    n_members: int = 0

    @property
    def shared(self) -> bool:
        return bool(self.n_links or self.n_members)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the book of deeds; ``person`` is None when they are not known any more."""

    at: datetime
    person: Person | None
    workspace_id: str
    deed: str
    count: int


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a workspace's history, without its choices."""

    number: int
    by: Person
    at: datetime
    page: str
    note: str = ""  # "" for what was saved by itself
    changed: tuple[str, ...] = ()  # fields of the Workspace that differ from the version before


@dataclass(frozen=True, slots=True)
class Conflict:
    """A save that came too late: ``theirs`` is the newest version, ``base`` what the late one had started from."""

    base: Workspace
    theirs: Record


@dataclass(frozen=True, slots=True)
class Link:
    """A private link, without its token, which is told once and stored as a digest only."""

    id: str
    workspace_id: str
    role: Role
    created_at: datetime
    created_by: Person
    until: datetime | None = None
    revoked_at: datetime | None = None
    label: str = ""
    page: str = ""
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """What one visitor may do with what is open: the only answer to "may they?" in the whole app."""

    role: Role | Literal["world", "out"]  # "world": sample data, nothing of anybody; "out": sign in first
    deeds: frozenset[Deed]

    def may(self, deed: Deed) -> bool:
        return deed in self.deeds
