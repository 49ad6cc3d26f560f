"""A real server of the app and a real OpenID Connect provider, both on this machine: the whole way in and out.

The visitors are a client of HTTP and of the websocket, so that every cookie and redirect is seen; Chromium walks the
same way in ``tests/browser/test_sign_in.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import venv
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from analytics.workspace import Workspace
from benchmarks.server import served
from store import people, workspaces
from store.database import Store, open_store
from store.model import Person

ISSUER_TOLD: dict[str, dict[str, Any]] = {
    "ada": {"name": "Ada Lovelace", "email": "Ada@example.com", "email_verified": True},
    "ben": {"name": "Ben ![x](http://evil.example/x.png)", "email": "ben@example.com", "email_verified": True},
    "eve": {"name": "Ben", "email": "ben@example.com", "email_verified": False},
    "kim": {"name": "Kim", "email": "kim@example.com"},
}
UNKNOWN = "No such work"


@dataclass(frozen=True)
class Place:
    """The app, its provider and its store."""

    url: str
    issuer: str
    store: Store


@dataclass
class Seen:
    """What one run of a page sent."""

    text: str = ""
    buttons: dict[str, str] = field(default_factory=dict)  # label -> id of the widget
    redirect: str = ""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the provider's own libraries are about to change
        import oidc_provider_mock
    folder = tmp_path_factory.mktemp("signing-in")
    told = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in ISSUER_TOLD.items()]
    with oidc_provider_mock.run_server_in_thread(user_claims=told, require_nonce=True) as provider:
        issuer = f"http://localhost:{provider.server_port}"
        (folder / "secrets.toml").write_text(
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(32)}"\n'
            'client_id = "regulars"\nclient_secret = "of-the-client"\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        store = open_store(folder / "store")
        environment = {
            "REGULARS_STORE": str(folder / "store"),
            "STREAMLIT_SECRETS_FILES": str(folder / "secrets.toml"),
            "REGULARS_WORKERS": "1",
        }
        with served(**environment) as (url, _process):
            yield Place(url, issuer, store)
        store.close()


class Browser:
    """Cookies, redirects one by one, and pages over the websocket, as one browser has them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.http = httpx.Client(base_url=place.url, timeout=60)
        self.http.get("/_stcore/health")

    def see(self, page: str = "upload", query: str = "", press: str = "") -> Seen:
        """Open a page and press one of its buttons."""
        return asyncio.run(self._see(page, query, press))

    async def _see(self, page: str, query: str, press: str) -> Seen:
        cookies = dict(self.http.cookies)
        address = f"{self.place.url.replace('http', 'ws')}/_stcore/stream"
        said = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with websockets.connect(
            address,
            subprotocols=["streamlit", cookies.get("_streamlit_xsrf", "none")],
            additional_headers={"Cookie": said, "Origin": self.place.url},
            max_size=2**26,
        ) as connection:
            seen = await _run(connection, page, query, "")
            return await _run(connection, page, query, seen.buttons[press]) if press else seen

    def begin(self, landing: str = "/", press: str = "Sign in") -> str:
        """Open an address, press "Sign in", and follow to the provider; gives the address that it shows."""
        self.http.get(landing)
        login = self.see(press=press).redirect
        answer = self.http.get(login)
        assert answer.status_code == 302
        return answer.headers["location"]

    def consent(self, authorize: str, subject: str) -> str:
        """The person says yes at the provider; gives the address to which they are sent back."""
        return httpx.post(authorize, data={"sub": subject}, timeout=60).headers["location"]

    def sign_in(self, subject: str, landing: str = "/") -> httpx.Response:
        return self.http.get(self.consent(self.begin(landing), subject))


async def _run(connection: Any, page: str, query: str, pressed: str) -> Seen:
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = query
    if pressed:
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = pressed, True
    await connection.send(message.SerializeToString())
    seen = Seen()
    async with asyncio.timeout(90):
        while True:
            forward = ForwardMsg()
            forward.ParseFromString(await connection.recv())
            kind = forward.WhichOneof("type")
            if kind == "auth_redirect":
                seen.redirect = forward.auth_redirect.url
            elif kind == "delta" and forward.delta.WhichOneof("type") == "new_element":
                element = forward.delta.new_element
                if element.WhichOneof("type") == "button":
                    seen.buttons[element.button.label] = element.button.id
            seen.text += str(forward)
            if kind == "script_finished" and forward.script_finished in (0, 1):
                return seen


@pytest.fixture(scope="module")
def ada(place: Place) -> Browser:
    browser = Browser(place)
    browser.sign_in("ada")
    return browser


@pytest.fixture(scope="module")
def work(place: Place) -> str:
    """A stored workspace of Ada's; Ben may look."""
    owner = people.member(place.store, place.issuer, "ada", "Ada Lovelace", "ada@example.com")
    record = workspaces.create(
        place.store, owner, Workspace(world="marketplace"), "upload", name="Spring campaign", secret=b"k" * 32
    )
    people.add_member(place.store, record.id, "ben@example.com", "view", owner)
    return record.id


def is_signed_out(seen: Seen) -> bool:
    return "Work on this server belongs to people who sign in" in seen.text and "stFileUploader" not in seen.text


def test_signed_out_one_sees_how_to_sign_in_and_nothing_else(place: Place, work: str) -> None:
    browser = Browser(place)
    for page, query in (("upload", f"w={work}"), ("segmentation", "s=anything"), ("operations", "")):
        seen = browser.see(page, query)
        assert is_signed_out(seen), page
        assert "Spring campaign" not in seen.text
        assert list(seen.buttons) == ["Sign in"]
    assert "regulars_visitor" not in browser.http.get("/").headers.get("set-cookie", "")


def test_the_whole_way_in_and_back_to_where_one_wanted(place: Place, work: str) -> None:
    browser = Browser(place)
    authorize = browser.begin(f"/segmentation?w={work}")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(authorize).query).items()}
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{place.url}/oauth2callback"
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20
    answer = browser.http.get(browser.consent(authorize, "ada"))
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/segmentation?w={work}"
    cookies = [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("_streamlit_user=")]
    assert cookies
    assert all("httponly" in cookie.lower() and "samesite=lax" in cookie.lower() for cookie in cookies)
    seen = browser.see("upload", f"w={work}")
    assert "Ada Lovelace" in seen.text
    assert "Spring campaign" in seen.text


def test_a_colleague_opens_what_is_shared_and_others_do_not(place: Place, work: str) -> None:
    ben = Browser(place)
    ben.sign_in("ben")
    seen = ben.see("upload", f"w={work}")
    assert "Spring campaign" in seen.text
    assert "![x](http://evil.example" not in seen.text, "a name is no Markdown"
    absent = ben.see("upload", f"w={'0' * 32}")
    for subject in ("eve", "kim"):
        stranger = Browser(place)
        stranger.sign_in(subject)
        refused = stranger.see("upload", f"w={work}")
        assert "Spring campaign" not in refused.text, subject
        assert UNKNOWN in refused.text
        assert UNKNOWN in absent.text, "another's work looks like none"
    people.remove_member(place.store, work, "ben@example.com")
    assert "Spring campaign" not in ben.see("upload", f"w={work}").text, "at once"
    assert UNKNOWN in ben.see("upload", f"w={work}").text


def test_nobody_is_written_down_for_signing_in(place: Place, ada: Browser) -> None:
    assert "Ada Lovelace" in ada.see().text
    kim = people.member(place.store, place.issuer, "kim")
    assert people.people(place.store, [kim.id]) == {}


def altered(cookie: str) -> list[str]:
    """A cookie with a letter changed, cut short, signed by nobody, and empty."""
    middle = len(cookie) // 2
    other = "A" if cookie[middle] != "A" else "B"
    return [cookie[:middle] + other + cookie[middle + 1 :], cookie[:-3], cookie.rpartition(".")[0], '""']


def test_a_forged_cookie_signs_nobody_in(place: Place, ada: Browser) -> None:
    good = ada.http.cookies["_streamlit_user"]
    for forged in altered(good):
        browser = Browser(place)
        browser.http.cookies.set("_streamlit_user", forged)
        assert is_signed_out(browser.see()), forged[:40]
    theirs = Browser(place)
    theirs.http.cookies.set("_streamlit_user", ada.http.cookies["_streamlit_xsrf"])
    assert is_signed_out(theirs.see()), "signed for another purpose"


def test_an_answer_that_nobody_asked_for_signs_nobody_in(place: Place) -> None:
    """Somebody else's code in my browser, a code twice, a wrong state, a provider that says no."""
    attacker, victim = Browser(place), Browser(place)
    back = attacker.consent(attacker.begin(), "kim")
    assert is_signed_out_after(victim, back), "the state belongs to another browser"
    assert attacker.http.get(back).headers["location"] == "/"
    assert not is_signed_out(attacker.see())
    replayed = Browser(place)
    replayed.http.cookies.update(attacker.http.cookies)
    replayed.http.cookies.delete("_streamlit_user")
    assert is_signed_out_after(replayed, back), "a code works once"
    assert is_signed_out_after(Browser(place), "/oauth2callback?code=guessed&state=guessed")
    refused = Browser(place)
    state = parse_qs(urlsplit(refused.begin()).query)["state"][0]
    assert is_signed_out_after(refused, f"/oauth2callback?error=access_denied&state={state}")


def is_signed_out_after(browser: Browser, address: str) -> bool:
    answer = browser.http.get(address)
    return answer.status_code == 302 and answer.headers["location"] == "/" and is_signed_out(browser.see())


def test_signing_out_ends_the_sign_in_for_its_cookie_too(place: Place) -> None:
    browser = Browser(place)
    browser.sign_in("kim")
    stolen = Browser(place)
    stolen.http.cookies.update(browser.http.cookies)
    assert not is_signed_out(stolen.see())
    left = browser.see(press="Sign out").redirect
    answer = browser.http.get(left)
    assert answer.headers["location"].startswith(place.issuer), "the provider is told"
    assert "_streamlit_user" not in browser.http.cookies
    assert is_signed_out(browser.see())
    assert is_signed_out(stolen.see()), "a copy of the cookie is worth nothing"
    browser.sign_in("kim")
    assert not is_signed_out(browser.see())


def test_who_signs_in_is_told_by_issuer_and_subject(place: Place, ada: Browser, work: str) -> None:
    owner: Person = workspaces.load(place.store, work).owner
    assert owner == people.member(place.store, place.issuer, "ada", "Ada Lovelace", "ada@example.com")
    assert "Spring campaign" in ada.see("upload", f"w={work}").text


# ---- a second provider, with passwords, consent and PKCE ---------------------------------------------------------


@contextmanager
def canaille(folder: Path) -> Iterator[tuple[str, Any]]:
    """An identity server for teams, installed into an environment of its own: its address, and its command line."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    needed = [programs / "pip", "install", "-q", "--disable-pip-version-check", "canaille[front,oidc,server,sqlite]"]
    if subprocess.run(needed, capture_output=True, check=False).returncode:
        pytest.skip("the identity server cannot be installed here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "canaille.toml"
    environment = {**os.environ, "CANAILLE_CONFIG": str(settings)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [programs / "canaille", *words], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    shared = (
        f'SERVER_NAME = "localhost:{port}"\nPREFERRED_URL_SCHEME = "http"\nSECRET_KEY = "{secrets.token_hex(32)}"\n'
    )
    shared += f'[CANAILLE]\nDATABASE = "sql"\n[CANAILLE_SQL]\nDATABASE_URI = "sqlite:///{folder / "people.sqlite"}"\n'
    settings.write_text(shared)
    key = json.loads(run("jwk", "create", "rsa"))
    told = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
    settings.write_text(f"{shared}[CANAILLE_OIDC]\nACTIVE_JWKS = [{{{told}}}]\n")
    run("install")
    command = [programs / "canaille", "run", "--bind", f"localhost:{port}"]
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr, stderr=sys.stderr)
    issuer = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield issuer, run
    finally:
        process.terminate()
        process.wait(20)


def with_password(authorize: str, name: str, password: str) -> str:
    """Sign in at the identity server as a person does, page by page; the address it sends the browser back to."""
    given = {"login": name, "password": password, "answer": "accept"}
    with httpx.Client(timeout=60) as client:
        answer = client.get(authorize, follow_redirects=True)
        for _ in range(3):
            asked = set(re.findall(r'name="(\w+)"', answer.text)) & given.keys()
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.text)
            assert token, answer.text[:500]
            data = {"csrf_token": token[1], **{field: given[field] for field in asked}}
            answer = client.post(str(answer.url), data=data)
            while answer.next_request is not None:
                if answer.next_request.url.path == "/oauth2callback":
                    return answer.headers["location"]
                answer = client.send(answer.next_request)
    raise AssertionError(f"not signed in: {answer.url}")


@pytest.mark.slow
def test_an_identity_server_with_passwords_and_pkce(tmp_path: Path) -> None:
    """Canaille: the code is bound to the browser that asked (S256), an e-mail it does not vouch for opens nothing.

    Last result: Canaille 0.3.6, signed in with S256; the code alone, with the client's own secret, got no token. An ID
    token without an audience, which the library in between lets pass, signed nobody in.
    """
    secret = secrets.token_urlsafe(24)
    with canaille(tmp_path) as (issuer, run):
        run("create", "user", "--user-name", "ada", "--password", "a long password", "--family-name", "Lovelace",
            "--formatted-name", "Ada Lovelace", "--emails", "ada@example.com")  # fmt: skip
        (tmp_path / "secrets.toml").write_text(
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(32)}"\n'
            "[auth.team]\n"
            f'client_id = "regulars"\nclient_secret = "{secret}"\n'
            'client_kwargs = { prompt = "consent" }\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        store = open_store(tmp_path / "store")
        owner = people.member(store, "https://elsewhere.example", "1", "Owner", "owner@example.com")
        shared = workspaces.create(store, owner, Workspace(), "upload", name="Spring campaign", secret=b"k" * 32)
        people.add_member(store, shared.id, "ada@example.com", "view", owner)
        environment = {
            "REGULARS_STORE": str(tmp_path / "store"),
            "STREAMLIT_SECRETS_FILES": str(tmp_path / "secrets.toml"),
        }
        with served(**environment) as (url, _process):
            back = f"{url}/oauth2callback"
            run("create", "client", "--client-id", "regulars", "--client-secret", secret, "--client-name", "Regulars",
                "--redirect-uris", back, "--post-logout-redirect-uris", back, "--grant-types", "authorization_code",
                "--response-types", "code", "--token-endpoint-auth-method", "client_secret_basic", "--scope", "openid",
                "--scope", "profile", "--scope", "email", "--subject-type", "public")  # fmt: skip
            place = Place(url, issuer, store)
            browser = Browser(place)
            authorize = browser.begin(press="Sign in with team")
            asked = parse_qs(urlsplit(authorize).query)
            assert asked["code_challenge_method"] == ["S256"]
            assert len(asked["code_challenge"][0]) == 43
            code = parse_qs(urlsplit(with_password(authorize, "ada", "a long password")).query)["code"][0]
            grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
            metadata = httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=60).json()
            stolen = httpx.post(metadata["token_endpoint"], data=grant, auth=("regulars", secret), timeout=60)
            assert stolen.status_code == 400, "a code without the verifier of the browser that asked for it"
            assert "access_token" not in stolen.text

            def sign_in() -> Seen:
                back_again = with_password(browser.begin(press="Sign in with team"), "ada", "a long password")
                assert browser.http.get(back_again).headers["location"] == "/"
                return browser.see()

            assert is_signed_out(sign_in()), "a token that is not told to be for this app"
            run("set", "client", "regulars", "--audience", "regulars")
            seen = sign_in()
            assert "Ada Lovelace" in seen.text
            assert "has not confirmed an e-mail address" in seen.text
            assert "Spring campaign" not in browser.see("upload", f"w={shared.id}").text
        store.close()
