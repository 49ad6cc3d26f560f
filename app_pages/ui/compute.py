"""The only file with a Streamlit cache: ``compute(verb, ...)`` runs each choice once for the whole process.

``compute(segment, customers, spec)`` looks up the key of (verb, data, spec) and returns the stored Result, or runs the
verb: here when it is quick, in a worker process when ``heavy``, with progress and a way to stop it. ``draw`` does the
same for charts and headlines, whose key includes the language.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import polars as pl
import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from analytics.charts.theme import Spec
from analytics.errors import AnalysisError
from analytics.i18n import Words
from analytics.keys import derive_key, digest_bytes, digest_frame
from app_pages.ui import session
from app_pages.ui.engine import Engine, Job, Outcome

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deferred:
    """An input whose key is known before its value is had: bytes that need not be read when the result is stored."""

    key: str
    load: Callable[[], Any]


POLL_SECONDS = 0.15
QUIET_SECONDS = 0.4  # a step that ends within this shows no progress bar


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The one engine of this process."""
    started = Engine(max_bytes=int(os.environ.get("REGULARS_STORE_MB", "1024")) * 2**20)
    started.warm()
    return started


def compute(verb: Callable[..., T], *inputs: Any, heavy: bool = False, seconds: float | None = None) -> T:
    """``verb(*inputs)``, once per process for equal inputs; raises the step's ``AnalysisError``.

    Parameters
    ----------
    verb : a module-level function of ``analytics``.
    *inputs : data with a ``key``, bytes, frozen specs or plain values, in the verb's order.
    heavy : run in a worker process, with progress and cancel on the page.
    seconds : a heavy step that works for longer is stopped; None: the engine's limit.
    """
    key = _scoped(key_of(verb, *inputs))
    outcome = engine().peek(key)
    if outcome is None:
        if heavy and session.is_stopped(key):
            raise AnalysisError("step_cancelled")
        had = tuple(item.load() if isinstance(item, Deferred) else item for item in inputs)
        outcome = _wait(engine().submit(key, verb, had, seconds)) if heavy else engine().run(key, lambda: verb(*had))
    result: T = outcome.unwrap()
    return result


def draw(chart: Callable[..., T], *inputs: Any) -> T:
    """A finished chart, headline or sentence: ``chart(*inputs)``, with ``_: Words`` among the inputs."""
    return compute(chart, *inputs)


def later(verb: Callable[..., T], *inputs: Any) -> Callable[[], T]:
    """What gives ``verb(*inputs)``, run in a worker when asked for: by a download's click, outside the session."""
    key, asked = _scoped(key_of(verb, *inputs)), engine()

    def give() -> T:
        outcome = asked.peek(key)
        if outcome is None:
            job = asked.submit(key, verb, inputs)
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
        bar = None
        while not job.done:
            time.sleep(POLL_SECONDS)
            if time.monotonic() - started < QUIET_SECONDS:
                continue
            fraction, step = job.progress()
            text = _.phrase(f"progress.{step}")
            if bar is None:
                with place.container(border=True):
                    bar = st.progress(fraction, text=text)
                    st.button(
                        _("Stop"),
                        icon=":material/stop_circle:",
                        on_click=_stop,
                        args=(job,),
                        key=f"stop-{job.key[-12:]}",
                    )
            bar.progress(fraction, text=text)
        outcome = engine().collect(job)
    finally:
        job.leave()
        place.empty()
    if outcome is None:
        raise AnalysisError("step_cancelled")
    return outcome
