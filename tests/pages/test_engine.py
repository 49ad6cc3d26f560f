"""The engine: one run per key, failures kept like values, a worker's progress and cancel, memory bounded."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from analytics.errors import AnalysisError
from analytics.progress import report
from analytics.reading import ReadSpec, read
from app_pages.ui.engine import Engine, size_of


def add(left: int, right: int) -> int:
    report(0.5, "fitting")
    return left + right


def refuse() -> int:
    raise AnalysisError("series_too_short", n=1)


def break_down() -> int:
    raise RuntimeError("a secret that must not be shown")


def sleep_long() -> int:
    report(0.25, "fitting")
    time.sleep(60)
    return 1


def die() -> int:
    import os

    os._exit(3)


@pytest.fixture(scope="module")
def pool() -> Iterator[Engine]:
    engine = Engine(n_workers=1, job_seconds=30)
    yield engine
    engine.close()


def wait(engine: Engine, key: str, verb: object, *args: object) -> object:
    job = engine.submit(key, verb, args)
    while not job.done:
        time.sleep(0.02)
    return engine.collect(job)


def never_let_go() -> None:
    """A parser in native code that keeps the interpreter to itself."""
    import re

    re.match(r"(a+)+$", "a" * 64 + "b")


def test_a_step_that_hangs_is_stopped_after_the_seconds_given_to_it(pool: Engine) -> None:
    assert wait(pool, "warm", add, 1, 1).unwrap() == 2
    job = pool.submit("hang", never_let_go, (), seconds=1.5)
    started = time.monotonic()
    while not job.done:
        time.sleep(0.02)
    assert 1.0 < time.monotonic() - started < 20
    with pytest.raises(AnalysisError) as caught:
        pool.collect(job).unwrap()
    assert caught.value.code == "step_too_long"
    assert caught.value.params["seconds"] == 1
    assert wait(pool, "after", add, 2, 3).unwrap() == 5


def ask_thirty_times(engine: Engine, work: object) -> list[str]:
    """Thirty threads ask for one key at once; what each got."""
    start, answers = threading.Barrier(30), []

    def ask() -> None:
        start.wait()
        try:
            answers.append(str(engine.run("key", work).unwrap()))
        except AnalysisError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize(
    ("verb", "expected"), [(lambda: 42, "42"), (refuse, "series_too_short"), (break_down, "unexpected")]
)
def test_thirty_who_ask_at_once_cost_one_run(verb: object, expected: str) -> None:
    engine, runs = Engine(), []

    def slow() -> object:
        runs.append(1)
        time.sleep(0.2)
        return verb()

    assert ask_thirty_times(engine, slow) == [expected] * 30
    assert len(runs) == 1


def test_an_unforeseen_failure_keeps_its_secret(caplog: pytest.LogCaptureFixture) -> None:
    outcome = Engine().run("abcdefghijklmnop", break_down)
    assert outcome.failure is not None
    assert dict(outcome.failure.params) == {"reference": "abcdefghijkl"}
    assert "a secret" in caplog.text


def test_the_store_forgets_what_was_used_longest_ago() -> None:
    frame = pl.DataFrame({"x": range(1000)})
    engine = Engine(max_bytes=3 * size_of(frame))
    for key in ("a", "b", "c"):
        engine.put(key, frame)
    engine.peek("a")
    engine.put("d", frame)
    assert [engine.peek(key) is not None for key in "abcd"] == [True, False, True, True]
    assert engine.held_bytes <= engine.max_bytes


def test_a_worker_gives_value_refusal_and_breakdown(pool: Engine) -> None:
    assert wait(pool, "sum", add, 1, 2).unwrap() == 3
    for key, verb, code in (
        ("r", refuse, "series_too_short"),
        ("b", break_down, "unexpected"),
        ("d", die, "worker_died"),
    ):
        with pytest.raises(AnalysisError) as caught:
            wait(pool, key, verb).unwrap()
        assert caught.value.code == code
    assert wait(pool, "again", add, 2, 2).unwrap() == 4  # a new worker took over


class Unreadable:
    """An argument that no worker can unpack: it kills the worker before the job has begun."""

    def __reduce__(self) -> tuple[object, ...]:
        return _fail_to_unpack, ()


def _fail_to_unpack() -> None:
    raise ModuleNotFoundError("not here")


def test_after_every_worker_died_the_next_job_still_runs() -> None:
    engine = Engine(n_workers=1, job_seconds=30)
    try:
        with pytest.raises(AnalysisError) as caught:
            wait(engine, "broken", add, Unreadable(), 1).unwrap()
        assert caught.value.code in {"worker_died", "unexpected"}
        assert wait(engine, "sound", add, 1, 2).unwrap() == 3
    finally:
        engine.close()


def test_equal_requests_share_one_job_and_it_stops_when_the_last_one_cancels(pool: Engine) -> None:
    first, second = (pool.submit("long", sleep_long, ()) for _ in range(2))
    assert first is second
    first.join()
    assert not first.cancel(), "somebody else still waits"
    deadline = time.monotonic() + 30
    while first.progress() != (0.25, "fitting") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert first.progress() == (0.25, "fitting")
    first.leave()
    assert first.cancel()
    while not first.done:
        time.sleep(0.02)
    assert pool.collect(first) is None
    assert pool.peek("long") is None, "a cancelled step may be asked for again"


def take(megabytes: int) -> int:
    return len(bytes(megabytes * 2**20))


def take_in_rust(megabytes: int) -> int:
    """Rust ends the process when an allocation fails."""
    return pl.int_range(0, megabytes * 2**17, eager=True).len()


def give_up() -> int:
    panic = type("PanicException", (BaseException,), {})
    raise panic("a secret of the parser")


def test_a_step_that_wants_too_much_memory_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_WORKER_MB", "600")
    engine = Engine(n_workers=1, job_seconds=60)
    try:
        for key, verb in (("python", take), ("rust", take_in_rust)):
            with pytest.raises(AnalysisError) as caught:
                wait(engine, key, verb, 900).unwrap()
            assert caught.value.code == "worker_died"
            assert wait(engine, key + "small", verb, 50).unwrap() > 0
    finally:
        engine.close()


def test_a_reader_killed_from_outside_leaves_the_others_alive(tmp_path: Path) -> None:
    engine = Engine(n_workers=2, job_seconds=60)
    try:
        job = engine.submit("reading", sleep_with_its_number, (str(tmp_path / "pid"),))
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        assert wait(engine, "sum", add, 1, 2).unwrap() == 3
        while not job.done:
            time.sleep(0.02)
        outcome = engine.collect(job)
        assert outcome is not None
        assert outcome.failure is not None
        assert outcome.failure.code == "worker_died"
        assert wait(engine, "again", read, b"a,b\n1,2\n", "a.csv", ReadSpec()).unwrap().n_rows == 1
    finally:
        engine.close()


def test_a_small_workbook_that_spans_billions_of_cells_ends_its_reader_alone(pool: Engine) -> None:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "first")
        sheet.write(1_048_575, 16_383, "last")
    assert len(buffer.getvalue()) < 10_000
    with pytest.raises(AnalysisError) as caught:
        wait(pool, "sparse", read, buffer.getvalue(), "a.xlsx", ReadSpec()).unwrap()
    assert caught.value.code == "worker_died"
    assert wait(pool, "after sparse", add, 1, 2).unwrap() == 3


def sleep_with_its_number(path: str) -> int:
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)
    return 1


def test_a_step_that_takes_too_long_is_stopped() -> None:
    engine = Engine(n_workers=1, job_seconds=2)
    try:
        with pytest.raises(AnalysisError) as caught:
            wait(engine, "long", sleep_long).unwrap()
        assert (caught.value.code, caught.value.params) == ("step_too_long", {"seconds": 2})
    finally:
        engine.close()


def test_a_panic_of_a_library_is_a_failure_like_others(pool: Engine) -> None:
    here = Engine().run("panic", give_up)
    assert here.failure is not None
    assert here.failure.code == "unexpected"
    with pytest.raises(AnalysisError) as caught:
        wait(pool, "panic", give_up).unwrap()
    assert caught.value.code == "unexpected"
