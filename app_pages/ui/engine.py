"""The process-wide engine behind ``compute``: one store of outcomes, one run per key, one queue before a few workers.

No Streamlit here. An outcome is a value or a failure, and both are stored: thirty sessions that ask for a step that
fails cost one run of it. What may be in memory is bounded (``outcomes``); who comes next is fair (``turns``).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pebble import ProcessExpired, ProcessPool

from analytics.errors import AnalysisError, is_panic
from analytics.mapped import let_go
from app_pages.ui import crossing, family, worker
from app_pages.ui.durations import Durations
from app_pages.ui.jobs import Job
from app_pages.ui.outcomes import OVERHEAD_BYTES, Outcome, Outcomes, of_value, size_of
from app_pages.ui.turns import NOBODY, Place, Turns

LOG = logging.getLogger("regulars")
FAILURE_SECONDS = 60.0  # an unexpected failure may be tried again after this; a refusal of bad input stays
ATTEND_SECONDS = 1.0  # between two looks at the jobs that nobody watches
MOST_TRIES = 2  # of a job whose whole pool came to an end before or while it ran
SLOWEST = 12  # steps of a report

# What the variables of the environment say: field of the engine -> name, factor.
ENVIRONMENT = {
    "max_bytes": ("REGULARS_STORE_MB", 2**20),
    "max_mapped": ("REGULARS_MAPPED_MB", 2**20),
    "n_workers": ("REGULARS_WORKERS", 1),
    "job_seconds": ("REGULARS_JOB_SECONDS", 1),
    "most_waiting": ("REGULARS_PERSON_JOBS", 1),
    "most_in_all": ("REGULARS_WAITING_JOBS", 1),
    "person_seconds": ("REGULARS_PERSON_SECONDS", 1),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What the operations page shows: counts since the start of the server and sizes now; nothing of any person.

    ``hits`` and ``runs``: steps answered from the store, and steps computed. ``waits``: asks that found their step
    already under way for somebody. ``held_bytes`` in memory (of ``max_bytes``), ``mapped_bytes`` in files,
    ``pinned_bytes`` of them looked at by a live session. ``slow``: name of the step, runs, median and longest seconds.
    ``by_scope``: people whose own results are held. ``owners``: people whose jobs wait or run.
    """

    hits: int
    runs: int
    waits: int
    held_bytes: int
    max_bytes: int
    mapped_bytes: int
    pinned_bytes: int
    evictions: int
    waiting: int
    running: int
    n_workers: int
    owners: int
    sessions: int
    worker_deaths: int
    by_scope: int
    slow: tuple[tuple[str, int, float, float], ...]


@dataclass
class Engine:
    """See the module's docstring.

    Parameters
    ----------
    max_bytes, max_mapped : how much the store may hold in memory, and in files that are mapped.
    n_workers : worker processes for heavy steps.
    job_seconds : a job that runs longer is stopped and fails with ``step_too_long``.
    grace_seconds : a job is stopped when all who asked for it have been gone for so long (a reloaded page is back
        before that).
    most_waiting, most_in_all : jobs that may wait: of one person, and of all.
    person_seconds : the workers' time that one person may have within ``window_seconds`` while others want it too.
    """

    max_bytes: int = 1024 * 2**20
    n_workers: int = 2
    job_seconds: float = 600.0
    grace_seconds: float = 30.0
    max_mapped: int = 16 * 2**30
    most_waiting: int = 6
    most_in_all: int = 200
    person_seconds: float = 3600.0
    window_seconds: float = 3600.0
    runs: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)
    waits: int = field(default=0, init=False)
    worker_deaths: int = field(default=0, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _durations: Durations = field(default_factory=Durations, init=False)
    _running: dict[str, threading.Event] = field(default_factory=dict, init=False)
    _jobs: dict[str, Job] = field(default_factory=dict, init=False)
    _pool: ProcessPool | None = field(default=None, init=False)
    _pool_lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _folder: str = field(default="", init=False)
    _attendant: threading.Thread | None = field(default=None, init=False)
    _wake: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._store = Outcomes(self.max_bytes, self.max_mapped)
        self._turns = Turns(
            self.n_workers,
            most_waiting=self.most_waiting,
            most_in_all=self.most_in_all,
            person_seconds=self.person_seconds,
            window_seconds=self.window_seconds,
            usual=self._durations.usual,
            longest=self._durations.longest,
        )

    def peek(self, key: str, session: str = "") -> Outcome | None:
        """The stored outcome, now the most recently used; None when the step must still run.

        A live ``session`` that asks keeps it in memory for as long as its page needs it.
        """
        if session:
            self._store.look(session, key)
        outcome = self._store.get(key)
        if outcome is not None:
            self.hits += 1
        return outcome

    def begin(self, session: str, there: Callable[[], bool]) -> None:
        """A run of a session's page begins; ``there`` tells at any later time whether its browser is connected."""
        self._store.begin(session, there)

    def retry(self, session: str) -> None:
        """Forget the passing failures that this session was shown: asked for again, these steps run again."""
        for key in self._store.looked_at(session):
            outcome = self._store.get(key)
            if outcome is not None and outcome.failure is not None and outcome.until < float("inf"):
                self._store.drop(key)

    def put(self, key: str, value: Any) -> Outcome:
        """Store a value under its key."""
        return self._store.keep(key, of_value(value))

    def drop(self, key: str) -> None:
        self._store.drop(key)

    def run(self, key: str, work: Callable[[], Any], name: str = "") -> Outcome:
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
                self.waits += 1
            event.wait()
        try:
            return self._store.keep(key, self._try(key, work, name))
        finally:
            with self._lock:
                del self._running[key]
            event.set()

    def submit(
        self,
        key: str,
        verb: Callable[..., Any],
        args: tuple[Any, ...],
        seconds: float | None = None,
        *,
        owner: str = NOBODY,
        name: str = "",
    ) -> Job:
        """The job that runs ``verb(*args)`` in a worker: a new one, or the one already under way for this key.

        It is stopped after ``seconds`` of work, ``job_seconds`` unless given: waiting for a free worker does not count.
        It counts as the ``owner``'s, who asked first. Raises what ``Turns.admit`` raises.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and not job.future.cancelled():  # what another stopped is not this one's answer
                self.waits += 1
                return job
            spare = self._turns.admit(owner)
            if spare is not None:
                self._stop(self._jobs[spare.key])
            self.runs += 1
            named = name or verb.__qualname__
            job = Job(key, verb, args, seconds or self.job_seconds, owner=owner, name=named, stop=self._stop)
            self._jobs[key] = job
            self._turns.add(job)
            if self._attendant is None:
                self._attendant = threading.Thread(target=self._attend, daemon=True, name="attend-jobs")
                self._attendant.start()
        self._wake.set()
        return job

    def place(self, job: Job) -> Place | None:
        """The job's place in the queue; None once a worker has it."""
        with self._lock:
            return self._turns.place(job)

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
            ok, value, _seconds = job.future.result(timeout=0)
            outcome = of_value(crossing.loads(value, owner=True)) if ok else Outcome(failure=value)
            if not ok and value.code == "worker_died":  # out of memory, told by the worker itself
                outcome = self._failed("worker_died")
        except CancelledError:
            return None
        except TimeoutError:
            outcome = self._failed("step_too_long", seconds=int(job.seconds))
        except (ProcessExpired, BrokenProcessPool):
            outcome = self._failed("worker_died")
        except Exception:
            LOG.exception("step %s failed", job.key[:12])
            outcome = self._failed("unexpected", reference=job.key[:12])
        return self._store.keep(job.key, outcome)

    def forget(self, prefix: str) -> None:
        """Let go of every outcome whose key begins with ``prefix``; what is under way for it is stopped."""
        with self._lock:
            self._store.forget(prefix)
            for key in [key for key in self._jobs if key.startswith(prefix)]:
                job = self._jobs.pop(key)
                self._stop(job)
                job.close()

    def empty(self) -> None:
        """Let go of every outcome; what waits or runs goes on."""
        with self._lock:
            self._store.forget("")

    def warm(self) -> None:
        """Start the workers and let each import its libraries in the background."""
        pool = self._workers()
        for _ in range(self.n_workers):
            pool.schedule(worker.warm)

    def close(self) -> None:
        """Stop the workers; for tests and shutdown."""
        with self._pool_lock:
            pool, self._pool = self._pool, None
            if pool is not None:
                pool.stop()
                pool.join()
            if self._folder:
                family.sweep(self._folder)

    @property
    def held_bytes(self) -> int:
        return self._store.n_bytes

    def report(self) -> Report:
        """Sizes and counts as they are now."""
        store, turns = self._store, self._turns
        with self._lock:
            return Report(
                hits=self.hits,
                runs=self.runs,
                waits=self.waits,
                held_bytes=store.n_bytes,
                max_bytes=store.max_bytes,
                mapped_bytes=store.n_mapped,
                pinned_bytes=store.pinned_bytes,
                evictions=store.evictions,
                waiting=turns.waiting,
                running=turns.running,
                n_workers=self.n_workers,
                owners=turns.owners(),
                sessions=store.sessions,
                worker_deaths=self.worker_deaths,
                by_scope=store.scopes,
                slow=self._durations.slowest(SLOWEST),
            )

    def _workers(self) -> ProcessPool:
        with self._pool_lock:
            if self._pool is not None and not self._pool.active:
                # A pool whose workers died with nothing to do closes itself for good: the next job gets a new one.
                self._take_back_all()
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
        """While there are jobs: hand them out, keep what is done and unwatched, stop what nobody is left for."""
        looked = time.monotonic()
        while True:
            self._wake.wait(ATTEND_SECONDS)
            self._wake.clear()
            try:
                self._hand_out()
                if time.monotonic() - looked >= ATTEND_SECONDS:
                    looked = time.monotonic()
                    self._look_after()
            except Exception:
                LOG.exception("the attendant of jobs stumbled")
            with self._lock:
                if not self._jobs:
                    self._attendant = None
                    return

    def _look_after(self) -> None:
        with self._lock:
            jobs = list(self._jobs.values())
            spare = self._turns.must_make_room()
            if spare is not None:
                self._take_back(self._jobs[spare.key])
        for job in jobs:
            if job.done:
                if not job.is_watched:
                    self.collect(job)
            elif job.unwanted_seconds() > self.grace_seconds:
                job.cancel()
        pool = self._pool
        if pool is not None and any(job.handed is not None for job in jobs) and not pool.active:
            self._workers()

    def _hand_out(self) -> None:
        while True:
            with self._lock:
                turn = self._turns.next()
                if turn is None:
                    return
                job = self._jobs.get(turn.key)
                if job is not turn:  # forgotten meanwhile
                    self._turns.leave(turn)
                    continue
            self._hand(job)

    def _hand(self, job: Job) -> None:
        """Give a job to the workers. Packing what it needs takes time: nobody else waits for it."""
        try:
            folder = crossing.folder()
            sent = (job.verb, crossing.dumps(job.args, folder), job.new_progress_file(), folder)
            handed = self._workers().schedule(worker.run, args=sent, timeout=job.seconds)
        except Exception as problem:
            with self._lock:
                self._turns.leave(job)
                if not job.done:
                    job.future.set_exception(problem)
            return
        with self._lock:
            job.handed = handed
            if job.done:  # stopped meanwhile
                handed.cancel()
        handed.add_done_callback(partial(self._ended, job))

    def _ended(self, job: Job, handed: Future[tuple[bool, Any, float]]) -> None:
        """The pool has done with a job, one way or the other."""
        with self._lock:
            if job.handed is not handed:  # it was taken back
                return
            problem = None if handed.cancelled() else handed.exception()
            if isinstance(problem, ProcessExpired | BrokenProcessPool):
                self.worker_deaths += 1
            if isinstance(problem, BrokenProcessPool) and job.tries + 1 < MOST_TRIES and not job.done:
                job.tries += 1
                self._take_back(job)
                return
            self._turns.leave(job)
            if handed.cancelled():
                job.future.cancel()
            elif job.done:
                pass  # it was stopped as it ended
            elif problem is not None:
                if isinstance(problem, TimeoutError):
                    self._durations.note(job.name, job.seconds)
                job.future.set_exception(problem)
            else:
                self._durations.note(job.name, handed.result()[2])
                job.future.set_result(handed.result())
        self._wake.set()

    def _take_back(self, job: Job) -> None:
        """Its worker is stopped; it waits anew."""
        with self._lock:
            handed, job.handed = job.handed, None
            self._turns.put_back(job)
            if handed is not None:
                handed.cancel()
            job.close()
        self._wake.set()

    def _take_back_all(self) -> None:
        """A pool that came to an end may not tell of what it was just handed."""
        with self._lock:
            for job in self._jobs.values():
                if job.handed is not None and not job.handed.done() and not job.done:
                    self._take_back(job)

    def _stop(self, job: Job) -> bool:
        with self._lock:
            self._turns.leave(job)
            stopped = job.future.cancel()
            if job.handed is not None:
                job.handed.cancel()
        self._wake.set()
        return stopped

    def _try(self, key: str, work: Callable[[], Any], name: str) -> Outcome:
        self.runs += 1
        started = time.perf_counter()
        try:
            value = work()
        except AnalysisError as error:
            return Outcome(failure=error)
        except BaseException as problem:
            if not isinstance(problem, Exception) and not is_panic(problem):
                raise
            LOG.exception("step %s failed", key[:12])
            return self._failed("unexpected", reference=key[:12])
        finally:
            if name:
                self._durations.note(name, time.perf_counter() - started)
            let_go()  # pages of mapped frames that the step has looked at
        return of_value(value)

    def _failed(self, code: str, **params: str | int) -> Outcome:
        return Outcome(failure=AnalysisError(code, **params), until=time.monotonic() + FAILURE_SECONDS)


def engine_from(environment: Mapping[str, str] = os.environ) -> Engine:
    """The engine that the variables of ``ENVIRONMENT`` ask for, in whole numbers; what is not given is as usual."""
    given: dict[str, Any] = {
        name: int(environment[variable]) * factor
        for name, (variable, factor) in ENVIRONMENT.items()
        if environment.get(variable)
    }
    return Engine(**given)


__all__ = ["OVERHEAD_BYTES", "Engine", "Job", "Outcome", "Place", "Report", "engine_from", "size_of"]
