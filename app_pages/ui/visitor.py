"""Who a visitor is: somebody who signed in, the person at this machine, a browser with our cookie, or nobody.

1. Where sign-in is configured, the provider's word (issuer and subject) or nobody; nothing below is asked then.
2. A browser on this machine that opened the app itself is the one local person.
3. Any other browser is known by its cookie; without one, nobody: sample data only.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analytics.errors import AnalysisError
from analytics.i18n import Words, escape_markdown
from serving import sign_in
from serving.sign_in import SignIn
from serving.visitors import is_local, token_of
from store import people
from store.database import Store
from store.model import Person

HOURS = 12.0  # a sign-in holds so long (REGULARS_SIGNED_IN_HOURS), whatever the life of the provider's own token
CLOCKS_APART = 300.0  # seconds that a provider's clock may be ahead of ours
MAX_CLAIM = 512
_ended: dict[str, float] = {}  # sign-ins that were signed out of here, and when: their cookies are refused


def who(store: Store, before: Person | None = None) -> Person | None:
    """Whoever runs this script. Writes nothing: ``people.ensure`` does, at the first save.

    ``before`` is the answer of the session's last run: it holds while a connection is broken off in the middle of a
    run. Where another id comes back than ``before`` had, the session belongs to somebody else and must begin anew.
    """
    if signs_in():
        return signed_in()
    connection = _connection()
    if connection is None:
        return before
    if connection == "none":
        return _named(store, "local", "")
    here = is_local(_headers(), st.get_option("server.address"), peer_is_here=st.context.ip_address is None)
    if here:
        return _named(store, "local", "")
    token = token_of(st.context.cookies)
    return None if token is None else _named(store, "browser", token)


def signs_in() -> bool:
    """Whether people sign in on this server: then nobody is anybody without."""
    return sign_in.configured() is not None


def signed_in() -> Person | None:
    """Whoever signed in, or nobody; the store is not asked, and its failure signs nobody out."""
    settings = sign_in.configured()
    return None if settings is None else _member(settings)


def owners() -> frozenset[str]:
    """The e-mails that may operate this server where a provider vouches for them (``REGULARS_OWNERS``)."""
    return sign_in.owners()


def called(_: Words, person: Person | None) -> str:
    """What others see of a person, harmless inside Markdown: their name, else their address without its host."""
    if person is None:
        return _("Somebody")
    return escape_markdown(person.name or person.email.partition("@")[0]) or _("Somebody without a name")


def end_sign_in() -> None:
    """Refuse this sign-in from now on, in every tab and wherever its cookie was copied; then call ``st.logout``."""
    now = time.time()
    for key in [key for key, moment in list(_ended.items()) if moment < now - _seconds()]:
        _ended.pop(key, None)
    _ended[_sign_in_key(st.user.to_dict())] = now


def verified_email(claims: Mapping[str, Any]) -> str:
    """The e-mail that a provider says it verified, else "". Anybody can write any address into an account."""
    said = claims.get("email_verified")
    if said is not True and said != "true":
        return ""
    try:
        return people.email_key(str(claims.get("email") or ""))
    except AnalysisError:
        return ""


def _member(settings: SignIn) -> Person | None:
    """Somebody whom one of the configured providers vouched for, not too long ago; else nobody."""
    claims: Mapping[str, Any] = st.user.to_dict()
    if settings.problems or claims.get("is_logged_in") is not True:
        return None
    provider = settings.provider(claims.get("provider"))
    issuer, subject = claims.get("iss"), claims.get("sub")
    if provider is None or not _is_claim(issuer) or not _is_claim(subject):
        return None
    audience = claims.get("aud")
    if provider.client_id not in (audience if isinstance(audience, list) else [audience]):
        return None  # a cookie of the time before the provider was exchanged
    if not _is_fresh(claims.get("iat")) or _sign_in_key(claims) in _ended:
        return None
    return people.member(None, str(issuer), str(subject), _claimed_name(claims), verified_email(claims))


def _is_claim(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CLAIM


def _is_fresh(issued_at: object) -> bool:
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        return False
    return -CLOCKS_APART <= time.time() - issued_at <= _seconds()


def _seconds() -> float:
    try:
        hours = float(os.environ.get("REGULARS_SIGNED_IN_HOURS", HOURS))
    except ValueError:
        hours = HOURS
    return 3600 * (hours if 0 < hours <= 24 * 30 else HOURS)


def _claimed_name(claims: Mapping[str, Any]) -> str:
    """The name of a provider's claims. A user name may be an unverified address: it is no name."""
    parts = " ".join(str(claims.get(key) or "") for key in ("given_name", "family_name"))
    for name in (claims.get("name"), parts, claims.get("nickname")):
        if isinstance(name, str) and name.strip():
            return name
    return ""


def _sign_in_key(claims: Mapping[str, Any]) -> str:
    """What is of this one sign-in alone: the nonce differs each time."""
    told = [claims.get(name) for name in ("iss", "sub", "iat", "nonce")]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _named(store: Store, kind: str, token: str) -> Person:
    return people.local_person(store) if kind == "local" else people.browser_person(store, token)


def _headers() -> list[tuple[str, str]]:
    headers = st.context.headers
    return [(name, value) for name in headers for value in headers.get_all(name)]


def _connection() -> str | None:
    """ "real" with a browser at the other end, None where it has just left, "none" in a test or script without one."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return "none"
    client = runtime.get_instance().get_client(context.session_id)
    if client is None:
        return None
    # AppTest puts a stand-in in the place of the whole server. Anything else has headers, or is not local.
    return "none" if type(client).__module__ == "unittest.mock" else "real"
