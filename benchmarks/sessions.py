"""Thirty and more real sessions on one server, each a person of their own: errors, waits, CPU, memory.

A fresh process with a sample world of a million order lines. Thirty sessions open it at the same moment and walk six
pages. Then, with everything cached, each page again: alone, all at once, and while forecasts and clusterings that
nobody has asked for before run in the workers. With ``--minutes`` fifty sessions go on walking while memory is watched.
Load is bounded by the numbers below and goes to this machine only. Times depend on what else the machine does: the load
average is told with them; ratios compare what was interleaved within one run.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import psutil

from analytics.workspace import Workspace, to_link
from benchmarks.compare import OUT, ROOT
from benchmarks.server import served
from benchmarks.visitor import Visit, Visitor

PAGES = ("upload", "validation", "segmentation", "personas", "lifecycle", "forecasting")
LINES_PER_CUSTOMER = 17.96  # of the marketplace
SESSIONS, MANY_SESSIONS = 30, 50
ROUNDS = 3  # of all pages, by each session, once everything is cached
UNCACHED = 6  # sessions with choices that nobody made before
PAIRS = 4  # quiet and busy in turn
LAST_DAY = date(2025, 3, 31)  # that somebody looks at the world from
THINKING = (4.0, 10.0)  # seconds between two clicks of one of the fifty
WARM_UP = 0.3  # of the minutes
LOOK_SECONDS = 5.0
PATIENCE = 900.0  # seconds; a walk that takes longer is a failure


@dataclass
class Walk:
    """What the pages of some sessions came to."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def note(self, page: str, visit: Visit) -> None:
        self.seconds.append(visit.seconds)
        self.errors += [f"{page}: {error}" for error in visit.errors]
        self.errors += [f"{page}: {text}" for text in visit.texts if ":gray[code:" in text]
        if visit.n_messages < 10:
            self.errors.append(f"{page}: {visit.n_messages} messages")

    def told(self) -> dict[str, object]:
        return {
            "runs": len(self.seconds),
            "p50_ms": round(statistics.median(self.seconds) * 1000),
            "p95_ms": round(sorted(self.seconds)[int(0.95 * (len(self.seconds) - 1))] * 1000),
            "longest_ms": round(max(self.seconds) * 1000),
            "errors": self.errors[:5],
            "n_errors": len(self.errors),
        }


def run(n_rows: int = 1_000_000, minutes: float = 0.0) -> Iterator[dict[str, object]]:
    """One line per part; ``equal`` is false where a session saw an error."""
    folder = _world(n_rows)
    with served(REGULARS_WORLDS=str(folder)) as (url, server), asyncio.Runner() as runner:
        parts = _parts(url, server)
        while True:
            try:
                line = runner.run(anext(parts))
            except StopAsyncIteration:
                break
            yield {"benchmark": "sessions", **line, "load": round(os.getloadavg()[0], 1)}
    if minutes > 0:
        with served(REGULARS_WORLDS=str(folder)) as (url, server):
            line = asyncio.run(_memory(url, server, minutes))
            yield {"benchmark": "sessions", **line, "load": round(os.getloadavg()[0], 1)}


def _world(n_rows: int) -> Path:
    folder = OUT / f"world-{n_rows}"
    if not (folder / "marketplace").exists():
        customers = str(round(n_rows / LINES_PER_CUSTOMER))
        command = [sys.executable, "-m", "sample_data", "--customers", customers, "--out", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # nosec B603 # a fixed command, no shell
    return folder


async def _parts(url: str, server: psutil.Process) -> AsyncIterator[dict[str, object]]:
    async with AsyncExitStack() as stack:
        started = time.perf_counter()
        visitors = [await stack.enter_async_context(Visitor(url, as_stranger=True)) for _ in range(SESSIONS)]
        walk = Walk()
        await asyncio.gather(*(_walk(visitor, walk) for visitor in visitors))
        yield {
            "part": f"{SESSIONS} sessions walk {len(PAGES)} pages of a fresh process",
            "seconds": round(time.perf_counter() - started, 1),
            **walk.told(),
            "equal": not walk.errors,
            **_resident(server),
        }
        walk, cpu = Walk(), _cpu(server)
        for page in PAGES * ROUNDS:
            walk.note(page, await visitors[0].open(page, timeout=PATIENCE))
        yield {"part": "cached reruns, one after the other", **walk.told(), **_per_run(server, cpu, walk)}
        walk, cpu = Walk(), _cpu(server)
        await asyncio.gather(*(_walk(visitor, walk, ROUNDS) for visitor in visitors))
        yield {
            "part": f"cached reruns, {SESSIONS} at once without a pause",
            **walk.told(),
            **_per_run(server, cpu, walk),
        }
        walk, cpu = Walk(), _cpu(server)
        await asyncio.gather(*(_uncached(url, walk) for _ in range(UNCACHED)))
        yield {"part": f"uncached, {UNCACHED} at once", **walk.told(), **_per_run(server, cpu, walk)}
        before = server.memory_info().rss
        more = [
            await stack.enter_async_context(Visitor(url, as_stranger=True)) for _ in range(MANY_SESSIONS - SESSIONS)
        ]
        walk = Walk()
        await asyncio.gather(*(_walk(visitor, walk) for visitor in more))
        added = (server.memory_info().rss - before) / len(more) / 2**20
        yield {"part": f"{len(more)} more sessions walk", **walk.told(), "mib_per_session": round(added, 2)}
        yield await _beside_heavy_steps(url, server, visitors[0])


async def _walk(visitor: Visitor, walk: Walk, rounds: int = 1) -> None:
    for page in PAGES * rounds:
        walk.note(page, await visitor.open(page, timeout=PATIENCE))


_choices = count(1)


def _fresh() -> str:
    """Choices that nobody made before: another seed asks for new evidence of segments, another day for everything."""
    n, usual = next(_choices), Workspace()
    segmentation = dataclasses.replace(usual.segmentation, random_state=1000 + n)
    population = dataclasses.replace(usual.population, as_of=LAST_DAY - timedelta(n))
    return f"s={to_link(dataclasses.replace(usual, segmentation=segmentation, population=population))}"


async def _uncached(url: str, walk: Walk) -> None:
    query = _fresh()
    async with Visitor(url, as_stranger=True) as visitor:
        for page in ("segmentation", "forecasting"):
            walk.note(page, await visitor.open(page, query, timeout=PATIENCE))


async def _beside_heavy_steps(url: str, server: psutil.Process, visitor: Visitor) -> dict[str, object]:
    """Cached reruns of one session, alone and while a forecast and a clustering work, in turn."""
    quiet, busy, ratios, worked = Walk(), Walk(), [], []
    for _ in range(PAIRS):
        alone = await _probe(visitor, quiet)
        heavy = [asyncio.create_task(_heavy(url, page)) for page in ("forecasting", "segmentation")]
        cpu, started = _cpu_of_workers(server), time.perf_counter()
        beside: list[float] = []
        while not any(task.done() for task in heavy):
            beside += await _probe(visitor, busy, heavy)
        worked.append((_cpu_of_workers(server) - cpu) / (time.perf_counter() - started))
        await asyncio.gather(*heavy)
        if beside:
            ratios.append(statistics.median(beside) / statistics.median(alone))
    return {
        "part": "cached reruns beside a forecast and a clustering",
        "quiet": quiet.told(),
        "busy": busy.told(),
        "workers_cores": [round(cores, 2) for cores in worked],
        "ratio": round(statistics.median(ratios), 2) if ratios else None,
        "ratios": [round(ratio, 2) for ratio in ratios],
        "equal": not quiet.errors and not busy.errors,
    }


async def _heavy(url: str, page: str) -> None:
    async with Visitor(url, as_stranger=True) as visitor:
        await visitor.open(page, _fresh(), timeout=PATIENCE)


async def _probe(visitor: Visitor, walk: Walk, heavy: Sequence[asyncio.Task[None]] = ()) -> list[float]:
    """Cached reruns of all pages; those that began while every heavy step was still under way."""
    seconds = []
    for page in PAGES:
        if any(task.done() for task in heavy):
            break
        visit = await visitor.open(page, timeout=PATIENCE)
        walk.note(page, visit)
        seconds.append(visit.seconds)
        await asyncio.sleep(0.1)
    return seconds


async def _memory(url: str, server: psutil.Process, minutes: float) -> dict[str, object]:
    """The server's memory while fifty sessions walk: MiB a minute after the warm-up by least squares, and its noise."""
    ends = time.monotonic() + minutes * 60
    walk, looks = Walk(), list[tuple[float, float, float]]()

    async def wander(seed: int) -> None:
        pause = random.Random(seed)  # nosec B311 # pauses of a load, no secret
        async with Visitor(url, as_stranger=True) as visitor:
            while time.monotonic() < ends:
                page = pause.choice(PAGES)
                walk.note(page, await visitor.open(page, timeout=PATIENCE))
                await asyncio.sleep(min(pause.uniform(*THINKING), max(ends - time.monotonic(), 0.0)))

    async def look() -> None:
        started = time.monotonic()
        while time.monotonic() < ends:
            workers = sum(child.memory_info().rss for child in server.children(recursive=True) if child.is_running())
            looks.append(((time.monotonic() - started) / 60, server.memory_info().rss / 2**20, workers / 2**20))
            await asyncio.sleep(LOOK_SECONDS)

    await asyncio.gather(look(), *(wander(seed) for seed in range(MANY_SESSIONS)))
    after = [item for item in looks if item[0] >= WARM_UP * minutes]
    slope, error = _line([item[0] for item in after], [item[1] for item in after])
    third = max(len(after) // 3, 1)
    return {
        "part": f"{MANY_SESSIONS} sessions for {minutes:g} minutes",
        **walk.told(),
        "mib_a_minute": round(slope, 2),
        "standard_error": round(error, 2),
        "first_third_mib": round(statistics.median(item[1] for item in after[:third])),
        "last_third_mib": round(statistics.median(item[1] for item in after[-third:])),
        "highest_mib": round(max(item[1] for item in looks)),
        "workers_mib": round(after[-1][2]),
        "by_minute_mib": [round(item[1]) for item in looks[:: max(round(60 / LOOK_SECONDS), 1)]],
        "equal": not walk.errors,
    }


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope by least squares and its standard error, as if looks were independent."""
    if len(x) < 3:
        return 0.0, float("inf")
    slope, intercept = statistics.linear_regression(x, y)
    mean = statistics.fmean(x)
    spread = sum((item - mean) ** 2 for item in x)
    rest = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    return slope, float((rest / (len(x) - 2) / spread) ** 0.5)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _cpu_of_workers(server: psutil.Process) -> float:
    return sum(_cpu(child) for child in server.children(recursive=True) if child.is_running())


def _per_run(server: psutil.Process, before: float, walk: Walk) -> dict[str, object]:
    per_run = (_cpu(server) - before) / len(walk.seconds) * 1000
    return {"server_cpu_ms_per_run": round(per_run, 1), "equal": not walk.errors}


def _resident(server: psutil.Process) -> dict[str, object]:
    workers = [child.memory_info().rss for child in server.children(recursive=True)]
    return {"server_mib": round(server.memory_info().rss / 2**20), "workers_mib": round(sum(workers) / 2**20)}
