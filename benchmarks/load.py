"""What a large file costs the server: a 190 MB upload and a 1 GB file of its folder, while somebody else works.

A browser takes the file to Validation and Segmentation. Meanwhile a second session opens a page of the sample world
every second. Told are the highest memory of the server and of its largest worker, all of it and what is private (the
rest are pages of mapped files, which the system takes back when it needs them), and the waits of the second session.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.compare import OUT, repeated, resident
from benchmarks.ingest import generate
from benchmarks.server import served
from benchmarks.visitor import Visitor

FILES = {"upload": 2_600_000, "folder": 13_600_000}  # lines: 190 MB and 1 GB
PAGES = ("upload", "validation", "segmentation", "lifecycle", "forecasting")
MOST_SECONDS = 1800
READY = "[data-testid=stApp][data-test-script-state=notRunning]"


def run() -> Iterator[dict[str, object]]:
    """One line per way in."""
    chromium = shutil.which("chromium")
    if chromium is None:
        yield {"benchmark": "load", "skipped": "no chromium on this machine"}
        return
    OUT.mkdir(parents=True, exist_ok=True)
    for way, lines in FILES.items():
        folder = OUT / "load"
        folder.mkdir(exist_ok=True)
        data = folder / f"{way}.csv"
        generate(data, lines)
        try:
            yield _load(way, data, chromium)
        finally:
            shutil.rmtree(folder)


def _load(way: str, data: Path, chromium: str) -> dict[str, object]:
    from playwright.sync_api import sync_playwright

    with served(REGULARS_DATA_FOLDER=str(data.parent)) as (url, server):
        asyncio.run(_visit_all(url))  # what the second session looks at is there before the first comes
        at_rest = resident(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            page.set_default_timeout(MOST_SECONDS * 1000)
            seconds: dict[str, float] = {}
            with _family_watched(server) as peaks, _second_session(url) as waits:
                for step in ("mapped", "validation", "segmentation"):
                    started = time.perf_counter()
                    if step == "mapped":
                        _take(page, url, way, data)
                    else:
                        _open(page, step)
                    seconds[step] = round(time.perf_counter() - started, 1)
            failed = page.locator("[data-testid=stException], [data-testid=stAlertContentError]").count()
            browser.close()
    return {
        "benchmark": "load",
        "way": way,
        "megabytes": round(data.stat().st_size / 1e6),
        "seconds": seconds,
        "failed": failed,
        "server_at_rest_mib": [round(value) for value in at_rest],
        **{name: [round(value) for value in peak] for name, peak in peaks.items()},
        "second_session": {
            "visits": len(waits),
            "median_s": round(statistics.median(waits), 2),
            "p95_s": round(sorted(waits)[int(0.95 * (len(waits) - 1))], 2),
            "longest_s": round(max(waits), 2),
        },
    }


def _settle(page: Any) -> None:
    for _ in range(3):
        page.wait_for_selector(READY)
        page.wait_for_timeout(350)


def _take(page: Any, url: str, way: str, data: Path) -> None:
    page.goto(url)
    _settle(page)
    page.locator(".st-key-source button").last.click()
    _settle(page)
    if way == "upload":
        page.locator(".st-key-files input[type=file]").set_input_files(str(data))
    else:
        page.locator("[data-testid=stExpander] summary", has_text="From the server").click()
        page.wait_for_timeout(700)
        page.locator(".st-key-folder-file input").click()
        page.locator("[role=option]").first.click()
        _settle(page)
        page.locator(".st-key-folder-use button").click()
    page.wait_for_selector(f"text={data.name} holds Orders")
    _settle(page)


def _open(page: Any, name: str) -> None:
    page.locator(f"[data-testid=stSidebarNav] a[href$='/{name}']").click()
    page.wait_for_timeout(500)
    _settle(page)


async def _visit_all(url: str) -> None:
    async with Visitor(url) as visitor:
        for name in PAGES:
            await visitor.open(name, timeout=300)


@contextmanager
def _second_session(url: str) -> Iterator[list[float]]:
    """Seconds that each page of the sample world took, one opened every second until the block ends."""
    waits: list[float] = []
    done = threading.Event()

    async def click() -> None:
        async with Visitor(url) as visitor:
            while not done.is_set():
                for name in PAGES:
                    waits.append((await visitor.open(name, timeout=MOST_SECONDS)).seconds)
                    await asyncio.sleep(1)

    clicking = threading.Thread(target=lambda: asyncio.run(click()))
    clicking.start()
    try:
        yield waits
    finally:
        done.set()
        clicking.join()


@contextmanager
def _family_watched(server: psutil.Process) -> Iterator[dict[str, tuple[float, float]]]:
    """MiB, all and private: the highest of the server and of its largest worker, looked at ten times a second."""
    peaks = {"server_mib": (0.0, 0.0), "worker_mib": (0.0, 0.0)}

    def look() -> None:
        for name, processes in (("server_mib", [server]), ("worker_mib", server.children(recursive=True))):
            for process in processes:
                try:
                    now = resident(process)
                except psutil.Error:
                    continue
                peaks[name] = (max(peaks[name][0], now[0]), max(peaks[name][1], now[1]))

    with repeated(look, 0.1):
        yield peaks
