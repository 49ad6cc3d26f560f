"""A worker process and whatever it starts: they live in one group, and none of them outlives the worker or the server.

Packaged Prophet, for one, runs its optimiser as a process of its own. A worker is ended in three ways, and each takes
the group along: told to stop, it kills its group and so itself; when the server is gone, a thread of it does the same;
and when it was killed too suddenly to do either, the worker that takes its place does (``sweep``).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from multiprocessing import connection
from pathlib import Path
from types import FrameType

GROUPS = hasattr(os, "killpg")  # Windows has none


def begin(folder: str) -> None:
    """Run once in each new worker, with the folder in which every worker of this server has one of its own."""
    sweep(folder)
    if GROUPS:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, _end)
    own = Path(folder) / str(os.getpid())
    own.mkdir(parents=True, exist_ok=True)
    # What libraries leave lying about goes with the worker.
    tempfile.tempdir = os.environ["TMPDIR"] = str(own)
    server = multiprocessing.parent_process()
    if server is not None and GROUPS:
        threading.Thread(target=_follow, args=(server.sentinel, folder), daemon=True, name="follow-server").start()


def sweep(folder: str) -> None:
    """End what workers that are no more have left behind: processes and files."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if name.isdecimal() and not _is_there(int(name)):
            if GROUPS:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(name), signal.SIGKILL)
            shutil.rmtree(Path(folder) / name, ignore_errors=True)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's, or a system without this question
        return True
    return True


def _end(_signal: int = 0, _frame: FrameType | None = None) -> None:
    os.killpg(0, signal.SIGKILL)


def _follow(server: int, folder: str) -> None:
    connection.wait([server])
    shutil.rmtree(folder, ignore_errors=True)
    _end()
