"""What the log leaves out, and that it does so for every logger of a running server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analytics.errors import AnalysisError
from serving.logs import RequestLog, kind_of, told, without_persons

ROOT = Path(__file__).parents[2]
TOKEN = "pT3xq9aVb2KcLm4Zr8Ys6Wd1Ef5Gh7Jk0NoQuTi-_A"
LEFT_OUT = [
    ("GET /segmentation?k=" + TOKEN, TOKEN),
    ("opened http://host:8501/upload?w=0123456789abcdef0123456789abcdef&x=1#y", "0123456789abcdef"),
    (f"token={TOKEN[:12]}", TOKEN[:12]),
    ("Authorization: Bearer abcdefghij", "abcdefghij"),
    (f"link {TOKEN} is revoked", TOKEN),
    ("mei.lin@example.org signed in", "mei.lin"),
    ("刘梅@例子.中国 signed in", "刘梅"),
    ("postgresql+psycopg://regulars:secret-word@database/regulars", "secret-word"),
    ("read 'Kunden Müller 2024.xlsx' in 2 s", "Müller"),
    ("read 客户名单.csv in 2 s", "客户名单"),
    ("could not open /srv/in/key-accounts.parquet", "key-accounts"),
    ('192.168.7.31:51234 - "WebSocket /_stcore/stream" [accepted]', "192.168.7.31"),
    ("2001:db8:85a3:0:0:8a2e:370:7334 came", "8a2e"),
    ("2001:db8::8a2e:370:7334 came", "8a2e"),
    ("session 6f1c9a52-4a0e-4b57-9a55-1f7f0f5f2b11 left", "6f1c9a52"),
]


@pytest.mark.parametrize(("text", "secret"), LEFT_OUT)
def test_left_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in without_persons(text)


@pytest.mark.parametrize(
    "text",
    [
        "page segmentation failed",
        "Uvicorn server started on 127.0.0.1:8501",
        "swept: 3 workspaces, 1024 bytes",
        "2026-11-22 19:43:38,486 step a1b2c3d4e5f6 failed",
        "a customer was erased on request; 2 in this work",
        "analytics.segmentation.segment took 1.25 s",
        "the store failed: store_full (OperationalError)",
        "What now? Nothing.",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert without_persons(text) == text


def _fail(value: str) -> None:
    try:
        pl.Series([value]).cast(pl.Int64)
    except pl.exceptions.PolarsError as error:
        raise AnalysisError("column_not_numeric", column=value) from error


def test_an_exception_tells_type_and_place_and_no_cell() -> None:
    with pytest.raises(AnalysisError) as caught:
        _fail("Mei Lin")
    text = told(caught.value)
    assert "Mei Lin" in str(caught.value.__cause__)
    assert "Mei" not in text
    assert "InvalidOperationError" in text
    assert "AnalysisError (column_not_numeric)" in text
    assert "tests/serving/test_logs.py:" in text
    assert "in _fail" in text
    assert str(ROOT) not in text
    assert told(FileNotFoundError(2, "No such file", "/data/Mei Lin.csv")) == "FileNotFoundError [2] " + os.strerror(2)
    assert told(AttributeError("'Words' object has no attribute 'x'")).endswith("no attribute 'x'")


CHILD = """
import logging, sys, threading, warnings
before = logging.getLogger("web.server")
before.addHandler(logging.StreamHandler()); before.propagate = False; before.setLevel("INFO")
from streamlit.logger import get_logger
early = get_logger("streamlit.early")
from serving import logs
logs.set_up(sys.argv[1])
later = get_logger("streamlit.later")
for each in (before, early, later, logging.getLogger("regulars"), logging.getLogger("some.library")):
    each.warning("mei@example.org uploaded %s", "customers.csv")
    try:
        raise ValueError("cell Mei Lin")
    except ValueError:
        each.exception("failed")
warnings.warn("about mei@example.org")
threading.Thread(target=lambda: {}["Mei Lin"]).start()
logging.getLogger("regulars").info("fits %d", "not")
raise KeyError("Mei Lin")
"""


@pytest.mark.parametrize("style", ["plain", "json", "detail"])
def test_every_logger_of_the_process_obeys(style: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", CHILD, style], cwd=ROOT, env=env, capture_output=True, text=True)
    assert ran.returncode == 1
    written = ran.stdout + ran.stderr
    if style == "detail":
        assert "mei@example.org" in written
        assert "cell Mei Lin" in written
        return
    for secret in ("mei", "Mei", "customers.csv"):
        assert secret not in written
    assert written.count("<e-mail> uploaded <file>") == 5
    assert written.count("ValueError") == 5
    assert written.count("KeyError") == 2
    if style == "json":
        lines = [json.loads(line) for line in ran.stderr.splitlines()]
        assert {line["logger"] for line in lines} >= {"web.server", "streamlit.later", "regulars", "py.warnings"}
        assert all(set(line) == {"time", "level", "logger", "message"} for line in lines)


def test_a_script_that_fails_under_streamlit_tells_no_cell() -> None:
    """Streamlit prints what a script raised in its own way where it can; it must not."""
    child = (
        "import streamlit\n"
        "from serving import logs; logs.set_up('plain')\n"
        "from streamlit.error_util import _log_uncaught_app_exception as fail\n"
        "try: raise ValueError('cell Mei Lin')\n"
        "except ValueError as error: fail(error)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", child], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert "Uncaught app execution" in ran.stderr
    assert "ValueError" in ran.stderr
    assert "Mei" not in ran.stdout + ran.stderr


def test_an_unknown_style_is_refused() -> None:
    from serving.logs import set_up

    with pytest.raises(ValueError, match="REGULARS_LOG"):
        set_up("loud")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "/"),
        ("/segmentation", "/segmentation"),
        ("/mei@example.org", "/…"),
        ("/Mei", "/…"),
        ("/media/0a1b.csv", "/media/…"),
        ("/_stcore/upload_file/session/file", "/_stcore/upload_file"),
        ("/_stcore/Mei", "/_stcore/…"),
        ("/a/b", "/…"),
    ],
)
def test_a_request_is_told_by_its_kind(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def test_one_line_per_request_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(message: Any) -> None:
        return None

    scope = {"type": "http", "method": "GET", "path": "/segmentation", "query_string": f"k={TOKEN}".encode()}
    with caplog.at_level(logging.INFO, logger="regulars.requests"):
        asyncio.run(RequestLog(app)(scope, None, send))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("GET /segmentation 204 in ")
    assert TOKEN not in caplog.text
