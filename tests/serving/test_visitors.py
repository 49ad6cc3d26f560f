"""The cookies around the page: who gets one, on which answer, how strict; who counts as sitting at this machine."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from serving import sign_in, visitors
from serving.sign_in import Problem, Provider, SignIn
from serving.visitors import VisitorCookie, is_local, landing, token_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its client is about to be exchanged
    from starlette.testclient import TestClient

HERE = [("host", "localhost:8501")]
SAME = [*HERE, ("origin", "http://localhost:8501")]


async def page(request: Request) -> Response:
    return Response(status_code=304) if request.headers.get("if-none-match") else HTMLResponse("<html></html>")


async def text(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def stream(_request: Request) -> Response:
    async def parts() -> Any:
        for part in ("a", "b"):
            yield part

    return StreamingResponse(parts(), media_type="text/plain")


async def callback(request: Request) -> Response:
    answer = RedirectResponse(request.query_params.get("to", "/"), status_code=302)
    answer.set_cookie("_streamlit_user", "2|signed") if "works" in request.query_params else None
    if "fails" in request.query_params:
        answer.delete_cookie("_streamlit_user")
    return answer


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("open")
    await websocket.close()


APP = Starlette(
    routes=[
        Route("/oauth2callback", callback),
        Route("/auth/logout", text),
        Route("/_stcore/health", text),
        Route("/component/x/index.html", page),
        Route("/stream", stream),
        WebSocketRoute("/_stcore/stream", socket),
        Route("/static/x.js", text),
        Route("/{name:path}", page),
    ],
    middleware=[Middleware(VisitorCookie)],
)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(sign_in, "configured", lambda: None)
    with TestClient(APP, base_url="http://regulars.example", follow_redirects=False) as client:
        yield client


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A server where people sign in."""
    monkeypatch.setattr(sign_in, "configured", lambda: SignIn((Provider("default", "regulars"),)))
    with TestClient(APP, base_url="https://regulars.example", follow_redirects=False) as client:
        yield client


def test_the_page_brings_a_cookie_that_no_script_can_read(browser: TestClient) -> None:
    answer = browser.get("/segmentation")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert re.fullmatch(r"regulars_visitor=[A-Za-z0-9_-]{43}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert answer.headers["cache-control"] == "no-store", "a cache in between would give it to the next visitor"


def test_two_browsers_never_get_the_same_cookie_and_one_keeps_its_own(browser: TestClient) -> None:
    seen = set()
    for _ in range(30):
        browser.cookies.clear()
        browser.get("/")
        seen.add(token_of(dict(browser.cookies)))
    assert len(seen) == 30
    assert None not in seen
    kept = token_of(dict(browser.cookies))
    again = browser.get("/")
    assert f"regulars_visitor={kept};" in again.headers["set-cookie"], "each visit begins the days anew"
    not_modified = browser.get("/", headers={"if-none-match": "x", "accept": "text/html"})
    assert not_modified.status_code == 304
    assert f"regulars_visitor={kept};" in not_modified.headers["set-cookie"]


@pytest.mark.parametrize("made_up", ["", "1", "A" * 42, "A" * 44, "A" * 42 + "%", "../" * 14 + "A", "A" * 43 + "\n"])
def test_a_made_up_cookie_is_replaced(browser: TestClient, made_up: str) -> None:
    assert token_of({"regulars_visitor": made_up}) is None
    answer = browser.get("/", headers={"cookie": f"regulars_visitor={made_up.strip()}"})
    fresh = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", fresh)
    assert fresh != made_up.strip() or made_up.endswith("\n")


def test_nothing_but_the_page_brings_it(browser: TestClient) -> None:
    for path in ("/_stcore/health", "/static/x.js", "/component/x/index.html", "/stream"):
        assert "set-cookie" not in browser.get(path).headers, path
    assert "set-cookie" not in browser.post("/").headers


def test_sockets_and_streams_pass(browser: TestClient) -> None:
    assert browser.get("/stream").text == "ab"
    with browser.websocket_connect("/_stcore/stream") as opened:
        assert opened.receive_text() == "open"


@pytest.mark.parametrize("said", [{"x-forwarded-proto": "https"}, {"x-forwarded-proto": "https, http"}])
def test_behind_tls_the_cookie_is_of_this_host_alone(browser: TestClient, said: dict[str, str]) -> None:
    cookie = browser.get("/", headers=said).headers["set-cookie"]
    assert cookie.startswith("__Host-regulars_visitor=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")


def test_a_cookie_that_a_neighbour_planted_loses_to_the_hosts_own() -> None:
    own, planted = "A" * 43, "B" * 43
    assert token_of({"regulars_visitor": planted, "__Host-regulars_visitor": own}) == own
    assert token_of({"regulars_visitor": planted}) == planted
    assert token_of({}) is None


def test_ones_own_machine_needs_no_cookie(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"server.address": "localhost", "server.baseUrlPath": ""}
    monkeypatch.setattr(visitors.st, "get_option", options.get)
    monkeypatch.setattr(visitors, "is_loopback", lambda host: host == "testclient" or sign_in.is_loopback(host))
    assert "set-cookie" not in browser.get("/", headers={"host": "localhost:8501"}).headers
    forwarded = browser.get("/", headers={"host": "localhost:8501", "x-forwarded-for": "203.0.113.9"})
    assert "regulars_visitor=" in forwarded.headers["set-cookie"]


# ---- at this machine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
@pytest.mark.parametrize(
    "headers",
    [
        HERE,
        SAME,
        [("Host", "127.0.0.1:8501"), ("Origin", "http://127.0.0.1:8501")],
        [("host", "[::1]:8501"), ("origin", "http://[::1]:8501")],
        [("host", "localhost")],
    ],
)
def test_a_browser_on_this_machine_is_local(address: str, headers: list[tuple[str, str]]) -> None:
    assert is_local(headers, address, peer_is_here=True)


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "evil.example:8501")],  # a name that was rebound to this machine
        [("host", "localhost.evil.example")],
        [("host", "127.0.0.1.evil.example")],
        [("host", "evil.localhost")],
        [("host", "127.0.0.1@evil.example")],
        [("host", "192.168.1.20:8501")],
        [("host", "0.0.0.0:8501")],
        [("host", "")],
        [],
        [*HERE, ("host", "evil.example")],
        [*HERE, ("origin", "http://evil.example")],
        [*HERE, ("origin", "http://localhost:3000")],  # another program's page on this machine
        [*HERE, ("origin", "null")],
        [*SAME, ("origin", "http://evil.example")],
        [*SAME, ("X-Forwarded-For", "127.0.0.1")],
        [*SAME, ("x-forwarded-proto", "http")],
        [*SAME, ("x-forwarded-host", "localhost")],
        [*SAME, ("Forwarded", "for=127.0.0.1")],
        [*SAME, ("X-Real-IP", "127.0.0.1")],
        [*SAME, ("via", "1.1 proxy")],
        [*SAME, ("cf-connecting-ip", "127.0.0.1")],
    ],
)
def test_whoever_comes_from_elsewhere_is_not(headers: list[tuple[str, str]]) -> None:
    assert not is_local(headers, "localhost", peer_is_here=True)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.20", "regulars.example"])
def test_a_server_that_others_reach_has_no_local_person(address: str | None) -> None:
    assert not is_local(SAME, address, peer_is_here=True)


def test_a_peer_from_elsewhere_or_the_operators_word_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_local(SAME, "localhost", peer_is_here=False)
    for word in ("no", "0", "False", " off "):
        monkeypatch.setenv("REGULARS_LOCAL", word)
        assert not is_local(SAME, "localhost", peer_is_here=True)
    monkeypatch.setenv("REGULARS_LOCAL", "yes")
    assert is_local(SAME, "localhost", peer_is_here=True)


# ---- the way back ----------------------------------------------------------------------------------------------

TOKEN = "Ab-_" * 10
WORKSPACE = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("path", "query", "kept"),
    [
        ("/segmentation", f"k={TOKEN}", f"segmentation?k={TOKEN}"),
        ("/", f"w={WORKSPACE}&utm=x", f"?w={WORKSPACE}"),
        ("/base/forecasting", "", "forecasting"),
        ("/", "", ""),
        ("/", "k=//evil.example", ""),
        ("/", "k=a%0d%0aSet-Cookie:x=y", ""),
        ("/", "w=../../x", ""),
        ("/", "next=https://evil.example", ""),
        ("//evil.example", "", ""),
        ("/https:", "k=1", "?k=1"),
        ("/..%2f..", "", ""),
        ("/evil.example", "", ""),
        ("/_stcore", "", ""),
        ("/Segmentation", "", ""),
        ("/" + "a" * 80, "", ""),
        ("/", "s=" + "x" * 5000, ""),
    ],
)
def test_only_an_address_of_this_app_is_worth_coming_back_to(path: str, query: str, kept: str) -> None:
    assert landing(path, query) == kept


def test_after_signing_in_one_is_where_one_wanted_to_go(team: TestClient) -> None:
    landed = team.get(f"/segmentation?k={TOKEN}")
    (cookie,) = landed.headers.get_list("set-cookie")
    assert cookie.startswith("regulars_return=")
    assert cookie.endswith("; Max-Age=900; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert landed.headers["cache-control"] == "no-store"
    back = team.get("/oauth2callback?works")
    assert back.headers["location"] == f"/segmentation?k={TOKEN}"
    assert team.get("/oauth2callback?works").headers["location"] == "/", "the wish is granted once"


def test_a_sign_in_that_fails_leads_to_the_first_page(team: TestClient) -> None:
    team.get(f"/?w={WORKSPACE}")
    for outcome in ("", "fails"):
        assert team.get(f"/oauth2callback?{outcome}").headers["location"] == "/"
    assert team.get("/oauth2callback?works").headers["location"] == f"/?w={WORKSPACE}"


def test_the_last_page_that_was_opened_counts_and_signing_out_forgets_it(team: TestClient) -> None:
    team.get(f"/?w={WORKSPACE}")
    team.get("/")
    assert team.get("/oauth2callback?works").headers["location"] == "/"
    team.get(f"/?w={WORKSPACE}")
    team.get("/auth/logout")
    assert team.get("/oauth2callback?works").headers["location"] == "/"


@pytest.mark.parametrize(
    "planted",
    [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%5C%5Cevil.example",
        "%2Fevil.example%2F..",
        "x%0d%0aLocation:%20https://evil.example",
        "javascript:alert(1)",
        "%3Fk%3D%2F%2Fevil.example",
        "%40evil.example",
    ],
)
def test_no_cookie_leads_out_of_the_app(team: TestClient, planted: str) -> None:
    team.cookies.set("regulars_return", planted)
    assert team.get("/oauth2callback?works").headers["location"] == "/"


def test_a_redirect_that_streamlit_meant_for_elsewhere_is_not_touched(team: TestClient) -> None:
    team.get(f"/?w={WORKSPACE}")
    elsewhere = team.get("/oauth2callback?works&to=https://provider.example/")
    assert elsewhere.headers["location"] == "https://provider.example/"


def test_where_people_sign_in_no_browser_is_known_by_a_cookie(team: TestClient) -> None:
    assert "regulars_visitor" not in team.get("/").headers.get("set-cookie", "")


def test_the_operator_reads_in_the_log_why_nobody_can_sign_in(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sign_in, "configured", lambda: SignIn(problems=(Problem("auth_incomplete", "client_id"),)))
    with TestClient(APP):
        pass
    assert [record.getMessage() for record in caplog.records if record.name == "regulars.serving"] == [
        "nobody can sign in: auth_incomplete client_id"
    ]
