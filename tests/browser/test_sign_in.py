"""Three people where people sign in: one brings a file and names a colleague, who looks; a third may not."""

from __future__ import annotations

import re
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import served

READY = "[data-testid=stApp][data-test-script-state=notRunning]"
NAMED = "[data-testid=stText]"
PEOPLE = {"ada": "Ada Lovelace", "ben": "Ben Wu", "cleo": "Cleo Li"}
ORDERS = "customer_id,order_id,ordered_at,amount\n" + "".join(
    f"c{i % 40},o{i},2024-{1 + i % 12:02d}-{1 + i % 27:02d},{10 + i % 50}\n" for i in range(400)
)


@pytest.fixture(scope="module")
def team_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, with an OpenID Connect provider beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the provider's own libraries are about to change
        import oidc_provider_mock
    folder = tmp_path_factory.mktemp("team")
    told = [
        oidc_provider_mock.User(sub=sub, claims={"name": name, "email": f"{sub}@example.com", "email_verified": True})
        for sub, name in PEOPLE.items()
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=told, require_nonce=True) as provider:
        (folder / "secrets.toml").write_text(
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(32)}"\n'
            'client_id = "regulars"\nclient_secret = "of-the-client"\n'
            f'server_metadata_url = "http://localhost:{provider.server_port}/.well-known/openid-configuration"\n'
        )
        with served(STREAMLIT_SECRETS_FILES=str(folder / "secrets.toml")) as (url, _process):
            yield url


def settle(page: Any) -> None:
    for _ in range(3):
        page.wait_for_selector(READY)
        page.wait_for_timeout(350)


def enter(chromium: Any, url: str, subject: str, path: str = "/", **context: Any) -> Any:
    """A browser of somebody's own, in which they sign in on the way to ``path``."""
    page = chromium.new_context(viewport={"width": 1360, "height": 820}, **context).new_page()
    page.set_default_timeout(120_000)
    page.goto(url + path)
    settle(page)
    assert page.locator(".st-key-sign-in").is_visible()
    assert page.locator(".st-key-share, .st-key-saving, input[type=file]").count() == 0, "nothing but signing in"
    page.locator(".st-key-sign-in-default button").click()
    page.click(f"button[value={subject}]")
    page.wait_for_url(url + "/**")
    settle(page)
    return page


def text(page: Any) -> str:
    return page.locator("[data-testid=stMain]").inner_text()


@pytest.mark.slow
def test_one_shares_one_looks_one_may_not(chromium: Any, team_server: str, tmp_path: Path) -> None:
    """Upload, add a colleague by address, list, open, refuse, remove, sign out.

    Last result: passed; the colleague's page changed nothing and offered no file, row or key.
    """
    (tmp_path / "orders.csv").write_text(ORDERS)
    ada = enter(chromium, team_server, "ada")
    assert "Ada Lovelace" in text(ada)
    ada.get_by_text("My own files").first.click()
    settle(ada)
    ada.set_input_files("input[type=file]", str(tmp_path / "orders.csv"))
    ada.wait_for_url(re.compile(r"\?w=[0-9a-f]{32}"))
    settle(ada)
    address = ada.url.removeprefix(team_server)
    ada.locator(".st-key-share button").first.click()
    ada.get_by_label("E-mail of a colleague").fill("Ben@Example.com")
    ada.get_by_role("button", name="Add the colleague").click()
    ada.locator(NAMED, has_text="ben@example.com").wait_for()
    settle(ada)
    assert ada.get_by_label("E-mail of a colleague").input_value() == ""

    ben = enter(chromium, team_server, "ben", "/workspaces", locale="zh-TW")
    assert ben.url.removeprefix(team_server).startswith("/workspaces"), "where he wanted to go"
    assert "Ada Lovelace" in text(ben)
    ben.locator("[class*='st-key-open-'] button").first.click()
    ben.wait_for_url(re.compile(r"w=[0-9a-f]{32}"))
    settle(ben)
    assert "visibility" in ben.locator(".st-key-saving").inner_text(), "the mark of who only looks"
    ben.goto(team_server + address)
    settle(ben)
    assert "orders.csv" in ben.locator(".st-key-context").inner_text()
    assert ben.locator("input[type=file]").count() == 0 or ben.locator("input[type=file]").is_disabled()
    ben.locator(".st-key-share button").first.click()
    settle(ben)
    assert ben.locator("[class*='st-key-colleague']").count() == 0, "who looks names nobody"

    cleo = enter(chromium, team_server, "cleo", address)
    assert "orders.csv" not in text(cleo)
    assert "w=" not in cleo.url
    cleo.locator("[data-testid=stSidebarNav] a[href$='/workspaces']").click()
    settle(cleo)
    assert cleo.locator("[class*='st-key-workspace-']").count() == 0

    ada.keyboard.press("Escape")
    ada.locator(".st-key-share button").first.click()
    settle(ada)
    ada.locator("[class*='st-key-colleague-remove'] button").first.click()
    ada.locator(NAMED, has_text="ben@example.com").wait_for(state="detached")
    ben.reload()
    settle(ben)
    assert "orders.csv" not in text(ben), "at once"

    ada.keyboard.press("Escape")
    ada.locator(".st-key-account button").first.click()
    ada.locator(".st-key-sign-out button").click()
    ada.wait_for_url(re.compile("end_session"))
    ada.goto(team_server + address)
    settle(ada)
    assert ada.locator(".st-key-sign-in").is_visible()
    assert "orders.csv" not in text(ada)
