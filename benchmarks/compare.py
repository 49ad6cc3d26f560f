"""Run contestants as processes of their own, alternately, and compare what they cost.

A contestant is a Python file run as ``python FILE CONTESTANT --data ... --out ...``. It imports what it needs, loads
its data in its own best form, does the work inside ``measured()``, writes its values to ``--out`` and prints one JSON
line: the CPU and wall seconds of the work alone. The processor time of the whole process (imports, loading and writing
included) and its peak memory are read from the system.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
OUT = ROOT / "out" / "benchmarks"
VENVS = ROOT / "out" / "venvs"
THREADS = min(2, os.cpu_count() or 1)
# Memory above what the process held when the work began: all of it, and what is its own (no pages of mapped files).
MEMORY = ("over_rest_mib", "private_over_rest_mib")
MEASURES = ("work_cpu_s", "work_wall_s", *MEMORY, "process_cpu_s", "process_wall_s", "peak_mib")


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who runs: a name, the command line, and where its values end up."""

    name: str
    command: tuple[str, ...]
    out: Path


def contestant(file: str, name: str, data: Path, python: str = sys.executable) -> Contestant:
    """``file`` run as ``name`` on ``data`` by the interpreter ``python``; its values go to a file beside the data."""
    out = data.parent / f"{Path(file).stem}-{name}.parquet"
    return Contestant(name, (python, file, name, "--data", str(data), "--out", str(out)), out)


def apart(work: Callable[..., None], *arguments: object) -> None:
    """Run ``work`` in a process of its own: a child's record of its peak memory begins with that of its parent."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Time the block; on leaving it, the dictionary holds its seconds and the memory before it, and is printed."""
    own = psutil.Process()
    at_rest = resident(own)
    cost: dict[str, float] = {"rest_mib": at_rest[0], "rest_private_mib": at_rest[1]}
    cpu, wall = time.process_time(), time.perf_counter()
    yield cost
    cost["work_cpu_s"] = time.process_time() - cpu
    cost["work_wall_s"] = time.perf_counter() - wall
    print(json.dumps(cost))


def resident(process: psutil.Process) -> tuple[float, float]:
    """MiB of memory of a process: all, and without pages of files and shared ones (where the system tells them)."""
    memory = process.memory_info()
    return memory.rss / 2**20, (memory.rss - getattr(memory, "shared", 0)) / 2**20


@contextmanager
def watched(process: psutil.Process) -> Iterator[dict[str, float]]:
    """The highest ``resident`` of a process seen while the block runs, looked at fifty times a second."""
    peak = {"mib": 0.0, "private_mib": 0.0}

    def look() -> None:
        try:
            total, private = resident(process)
        except psutil.Error:  # it has ended
            return
        peak["mib"], peak["private_mib"] = max(peak["mib"], total), max(peak["private_mib"], private)

    with repeated(look, 0.02):
        yield peak


@contextmanager
def repeated(look: Callable[[], None], seconds: float) -> Iterator[None]:
    """``look`` every so many seconds, in a thread of its own, while the block runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(seconds):
            look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def environment(name: str, *requirements: str) -> Path:
    """The interpreter of a peer's own environment, made on demand where its pins clash with ours.

    Raises ``RuntimeError`` when uv is missing or the packages cannot be had.
    """
    folder = VENVS / name
    python = folder / "bin" / "python"
    stamp = folder / "requirements.txt"
    if stamp.exists() and stamp.read_text() == "\n".join(requirements):
        return python
    uv = shutil.which("uv")
    if uv is None:
        raise RuntimeError(f"the environment of {name} is made with uv, which is not here")
    # Without our configuration: its pins are what the peer cannot live with.
    for command in (
        [uv, "venv", "--no-config", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--no-config", "--quiet", "--python", str(python), *requirements],
    ):
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603 # a fixed command, no shell
        if made.returncode:
            raise RuntimeError(f"the environment of {name} could not be made: {made.stderr.strip()[-300:]}")
    stamp.write_text("\n".join(requirements))
    return python


def run_once(contestant: Contestant) -> dict[str, float]:
    """One process from start to end: the five ``MEASURES``."""
    settings = os.environ | {
        "POLARS_MAX_THREADS": str(THREADS),
        "OMP_NUM_THREADS": str(THREADS),
        "OPENBLAS_NUM_THREADS": str(THREADS),
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
    }
    started = time.perf_counter()
    process = subprocess.Popen(contestant.command, stdout=subprocess.PIPE, env=settings, cwd=ROOT, text=True)  # nosec B603 # a fixed command, no shell
    assert process.stdout is not None
    with watched(psutil.Process(process.pid)) as peak:
        printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{contestant.name} ended with {process.returncode}")
    cost: dict[str, float] = json.loads(printed.splitlines()[-1])
    kib = usage.ru_maxrss / 1024 if platform.system() == "Darwin" else usage.ru_maxrss
    return {
        "work_cpu_s": cost["work_cpu_s"],
        "work_wall_s": cost["work_wall_s"],
        # The system's own record of the peak misses nothing; the private part is only seen by looking.
        "over_rest_mib": max(kib / 1024 - cost["rest_mib"], 0.0),
        "private_over_rest_mib": max(peak["private_mib"] - cost["rest_private_mib"], 0.0),
        "process_cpu_s": usage.ru_utime + usage.ru_stime,
        "process_wall_s": wall,
        "peak_mib": kib / 1024,
    }


def compare(ours: Contestant, peer: Contestant, n_repeats: int) -> dict[str, object]:
    """A B A B ...: medians of both, and the median of the paired ratios ours / peer (under 1: ours costs less).

    Neighbouring runs share whatever else the machine is doing, so the ratio of a pair is steadier than either time.
    """
    costs: dict[str, list[dict[str, float]]] = {ours.name: [], peer.name: []}
    for _ in range(n_repeats):
        for contestant in (ours, peer):
            costs[contestant.name].append(run_once(contestant))
    pairs = list(zip(costs[ours.name], costs[peer.name], strict=True))
    return {
        "ours": ours.name,
        "peer": peer.name,
        "n_repeats": n_repeats,
        "threads": THREADS,
        "ratio": {name: _round(statistics.median(a[name] / max(b[name], 1e-9) for a, b in pairs)) for name in MEASURES},
        **{name: _medians(runs) for name, runs in costs.items()},
    }


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: _round(statistics.median(run[name] for run in runs)) for name in MEASURES}


def _round(value: float) -> float:
    return round(value, 3)
