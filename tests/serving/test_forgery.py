"""A real server, asked by a stranger's page: uploads, the websocket, other sessions' files, names with dots in them."""

from __future__ import annotations

import asyncio
import http.client
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import websockets
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.server import served

FOREIGN = "https://evil.example"
BOUNDARY = "b7e1"
XSRF = "_streamlit_xsrf"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as (address, _process):
        yield address


class Session:
    """A visitor's open session: its id, the token against forgery, and its live socket."""

    def __init__(self, address: str, session_id: str, token: str, socket: Any) -> None:
        self.address, self.id, self.token, self.socket = address, session_id, token, socket


def asked(
    address: str, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """One request as it is written here: no client tidies the path."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request(method, path, body=body or None, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def form(name: str, data: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def put(
    session: Session,
    *,
    session_id: str = "",
    token: str | None = None,
    cookie: str | None = None,
    origin: str = "",
    name: str = "a.csv",
    file_id: str = "",
    data: bytes = b"a,b\n1,2\n",
) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    token, cookie = session.token if token is None else token, session.token if cookie is None else cookie
    headers |= {"X-Xsrftoken": token} if token else {}
    headers |= {"Cookie": f"{XSRF}={cookie}"} if cookie else {}
    headers |= {"Origin": origin} if origin else {}
    path = f"/_stcore/upload_file/{session_id or session.id}/{file_id or uuid.uuid4()}"
    return asked(session.address, "PUT", path, headers, form(name, data))


async def opened(address: str) -> Session:
    status, headers, _body = asked(address, "GET", "/_stcore/health")
    assert status == 200
    token = headers["set-cookie"].split(f"{XSRF}=", 1)[1].split(";", 1)[0].strip('"')
    socket = await websockets.connect(
        f"ws://{urlsplit(address).netloc}/_stcore/stream", subprotocols=["streamlit"], max_size=2**26
    )
    message = BackMsg()
    message.rerun_script.page_name = "upload"
    await socket.send(message.SerializeToString())
    while True:
        forward = ForwardMsg()
        forward.ParseFromString(await socket.recv())
        if forward.WhichOneof("type") == "new_session":
            return Session(address, forward.new_session.initialize.session_id, token, socket)


def test_an_upload_needs_the_token_of_this_very_page_and_a_session_that_lives(url: str) -> None:
    async def run() -> None:
        session, other = await opened(url), await opened(url)
        assert put(session)[0] == 204, "as the page itself uploads"
        assert put(session, token="", cookie="")[0] == 403
        assert put(session, token="")[0] == 403, (
            "a form on a stranger's page sends the cookie and cannot send the header"
        )
        assert put(session, cookie="")[0] == 403
        masked = session.token.split("|")
        masked[2] = masked[2][:-1] + ("0" if masked[2][-1] != "0" else "1")
        assert put(session, token="|".join(masked))[0] == 403, "one digit of the token itself"
        assert put(session, token="2|00000000|" + "0" * 32 + "|1700000000")[0] == 403
        assert put(session, token="nonsense")[0] == 403
        status, headers, _body = put(session, origin=FOREIGN, token="")
        assert status == 403
        assert "access-control-allow-origin" not in headers
        theirs = f"/_stcore/upload_file/{session.id}/{uuid.uuid4()}"
        assert asked(url, "DELETE", theirs, {"Cookie": f"{XSRF}={session.token}"})[0] == 403
        for made_up in (str(uuid.uuid4()), "..", "%2e%2e", session.id[:-1], session.id.upper()):
            assert put(session, session_id=made_up)[0] in (400, 404), made_up
        assert other.id != session.id
        await session.socket.close()
        await other.socket.close()

    asyncio.run(run())


def test_a_strangers_page_may_not_ask_at_all(url: str) -> None:
    """The browser asks before it sends a header of its own; no answer allows it."""
    for headers in ({"Origin": FOREIGN}, {"Origin": "null"}):
        preflight = {**headers, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-xsrftoken"}
        for path in ("/_stcore/upload_file/x/y", "/_stcore/host-config", "/"):
            _status, got, _body = asked(url, "OPTIONS", path, preflight)
            assert got.get("access-control-allow-origin") not in ("*", headers["Origin"]), path
            _status, got, _body = asked(url, "GET", path, headers)
            assert got.get("access-control-allow-origin") not in ("*", headers["Origin"]), path


@pytest.mark.parametrize("origin", [FOREIGN, "http://127.0.0.1.evil.example", "null", "http://localhost.evil.example"])
def test_a_socket_from_another_page_is_refused(url: str, origin: str) -> None:
    async def run() -> None:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await websockets.connect(
                f"ws://{urlsplit(url).netloc}/_stcore/stream", subprotocols=["streamlit"], origin=origin
            )
        assert caught.value.response.status_code == 403

    asyncio.run(run())


def test_beyond_the_size_an_upload_is_refused_before_it_is_held(url: str) -> None:
    async def run() -> None:
        session = await opened(url)
        limit = config.get_option("server.maxUploadSize") * 2**20
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.putrequest("PUT", f"/_stcore/upload_file/{session.id}/{uuid.uuid4()}")
        for name, value in {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "X-Xsrftoken": session.token,
            "Cookie": f"{XSRF}={session.token}",
            "Content-Length": str(limit + 2 * 2**20),
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(form("big.csv", b"x" * 1000)[:-10])  # the rest never comes: the answer does not wait for it
        assert connection.getresponse().status == 413
        connection.close()
        await session.socket.close()

    asyncio.run(run())


PATHS = (
    "/media/../../../etc/passwd",
    "/media/..%2f..%2f..%2fetc%2fpasswd",
    "/media/%2e%2e/%2e%2e/etc/passwd",
    "/static/../../../../../../etc/passwd",
    "/static/..%2f..%2fpyproject.toml",
    "/static/%2e%2e/%2e%2e/pyproject.toml",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/pyproject.toml",
    "/app/static/../../frame.py",
    "//etc/passwd",
    "/\\..\\..\\etc\\passwd",
    "/.streamlit/secrets.toml",
    "/out/store/work.sqlite",
    "/static/%00/etc/passwd",
    "/_stcore/upload_file/../health",
    "/component/x/../../frame.py",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_what_is_served(url: str, path: str) -> None:
    status, headers, body = asked(url, "GET", path)
    assert b"root:" not in body
    assert b"SQLite format" not in body
    assert b"[project]" not in body
    assert b"st.navigation" not in body
    # Either refused, or the app's own document, in which the step of that name is not found.
    assert status >= 300 or headers["content-type"].startswith("text/html"), (status, headers)
    assert not headers.get("location", "").startswith("//"), "and nobody is sent elsewhere"


def test_a_files_name_is_a_name_and_no_place(url: str) -> None:
    """What a browser calls its file is stored nowhere by that name; the server keeps the bytes under its own id."""

    async def run() -> None:
        session = await opened(url)
        for name in ("../../etc/passwd", "..\\..\\x.csv", "/etc/passwd", "a\x00b.csv", "x" * 5000 + ".csv"):
            assert put(session, name=quote(name) if "\x00" in name else name)[0] in (204, 400), name[:40]
        for file_id in ("..%2f..%2fx", "%2e%2e", "..", "a/b"):
            assert put(session, file_id=file_id)[0] in (204, 400, 404, 405), file_id
        await session.socket.close()

    asyncio.run(run())
