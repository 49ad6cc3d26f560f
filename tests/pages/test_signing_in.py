"""The page before the door, one's place in the context bar, and the colleagues of a workspace."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES, words_for
from analytics.workspace import Workspace, to_link
from app_pages.ui import session
from serving import sign_in
from serving.sign_in import Problem, Provider, SignIn
from store import people, workspaces
from store.model import Person, Record

ROOT = Path(__file__).parents[2]
ISSUER = "https://id.example"
TEAM = SignIn((Provider("default", "regulars"),))


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """A session on a server where people sign in; of somebody signed in where their subject is given."""

    def opened(subject: str = "", settings: SignIn = TEAM, query: dict[str, str] | None = None) -> AppTest:
        monkeypatch.setattr(sign_in, "configured", lambda: settings)
        test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
        if subject:
            test.user = {
                "is_logged_in": True,
                "provider": "default",
                "iss": ISSUER,
                "aud": "regulars",
                "sub": subject,
                "iat": int(time.time()),
                "nonce": subject,
                "name": subject.title(),
                "email": f"{subject}@example.com",
                "email_verified": True,
            }
        for name, value in (query or {}).items():
            test.query_params[name] = value
        return test.run()

    return opened


def work_of(subject: str) -> Record:
    owner = people.member(session.store(), ISSUER, subject, subject.title(), f"{subject}@example.com")
    return workspaces.create(
        session.store(), owner, Workspace(world=""), "workspaces", name=f"{subject}'s work", secret=b"k" * 32
    )


def shown(test: AppTest) -> str:
    return "\n".join(str(item.value) for kind in ("title", "markdown", "error", "text") for item in test.get(kind))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_door_speaks_the_visitors_language(door: Callable[..., AppTest], language: Any) -> None:
    test, _ = door(), words_for(language)
    test.selectbox(key="language").set_value(language).run()
    assert [item.value for item in test.title] == [_("Sign in")]
    assert [button.key for button in test.button] == ["sign-in-default"]
    assert not test.metric
    assert not test.exception


def test_several_providers_have_a_button_each(door: Callable[..., AppTest]) -> None:
    test = door(settings=SignIn((Provider("acme", "a"), Provider("![x](y)", "b"))))
    assert [button.label.replace("\\", "") for button in test.button] == ["Sign in with acme", "Sign in with ![x](y)"]
    assert "\\!\\[x" in test.button[1].label


def test_half_a_configuration_tells_the_operator_what_is_missing(door: Callable[..., AppTest]) -> None:
    problems = (Problem("auth_incomplete", "auth.acme: client_secret"), Problem("authlib_absent"))
    test = door("ada", SignIn(TEAM.providers, problems))
    told = shown(test).replace("\\", "")
    assert "Nobody can sign in yet" in told
    assert "Missing in the section [auth] of the secrets: auth.acme: client_secret" in told
    assert "The package Authlib is not installed." in told
    assert not test.button, "there is no way in"
    assert not test.exception


def test_every_problem_has_words() -> None:
    _ = words_for("zh_TW")
    for code in (
        "secrets_unreadable",
        "auth_absent",
        "auth_incomplete",
        "auth_secret_short",
        "auth_redirect",
        "auth_provider_name",
        "auth_trusted_headers",
        "authlib_absent",
    ):
        assert _.has_phrase(f"sign_in.{code}"), code


def colleagues(record: Record) -> list[tuple[str, str]]:
    return [(member.email, member.role) for member in people.members(session.store(), record.id)]


def test_an_owner_names_changes_and_removes_colleagues(door: Callable[..., AppTest]) -> None:
    record = work_of("ada")
    test = door("ada", query={"w": record.id})
    test.text_input(key="colleague-email").set_value("Ben@Example.com")
    test.button(_form_button(test)).click().run()
    assert colleagues(record) == [("ben@example.com", "view")]
    assert "ben@example.com" in shown(test)
    test.selectbox(key="colleague-role.ben@example.com").set_value("edit").run()
    assert colleagues(record) == [("ben@example.com", "edit")]
    test.text_input(key="colleague-email").set_value("nobody")
    test.button(_form_button(test)).click().run()
    assert "This does not look like an e-mail address." in "\n".join(item.value for item in test.warning) + shown(test)
    assert colleagues(record) == [("ben@example.com", "edit")]
    test.button(key="colleague-remove.ben@example.com").click().run()
    assert colleagues(record) == []
    assert [entry.deed for entry in workspaces.deeds(session.store(), workspace_id=record.id)][:3] == [
        "remove_colleague",
        "add_colleague",
        "add_colleague",
    ]
    assert not test.exception


def _form_button(test: AppTest) -> str:
    return next(button.key for button in test.button if button.label == "Add the colleague")


@pytest.mark.parametrize("role", ["view", "edit"])
def test_a_colleague_names_nobody(door: Callable[..., AppTest], role: Any) -> None:
    record = work_of("ada")
    people.add_member(session.store(), record.id, "ben@example.com", role, record.owner)
    test = door("ben", query={"w": record.id})
    assert "ada's work" in shown(test).replace("\\", "")
    assert not [item for item in test.text_input if item.key == "colleague-email"]
    assert "ben@example.com" not in [str(item.value) for item in test.text][1:], "only his own address"


def test_a_stale_page_adds_nobody(door: Callable[..., AppTest]) -> None:
    """A second owner whose role is taken away in between: the click comes too late."""
    record = work_of("ada")
    people.add_member(session.store(), record.id, "ben@example.com", "owner", record.owner)
    test = door("ben", query={"w": record.id})
    people.add_member(session.store(), record.id, "ben@example.com", "view", record.owner)
    test.text_input(key="colleague-email").set_value("kim@example.com")
    test.button(_form_button(test)).click().run()
    assert colleagues(record) == [("ben@example.com", "view")]
    assert not test.exception


def test_on_ones_own_machine_one_has_a_name_if_one_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "configured", lambda: None)
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world=""))  # no data: quick
    test.run()
    test.text_input(key="own-name").set_value(" 李雷\u202e ").run()
    local: Person = people.local_person(session.store())
    assert local.name == "李雷"
    assert test.text_input(key="own-name").value == "李雷"
    test.text_input(key="own-name").set_value("").run()
    assert people.local_person(session.store()).name == ""
    assert not [item for item in test.text_input if item.key == "colleague-email"], "nobody signs in here"
