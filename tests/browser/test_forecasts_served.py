"""A real server on which one visitor leaves in the middle of a long forecast while two others forecast at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from urllib.parse import urlencode

import psutil
import pytest

from analytics.demand import DemandSpec
from analytics.forecasting import ForecastSpec
from analytics.workspace import Workspace, to_link
from benchmarks.server import served
from benchmarks.visitor import Visit, Visitor

LONG = Workspace(
    world="marketplace",
    demand=DemandSpec(by="product", n_series=240, measure="quantity", frequency="day"),
    forecast=ForecastSpec(n_origins=24),
)
SHORT = [
    Workspace(world="marketplace", demand=DemandSpec(frequency=frequency), forecast=ForecastSpec(n_origins=2))
    for frequency in ("month", "week")
]


def query(workspace: Workspace) -> str:
    return urlencode({"s": to_link(workspace)})


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.5)
    return condition()


def workers(server: psutil.Process) -> list[psutil.Process]:
    """Worker processes and whatever they started."""
    return [child for child in server.children(recursive=True) if "resource_tracker" not in " ".join(child.cmdline())]


def seconds_of_work(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


async def visits(url: str, server: psutil.Process) -> tuple[list[Visit], float, bool]:
    """What the two who stayed saw, how long the second page took, and whether the abandoned work ended."""
    async with Visitor(url) as first:
        await first.open("forecasting", query(SHORT[0]), timeout=240)  # everything is imported by now
    leaver = Visitor(url)
    await leaver.__aenter__()
    leaving = asyncio.create_task(leaver.open("forecasting", query(LONG), timeout=600))
    before = seconds_of_work(workers(server))
    assert await until(lambda: seconds_of_work(workers(server)) > before + 3, 120), "the long forecast has begun"
    assert not leaving.done()
    leaving.cancel()
    await leaver.__aexit__()  # the browser is closed

    async def stay(workspace: Workspace) -> Visit:
        async with Visitor(url) as visitor:
            return await visitor.open("forecasting", query(workspace), timeout=240)

    started = time.monotonic()
    changed = [Workspace(world="marketplace", demand=one.demand, forecast=ForecastSpec(n_origins=3)) for one in SHORT]
    seen = list(await asyncio.gather(*(stay(one) for one in changed)))
    took = time.monotonic() - started

    async def quiet() -> bool:
        before = seconds_of_work(workers(server))
        await asyncio.sleep(3)
        return abs(seconds_of_work(workers(server)) - before) < 0.3

    for _ in range(40):
        if await quiet():
            return seen, took, True
    return seen, took, False


@pytest.mark.slow
def test_a_browser_closed_in_the_middle_and_two_sessions_at_once() -> None:
    """No error, no frozen page, no work for nobody, no process left.

    Last result, on two busy cores: both pages together in 8.0 s, the abandoned work stopped.
    """
    with served() as (url, server):
        seen, took, ended = asyncio.run(visits(url, server))
        assert [error for visit in seen for error in visit.errors] == []
        assert not [text for visit in seen for text in visit.texts if "unexpected" in text]
        assert all(visit.n_messages > 10 for visit in seen)
        assert took < 120
        assert ended, "what nobody waits for has been stopped"
        processes = workers(server)
        assert not [child for child in processes if child.status() == psutil.STATUS_ZOMBIE]
    _gone, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive
