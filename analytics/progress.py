"""How a long verb tells how far it is, without knowing who listens.

``report(0.4, "fitting")`` inside a verb is free when nobody listens; a worker process or a test listens with
``listening(callback)``. Steps are codes: ``progress.<step>`` are their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[float, str], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def report(fraction: float, step: str) -> None:
    """Say that ``fraction`` (0-1) of the work is done and ``step`` comes next."""
    listener = _listener.get()
    if listener is not None:
        listener(min(max(fraction, 0.0), 1.0), step)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within this block, ``report`` calls ``listener(fraction, step)``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
