"""Headers of every answer, closed addresses and the bounds of uploads, without a server: the middleware alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from serving import headers
from serving.headers import MB, ClosedRoutes, SecurityHeaders, Settings, content_security_policy, inline_hashes
from serving.inline import LANGUAGE_TAGS, language_script

TOKEN = "a-token-of-at-least-16"
SETTINGS = Settings(metrics_token=TOKEN)


async def _everything(scope: Any, receive: Any, send: Any) -> None:
    """Answers whatever arrives, as an app that closes nothing would."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("answered", headers={"Set-Cookie": "a=1; Path=/"})(scope, receive, send)


def ask(app: Any, path: str, method: str = "GET", scheme: str = "http", **given: str) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer; given: request headers with ``_`` for ``-``."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": scheme,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }
    return asyncio.run(_ask(app, scope))


async def _ask(app: Any, scope: dict[str, Any]) -> tuple[int, dict[str, str]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


def around(settings: Settings = SETTINGS, waiting: Mapping[str, int] | None = None) -> Any:
    return SecurityHeaders(ClosedRoutes(_everything, settings, lambda: waiting or {}), settings)


@pytest.mark.parametrize("path", ["/", "/segmentation", "/_stcore/agent/openapi.json"])
def test_every_answer_carries_the_headers_refusals_too(path: str) -> None:
    _, found = ask(around(), path)
    assert found["content-security-policy"] == content_security_policy()
    expected = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
        "x-robots-tag": "noindex, nofollow",
    }
    assert {name: found[name] for name in expected} == expected
    assert "camera=()" in found["permissions-policy"]
    assert "clipboard-write=(self)" in found["permissions-policy"]


def test_the_policy_trusts_this_server_alone() -> None:
    parts = dict(part.split(" ", 1) for part in content_security_policy().split("; "))
    assert parts["default-src"] == "'self'"
    assert parts["frame-ancestors"] == parts["object-src"] == parts["frame-src"] == "'none'"
    for unsafe in ("'unsafe-inline'", "'unsafe-eval'", "data:", "blob:", "*", "http"):
        assert unsafe not in parts["script-src"]
    assert parts["connect-src"] == parts["form-action"] == parts["base-uri"] == "'self'"
    assert not any(source.startswith(("http", "*", "ws")) for sources in parts.values() for source in sources.split())


def test_hashes_are_of_the_scripts_that_stand_in_a_document() -> None:
    # printf 'alert(1)' | openssl dgst -sha256 -binary | base64
    assert inline_hashes("<script>alert(1)</script><script src='x.js'></script>") == (
        "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='",
    )
    policy = content_security_policy()
    assert len(inline_hashes(policy)) == 0
    for tag in LANGUAGE_TAGS:
        assert inline_hashes(f"<script>{language_script(tag)}</script>")[0] in policy
    with pytest.raises(ValueError, match="no such language"):
        language_script("en'; alert(1); '")


def test_who_may_embed() -> None:
    _, found = ask(around(Settings(frame_ancestors=("'self'", "https://intranet.example.org"))), "/")
    assert found["content-security-policy"].endswith("frame-ancestors 'self' https://intranet.example.org")
    assert "x-frame-options" not in found
    for bad in ("*", "https:", "intranet.example.org", "https://a.example;script-src", "'none'"):
        with pytest.raises(ValueError, match="REGULARS_FRAME_ANCESTORS"):
            Settings.read({"REGULARS_FRAME_ANCESTORS": bad})


def test_behind_tls_only_tls() -> None:
    _, plain = ask(around(), "/")
    assert "strict-transport-security" not in plain
    assert plain["set-cookie"] == "a=1; Path=/"
    _, secure = ask(around(), "/", scheme="https")
    assert secure["strict-transport-security"] == "max-age=31536000"
    assert secure["set-cookie"] == "a=1; Path=/; Secure"


def test_only_streamlits_own_files_are_kept_by_browsers() -> None:
    async def file(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("x", headers={"Cache-Control": "public, immutable"})(scope, receive, send)

    app = SecurityHeaders(file, SETTINGS)
    assert ask(app, "/static/js/index.js")[1]["cache-control"] == "public, immutable"
    for path in ("/segmentation", "/media/0a1b.csv", "/_stcore/health", "/static"):
        assert ask(app, path)[1]["cache-control"] == "no-store"


OPENED = [
    ("GET", "/"),
    ("HEAD", "/segmentation"),
    ("GET", "/favicon.png"),
    ("GET", "/oauth2callback"),
    ("GET", "/auth/login"),
    ("GET", "/static/js/index.js"),
    ("GET", "/media/0a1b.csv"),
    ("GET", "/_stcore/health"),
    ("GET", "/_stcore/host-config"),
    ("DELETE", "/_stcore/upload_file/session/file"),
]
CLOSED = [
    ("GET", "/_stcore/agent/openapi.json"),
    ("POST", "/_stcore/agent/interact"),
    ("POST", "/_stcore/agent/mcp"),
    ("GET", "/_stcore/script-health-check"),
    ("GET", "/_stcore/bidi-components/x/y.js"),
    ("GET", "/component/x/index.html"),
    ("GET", "/app/static/x"),
    ("GET", "/_stcore/message"),
    ("GET", "/_stcore"),
    ("GET", "/segmentation/_stcore/health"),
    ("GET", "/media/../_stcore/metrics"),
    ("GET", "//_stcore/metrics"),
    ("GET", "/auth/login/x"),
]


@pytest.mark.parametrize(("method", "path"), OPENED)
@pytest.mark.parametrize("base", ["", "/team"])
def test_what_pages_need_is_open(method: str, path: str, base: str) -> None:
    app = around(replace(SETTINGS, base_path=base))
    assert ask(app, base + path, method)[0] == 200
    if base:
        assert ask(app, path.replace("/", "/elsewhere/", 1), method)[0] == 404


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_pages_do_not_need_is_closed(method: str, path: str) -> None:
    assert ask(around(), path, method)[0] == 404


def test_pages_take_no_posts() -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        status, found = ask(around(), "/segmentation", method)
        assert (status, found["allow"]) == (405, "GET, HEAD")
    assert ask(around(), "/_stcore/upload_file/session/file", "POST")[0] == 405


def test_measurements_are_for_who_shows_the_token() -> None:
    path = "/_stcore/metrics"
    assert ask(around(), path)[0] == 404
    assert ask(around(), path, authorization=f"Bearer {TOKEN}x")[0] == 404
    assert ask(around(), path, authorization="Bearer ünlesbar")[0] == 404
    assert ask(around(), path, authorization=f"Bearer {TOKEN}")[0] == 200
    assert ask(around(), path, "POST", authorization=f"Bearer {TOKEN}")[0] == 404
    nobody = around(Settings())
    assert ask(nobody, path)[0] == ask(nobody, path, authorization="Bearer ")[0] == 404
    with pytest.raises(ValueError, match="16"):
        Settings.read({"REGULARS_METRICS_TOKEN": "short"})
    assert TOKEN not in repr(SETTINGS)


def test_websockets_open_on_one_address_only() -> None:
    async def opened(path: str) -> str:
        sent: list[str] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message["type"])

        await around()({"type": "websocket", "path": path, "headers": []}, None, send)
        return sent[0]

    assert asyncio.run(opened("/_stcore/stream")) == "websocket.accept"
    for path in ("/_stcore/agent/mcp", "/", "/segmentation/_stcore/stream"):
        assert asyncio.run(opened(path)) == "websocket.close"


def test_uploads_that_wait_are_bounded_by_session_and_server() -> None:
    settings = Settings(session_upload_bytes=10 * MB, upload_bytes=15 * MB)
    app = around(settings, {"mine": 6 * MB, "theirs": 4 * MB})

    def put(session: str, size: str) -> int:
        return ask(app, f"/_stcore/upload_file/{session}/file", "PUT", content_length=size)[0]

    assert put("mine", str(4 * MB)) == 200
    assert put("mine", str(4 * MB + 1)) == 413
    assert put("new", str(5 * MB)) == 200
    assert put("new", str(5 * MB + 1)) == 503
    assert ask(app, "/_stcore/upload_file/mine/file", "PUT")[0] == 411
    assert put("mine", "-1") == put("mine", "1e3") == put("mine", "٣") == 411  # other scripts' digits count nothing
    read = Settings.read({"REGULARS_SESSION_UPLOAD_MB": "1", "REGULARS_UPLOAD_MB": "2"})
    assert (read.session_upload_bytes, read.upload_bytes) == (MB, 2 * MB)


def test_what_waits_is_what_streamlit_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit import runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    held = MemoryUploadedFileManager("/_stcore/upload_file")
    held.add_file("one", UploadedFileRec("f1", "a.csv", "text/csv", b"12345"))
    held.add_file("one", UploadedFileRec("f2", "b.csv", "text/csv", b"123"))
    held.add_file("two", UploadedFileRec("f3", "c.csv", "text/csv", b"1"))
    assert headers._waiting() == {}  # no server, nothing waits

    class Server:
        uploaded_file_mgr = held

    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", Server)
    assert headers._waiting() == {"one": 8, "two": 1}
    held.remove_session_files("one")
    assert headers._waiting() == {"two": 1}


def test_the_stack_carries_headers_on_every_answer_of_a_starlette_app() -> None:
    async def page(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("page")

    app = Starlette(routes=[Route("/", page)], middleware=headers.middleware(SETTINGS))
    for path, status in (("/", 200), ("/absent", 404), ("/_stcore/agent/mcp", 404)):
        found = ask(app, path)
        assert found[0] == status
        assert "content-security-policy" in found[1]
