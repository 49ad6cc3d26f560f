"""What a visitor may do: one table of roles and deeds, and one function that finds the role. Nothing else decides.

==========  ====================================================================================================
role        deeds
==========  ====================================================================================================
out         none: sign in first, or what was asked for is not theirs
world       sample data and a session that is not stored yet: look, change, see_rows, export, export_ids, erase;
            upload and save as soon as it is known who they are
view        look, export (pseudonyms in the place of ids)
edit        look, change, upload, see_rows, export (pseudonyms), save
owner       everything about the workspace: also export_ids, share, erase, delete
==========  ====================================================================================================

``operate`` comes with the person, whatever is open: the person at the machine itself, and the e-mails in ``owners``
where a provider vouches for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from store import database
from store.model import Access, Deed, Link, Person, Record, Role

_VIEW: frozenset[Deed] = frozenset({"look", "export"})
_EDIT: frozenset[Deed] = _VIEW | {"change", "upload", "see_rows", "save"}
_OWNER: frozenset[Deed] = _EDIT | {"export_ids", "share", "erase", "delete"}
_WORLD: frozenset[Deed] = frozenset({"look", "change", "see_rows", "export", "export_ids", "erase"})

DEEDS: Mapping[Role | Literal["world", "out"], frozenset[Deed]] = {
    "out": frozenset(),
    "world": _WORLD,
    "view": _VIEW,
    "edit": _EDIT,
    "owner": _OWNER,
}
# What a session without a stored workspace may as soon as it is known whose it is.
OF_SOMEBODY: frozenset[Deed] = frozenset({"upload", "save"})


def decide(
    person: Person | None,
    record: Record | None,
    link: Link | None,
    member_role: Role | None,
    *,
    sign_in: bool,
    owners: frozenset[str],
    now: datetime | None = None,
) -> Access:
    """What ``person`` may do with ``record`` (None: sample data, or what is not stored yet).

    A link gives its own role to whoever comes by it, its maker included: they see what the others see. It gives nothing
    once revoked or past its end, and nothing about another workspace. Where sign-in is on (``sign_in``), somebody
    signed out can open view links and nothing else; an edit link asks them to sign in, for every change has a name.
    Without sign-in, an edit link in a browser that keeps no cookie can only be looked at.

    ``member_role`` is the role of the person's own e-mail in the workspace; ``owners`` are verified e-mails in lower
    case that may operate.
    """
    role = _role(person, record, link, member_role, sign_in=sign_in, now=now or database.now())
    deeds = DEEDS[role]
    if role == "world" and person is not None:
        deeds |= OF_SOMEBODY
    if person is not None and _operates(person, sign_in=sign_in, owners=owners):
        deeds |= {"operate"}
    return Access(role, deeds)


def is_valid(link: Link, now: datetime) -> bool:
    """Whether a link still opens: not revoked, its end not reached."""
    return link.revoked_at is None and (link.until is None or now < link.until)


def _role(
    person: Person | None,
    record: Record | None,
    link: Link | None,
    member_role: Role | None,
    *,
    sign_in: bool,
    now: datetime,
) -> Role | Literal["world", "out"]:
    if link is not None:
        if record is None or link.workspace_id != record.id or not is_valid(link, now):
            return "out"
        if link.role != "edit":  # a link never makes an owner, whatever its row says
            return "view"
        if person is None:
            return "out" if sign_in else "view"
        return "edit"
    if person is None:
        return "out" if sign_in or record is not None else "world"
    if record is None:
        return "world"
    if record.owner.id == person.id or (person.kind == "local" and not sign_in):
        return "owner"
    return member_role if member_role is not None and person.kind == "member" else "out"


def _operates(person: Person, *, sign_in: bool, owners: frozenset[str]) -> bool:
    if person.kind == "local":
        return not sign_in
    return person.kind == "member" and bool(person.email) and person.email.lower() in owners
