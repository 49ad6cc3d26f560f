"""The worker process's side of a heavy step: bounded threads, low priority, progress told through a small file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = "1"  # of a library in one worker; the variable REGULARS_WORKER_THREADS says otherwise
# What is freed goes back to the system soon: the next step is another one's.
ALLOCATOR = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:200,muzzy_decay_ms:0"}
MEMORY_MB = "4096"  # of its own, beside mapped files; the variable REGULARS_WORKER_MB says otherwise


def start(folder: str) -> None:
    """Run once in each new worker: its family, a limit on its memory, and a step back behind the server."""
    from app_pages.ui import family, threads
    from serving import logs

    logs.set_up()
    family.begin(folder)
    for name in (*threads.NUMERIC, "POLARS_MAX_THREADS"):
        os.environ[name] = os.environ.get("REGULARS_WORKER_THREADS", THREADS)  # the server's own bounds are wider
    os.environ.update(ALLOCATOR)
    if hasattr(os, "nice"):
        os.nice(5)
    limit_memory(int(os.environ.get("REGULARS_WORKER_MB", MEMORY_MB)))


def limit_memory(megabytes: int) -> None:
    """What this process may hold: beyond it an allocation fails, so a hostile file ends its reader and not the server.

    RLIMIT_DATA counts private memory alone; RLIMIT_AS would count mapped files and what allocators merely reserve.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = megabytes * 2**20
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def warm() -> bool:
    """Import the heavy libraries, so that the first real job does not wait for them."""
    import importlib

    for name in ("polars", "sklearn.cluster", "sklearn.metrics", "scipy.signal", "prophet"):
        importlib.import_module(name)
    return True


def run(verb: Callable[..., Any], args: bytes, progress_file: str, folder: str) -> tuple[bool, Any, float]:
    """``(True, packed result, seconds)`` or ``(False, AnalysisError, seconds)``; other exceptions travel as they are.

    ``args`` and the result are packed by ``crossing``; ``folder`` is where large frames are left.
    """
    from analytics.errors import AnalysisError, is_panic
    from analytics.mapped import keeping
    from analytics.progress import listening
    from app_pages.ui import crossing

    path, began = Path(progress_file), time.monotonic()

    def tell(fraction: float, step: str) -> None:
        # One short write to a file of this job alone: nothing is shared, so a kill in the middle breaks nothing.
        path.write_text(f"{fraction:.4f} {step}", encoding="utf-8")

    with listening(tell), keeping(folder):
        try:
            packed = crossing.dumps(verb(*crossing.loads(args, owner=False)), folder)
            return True, packed, time.monotonic() - began
        except AnalysisError as error:
            return False, error, time.monotonic() - began
        except MemoryError:
            return False, AnalysisError("worker_died"), time.monotonic() - began
        except BaseException as problem:
            if is_panic(problem):  # no Exception: the pool would take it for the end of the worker
                raise RuntimeError(str(problem)) from None
            raise
