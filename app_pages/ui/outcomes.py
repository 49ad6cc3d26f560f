"""The store of outcomes behind ``compute``: bounded in bytes, fair over people, and kind to who is here.

Results of sample data are common to all; those of somebody's own files lie in a scope of their own, told by the key
("scope-rest"). When the store grows over its bytes, what leaves first is what was used longest ago in a scope that
holds more than its share; then what no live session looks at; then whatever was used longest ago. What left is computed
again, or read again from the saved files, when somebody asks for it.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from analytics.errors import AnalysisError
from analytics.mapped import path_behind

OVERHEAD_BYTES = 512
COMMON = ""  # the scope of sample data
COMMON_SHARE, OWN_SHARE = 0.5, 0.25  # of the store; a scope may hold more for as long as there is room
GONE_SECONDS = 30.0  # the data of a session that left are pinned for so long: a reloaded page is back before that
MOST_PINS = 4_000  # keys of one session: a page that never runs anew cannot pin without end


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to: ``value``, or ``failure`` to be raised to whoever asks. ``until`` is a monotonic time.

    ``n_bytes`` are in memory, ``n_mapped`` in files that are mapped.
    """

    value: Any = None
    failure: AnalysisError | None = None
    n_bytes: int = 0
    until: float = float("inf")
    n_mapped: int = 0

    def unwrap(self) -> Any:
        if self.failure is not None:
            raise AnalysisError(self.failure.code, **self.failure.params)
        return self.value


def of_value(value: Any) -> Outcome:
    """The outcome that holds ``value``, with its sizes."""
    return Outcome(value, n_bytes=size_of(value), n_mapped=mapped_size_of(value))


def size_of(value: Any) -> int:
    """Bytes held by a result: its frames in memory and byte strings; everything else counts as small."""
    match value:
        case pl.DataFrame() if path_behind(value) is not None:
            return OVERHEAD_BYTES
        case pl.DataFrame():
            return int(value.estimated_size()) + OVERHEAD_BYTES
        case bytes() | str():
            return len(value) + OVERHEAD_BYTES
        case Mapping() | tuple() | list():
            return OVERHEAD_BYTES + sum(map(size_of, _parts(value)))
    if dataclasses.is_dataclass(value):
        return OVERHEAD_BYTES + sum(map(size_of, _parts(value)))
    return 32


def mapped_size_of(value: Any) -> int:
    """Bytes of the files behind the frames of a result."""
    if isinstance(value, pl.DataFrame):
        path = path_behind(value)
        return os.path.getsize(path) if path is not None and os.path.exists(path) else 0
    return sum(map(mapped_size_of, _parts(value)))


def _parts(value: Any) -> Iterator[Any]:
    match value:
        case bytes() | str():
            return iter(())
        case Mapping():
            return iter(value.values())
        case tuple() | list():
            return iter(value)
    if dataclasses.is_dataclass(value):
        return (getattr(value, item.name) for item in dataclasses.fields(value))
    return iter(())


def scope_of(key: str) -> str:
    """Whose result it is."""
    return key.rpartition("-")[0]


@dataclass(slots=True)
class _Shelf:
    """The outcomes of one scope, least recently used first: key -> when it was used."""

    free: OrderedDict[str, int] = field(default_factory=OrderedDict)
    pinned: OrderedDict[str, int] = field(default_factory=OrderedDict)
    n_bytes: int = 0
    n_mapped: int = 0


def _unpinned(shelf: _Shelf, key: str) -> None:
    """Among the free ones, in its place by time of use: that is near the end."""
    used = shelf.pinned.pop(key)
    later = [other for other, _at in itertools.takewhile(lambda item: item[1] > used, reversed(shelf.free.items()))]
    shelf.free[key] = used
    for other in reversed(later):
        shelf.free.move_to_end(other)


@dataclass(slots=True)
class _Looking:
    """One live session: the keys of its last run and of the one under way, and whether its browser is still there."""

    there: Callable[[], bool]
    last: dict[str, None] = field(default_factory=dict)
    now: dict[str, None] = field(default_factory=dict)
    gone_since: float | None = None


class Outcomes:
    """See the module's docstring. Safe for threads.

    Parameters
    ----------
    max_bytes : how much may be in memory.
    max_mapped : how much may lie in files that are mapped.
    """

    def __init__(self, max_bytes: int, max_mapped: int) -> None:
        self.max_bytes, self.max_mapped = max_bytes, max_mapped
        self.n_bytes = self.n_mapped = self.evictions = 0
        self._held: dict[str, Outcome] = {}
        self._shelves: dict[str, _Shelf] = {}
        self._looking: dict[str, _Looking] = {}
        self._pins: Counter[str] = Counter()
        self._clock = itertools.count()
        self._looked = 0.0
        self._lock = threading.RLock()

    def get(self, key: str) -> Outcome | None:
        """The stored outcome, now the most recently used."""
        with self._lock:
            outcome = self._held.get(key)
            if outcome is None:
                return None
            if outcome.until < time.monotonic():
                self.drop(key)
                return None
            row = self._row(key)
            row[key] = next(self._clock)
            row.move_to_end(key)
            return outcome

    def keep(self, key: str, outcome: Outcome) -> Outcome:
        """Store it; others leave where there is no room."""
        with self._lock:
            self.drop(key)
            shelf = self._shelves.setdefault(scope_of(key), _Shelf())
            self._held[key] = outcome
            self._row(key)[key] = next(self._clock)
            self._count(shelf, outcome, 1)
            self._make_room(key)
        return outcome

    def drop(self, key: str) -> None:
        with self._lock:
            outcome = self._held.pop(key, None)
            if outcome is None:
                return
            scope = scope_of(key)
            shelf = self._shelves[scope]
            shelf.free.pop(key, None)
            shelf.pinned.pop(key, None)
            self._count(shelf, outcome, -1)
            if not shelf.free and not shelf.pinned:
                del self._shelves[scope]

    def forget(self, prefix: str) -> None:
        """Let go of every outcome whose key begins with ``prefix``."""
        with self._lock:
            for key in [key for key in self._held if key.startswith(prefix)]:
                self.drop(key)

    def items(self) -> list[tuple[str, Outcome]]:
        with self._lock:
            return list(self._held.items())

    def begin(self, session: str, there: Callable[[], bool]) -> None:
        """A run of a session's page begins: what the run before the last one looked at is free to leave."""
        with self._lock:
            looking = self._looking.setdefault(session, _Looking(there))
            self._unpin(looking.last)
            looking.there, looking.last, looking.now, looking.gone_since = there, looking.now, {}, None
            self._release_gone()

    def look(self, session: str, key: str) -> None:
        """The run under way of a session uses this key: it stays while the session lives and there is room."""
        with self._lock:
            looking = self._looking.get(session)
            if looking is None or key in looking.now:
                return
            if len(looking.now) >= MOST_PINS:
                oldest = next(iter(looking.now))
                del looking.now[oldest]
                self._unpin({oldest: None})
            looking.now[key] = None
            self._pins[key] += 1
            if self._pins[key] == 1 and key in self._held:
                shelf = self._shelves[scope_of(key)]
                shelf.pinned[key] = shelf.free.pop(key)

    def looked_at(self, session: str) -> tuple[str, ...]:
        """The keys of the last run of a session and of the one under way."""
        with self._lock:
            looking = self._looking.get(session)
            return () if looking is None else (*looking.last, *looking.now)

    @property
    def sessions(self) -> int:
        with self._lock:
            self._release_gone(at_once=True)
            return sum(looking.gone_since is None for looking in self._looking.values())

    @property
    def scopes(self) -> int:
        """Scopes of people that hold something."""
        with self._lock:
            return len(self._shelves.keys() - {COMMON})

    @property
    def pinned_bytes(self) -> int:
        with self._lock:
            self._release_gone(at_once=True)
            return sum(self._held[key].n_bytes for shelf in self._shelves.values() for key in shelf.pinned)

    def _row(self, key: str) -> OrderedDict[str, int]:
        shelf = self._shelves[scope_of(key)]
        return shelf.pinned if self._pins.get(key) else shelf.free

    def _count(self, shelf: _Shelf, outcome: Outcome, sign: int) -> None:
        shelf.n_bytes += sign * outcome.n_bytes
        shelf.n_mapped += sign * outcome.n_mapped
        self.n_bytes += sign * outcome.n_bytes
        self.n_mapped += sign * outcome.n_mapped

    def _unpin(self, keys: Mapping[str, None]) -> None:
        for key in keys:
            self._pins[key] -= 1
            if self._pins[key] == 0:
                del self._pins[key]
                if key in self._held:
                    _unpinned(self._shelves[scope_of(key)], key)

    def _release_gone(self, *, at_once: bool = False) -> None:
        """Sessions whose browser has been gone for a while pin nothing; asked at most once a second."""
        now = time.monotonic()
        if now - self._looked < 1.0 and not at_once:
            return
        self._looked = now
        for session, looking in list(self._looking.items()):
            if looking.there():
                looking.gone_since = None
            elif looking.gone_since is None:
                looking.gone_since = now
            elif now - looking.gone_since > GONE_SECONDS:
                self._unpin(looking.last)
                self._unpin(looking.now)
                del self._looking[session]

    def _make_room(self, newest: str) -> None:
        while self.n_bytes > self.max_bytes or self.n_mapped > self.max_mapped:
            self._release_gone()
            victim = self._victim(newest)
            if victim is None:
                return
            self.drop(victim)
            self.evictions += 1

    def _victim(self, newest: str) -> str | None:
        over = [scope for scope, shelf in self._shelves.items() if self._is_over(scope, shelf)]
        others = list(self._shelves)
        for scopes, pinned in (
            (over, False),
            ([s for s in over if s != COMMON], True),
            (others, False),
            (others, True),
        ):
            oldest: tuple[int, str] | None = None
            for scope in scopes:
                shelf = self._shelves[scope]
                first = next(iter((shelf.pinned if pinned else shelf.free).items()), None)
                if first is not None and first[0] != newest and (oldest is None or first[1] < oldest[0]):
                    oldest = first[1], first[0]
            if oldest is not None:
                return oldest[1]
        return None

    def _is_over(self, scope: str, shelf: _Shelf) -> bool:
        share = COMMON_SHARE if scope == COMMON else OWN_SHARE
        return shelf.n_bytes > share * self.max_bytes or shelf.n_mapped > share * self.max_mapped
