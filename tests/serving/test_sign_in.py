"""What the secrets say about signing in: nothing, all of it, or half of it, which opens no door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.secrets import Secrets

from serving import sign_in
from serving.sign_in import Problem, Provider, checked, configured, is_loopback

WHOLE = {
    "redirect_uri": "http://localhost:8501/oauth2callback",
    "cookie_secret": "0123456789abcdef" * 4,
    "client_id": "regulars",
    "client_secret": "s3cret",
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
}
SHARED = {key: WHOLE[key] for key in ("redirect_uri", "cookie_secret")}
OURS = {key: WHOLE[key] for key in ("client_id", "client_secret", "server_metadata_url")}


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "secrets.toml"
    real = st.get_option
    monkeypatch.setattr("streamlit.config.get_option", lambda key: [str(path)] if key == "secrets.files" else real(key))
    monkeypatch.setattr(st, "get_option", lambda key: [str(path)] if key == "secrets.files" else real(key))
    monkeypatch.setattr(Secrets, "_maybe_install_file_watchers", lambda _secrets: None)
    monkeypatch.setattr(st, "secrets", Secrets())
    return path


def test_without_secrets_nobody_signs_in(secrets_file: Path) -> None:
    assert configured() is None
    secrets_file.write_text('[database]\nurl = "x"\n')
    assert configured() is None


def test_a_whole_section_is_taken(secrets_file: Path) -> None:
    secrets_file.write_text("[auth]\n" + "\n".join(f'{key} = "{value}"' for key, value in WHOLE.items()))
    settings = configured()
    assert settings is not None
    assert settings.problems == ()
    assert settings.providers == (Provider("default", "regulars"),)


@pytest.mark.parametrize("content", ["[auth", 'auth = "x"', "[auth]\n", 'auth = ["x"]'])
def test_a_broken_file_locks_the_door(secrets_file: Path, content: str) -> None:
    secrets_file.write_text(content)
    settings = configured()
    assert settings is not None
    assert settings.problems


def test_a_file_that_cannot_be_read_locks_the_door(secrets_file: Path) -> None:
    secrets_file.write_bytes(b"\xff\xfe\x00[auth]")
    settings = configured()
    assert settings is not None
    assert settings.problems == (Problem("secrets_unreadable"),)


def test_a_server_that_must_have_sign_in_opens_for_nobody_without(
    secrets_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_SIGN_IN", "required")
    settings = configured()
    assert settings is not None
    assert settings.problems == (Problem("auth_absent"),)


@pytest.mark.parametrize("absent", WHOLE)
def test_half_a_section_names_what_is_missing(absent: str) -> None:
    for section in ({**WHOLE, absent: " "}, {key: value for key, value in WHOLE.items() if key != absent}):
        assert Problem("auth_incomplete", absent) in checked(section).problems


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"cookie_secret": "xxx"}, Problem("auth_secret_short", "32")),
        ({"redirect_uri": "http://localhost:8501/"}, None),
        ({"redirect_uri": "http://regulars.example/oauth2callback"}, None),  # a code over an open line
        ({"redirect_uri": "//regulars.example/oauth2callback"}, None),
        ({"redirect_uri": "https:///oauth2callback"}, None),
        ({"redirect_uri": "https://[/oauth2callback"}, None),
    ],
)
def test_what_would_be_unsafe_is_refused(changed: dict[str, str], problem: Problem | None) -> None:
    expected = problem or Problem("auth_redirect", changed["redirect_uri"])
    assert checked({**WHOLE, **changed}).problems == (expected,)


@pytest.mark.parametrize(
    "redirect_uri",
    ["https://regulars.example/team/oauth2callback", "http://127.0.0.1:{port}/oauth2callback"],
)
def test_addresses_of_return_that_are_safe(redirect_uri: str) -> None:
    assert checked({**WHOLE, "redirect_uri": redirect_uri}).problems == ()


def test_several_providers_by_name() -> None:
    settings = checked({**SHARED, "client_kwargs": {"prompt": "login"}, "acme": OURS, "guests": OURS})
    assert [provider.name for provider in settings.providers] == ["acme", "guests"]
    assert settings.problems == ()
    half: dict[str, Any] = {**SHARED, "acme": OURS, "guests": {"client_id": "x"}, "a_b": OURS}
    assert set(checked(half).problems) == {
        Problem("auth_incomplete", "auth.guests: client_secret"),
        Problem("auth_incomplete", "auth.guests: server_metadata_url"),
        Problem("auth_provider_name", "a_b"),
    }


def test_the_library_behind_sign_in_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "_has_authlib", lambda: False)
    assert checked(WHOLE).problems == (Problem("authlib_absent"),)


def test_headers_that_stand_above_the_provider_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = st.get_option
    mapped = {"X-User": "email"}
    monkeypatch.setattr(st, "get_option", lambda key: mapped if key == "server.trustedUserHeaders" else real(key))
    assert checked(WHOLE).problems == (Problem("auth_trusted_headers"),)


def test_owners_are_listed_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_OWNERS", " Ada@example.com, ,ben@example.com,")
    assert sign_in.owners() == {"ada@example.com", "ben@example.com"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "localhost.", "127.0.0.1.evil.example", "2130706433", "10.0.0.1"]
)
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)
