"""The recipe's own Caddyfile in front of a running server, on this machine: what a person's browser would meet."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.server import served

CADDYFILE = Path(__file__).parents[2] / "hosting" / "Caddyfile"
TOKEN = "measuring-0123456789"
CUT_OFF = 0  # the connection ended before an answer
LINK = "pT3xq9aVb2KcLm4Zr8Ys6Wd1Ef5Gh7Jk0NoQuTi-_A"


@dataclass(frozen=True)
class Proxied:
    url: str  # https://localhost:port
    trust: ssl.SSLContext
    app_port: int
    log: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    caddy = shutil.which("caddy")
    if caddy is None:
        if os.environ.get("REGULARS_REQUIRE_CADDY"):
            pytest.fail("the proxy's tests are required and no caddy is installed")
        pytest.skip("no caddy on this machine")
    folder = tmp_path_factory.mktemp("proxy")
    port = free_port()
    limits = {"STREAMLIT_SERVER_ALLOWED_HOSTS": "localhost", "REGULARS_METRICS_TOKEN": TOKEN, "REGULARS_LOCAL": "off"}
    with served(**limits) as (app, _process):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "REGULARS_HOST": f"localhost:{port}",
            "REGULARS_UPSTREAM": app.removeprefix("http://"),
            "REGULARS_HTTP_PORT": str(free_port()),
            "REGULARS_HTTPS_PORT": str(port),
            "REGULARS_HEALTH_PORT": str(free_port()),
            "REGULARS_BODY_LIMIT": "2MB",
        }
        log = folder / "log"
        with log.open("w") as out:
            command = [caddy, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
            proxy = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out)
            try:
                root = folder / ".local/share/caddy/pki/authorities/local/root.crt"
                deadline = time.monotonic() + 30
                while True:
                    try:
                        trust = ssl.create_default_context(cafile=str(root))
                        with urllib.request.urlopen(
                            f"https://localhost:{port}/_stcore/health", context=trust, timeout=5
                        ):
                            break
                    except OSError:
                        assert proxy.poll() is None, log.read_text()
                        assert time.monotonic() < deadline, log.read_text()
                        time.sleep(0.2)
                health = f"http://127.0.0.1:{environment['REGULARS_HEALTH_PORT']}/health"
                assert urllib.request.urlopen(health, timeout=5).status == 200
                yield Proxied(f"https://localhost:{port}", trust, int(app.rpartition(":")[2]), log)
            finally:
                proxy.terminate()
                try:
                    proxy.wait(15)
                except subprocess.TimeoutExpired:
                    proxy.kill()
                    proxy.wait()


def ask(
    through: Proxied, path: str, method: str = "GET", data: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str]]:
    asked = urllib.request.Request(through.url + path, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(asked, context=through.trust, timeout=20) as found:
            return found.status, {name.lower(): value for name, value in found.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}
    except urllib.error.URLError:
        return CUT_OFF, {}


def test_headers_reach_the_browser_once_and_with_tls(proxied: Proxied) -> None:
    asked = urllib.request.Request(proxied.url + "/segmentation?k=" + LINK)
    with urllib.request.urlopen(asked, context=proxied.trust, timeout=20) as found:
        names = [name.lower() for name in found.headers]
        cookies = found.headers.get_all("Set-Cookie") or []
    for name in ("content-security-policy", "strict-transport-security", "x-content-type-options", "referrer-policy"):
        assert names.count(name) == 1, name
    assert "server" not in names
    assert cookies
    assert all("secure" in cookie.lower() for cookie in cookies)


def test_measurements_are_closed_from_outside_even_with_the_token(proxied: Proxied) -> None:
    for path in (
        "/_stcore/metrics",
        "/_stcore/metrics/",
        "/_stcore//metrics",
        "/_stcore/%6Detrics",
        "/x/../_stcore/metrics",
    ):
        assert ask(proxied, path, Authorization=f"Bearer {TOKEN}")[0] in {400, 404}, path
    inner = urllib.request.Request(
        f"http://127.0.0.1:{proxied.app_port}/_stcore/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert urllib.request.urlopen(inner, timeout=10).status == 200


async def _upload(through: Proxied, sizes: tuple[int, ...]) -> list[int]:
    """The answers to uploads of these sizes into a session that lives, as its page would send them."""
    async with _stream(through, through.url) as stream:
        await stream.send(_rerun())
        forward = ForwardMsg()
        while forward.WhichOneof("type") != "new_session":
            forward.ParseFromString(await stream.recv())
        session = forward.new_session.initialize.session_id
        cookie = ask(through, "/_stcore/health")[1]["set-cookie"].split(";")[0]
        head = {"Cookie": cookie, "X-Xsrftoken": cookie.split("=", 1)[1]}
        head["Content-Type"] = "multipart/form-data; boundary=edge"
        answers = []
        for i, size in enumerate(sizes):
            body = b'--edge\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n%s\r\n--edge--\r\n'
            path = f"/_stcore/upload_file/{session}/{i}"
            answers.append((await asyncio.to_thread(ask, through, path, "PUT", body % (b"x" * size), **head))[0])
        return answers


def test_a_request_that_is_too_large_is_cut_off(proxied: Proxied) -> None:
    small, large = asyncio.run(_upload(proxied, (1_000_000, 3_000_000)))
    assert small == 204
    assert large in {CUT_OFF, 413, 502}  # as the proxy's version has it
    assert ask(proxied, "/_stcore/upload_file/nobody/file", "PUT", b"x")[0] == 403  # no token against forgery
    assert ask(proxied, "/segmentation", "POST", b"x")[0] == 405


def _stream(through: Proxied, origin: str) -> Any:
    """The websocket as a browser of a page from ``origin`` opens it."""
    return websockets.connect(
        through.url.replace("https", "wss") + "/_stcore/stream",
        ssl=through.trust,
        subprotocols=["streamlit"],
        origin=origin,
        max_size=2**26,
        open_timeout=30,
    )


def _rerun() -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = ""
    sent: bytes = message.SerializeToString()
    return sent


async def _run_page(through: Proxied, origin: str) -> str:
    """Run a page and tell how its script ended."""
    async with _stream(through, origin) as stream:
        await stream.send(_rerun())
        async with asyncio.timeout(90):
            while True:
                forward = ForwardMsg()
                forward.ParseFromString(await stream.recv())
                if forward.WhichOneof("type") == "script_finished":
                    ended: str = ForwardMsg.ScriptFinishedStatus.Name(forward.script_finished)
                    return ended


def test_websockets_pass_for_this_address_alone(proxied: Proxied) -> None:
    assert asyncio.run(_run_page(proxied, proxied.url)) == "FINISHED_SUCCESSFULLY"
    for origin in ("https://evil.example", "https://localhost.evil.example", "null"):
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            asyncio.run(_run_page(proxied, origin))
        assert refused.value.response.status_code == 403


def test_another_name_for_this_server_is_refused(proxied: Proxied) -> None:
    """A name of somebody else's that leads here (DNS rebinding): the app compares it with its own."""

    async def under(name: str) -> None:
        async with websockets.connect(
            f"ws://{name}/_stcore/stream",
            host="127.0.0.1",
            port=proxied.app_port,
            origin=f"http://{name}",
            subprotocols=["streamlit"],
        ):
            return

    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        asyncio.run(under("rebound.example"))
    assert refused.value.response.status_code == 403


def test_the_proxy_writes_nobody_down(proxied: Proxied) -> None:
    """Last: what all the tests above have left in its log."""
    ask(proxied, "/segmentation?k=" + LINK)
    ask(proxied, f"/_stcore/upload_file/{LINK}/file", "PUT", b"x" * 3_000_000)
    written = proxied.log.read_text()
    assert all(json.loads(line) for line in written.splitlines())
    for secret in (LINK, TOKEN, "127.0.0.1:", "Mozilla", "Python-urllib"):
        assert secret not in written
