"""Whose turn it is: heavy steps of many people in front of a few workers.

The next worker goes to the person with the least under way; among these to who had least of the workers' time within
the last hour; then to who came first. Of one person's steps, those that somebody looks at go before those that nobody
waits for any more. So one person alone has all workers, and has one as soon as somebody else waits.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from analytics.errors import AnalysisError

NOBODY = ""  # whose steps are the server's own: no limits, after everybody else's
SUPPOSED_SECONDS = 10.0  # of a step that never ran, to put those behind it in order; no estimate is told then
PATIENCE_SECONDS = 10.0  # who has nothing under way waits so long before another's second step makes room


class Waiting(Protocol):
    """What the queue knows of a job."""

    key: str
    name: str
    owner: str
    came: float
    started: float | None  # when a worker took it, None while it waits

    @property
    def is_watched(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue, 1 for who is next, and the seconds until a worker is free; None where nobody knows."""

    number: int
    seconds: float | None


class Turns:
    """Jobs that wait and jobs that run. The caller holds a lock.

    Parameters
    ----------
    n_workers : jobs that run at once.
    most_waiting : jobs of one person that may wait.
    most_in_all : jobs that may wait in all.
    person_seconds : the workers' time that one person may have within ``window_seconds`` while others want it too.
    usual, longest : seconds that a step of a name takes, and its longest run.
    """

    def __init__(
        self,
        n_workers: int,
        *,
        most_waiting: int,
        most_in_all: int,
        person_seconds: float,
        window_seconds: float,
        usual: Callable[[str], float | None],
        longest: Callable[[str], float],
    ) -> None:
        self.n_workers, self.most_waiting, self.most_in_all = n_workers, most_waiting, most_in_all
        self.person_seconds, self.window_seconds = person_seconds, window_seconds
        self._usual, self._longest = usual, longest
        self._waiting: dict[str, Waiting] = {}
        self._running: dict[str, Waiting] = {}
        self._spent: defaultdict[str, deque[tuple[float, float]]] = defaultdict(deque)  # owner -> (when, seconds)
        self._plan: dict[str, Place] = {}
        self._planned = float("-inf")

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return len(self._running)

    def admit(self, owner: str) -> Waiting | None:
        """Whether one more job of this person may wait: None, or a job of theirs that must leave for it.

        Raises ``AnalysisError``: ``queue_full`` (n: so many of theirs wait, and somebody waits for each),
        ``queue_long`` (n: all who wait), ``person_seconds_spent`` (minutes of the workers' time within ``window``
        minutes).
        """
        if owner == NOBODY:
            return None
        others = any(other not in (owner, NOBODY) for other in list(self._spent) if self._spent_by(other) > 0) or any(
            job.owner not in (owner, NOBODY) for job in (*self._waiting.values(), *self._running.values())
        )
        spent = self._spent_by(owner)
        if others and spent > self.person_seconds:
            raise AnalysisError(
                "person_seconds_spent", minutes=round(spent / 60), window=round(self.window_seconds / 60)
            )
        own = [job for job in self._waiting.values() if job.owner == owner]
        if len(own) >= self.most_waiting:
            left_alone = [job for job in own if not job.is_watched]
            if not left_alone:
                raise AnalysisError("queue_full", n=len(own))
            return min(left_alone, key=lambda job: job.came)
        if len(self._waiting) >= self.most_in_all:
            raise AnalysisError("queue_long", n=len(self._waiting))
        return None

    def add(self, job: Waiting) -> None:
        self._waiting[job.key] = job
        self._planned = float("-inf")

    def next(self) -> Waiting | None:
        """The job that a free worker takes now, which counts as running from here on; None: no worker or no job."""
        if len(self._running) >= self.n_workers or not self._waiting:
            return None
        counts = self._counts(self._running.values())
        job = self._first(self._waiting.values(), counts, self._spends())
        del self._waiting[job.key]
        job.started = time.monotonic()
        self._running[job.key] = job
        self._planned = float("-inf")
        return job

    def leave(self, job: Waiting, *, counts: bool = True) -> None:
        """It has ended, or was stopped; what it had of the workers' time counts as its owner's."""
        if self._waiting.get(job.key) is job:
            del self._waiting[job.key]
        if self._running.get(job.key) is job:
            del self._running[job.key]
            if counts and job.started is not None:
                self._spent[job.owner].append((time.monotonic(), time.monotonic() - job.started))
        self._planned = float("-inf")

    def put_back(self, job: Waiting) -> None:
        """It waits again, with the moment at which it came."""
        self.leave(job, counts=False)
        job.started = None
        self.add(job)

    def must_make_room(self) -> Waiting | None:
        """A running job that goes back to the queue: its person has another, and somebody with none has waited long."""
        now, counts = time.monotonic(), self._counts(self._running.values())
        waits = any(
            job.is_watched and not counts.get(job.owner) and now - job.came > PATIENCE_SECONDS
            for job in self._waiting.values()
        )
        if not waits or len(self._running) < self.n_workers:
            return None
        spare = [job for job in self._running.values() if counts[job.owner] > 1]
        return max(spare, key=lambda job: job.started or 0.0, default=None)

    def place(self, job: Waiting) -> Place | None:
        """Its place in the queue; None when it does not wait."""
        if job.key not in self._waiting:
            return None
        if time.monotonic() - self._planned > 0.5:
            self._plan = self._planned_ahead()
            self._planned = time.monotonic()
        return self._plan.get(job.key)

    def owners(self) -> int:
        """People whose jobs wait or run."""
        return len({job.owner for job in (*self._waiting.values(), *self._running.values())})

    @staticmethod
    def _first(jobs: Iterable[Waiting], counts: dict[str, int], spends: dict[str, float]) -> Waiting:
        def rank(job: Waiting) -> tuple[bool, int, int, bool, float]:
            # Whole seconds: of two who had next to nothing, who came first.
            spent = round(spends[job.owner])
            return job.owner == NOBODY, counts.get(job.owner, 0), spent, not job.is_watched, job.came

        return min(jobs, key=rank)

    def _spends(self) -> dict[str, float]:
        """Seconds of the workers' time that each who waits has had."""
        return {owner: self._spent_by(owner) for owner in {job.owner for job in self._waiting.values()}}

    def _planned_ahead(self) -> dict[str, Place]:
        """What will happen if every step takes as long as its like: place and start of each that waits."""
        now, counts = time.monotonic(), self._counts(self._running.values())
        ends: list[tuple[float, int, str, bool]] = []  # seconds from now, a tie-break, owner, known
        for i, job in enumerate(self._running.values()):
            left = self._left(job, now)
            ends.append((SUPPOSED_SECONDS if left is None else left, i, job.owner, left is not None))
        ends += [(0.0, -1 - i, NOBODY, True) for i in range(self.n_workers - len(ends))]
        heapq.heapify(ends)
        rest, places, spends = dict(self._waiting), dict[str, Place](), self._spends()
        for number in range(1, len(rest) + 1):
            free, tie, owner, known = heapq.heappop(ends)
            if tie >= 0:
                counts[owner] = counts.get(owner, 0) - 1
            job = self._first(rest.values(), counts, spends)
            del rest[job.key]
            places[job.key] = Place(number, free if known else None)
            usual = self._usual(job.name)
            takes = SUPPOSED_SECONDS if usual is None else usual
            counts[job.owner] = counts.get(job.owner, 0) + 1
            spends[job.owner] += takes
            heapq.heappush(ends, (free + takes, len(self._running) + number, job.owner, known and usual is not None))
        return places

    def _left(self, job: Waiting, now: float) -> float | None:
        """Seconds that a running job will probably take yet; None where its like never ran, or never for so long."""
        usual, ran = self._usual(job.name), now - (job.started or now)
        if usual is None:
            return None
        if ran < usual:
            return usual - ran
        longest = self._longest(job.name)
        return longest - ran if ran < longest else None

    def _spent_by(self, owner: str) -> float:
        spent, since = self._spent.get(owner), time.monotonic() - self.window_seconds
        if spent is None:
            return 0.0
        while spent and spent[0][0] < since:
            spent.popleft()
        if not spent:
            del self._spent[owner]
        return sum(seconds for _when, seconds in spent)

    @staticmethod
    def _counts(jobs: Iterable[Waiting]) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for job in jobs:
            counts[job.owner] += 1
        return counts
