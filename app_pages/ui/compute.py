"""The only file with a Streamlit cache: ``compute(verb, ...)`` runs each choice once for the whole process.

``compute(segment, customers, spec)`` looks up the key of (verb, data, spec) and returns the stored Result, or runs the
verb: here when it is quick, in a worker process when ``heavy``, with progress and a way to stop it. ``draw`` does the
same for charts and headlines, whose key includes the language.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import msgspec
import polars as pl
import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analytics.charts.theme import Spec
from analytics.errors import AnalysisError
from analytics.i18n import Words
from analytics.keys import derive_key, digest_bytes, digest_frame
from analytics.workspace import Workspace
from app_pages.ui import session
from app_pages.ui.engine import Engine, Job, Outcome, Place, engine_from

T = TypeVar("T")
P = ParamSpec("P")
# Failures that may be none another time: [Run again] tries.
PASSING = frozenset(
    {
        "step_cancelled",
        "step_too_long",
        "worker_died",
        "unexpected",
        "queue_full",
        "queue_long",
        "person_seconds_spent",
    }
)


@dataclass(frozen=True, slots=True)
class Deferred:
    """An input whose key is known before its value is had: bytes that need not be read when the result is stored."""

    key: str
    load: Callable[[], Any]


POLL_SECONDS = 0.15
QUIET_SECONDS = 0.4  # a step that ends within this shows no progress bar
SOON_SECONDS, MINUTE = 10, 60  # an estimate of a wait is no more exact than this


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The one engine of this process."""
    started = engine_from()
    started.warm()
    return started


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the result of a heavy step may lie outside of this process, and how a new one gets there.

    ``had()`` gives a verb and its inputs that bring the result back, run in its place; None where it is not there.
    ``made(result)`` is told of a new one.
    """

    had: Callable[[], tuple[Callable[..., Any], tuple[Any, ...]] | None]
    made: Callable[[Any], None]


@dataclass(slots=True)
class _Had:
    """What one run of a page had so far, for the choices it had it for."""

    workspace: Workspace | None = None
    values: dict[tuple[Any, ...], Any] = field(default_factory=dict)


_this_run = threading.local()  # a run of a script has a thread of its own


@contextmanager
def one_run() -> Iterator[None]:
    """Within it a step marked ``once_per_run`` is had once. Callbacks and fragments are outside and see what is new."""
    _this_run.had = _Had()
    try:
        yield
    finally:
        _this_run.had = None


def once_per_run(step: Callable[P, T]) -> Callable[P, T]:
    """For a step of the walk that many on a page ask for: the steps before it are not walked through again.

    Looking up what ``compute`` stored takes a walk from the first file on, and its key. What fails is tried again, and
    nothing stands after a choice is changed while the page runs. The inputs are hashable.
    """

    @wraps(step)
    def had(*inputs: P.args, **named: P.kwargs) -> T:
        this: _Had | None = getattr(_this_run, "had", None)
        if this is None:
            return step(*inputs, **named)
        if this.workspace is not session.workspace():
            this.workspace, this.values = session.workspace(), {}
        key = (step, *inputs, *sorted(named.items()))
        if key in this.values:
            value: T = this.values[key]
            return value
        value = step(*inputs, **named)
        if this.workspace is session.workspace():
            this.values[key] = value
        return value

    return had


def begin() -> None:
    """A run of the page begins in this session: what it looks at stays in memory while the session lives."""
    here = _here()
    if here:
        engine().begin(here, session.still_there())


def run_again() -> None:
    """What was stopped, or failed for a passing reason, runs again."""
    session.run_again()
    engine().retry(_here())


def compute(
    verb: Callable[..., T],
    *inputs: Any,
    heavy: bool = False,
    seconds: float | Callable[[], float] | None = None,
    elsewhere: Elsewhere | None = None,
) -> T:
    """``verb(*inputs)``, once per process for equal inputs; raises the step's ``AnalysisError``.

    Parameters
    ----------
    verb : a module-level function of ``analytics``.
    *inputs : data with a ``key``, bytes, frozen specs or plain values, in the verb's order.
    heavy : run in a worker process, with progress and cancel on the page.
    seconds : a heavy step that works for longer is stopped, also given by a function; None: the engine's limit.
    elsewhere : where a heavy step's result may be had without running it.
    """
    key = _scoped(key_of(verb, *inputs))
    outcome = engine().peek(key, _here())
    if outcome is None:
        if heavy and session.is_stopped(key):
            raise AnalysisError("step_cancelled")
        outcome = _in_worker(key, verb, inputs, seconds, elsewhere) if heavy else _in_server(key, verb, inputs)
    result: T = outcome.unwrap()
    return result


def _in_server(key: str, verb: Callable[..., Any], inputs: tuple[Any, ...]) -> Outcome:
    had = _loaded(inputs)
    return engine().run(key, lambda: verb(*had), _name(verb, inputs))


def _in_worker(
    key: str,
    verb: Callable[..., Any],
    inputs: tuple[Any, ...],
    seconds: float | Callable[[], float] | None,
    elsewhere: Elsewhere | None,
) -> Outcome:
    back = elsewhere.had() if elsewhere is not None else None
    if back is not None:
        again, args = back
        outcome = _wait(engine().submit(key, again, args, owner=_owner(), name=_name(again, args)))
        if outcome.failure is None:
            return outcome
        engine().drop(key)  # what was kept cannot be had: the step itself runs
    limit = seconds() if callable(seconds) else seconds
    job = engine().submit(key, verb, _loaded(inputs), limit, owner=_owner(), name=_name(verb, inputs))
    outcome = _wait(job)
    if elsewhere is not None and outcome.failure is None and job.verb is verb:
        elsewhere.made(outcome.value)
    return outcome


def _loaded(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(item.load() if isinstance(item, Deferred) else item for item in inputs)


def draw(chart: Callable[..., T], *inputs: Any) -> T:
    """A finished chart, headline or sentence: ``chart(*inputs)``, with ``_: Words`` among the inputs."""
    return compute(chart, *inputs)


def in_background(key: str, verb: Callable[..., Any], *inputs: Any) -> None:
    """``verb(*inputs)`` in a worker that has nothing else to do; nobody waits for it."""
    engine().submit(_scoped(key), verb, inputs)


def later(verb: Callable[..., T], *inputs: Any) -> Callable[[], T]:
    """What gives ``verb(*inputs)``, run in a worker when asked for: by a download's click, outside the session."""
    key, asked, owner = _scoped(key_of(verb, *inputs)), engine(), _owner()

    def give() -> T:
        outcome = asked.peek(key)
        if outcome is None:
            job = asked.submit(key, verb, inputs, owner=owner)
            job.join()
            try:
                futures.wait([job.future])
                outcome = asked.collect(job)
            finally:
                job.leave()
        if outcome is None:
            raise AnalysisError("step_cancelled")
        given: T = outcome.unwrap()
        return given

    return give


def picture(chart: Callable[..., Spec], *inputs: Any) -> Spec:
    """A finished chart with its rows already in Streamlit's wire format: turning them costs ten times the rest."""
    return compute(_pictured, chart, *inputs)


def _pictured(chart: Callable[..., Spec], *inputs: Any) -> Spec:
    spec = dict(chart(*inputs))
    rows = dict(spec.get("datasets", {}))
    if "values" in spec.get("data", {}):
        rows["rows"], spec["data"] = spec["data"]["values"], {"name": "rows"}
    spec["datasets"] = {name: convert_anything_to_arrow_bytes(values) for name, values in rows.items()}
    return spec


def key_of(verb: Callable[..., Any], *inputs: Any) -> str:
    """The key under which ``verb(*inputs)`` is stored."""
    return derive_key(f"{verb.__module__}.{verb.__qualname__}", None, *(_identity(item) for item in inputs))


def _scoped(key: str) -> str:
    """The key within this session, where the data are its own: pseudonyms of one session are never shown in another."""
    scope = session.scope()
    return f"{scope}-{key}" if scope else key


def forget() -> None:
    """Let go of everything that was computed from this session's own files."""
    if session.scope():
        engine().forget(f"{session.scope()}-")


def _identity(item: Any) -> str:
    if isinstance(item, Words):
        return item.language
    if isinstance(item, bytes):
        return digest_bytes(item)
    if isinstance(item, pl.DataFrame):
        return digest_frame(item)  # every value counts: a sample of a frame is no key
    if callable(item):
        return f"{item.__module__}.{item.__qualname__}"
    if isinstance(item, tuple) and any(hasattr(part, "key") or isinstance(part, tuple) for part in item):
        return "(" + ",".join(_identity(part) for part in item) + ")"
    key = getattr(item, "key", None)
    if isinstance(key, str):
        return key
    return f"{type(item).__name__}{msgspec.json.encode(item, order='deterministic').decode()}"


def _here() -> str:
    """This session; "" outside of any."""
    context = get_script_run_ctx()
    return context.session_id if context is not None else ""


def _owner() -> str:
    """Whose turn in the queue this takes: a person's, whatever the number of their windows; nobody has one each."""
    person = session.person()
    return person.id if person is not None else _here()


def _name(verb: Callable[..., Any], inputs: tuple[Any, ...]) -> str:
    """What a step is called in the list of slow ones."""
    named = inputs[0] if verb is _pictured else verb
    return str(named.__qualname__)


def _stop(job: Job) -> None:
    session.stop(job.key)
    job.cancel()


def _wait(job: Job) -> Outcome:
    """Watch a job from this session's script. A click elsewhere ends the watching, not the job."""
    _ = session.words()
    job.join(session.still_there())
    place = st.empty()
    started = time.monotonic()
    try:
        bar, told = None, None
        while not job.done:
            time.sleep(POLL_SECONDS)
            if time.monotonic() - started < QUIET_SECONDS:
                continue
            now = _standing(job, _)
            if bar is None:
                with place.container(border=True):
                    bar = st.progress(*now)
                    st.button(
                        _("Stop"),
                        icon=":material/stop_circle:",
                        on_click=_stop,
                        args=(job,),
                        key=f"stop-{job.key[-12:]}",
                    )
            elif now != told:
                bar.progress(*now)
            told = now
        outcome = engine().collect(job)
    finally:
        job.leave()
        place.empty()
    if outcome is None:
        raise AnalysisError("step_cancelled")
    return outcome


def _standing(job: Job, _: Words) -> tuple[float, str]:
    """How far a job is, in words: its place in the queue, then its steps."""
    place = engine().place(job)
    if place is not None:
        return 0.0, _queued(place, _)
    fraction, step = job.progress()
    return fraction, _.phrase(f"progress.{step}")


def _queued(place: Place, _: Words) -> str:
    """ "Number 3 in the queue, about 40 s"; the time only where like steps were timed before."""
    if place.seconds is None:
        return _("Number {n} in the queue", n=place.number)
    if place.seconds < SOON_SECONDS:
        return _("Number {n} in the queue, a few seconds", n=place.number)
    if place.seconds < 2 * MINUTE:
        about = round(place.seconds / SOON_SECONDS) * SOON_SECONDS
        return _("Number {n} in the queue, about {seconds} s", n=place.number, seconds=about)
    return _("Number {n} in the queue, about {minutes} min", n=place.number, minutes=round(place.seconds / MINUTE))
