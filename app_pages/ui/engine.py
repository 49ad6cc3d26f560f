"""The process-wide engine behind ``compute``: one store of outcomes, one run per key, one small pool of workers.

No Streamlit here. An outcome is a value or a failure, and both are stored: thirty sessions that ask for a step that
fails cost one run of it. The store forgets what was used longest ago when it grows over its bytes.
"""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, TimeoutError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from pebble import ProcessExpired, ProcessPool

from analytics.errors import AnalysisError, is_panic
from analytics.mapped import let_go
from app_pages.ui import crossing, family, worker

LOG = logging.getLogger("regulars")
FAILURE_SECONDS = 60.0  # an unexpected failure may be tried again after this; a refusal of bad input stays
ATTEND_SECONDS = 1.0  # between two looks at the jobs that nobody watches
OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to: ``value``, or ``failure`` to be raised to whoever asks. ``until`` is a monotonic time."""

    value: Any = None
    failure: AnalysisError | None = None
    n_bytes: int = 0
    until: float = float("inf")

    def unwrap(self) -> Any:
        if self.failure is not None:
            raise AnalysisError(self.failure.code, **self.failure.params)
        return self.value


def size_of(value: Any) -> int:
    """Bytes held by a result: its frames in memory and byte strings; everything else counts as small."""
    match value:
        case pl.DataFrame() if crossing.is_mapped(value):
            return OVERHEAD_BYTES
        case pl.DataFrame():
            return int(value.estimated_size()) + OVERHEAD_BYTES
        case bytes() | str():
            return len(value) + OVERHEAD_BYTES
        case Mapping():
            return OVERHEAD_BYTES + sum(size_of(item) for item in value.values())
        case tuple() | list():
            return OVERHEAD_BYTES + sum(size_of(item) for item in value)
    if dataclasses.is_dataclass(value):
        return OVERHEAD_BYTES + sum(size_of(getattr(value, item.name)) for item in dataclasses.fields(value))
    return 32


class Job:
    """A heavy step under way in a worker. Sessions wait on it together; it stops when the last one cancels."""

    def __init__(
        self, key: str, future: Any, progress_file: Path, args: tuple[Any, ...] = (), seconds: float = 0.0
    ) -> None:
        self.key = key
        self.seconds = seconds  # after these it is stopped
        self.collecting = threading.Lock()  # one unpacks the result, the others find it stored
        self._args = args  # kept alive: the worker maps the files behind their frames
        self.future = future
        self._progress_file = progress_file
        self._waiting = 0
        self._askers: list[Callable[[], bool]] = []
        self._unwanted_since: float | None = None
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        return bool(self.future.done())

    def progress(self) -> tuple[float, str]:
        """Fraction done and the code of the step; ``(0.0, "queued")`` before the worker has said anything."""
        try:
            fraction, _, step = self._progress_file.read_text(encoding="utf-8").partition(" ")
            return float(fraction), step
        except (OSError, ValueError):
            return 0.0, "queued"

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
        """Stop the work unless somebody else waits for it too. Whether it was stopped."""
        with self._lock:
            # The canceller's own script has left by the time its click is handled: anybody counted is somebody else.
            if self._waiting > 0:
                return False
        return bool(self.future.cancel())

    def close(self) -> None:
        self._progress_file.unlink(missing_ok=True)


@dataclass
class Engine:
    """See the module's docstring.

    Parameters
    ----------
    max_bytes : how much the store may hold.
    n_workers : worker processes for heavy steps.
    job_seconds : a job that runs longer is stopped and fails with ``step_too_long``.
    grace_seconds : a job is stopped when all who asked for it have been gone for so long (a reloaded page is back
        before that).
    """

    max_bytes: int = 1024 * 2**20
    n_workers: int = 2
    job_seconds: float = 600.0
    grace_seconds: float = 30.0
    runs: int = 0
    hits: int = 0
    _store: OrderedDict[str, Outcome] = field(default_factory=OrderedDict)
    _held: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _running: dict[str, threading.Event] = field(default_factory=dict)
    _jobs: dict[str, Job] = field(default_factory=dict)
    _pool: ProcessPool | None = None
    _folder: str = ""
    _attendant: threading.Thread | None = None

    def peek(self, key: str) -> Outcome | None:
        """The stored outcome, now the most recently used; None when the step must still run."""
        with self._lock:
            outcome = self._store.get(key)
            if outcome is None:
                return None
            if outcome.until < time.monotonic():
                self._drop(key)
                return None
            self._store.move_to_end(key)
            self.hits += 1
            return outcome

    def put(self, key: str, value: Any) -> Outcome:
        """Store a value under its key."""
        return self._keep(key, Outcome(value, n_bytes=size_of(value)))

    def run(self, key: str, work: Callable[[], Any]) -> Outcome:
        """The outcome of ``work()``, run here and once: others who ask meanwhile wait for it."""
        while True:
            with self._lock:
                outcome = self.peek(key)
                if outcome is not None:
                    return outcome
                event = self._running.get(key)
                if event is None:
                    event = self._running[key] = threading.Event()
                    break
            event.wait()
        try:
            return self._keep(key, self._try(key, work))
        finally:
            with self._lock:
                del self._running[key]
            event.set()

    def submit(self, key: str, verb: Callable[..., Any], args: tuple[Any, ...], seconds: float | None = None) -> Job:
        """The job that runs ``verb(*args)`` in a worker: a new one, or the one already under way for this key.

        It is stopped after ``seconds`` of work, ``job_seconds`` unless given: waiting for a free worker does not count.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.future.cancelled():  # what another session stopped is not this one's answer
                self.runs += 1
                handle, name = tempfile.mkstemp(prefix="regulars-progress-")
                os.close(handle)
                folder = crossing.folder()
                sent = (verb, crossing.dumps(args, folder), name, folder)
                seconds = seconds or self.job_seconds
                future = self._workers().schedule(worker.run, args=sent, timeout=seconds)
                job = self._jobs[key] = Job(key, future, Path(name), args, seconds)
                if self._attendant is None:
                    self._attendant = threading.Thread(target=self._attend, daemon=True, name="attend-jobs")
                    self._attendant.start()
            return job

    def collect(self, job: Job) -> Outcome | None:
        """The outcome of a finished job, stored; None when it was cancelled."""
        with job.collecting:
            return self._collect(job)

    def _collect(self, job: Job) -> Outcome | None:
        with self._lock:
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
            job.close()
            outcome = self.peek(job.key)
            if outcome is not None:  # another session was first, or it was asked for again just as it was stored
                return outcome
        try:
            ok, value = job.future.result(timeout=0)
            value = crossing.loads(value, owner=True) if ok else value
            outcome = Outcome(value, n_bytes=size_of(value)) if ok else Outcome(failure=value)
        except CancelledError:
            return None
        except TimeoutError:
            outcome = self._failed(job.key, "step_too_long", seconds=int(job.seconds))
        except ProcessExpired:
            outcome = self._failed(job.key, "worker_died")
        except Exception:
            LOG.exception("step %s failed", job.key[:12])
            outcome = self._failed(job.key, "unexpected", reference=job.key[:12])
        return self._keep(job.key, outcome)

    def forget(self, prefix: str) -> None:
        """Let go of every outcome whose key begins with ``prefix``; what is under way for it is stopped."""
        with self._lock:
            for key in [key for key in self._store if key.startswith(prefix)]:
                self._drop(key)
            for key in [key for key in self._jobs if key.startswith(prefix)]:
                job = self._jobs.pop(key)
                job.future.cancel()
                job.close()

    def warm(self) -> None:
        """Start the workers and let each import its libraries in the background."""
        with self._lock:
            for _ in range(self.n_workers):
                self._workers().schedule(worker.warm)

    def close(self) -> None:
        """Stop the workers; for tests and shutdown."""
        with self._lock:
            if self._pool is not None:
                self._pool.stop()
                self._pool.join()
                self._pool = None
            if self._folder:
                family.sweep(self._folder)

    @property
    def held_bytes(self) -> int:
        return self._held

    def _workers(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:
            # A pool whose every worker died at once closes itself for good: the next job gets a new one.
            self._pool.stop()
            self._pool = None
        if self._pool is None:
            # Spawned, never forked: this process has threads (a fork after threads can hang).
            context = multiprocessing.get_context("spawn")
            if not self._folder:
                self._folder = tempfile.mkdtemp(prefix="regulars-workers-")
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            self._pool = ProcessPool(
                max_workers=self.n_workers, initializer=worker.start, initargs=(self._folder,), context=context
            )
        return self._pool

    def _attend(self) -> None:
        """While there are jobs: what nobody watches is kept when it is done, or stopped when nobody is left."""
        while True:
            time.sleep(ATTEND_SECONDS)
            with self._lock:
                jobs = list(self._jobs.values())
                if not jobs:
                    self._attendant = None
                    return
            for job in jobs:
                if job.done:
                    if not job.is_watched:
                        self.collect(job)
                elif job.unwanted_seconds() > self.grace_seconds:
                    job.cancel()

    def _try(self, key: str, work: Callable[[], Any]) -> Outcome:
        self.runs += 1
        try:
            value = work()
        except AnalysisError as error:
            return Outcome(failure=error)
        except BaseException as problem:
            if not isinstance(problem, Exception) and not is_panic(problem):
                raise
            LOG.exception("step %s failed", key[:12])
            return self._failed(key, "unexpected", reference=key[:12])
        finally:
            let_go()  # pages of mapped frames that the step has looked at
        return Outcome(value, n_bytes=size_of(value))

    def _failed(self, key: str, code: str, **params: str | int) -> Outcome:
        return Outcome(failure=AnalysisError(code, **params), until=time.monotonic() + FAILURE_SECONDS)

    def _keep(self, key: str, outcome: Outcome) -> Outcome:
        with self._lock:
            self._drop(key)
            self._store[key] = outcome
            self._held += outcome.n_bytes
            while self._held > self.max_bytes and len(self._store) > 1:
                self._drop(next(iter(self._store)))
        return outcome

    def _drop(self, key: str) -> None:
        outcome = self._store.pop(key, None)
        if outcome is not None:
            self._held -= outcome.n_bytes
