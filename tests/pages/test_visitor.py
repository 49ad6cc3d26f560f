"""Who a visitor is: what a provider vouched for, this machine, a cookie, or nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from analytics.i18n import words_for
from app_pages.ui import visitor
from serving import sign_in
from serving.sign_in import Problem, Provider, SignIn
from store import people
from store.database import Store, open_store
from store.model import Person
from store.tables import PEOPLE

TEAM = SignIn((Provider("default", "regulars"), Provider("acme", "regulars-acme")))
TOKEN = "A" * 43


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def claims(**changed: Any) -> dict[str, Any]:
    told = {
        "is_logged_in": True,
        "provider": "default",
        "iss": "https://id.example",
        "sub": "17",
        "aud": "regulars",
        "iat": int(time.time()),
        "nonce": "n-1",
        "name": "Ada Lovelace",
        "email": "Ada@example.com",
        "email_verified": True,
    }
    return {name: value for name, value in {**told, **changed}.items() if value is not None}


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch, store: Store) -> Callable[..., Person | None]:
    """Who somebody with these claims is, on a server where people sign in."""

    def found(settings: SignIn = TEAM, **changed: Any) -> Person | None:
        told = claims(**changed)
        monkeypatch.setattr(sign_in, "configured", lambda: settings)
        monkeypatch.setattr(visitor.st, "user", SimpleNamespace(to_dict=lambda: told))
        return visitor.who(store)

    return found


def test_somebody_a_provider_vouches_for(signed_in: Callable[..., Person | None], store: Store) -> None:
    person = signed_in()
    assert person == people.member(store, "https://id.example", "17", "Ada Lovelace", "ada@example.com")
    assert signed_in(provider="acme", aud=["regulars-acme", "other"], azp="regulars-acme") == person
    assert signed_in(iss="https://other.example").id != person.id
    with store.read() as connection:
        assert connection.execute(sa.select(PEOPLE)).all() == [], "looking around writes nobody down"


@pytest.mark.parametrize(
    "changed",
    [
        {"is_logged_in": False},
        {"is_logged_in": None},
        {"is_logged_in": "true"},  # a header's word, not the provider's
        {"provider": "exchanged"},
        {"provider": None},
        {"aud": "another-app"},
        {"aud": None},
        {"iss": None},
        {"iss": ""},
        {"iss": ["https://id.example"]},
        {"sub": None},
        {"sub": 17},
        {"sub": "x" * 600},
        {"iat": None},
        {"iat": "yesterday"},
        {"iat": True},
        {"iat": int(time.time()) - 13 * 3600},  # the sign-in has run out
        {"iat": int(time.time()) + 3600},  # of a clock that is an hour ahead
    ],
)
def test_anything_less_is_nobody(signed_in: Callable[..., Person | None], changed: dict[str, Any]) -> None:
    assert signed_in(**changed) is None


def test_half_a_configuration_signs_nobody_in(signed_in: Callable[..., Person | None]) -> None:
    assert signed_in(SignIn(TEAM.providers, (Problem("auth_secret_short", "32"),))) is None
    assert signed_in(SignIn()) is None


def test_the_operator_says_how_long_a_sign_in_holds(
    signed_in: Callable[..., Person | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_SIGNED_IN_HOURS", "1")
    assert signed_in(iat=int(time.time()) - 1800) is not None
    assert signed_in(iat=int(time.time()) - 3700) is None
    for word in ("soon", "-1", "nan", "1e9"):
        monkeypatch.setenv("REGULARS_SIGNED_IN_HOURS", word)
        assert signed_in(iat=int(time.time()) - 3700) is not None, "twelve hours, as without"
        assert signed_in(iat=int(time.time()) - 13 * 3600) is None


@pytest.mark.parametrize("word", [False, None, "false", "yes", 1, "True "])
def test_an_email_nobody_verified_is_no_email(signed_in: Callable[..., Person | None], word: object) -> None:
    person = signed_in(email_verified=word)
    assert person is not None
    assert person.email == ""


def test_an_email_that_is_none_is_no_email(signed_in: Callable[..., Person | None]) -> None:
    for email in (None, "", "ada", ["ada@example.com"], "ada@example.com, ben@example.com"):
        person = signed_in(email=email)
        assert person is not None
        assert person.email == "", email
    assert signed_in(email_verified="true").email == "ada@example.com"


def test_a_name_comes_from_the_claims_and_is_no_address(signed_in: Callable[..., Person | None]) -> None:
    def name(**changed: Any) -> str:
        person = signed_in(**changed)
        assert person is not None
        return person.name

    assert name(name=" Ada\n![x](http://evil/x.png) ") == "Ada ![x](http://evil/x.png)"
    assert name(name="y" * 500) == "y" * 120
    assert name(name=None, given_name="Ada", family_name="L.") == "Ada L."
    assert name(name=None, nickname="ada") == "ada"
    assert name(name=["x"], preferred_username="boss@example.com") == ""


def test_who_signs_out_is_signed_out_in_every_tab(signed_in: Callable[..., Person | None]) -> None:
    assert signed_in(nonce="of-this-sign-in") is not None
    visitor.end_sign_in()
    assert signed_in(nonce="of-this-sign-in", iat=claims()["iat"]) is None, "its cookie is worth nothing any more"
    assert signed_in(nonce="of-the-next") is not None


# ---- without sign-in -------------------------------------------------------------------------------------------


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch, store: Store) -> Callable[..., Person | None]:
    """Who a browser with these headers and cookies is, on a server where nobody signs in."""

    def found(
        host: str = "regulars.example",
        *,
        cookies: dict[str, str] | None = None,
        address: str = "0.0.0.0",
        connection: str | None = "real",
        before: Person | None = None,
        ip: str | None = None,
    ) -> Person | None:
        monkeypatch.setattr(sign_in, "configured", lambda: None)
        monkeypatch.setattr(visitor, "_connection", lambda: connection)
        monkeypatch.setattr(visitor, "_headers", lambda: [("host", host), ("origin", f"http://{host}")])
        monkeypatch.setattr(visitor.st, "context", SimpleNamespace(cookies=cookies or {}, ip_address=ip))
        monkeypatch.setattr(visitor.st, "get_option", lambda _name: address)
        return visitor.who(store, before)

    return found


def test_a_browser_is_its_cookie(browser: Callable[..., Person | None], store: Store) -> None:
    person = browser(cookies={"regulars_visitor": TOKEN})
    assert person == people.browser_person(store, TOKEN)
    people.set_name(store, person, "李雷")
    assert browser(cookies={"regulars_visitor": TOKEN}).name == "李雷"
    for cookies in ({}, {"regulars_visitor": "guessed"}, {"_streamlit_user": TOKEN}):
        assert browser(cookies=cookies) is None


def test_this_machine_is_one_person_and_nobody_else_is(browser: Callable[..., Person | None], store: Store) -> None:
    local = people.local_person(store)
    assert browser("localhost:8501", address="localhost") == local
    assert browser("localhost:8501", address="localhost", cookies={"regulars_visitor": TOKEN}) == local
    assert browser("evil.example:8501", address="localhost") is None
    assert browser("localhost:8501", address="0.0.0.0") is None
    assert browser("localhost:8501", address="localhost", ip="192.168.1.7") is None
    assert browser("localhost:8501", address="0.0.0.0", cookies={"regulars_visitor": TOKEN}).kind == "browser"


def test_a_connection_that_breaks_off_makes_nobody_somebody_else(
    browser: Callable[..., Person | None], store: Store
) -> None:
    person = people.browser_person(store, TOKEN)
    assert browser(connection=None, before=person) == person
    assert browser("localhost:8501", address="localhost", connection=None) is None


def test_a_page_without_a_server_is_local(store: Store) -> None:
    def script() -> None:
        import tempfile
        from pathlib import Path

        import streamlit as st

        from app_pages.ui import visitor
        from store.database import open_store

        with tempfile.TemporaryDirectory() as folder:
            opened = open_store(Path(folder))
            person = visitor.who(opened)
            opened.close()
        st.write(person.kind if person else "nobody")

    assert AppTest.from_function(script, default_timeout=60).run().markdown[0].value == "local"
    assert visitor.who(store) == people.local_person(store), "a plain script has no browser either"


def test_a_person_is_called_what_can_be_shown() -> None:
    _ = words_for("en")
    assert visitor.called(_, None) == "Somebody"
    assert visitor.called(_, Person("1", "browser")) == "Somebody without a name"
    assert visitor.called(_, Person("1", "member", "", "ada@example.com")) == "ada"
    shown = visitor.called(_, Person("1", "member", "![x](http://evil/x.png) <b>"))
    assert shown.startswith("\\!\\[x")
    assert words_for("zh_TW")("Somebody") == "某人"
