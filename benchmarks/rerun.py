"""CPU per cached rerun of each page relative to an empty page of the same app, and memory per added session.

Thirty visitors each open every page once (uncached for the first), then each page is rerun ``RERUNS`` times by one
visitor while nothing else happens; CPU is the server process's own accounting. Memory is the growth of the server's
resident set from one session on the heaviest page to thirty.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator

import psutil

from benchmarks.server import served
from benchmarks.visitor import Visitor

PAGES = ("upload", "validation", "personas", "segmentation", "lifecycle", "forecasting")
RERUNS = 30
SESSIONS = 30


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _cpu_per_rerun(url: str, process: psutil.Process, page: str, query: str) -> tuple[float, float]:
    """CPU milliseconds per cached rerun, and the median wall milliseconds."""
    async with Visitor(url) as visitor:
        await visitor.open(page, query, timeout=300)
        await visitor.open(page, query)
        before, walls = _cpu(process), []
        for _ in range(RERUNS):
            walls.append((await visitor.open(page, query)).seconds)
        return (_cpu(process) - before) / RERUNS * 1000, statistics.median(walls) * 1000


async def _memory(url: str, process: psutil.Process, page: str, query: str) -> float:
    """MiB per session added from the second to the thirtieth, each on ``page``."""
    visitors = []
    try:
        first = await Visitor(url).__aenter__()
        visitors.append(first)
        for _ in range(5):
            await first.open(page, query)
        before = process.memory_info().rss
        for _ in range(SESSIONS - 1):
            visitor = await Visitor(url).__aenter__()
            visitors.append(visitor)
            await visitor.open(page, query)
        return (process.memory_info().rss - before) / (SESSIONS - 1) / 2**20
    finally:
        for visitor in visitors:
            await visitor.__aexit__()


def run() -> Iterator[dict[str, object]]:
    """One line per page (CPU relative to the empty page) and one for memory."""
    with served("benchmarks/empty_page.py") as (url, process):
        empty, empty_wall = asyncio.run(_cpu_per_rerun(url, process, "", ""))
    yield {"benchmark": "rerun", "page": "empty", "cpu_ms": round(empty, 1), "wall_ms": round(empty_wall, 1)}
    with served("app.py") as (url, process):
        costs: dict[str, float] = {}
        for page in PAGES:
            costs[page], wall = asyncio.run(_cpu_per_rerun(url, process, page, ""))
            yield {
                "benchmark": "rerun",
                "page": page,
                "cpu_ms": round(costs[page], 1),
                "wall_ms": round(wall, 1),
                "ratio_to_empty": round(costs[page] / empty, 2),
            }
        heaviest = max(costs, key=lambda page: costs[page])
        per_session = asyncio.run(_memory(url, process, heaviest, ""))
        yield {
            "benchmark": "rerun",
            "page": heaviest,
            "sessions": SESSIONS,
            "mib_per_added_session": round(per_session, 2),
            "resident_mib": round(process.memory_info().rss / 2**20),
        }
