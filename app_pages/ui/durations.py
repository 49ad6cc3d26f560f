"""How long steps took, by their name alone: for the estimate of a wait and for the list of slow steps."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from dataclasses import dataclass, field

RECENT = 64  # of each step
MOST_STEPS = 500


@dataclass(slots=True)
class _Step:
    n: int = 0
    longest: float = 0.0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))


class Durations:
    """Seconds by the name of the step. Safe for threads."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._lock = threading.Lock()

    def note(self, name: str, seconds: float) -> None:
        with self._lock:
            if name not in self._steps and len(self._steps) >= MOST_STEPS:
                return
            step = self._steps.setdefault(name, _Step())
            step.n += 1
            step.longest = max(step.longest, seconds)
            step.recent.append(seconds)

    def usual(self, name: str) -> float | None:
        """The median of the last runs of this step; None before the first."""
        with self._lock:
            step = self._steps.get(name)
            return statistics.median(step.recent) if step is not None else None

    def longest(self, name: str) -> float:
        with self._lock:
            step = self._steps.get(name)
            return step.longest if step is not None else 0.0

    def slowest(self, n: int) -> tuple[tuple[str, int, float, float], ...]:
        """name, runs, median and longest seconds of the ``n`` steps with the longest medians."""
        with self._lock:
            rows = [(name, step.n, statistics.median(step.recent), step.longest) for name, step in self._steps.items()]
        return tuple(sorted(rows, key=lambda row: -row[2])[:n])
