"""One visitor of a running app without a browser: a websocket that speaks Streamlit's own messages.

Used by the ``rerun`` and ``sessions`` benchmarks and by the test in which thirty visitors open a fresh process at
once. Load is bounded by the number of visitors and reruns that the caller asks for, and goes to this machine only.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from serving.visitors import COOKIE

LOCAL_HOSTS = {"127.0.0.1", "localhost"}
MAX_MESSAGE = 64 * 2**20


@dataclass
class Visit:
    """What one run of a page sent: its messages by kind, texts of errors, and how long it took."""

    n_messages: int = 0
    n_bytes: int = 0
    errors: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Visitor:
    """A session of its own; use as ``async with Visitor(url) as visitor: await visitor.open("segmentation")``.

    ``as_stranger``: a person of their own who came through a proxy, with a browser's cookie; else the one person of
    this machine, whose sessions share what one person may have.
    """

    def __init__(self, url: str, *, as_stranger: bool = False) -> None:
        parts = urlsplit(url)
        if parts.hostname not in LOCAL_HOSTS:
            raise ValueError("visitors only go to this machine")
        self._address = f"ws://{parts.netloc}/_stcore/stream"
        cookie = f"{COOKIE}={secrets.token_urlsafe(32)}"
        self._headers = {"Cookie": cookie, "X-Forwarded-For": "127.0.0.1"} if as_stranger else {}
        self._socket: Any = None

    async def __aenter__(self) -> Visitor:
        self._socket = await websockets.connect(
            self._address,
            subprotocols=["streamlit"],
            additional_headers=self._headers,
            max_size=MAX_MESSAGE,
            open_timeout=60,
            ping_timeout=None,
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._socket.close()

    async def open(self, page: str, query: str = "", *, timeout: float = 120.0) -> Visit:
        """Run a page as a browser would that opens its address; returns when the script has finished."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        started = asyncio.get_running_loop().time()
        await self._socket.send(message.SerializeToString())
        visit = Visit()
        async with asyncio.timeout(timeout):
            while True:
                data = await self._socket.recv()
                visit.n_messages += 1
                visit.n_bytes += len(data)
                forward = ForwardMsg()
                forward.ParseFromString(data)
                _note(forward, visit)
                if forward.WhichOneof("type") == "script_finished" and forward.script_finished in (0, 1):
                    break
        visit.seconds = asyncio.get_running_loop().time() - started
        return visit


def _note(forward: ForwardMsg, visit: Visit) -> None:
    if forward.WhichOneof("type") == "script_finished" and forward.script_finished == 1:
        visit.errors.append("the script did not compile")
    if forward.WhichOneof("type") != "delta" or forward.delta.WhichOneof("type") != "new_element":
        return
    element = forward.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "exception":
        visit.errors.append(f"{element.exception.type}: {element.exception.message}")
    elif kind == "alert":
        visit.texts.append(element.alert.body)
    elif kind == "heading":
        visit.texts.append(element.heading.body)
    elif kind == "markdown":
        visit.texts.append(element.markdown.body)
