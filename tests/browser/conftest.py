"""A real server and a real browser. Without a Chromium the tests skip with one line, unless they are required."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.server import served

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The installed Chromium under Playwright. Its event loop runs in this thread as long as it is open: no longer than
    one module, so that others can run one of their own."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("REGULARS_REQUIRE_BROWSER"):
            pytest.fail("browser tests are required and no chromium is installed")
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served() as (url, _process):
        yield url
