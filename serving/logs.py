"""What the server writes down: what happened and where in the program, never about whom.

No address with its query (a private link's token stands there), no e-mail or network address, no token, no file name,
and of an exception its type and place only: its message may quote a cell of somebody's file. One record factory does
this for every logger of the process, those of Streamlit and of the web server included, whatever prints them.

``REGULARS_LOG``: ``plain`` (default), ``json`` (one object per line) or ``detail`` (nothing is left out).
``REGULARS_LOG_REQUESTS=1`` writes one line per request: method, kind of address, status, milliseconds.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # workers log too, and need no server
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


LOG = logging.getLogger("regulars.requests")
ROOT = Path(__file__).resolve().parent.parent
STYLES = ("plain", "json", "detail")
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
JSON = '{"time": "%(asctime)s", "level": "%(levelname)s", "logger": "%(name)s", "message": %(quoted)s}'

DATA_FILE = r"\.(?:csv|tsv|txt|xlsx?|xlsm|ods|json|jsonl|parquet|feather|arrow|zip|gz|sav|regulars|sqlite|db)"
LEFT_OUT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=://)[^\s/@'\"]+@"), "…@"),  # name and password in a database's address
    (re.compile(r"(?<=[\w/])[?#][^\s\"'<>]+"), "?…"),  # the query of an address
    (
        re.compile(
            r"(?i)\b(token|k|w|s|code|state|password|secret|cookie|authorization|bearer)(\s*[=:]\s*|\s+)[^\s,;&\"']{8,}"
        ),
        r"\1\2…",
    ),
    (re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;]+\.[^\W\d_]{2,}"), "<e-mail>"),
    (re.compile(rf"([\"'])(?:(?!\1)[^\n])*?{DATA_FILE}\1", re.IGNORECASE), "<file>"),
    (re.compile(rf"[^\s\"'<>/\\]+{DATA_FILE}\b", re.IGNORECASE), "<file>"),
    (re.compile(r"\b(?!127\.0\.0\.1\b|0\.0\.0\.0\b)\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){4,7}[0-9A-Fa-f]{1,4}(?![\w:])"), "<address>"),
    (
        re.compile(r"(?<![\w:])[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4})*::(?:[0-9A-Fa-f]{1,4}:)*[0-9A-Fa-f]{0,4}"),
        "<address>",
    ),
    (
        re.compile(r"(?<![\w-])(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[A-Za-z0-9_-]{20,}(?![\w-])"),
        "…",
    ),  # ids, tokens, digests
)
# Their messages speak of the program, not of data.
ABOUT_THE_PROGRAM = (ImportError, NameError, AttributeError, NotImplementedError, MemoryError, RecursionError)


def without_persons(text: str) -> str:
    """The text with what may tell of a person or let somebody in left out."""
    for pattern, instead in LEFT_OUT:
        text = pattern.sub(instead, text)
    return text


def told(error: BaseException) -> str:
    """An exception as types and places, the cause first; messages only where they cannot quote data."""
    chain: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in chain:
        chain.append(here)
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return "\n".join(_one(each) for each in reversed(chain))


def _one(error: BaseException) -> str:
    frames = [
        f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    name, code = type(error).__qualname__, getattr(error, "code", None)
    if isinstance(error, OSError):
        name += f" [{error.errno}] {os.strerror(error.errno)}" if error.errno else ""
    elif isinstance(error, ABOUT_THE_PROGRAM):
        name += f": {without_persons(str(error))}"
    elif isinstance(code, str) and re.fullmatch(r"[\w.]{1,40}", code):
        name += f" ({code})"
    return "\n".join([*frames, name])


def _place(file: str) -> str:
    """Where in the program: without the folders of this machine."""
    path = Path(file)
    if path.is_relative_to(ROOT) and ".venv" not in path.parts:
        return path.relative_to(ROOT).as_posix()
    parts = path.parts
    return "/".join(parts[parts.index("site-packages") + 1 :] if "site-packages" in parts else parts[-2:])


class Record(logging.LogRecord):
    """A record that has left out what nobody should find in a log, before any printer sees it."""

    quoted: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            text = without_persons(super().getMessage())
        except (TypeError, ValueError, KeyError):  # arguments that do not fit: the text alone
            text = without_persons(str(self.msg))
        self.msg, self.args = text, None
        if self.exc_info and self.exc_info[1] is not None:
            self.exc_text, self.exc_info = told(self.exc_info[1]), None
        self.quoted = json.dumps(text + (f"\n{self.exc_text}" if self.exc_text else ""), ensure_ascii=False)


class JsonRecord(Record):
    """The same for one line of JSON, in which the exception already stands."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.exc_text = None


def set_up(style: str | None = None) -> None:
    """From now on every record of this process is written in this style (default: ``REGULARS_LOG``)."""
    style = style or os.environ.get("REGULARS_LOG", "plain")
    if style not in STYLES:
        raise ValueError(f"REGULARS_LOG: {style!r} is none of {', '.join(STYLES)}")
    logging.captureWarnings(True)
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    root.setLevel(logging.INFO)
    if style == "detail":
        return
    logging.setLogRecordFactory(JsonRecord if style == "json" else Record)
    form = JSON if style == "json" else PLAIN
    if "streamlit" in sys.modules:
        from streamlit import config

        # Streamlit gives each of its loggers a printer of its own, also later on: those ask this option.
        config.set_option("logger.messageFormat", form)
        config.set_option("logger.enableRich", False)  # prints past every logger, message and source lines included
    for logger in [root, *(known for known in logging.Logger.manager.loggerDict.values())]:
        for printer in getattr(logger, "handlers", ()):
            printer.setFormatter(logging.Formatter(form))
    sys.excepthook = lambda kind, error, trace: logging.getLogger("regulars").critical(
        "ended by an exception", exc_info=(kind, error, trace)
    )
    threading.excepthook = lambda args: logging.getLogger("regulars").error(
        "a thread ended by an exception", exc_info=args.exc_value
    )
    sys.unraisablehook = lambda args: logging.getLogger("regulars").error(
        "an exception that nobody could catch", exc_info=args.exc_value
    )


def kind_of(path: str) -> str:
    """An address as a log may show it: what kind of request it is, no id, no name, no query."""
    parts = path.strip("/").split("/")
    if parts[0] == "_stcore" and len(parts) > 1:
        return f"/_stcore/{parts[1]}" if re.fullmatch(r"[a-z_-]{1,20}", parts[1]) else "/_stcore/…"
    if parts[0] in {"media", "static", "auth"}:
        return f"/{parts[0]}/…"
    return f"/{parts[0]}" if len(parts) == 1 and re.fullmatch(r"[a-z_]{0,30}", parts[0]) else "/…"


class RequestLog:
    """One line per request, if it is asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            took = round(1000 * (time.perf_counter() - started))
            LOG.info("%s %s %d in %d ms", scope["method"], kind_of(scope["path"]), status, took)
