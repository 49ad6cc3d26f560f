"""Jobs that are killed, left alone or asked for at once: no process stays behind, no page waits for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from analytics.errors import AnalysisError
from app_pages.ui.engine import Engine, Job
from tests.pages import jobs

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def shared() -> Iterator[Engine]:
    made = Engine(n_workers=1, job_seconds=60)
    yield made
    made.close()


@pytest.fixture
def engine(shared: Engine) -> Engine:
    """One engine for all: the start of a worker costs more than what is tested."""
    shared.grace_seconds, shared.runs = 0.5, 0
    return shared


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def is_running(pid: int) -> bool:
    """Alive and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def numbers(note: Path) -> tuple[int, int]:
    """The worker and its child, as soon as they are noted."""
    assert until(lambda: note.exists() and len(note.read_text().split()) == 2, 60)
    worker, child = note.read_text().split()
    return int(worker), int(child)


def zombies() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process.is_running() and process.status() == psutil.STATUS_ZOMBIE]


def answer(engine: Engine, job: Job) -> object:
    assert until(lambda: job.done, 60)
    outcome = engine.collect(job)
    return None if outcome is None else outcome.unwrap()


class TestNothingStaysBehind:
    """The slow ones passed last together with all others, on two cores with seven times their work to do."""

    @pytest.mark.slow
    def test_a_stopped_job_takes_its_children_along(self, engine: Engine, tmp_path: Path) -> None:
        job = engine.submit("child", jobs.start_a_child, (str(tmp_path / "note"),))
        worker, child = numbers(tmp_path / "note")
        assert is_running(child)
        assert os.getpgid(child) == worker
        assert job.cancel()
        assert until(lambda: not is_running(worker) and not is_running(child))
        assert answer(engine, job) is None
        assert answer(engine, engine.submit("next", jobs.add, (1, 2))) == 3
        assert until(lambda: not zombies())

    @pytest.mark.slow
    def test_a_job_that_hears_no_signal_takes_its_children_along_when_its_time_is_up(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        assert answer(engine, engine.submit("warm", jobs.add, (1, 1))) == 2
        job = engine.submit("hang", jobs.start_a_child_and_hang, (str(tmp_path / "note"),), seconds=2.0)
        worker, child = numbers(tmp_path / "note")
        with pytest.raises(AnalysisError, match="step_too_long"):
            answer(engine, job)
        assert until(lambda: not is_running(worker) and not is_running(child))
        assert until(lambda: not zombies())

    def test_a_worker_killed_from_outside_leaves_no_child(self, engine: Engine, tmp_path: Path) -> None:
        job = engine.submit("killed", jobs.start_a_child, (str(tmp_path / "note"),))
        worker, child = numbers(tmp_path / "note")
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(AnalysisError, match="worker_died"):
            answer(engine, job)
        assert until(lambda: not is_running(child))
        assert answer(engine, engine.submit("next", jobs.add, (1, 2))) == 3

    @pytest.mark.slow
    def test_closing_the_engine_ends_everything_and_its_files(self, tmp_path: Path) -> None:
        made = Engine(n_workers=1, job_seconds=60)
        made.submit("child", jobs.start_a_child, (str(tmp_path / "note"),))
        worker, child = numbers(tmp_path / "note")
        made.close()
        assert until(lambda: not is_running(worker) and not is_running(child))
        assert not any(Path(made._folder).iterdir())

    @pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
    def test_a_server_that_is_gone_leaves_no_process(self, tmp_path: Path, how: signal.Signals) -> None:
        program = f"""
            import signal, sys
            from app_pages.ui.engine import Engine
            from tests.pages import jobs
            if __name__ == "__main__":
                signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # an ordinary end, as Streamlit makes of it
                engine = Engine(n_workers=1)
                job = engine.submit("child", jobs.start_a_child, ({str(tmp_path / "note")!r},))
                job.future.result()
        """
        (tmp_path / "server.py").write_text(textwrap.dedent(program))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
        server = subprocess.Popen(
            [sys.executable, str(tmp_path / "server.py")], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
        )
        worker, child = numbers(tmp_path / "note")
        server.send_signal(how)
        server.wait(30)
        assert until(lambda: not is_running(worker) and not is_running(child))
        assert until(lambda: not list(tmp_path.glob("regulars-workers-*")))

    def test_packaged_prophet_stopped_in_the_middle(self, engine: Engine) -> None:
        job = engine.submit("prophet", jobs.fit_packaged_prophet, (6_000,))

        def optimiser() -> list[psutil.Process]:
            found = psutil.Process().children(recursive=True)
            return [process for process in found if "prophet_model" in process.name()]

        assert until(lambda: bool(optimiser()), 60)
        (running,) = optimiser()
        assert job.cancel()
        assert until(lambda: not is_running(running.pid))
        assert until(lambda: not zombies())
        assert answer(engine, job) is None


class TestJobsThatNobodyWatches:
    def test_it_is_stopped_when_everybody_who_asked_is_gone(self, engine: Engine) -> None:
        job = engine.submit("left", jobs.work_for, (60.0,))
        connected = [True, True]
        for place in range(2):
            job.join(lambda place=place: connected[place])
            job.leave()  # the script ended: a click elsewhere
        connected[0] = False
        time.sleep(2.5)
        assert not job.done, "one of the two may come back"
        connected[1] = False
        assert until(lambda: job.done, 10)
        assert job.future.cancelled()
        assert until(lambda: not engine._jobs)

    def test_it_goes_on_for_who_comes_back_in_time(self, engine: Engine) -> None:
        engine.grace_seconds = 5.0
        job = engine.submit("reload", jobs.work_for, (4.0,))
        job.join(lambda: False)
        job.leave()
        time.sleep(1.5)
        again = engine.submit("reload", jobs.work_for, (4.0,))
        assert again is job
        again.join(lambda: True)
        assert answer(engine, again) == 4.0
        assert engine.runs == 1

    def test_its_result_is_kept_when_nobody_was_there_to_take_it(self, engine: Engine) -> None:
        job = engine.submit("kept", jobs.work_for, (0.1,))
        job.join(lambda: True)
        job.leave()
        assert until(lambda: engine.peek("kept") is not None)
        assert not engine._jobs
        assert engine.peek("kept").unwrap() == 0.1
        assert until(lambda: engine._attendant is None), "without jobs nobody attends"

    def test_what_was_asked_for_again_as_it_was_stored_leaves_no_job(self, engine: Engine) -> None:
        for _ in range(2):
            assert answer(engine, engine.submit("twice", jobs.add, (1, 2))) == 3
        assert "twice" not in engine._jobs

    def test_what_one_session_stopped_runs_anew_for_the_next(self, engine: Engine) -> None:
        job = engine.submit("stopped", jobs.work_for, (0.5,))
        assert job.cancel()
        again = engine.submit("stopped", jobs.work_for, (0.5,))
        assert again is not job
        assert answer(engine, again) == 0.5


def test_thirty_sessions_that_ask_for_the_same_cost_one_run_and_two_different_jobs_run_side_by_side() -> None:
    engine = Engine(n_workers=2, job_seconds=60)
    try:
        warming = [engine.submit(f"warm{place}", jobs.work_for, (2.0,)) for place in range(2)]
        assert [answer(engine, job) for job in warming] == [2.0, 2.0]  # both workers are there
        before, answers = engine.runs, []

        def ask(key: str, seconds: float) -> None:
            job = engine.submit(key, jobs.work_for, (seconds,))
            job.join(lambda: True)
            while not job.done:
                time.sleep(0.02)
            answers.append(engine.collect(job).unwrap())
            job.leave()

        threads = [threading.Thread(target=ask, args=("same", 3.0)) for _ in range(29)]
        threads.append(threading.Thread(target=ask, args=("other", 3.5)))
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [3.0] * 29 + [3.5]
        assert engine.runs - before == 2
        assert time.monotonic() - started < 6.0, "side by side, not one after the other"
    finally:
        engine.close()
