"""A heavy step under way: who waits for it, how far it is, and how it is stopped."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any


class Job:
    """A heavy step that waits for a worker or runs in one. Sessions wait together; it stops when the last cancels.

    ``owner`` is the person who asked first, ``name`` the step's. ``future`` is the job's own: it outlives a worker that
    was taken away from it.
    """

    def __init__(
        self,
        key: str,
        verb: Callable[..., Any],
        args: tuple[Any, ...],
        seconds: float,
        *,
        owner: str,
        name: str,
        stop: Callable[[Job], bool],
    ) -> None:
        self.key, self.verb, self.owner, self.name = key, verb, owner, name
        self.args = args  # kept alive: the worker maps the files behind their frames
        self.seconds = seconds  # after these it is stopped
        self.collecting = threading.Lock()  # one unpacks the result, the others find it stored
        self.future: Future[tuple[bool, Any, float]] = Future()
        self.came = time.monotonic()
        self.started: float | None = None
        self.handed: Any = None  # the pool's future while a worker has it
        self.tries = 0
        self._stop = stop
        self._progress_file: Path | None = None
        self._waiting = 0
        self._askers: list[Callable[[], bool]] = []
        self._unwanted_since: float | None = None
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        return self.future.done()

    def progress(self) -> tuple[float, str]:
        """Fraction done and the code of the step; ``(0.0, "queued")`` before the worker has said anything."""
        path = self._progress_file
        if path is None:
            return 0.0, "queued"
        try:
            fraction, _, step = path.read_text(encoding="utf-8").partition(" ")
            return float(fraction), step
        except (OSError, ValueError):
            return 0.0, "queued"

    def new_progress_file(self) -> str:
        """Where the worker that takes it now tells how far it is."""
        self.close()
        handle, name = tempfile.mkstemp(prefix="regulars-progress-")
        os.close(handle)
        self._progress_file = Path(name)
        return name

    def join(self, still_there: Callable[[], bool] | None = None) -> None:
        """Wait for it. ``still_there`` tells at any later time whether who asked could still come back for it."""
        with self._lock:
            self._waiting += 1
            if still_there is not None:
                self._askers.append(still_there)
                self._unwanted_since = None

    def leave(self) -> None:
        with self._lock:
            self._waiting -= 1

    def unwanted_seconds(self) -> float:
        """For how long nobody has waited for it and everybody who asked has been gone; 0 while somebody is there."""
        with self._lock:
            self._askers, before = [there for there in self._askers if there()], bool(self._askers)
            if self._waiting > 0 or self._askers or not (before or self._unwanted_since is not None):
                self._unwanted_since = None
                return 0.0
            if self._unwanted_since is None:
                self._unwanted_since = time.monotonic()
            return time.monotonic() - self._unwanted_since

    @property
    def is_watched(self) -> bool:
        return self._waiting > 0

    def cancel(self) -> bool:
        """Stop it, or take it out of the queue, unless somebody else waits for it too. Whether it was stopped."""
        with self._lock:
            # The canceller's own script has left by the time its click is handled: anybody counted is somebody else.
            if self._waiting > 0:
                return False
        return self._stop(self)

    def close(self) -> None:
        if self._progress_file is not None:
            self._progress_file.unlink(missing_ok=True)
            self._progress_file = None
