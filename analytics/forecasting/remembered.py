"""What was fitted to a block, kept for whoever asks next: several candidates and a back-test ask for the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from analytics.forecasting.block import Block

T = TypeVar("T")
MOST_REMEMBERED = 64  # blocks: two back-tests and more


class Remembered(Generic[T]):
    """The last fits by block (its identity, not its content) and choices; the oldest go first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: OrderedDict[tuple[Block, Hashable], T] = OrderedDict()

    def find(self, block: Block, choices: Hashable) -> T | None:
        with self._lock:
            return self._held.get((block, choices))

    def keep(self, block: Block, choices: Hashable, fitted: T) -> None:
        with self._lock:
            self._held[block, choices] = fitted
            while len(self._held) > MOST_REMEMBERED:
                self._held.popitem(last=False)
