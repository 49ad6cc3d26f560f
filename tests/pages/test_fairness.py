"""Fair to all: whose turn it is, what one person may ask for, whose results leave memory first, and worker deaths."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from analytics.errors import AnalysisError
from analytics.i18n import words_for
from app_pages.ui import compute
from app_pages.ui.durations import Durations
from app_pages.ui.engine import Engine, Job, engine_from, size_of
from app_pages.ui.outcomes import Outcome, Outcomes, of_value
from app_pages.ui.turns import NOBODY, Place, Turns
from tests.pages import jobs


@dataclass(eq=False)
class Asked:
    """A job as the queue sees it."""

    key: str
    owner: str
    name: str = "fit"
    came: float = 0.0
    started: float | None = None
    is_watched: bool = True


def turns(n_workers: int = 2, durations: Durations | None = None, **limits: float) -> Turns:
    known = durations or Durations()
    given = {"most_waiting": 6, "most_in_all": 200, "person_seconds": 3600.0, "window_seconds": 3600.0, **limits}
    return Turns(n_workers, usual=known.usual, longest=known.longest, **given)


def queue(made: Turns, *asked: str, **how: object) -> dict[str, Asked]:
    """Jobs named by their owner and a number, as "ann1", in the order they came."""
    found = {key: Asked(key, key.rstrip("0123456789"), came=float(i), **how) for i, key in enumerate(asked)}
    for job in found.values():
        made.add(job)
    return found


def served(made: Turns, waiting: dict[str, Asked]) -> list[str]:
    """Keys in the order in which one worker after the other takes them, each done before the next begins."""
    order = []
    while (job := made.next()) is not None:
        order.append(job.key)
        made.leave(waiting[job.key])
    return order


def refused(work: Callable[[], object]) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        work()
    return caught.value


class TestWhoseTurnItIs:
    def test_one_person_alone_has_all_workers(self) -> None:
        made = turns()
        queue(made, "ann1", "ann2", "ann3")
        assert [job.key for job in (made.next(), made.next()) if job] == ["ann1", "ann2"]
        assert made.next() is None, "both workers are taken"
        assert (made.running, made.waiting, made.owners()) == (2, 1, 1)

    def test_who_has_least_under_way_is_next_then_who_came_first(self) -> None:
        made = turns(n_workers=4)
        queue(made, "ann1", "ann2", "ann3", "bob1", "eve1", "bob2")
        assert [job.key for job in (made.next(), made.next(), made.next(), made.next()) if job] == [
            "ann1",
            "bob1",
            "eve1",
            "ann2",
        ]

    def test_of_two_with_nothing_under_way_who_had_less_of_the_workers_is_next(self) -> None:
        made = turns(n_workers=1)
        (first,) = queue(made, "ann1").values()
        assert made.next() is first
        first.started = time.monotonic() - 100
        made.leave(first)
        waiting = queue(made, "ann2", "ann3", "bob1")
        assert served(made, waiting) == ["bob1", "ann2", "ann3"]

    def test_what_somebody_looks_at_goes_before_what_they_left(self) -> None:
        made = turns(n_workers=1)
        waiting = queue(made, "ann1", "ann2")
        waiting["ann1"].is_watched = False
        assert served(made, waiting) == ["ann2", "ann1"]

    def test_the_servers_own_work_comes_last(self) -> None:
        made = turns(n_workers=1)
        waiting = queue(made, "1", "2", "ann1", "ann2")
        assert waiting["1"].owner == NOBODY
        assert served(made, waiting) == ["ann1", "ann2", "1", "2"]

    def test_a_second_step_makes_room_for_who_has_none_after_a_while(self) -> None:
        made = turns()
        long = queue(made, "ann1", "ann2")
        made.next()
        made.next()
        long["ann1"].started, long["ann2"].started = 1.0, 2.0
        bob = queue(made, "bob1")["bob1"]
        bob.came = time.monotonic()
        assert made.must_make_room() is None, "ann's may soon be done"
        bob.came -= 11
        assert made.must_make_room() is long["ann2"], "what began last loses least"
        made.put_back(long["ann2"])
        assert made.next() is bob
        assert made.must_make_room() is None
        assert made.place(long["ann2"]) == Place(1, None)


class TestPlaces:
    def test_place_and_seconds_of_like_steps(self) -> None:
        known = Durations()
        for seconds in (9.0, 10.0, 11.0):
            known.note("fit", seconds)
        made = turns(durations=known)
        waiting = queue(made, "ann1", "ann2", "ann3", "bob1", "ann4")
        for key in ("ann1", "bob1"):
            assert made.next() is waiting[key]
            waiting[key].started = time.monotonic() - 4
        found = {key: made.place(waiting[key]) for key in ("ann2", "ann3", "ann4")}
        assert [(place.number, round(place.seconds)) for place in found.values() if place and place.seconds] == [
            (1, 6),
            (2, 6),
            (3, 16),
        ]
        assert made.place(waiting["ann1"]) is None, "it runs"

    def test_no_time_is_told_where_like_steps_never_ran(self) -> None:
        made = turns(n_workers=1)
        waiting = queue(made, "ann1", "bob1")
        made.next()
        assert made.place(waiting["bob1"]) == Place(1, None)

    def test_nor_where_the_one_before_already_takes_longer_than_any_before(self) -> None:
        known = Durations()
        known.note("fit", 5.0)
        made = turns(n_workers=1, durations=known)
        waiting = queue(made, "ann1", "bob1")
        made.next()
        waiting["ann1"].started = time.monotonic() - 60
        assert made.place(waiting["bob1"]) == Place(1, None)


class TestWhatOnePersonMayAskFor:
    def test_so_many_steps_and_no_more_while_somebody_waits_for_each(self) -> None:
        made = turns(n_workers=1, most_waiting=2)
        waiting = queue(made, "ann1", "ann2")
        error = refused(lambda: made.admit("ann"))
        assert (error.code, error.params) == ("queue_full", {"n": 2})
        assert made.admit("bob") is None
        waiting["ann2"].is_watched = False
        assert made.admit("ann") is waiting["ann2"], "what nobody waits for leaves instead"

    def test_the_queue_has_an_end(self) -> None:
        made = turns(most_in_all=3)
        queue(made, "ann1", "bob1", "eve1")
        assert refused(lambda: made.admit("dan")).code == "queue_long"
        assert made.admit(NOBODY) is None

    def test_the_workers_time_within_an_hour_is_bounded_while_others_want_it(self) -> None:
        made = turns(person_seconds=120.0)
        (long,) = queue(made, "ann1").values()
        made.next()
        long.started = time.monotonic() - 200
        made.leave(long)
        assert made.admit("ann") is None, "nobody else is here"
        queue(made, "bob1")
        error = refused(lambda: made.admit("ann"))
        assert (error.code, error.params) == ("person_seconds_spent", {"minutes": 3, "window": 60})
        assert made.admit("bob") is None


FRAME = pl.DataFrame({"x": range(1000)})
SIZE = size_of(FRAME)


def keep(store: Outcomes, *keys: str) -> None:
    for key in keys:
        store.keep(key, of_value(FRAME))


def held(store: Outcomes) -> list[str]:
    return sorted(key for key, _outcome in store.items())


class TestWhatLeavesMemory:
    def test_one_person_cannot_push_out_what_others_have(self) -> None:
        store = Outcomes(8 * SIZE, 10**12)
        keep(store, "bob-1", "bob-2", "common")
        keep(store, *(f"ann-{i}" for i in range(20)))
        assert [key for key in held(store) if not key.startswith("ann")] == ["bob-1", "bob-2", "common"]
        assert held(store)[:5] == [f"ann-{i}" for i in range(15, 20)], "her own oldest left"
        assert store.n_bytes == 8 * SIZE
        assert store.evictions == 15

    def test_alone_a_person_may_have_it_all(self) -> None:
        store = Outcomes(8 * SIZE, 10**12)
        keep(store, *(f"ann-{i}" for i in range(8)))
        assert len(held(store)) == 8

    def test_a_live_session_keeps_what_its_page_needs(self) -> None:
        store = Outcomes(4 * SIZE, 10**12)
        store.begin("tab", lambda: True)
        store.look("tab", "needed")
        keep(store, "needed", *"abcdef")
        assert held(store) == ["d", "e", "f", "needed"]
        assert store.pinned_bytes == SIZE
        store.begin("tab", lambda: True)  # the next run: it was needed by the last one
        keep(store, *"ghi")
        assert "needed" in held(store)
        store.begin("tab", lambda: True)  # two runs did not look at it
        keep(store, *"jklm")
        assert held(store) == ["j", "k", "l", "m"]

    def test_what_two_look_at_stays_when_one_leaves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app_pages.ui.outcomes.GONE_SECONDS", -1.0)
        connected = {"one": True, "two": True}
        store = Outcomes(3 * SIZE, 10**12)
        for tab in connected:
            store.begin(tab, lambda tab=tab: connected[tab])
            store.look(tab, "shared")
        keep(store, "shared")
        assert store.sessions == 2
        connected["one"] = False
        assert (store.sessions, store.pinned_bytes) == (1, SIZE)
        keep(store, *"abcd")
        assert "shared" in held(store)
        connected["two"] = False
        assert (store.sessions, store.sessions, store.pinned_bytes) == (0, 0, 0)
        keep(store, *"efg")
        assert "shared" not in held(store)

    def test_more_than_fits_is_pinned_by_nobody(self) -> None:
        store = Outcomes(3 * SIZE, 10**12)
        store.begin("tab", lambda: True)
        for i in range(6):
            store.look("tab", f"k{i}")
            keep(store, f"k{i}")
        assert held(store) == ["k3", "k4", "k5"]
        assert store.n_bytes == 3 * SIZE

    def test_files_that_are_mapped_are_bounded_too(self) -> None:
        store = Outcomes(10**12, 100)
        for i in range(5):
            store.keep(f"k{i}", Outcome(n_bytes=1, n_mapped=40))
        assert held(store) == ["k3", "k4"]
        assert store.n_mapped == 80

    def test_sizes_are_right_after_everything_was_done_to_it(self) -> None:
        store = Outcomes(6 * SIZE, 10**12)
        for round_ in range(5):
            store.begin("tab", lambda: True)
            for i in range(7):
                key = f"{'ann-' if i % 2 else ''}{(i * 7 + round_) % 11}"
                store.look("tab", key)
                store.keep(key, of_value(FRAME))
            store.drop("ann-3")
            store.forget("ann-1")
        assert store.n_bytes == sum(outcome.n_bytes for _key, outcome in store.items()) > 0
        store.forget("")
        assert (store.n_bytes, store.scopes, store.pinned_bytes) == (0, 0, 0)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return condition()


def answer(engine: Engine, job: Job) -> object:
    assert until(lambda: job.done, 60)
    outcome = engine.collect(job)
    return None if outcome is None else outcome.unwrap()


@pytest.fixture(scope="module")
def two() -> Iterator[Engine]:
    made = Engine(n_workers=2, most_waiting=3)
    yield made
    made.close()


class TestWorkersThatDie:
    def test_only_the_step_of_the_killed_worker_fails_and_its_owner_may_run_it_again(
        self, two: Engine, tmp_path: Path
    ) -> None:
        two.begin("tab", lambda: True)
        assert two.peek("killed", "tab") is None
        killed = two.submit("killed", jobs.note_and_work, (str(tmp_path / "killed"), 60.0), owner="ann")
        other = two.submit("other", jobs.note_and_work, (str(tmp_path / "other"), 3.0), owner="bob")
        behind = [two.submit(f"behind{i}", jobs.add, (i, 1), owner="eve") for i in range(2)]
        assert until(lambda: all((tmp_path / name).exists() for name in ("killed", "other")))
        assert two.place(behind[1]) == Place(2, None)
        os.kill(int((tmp_path / "killed").read_text()), signal.SIGKILL)
        error = refused(lambda: answer(two, killed))
        assert error.code == "worker_died"
        assert answer(two, other) == 3.0
        assert [answer(two, job) for job in behind] == [1, 2]
        report = two.report()
        assert (report.worker_deaths, report.waiting, report.running) == (1, 0, 0)
        assert two.peek("killed", "tab") is not None, "who asks again within a minute is told the same"
        two.retry("tab")
        assert two.peek("killed", "tab") is None
        assert answer(two, two.submit("killed", jobs.add, (1, 1), owner="ann")) == 2

    def test_with_every_worker_dead_the_queue_goes_on(self, two: Engine) -> None:
        assert answer(two, two.submit("before", jobs.add, (1, 1))) == 2
        pool = two._pool
        assert pool is not None
        for worker in list(pool._pool_manager.worker_manager.workers.values()):
            os.kill(worker.pid, signal.SIGKILL)
        after = [two.submit(f"after{i}", jobs.add, (i, 1), owner="ann") for i in range(3)]
        assert [answer(two, job) for job in after] == [1, 2, 3]


class TestTheQueueBeforeTheWorkers:
    def test_what_waits_can_be_stopped_and_has_cost_nothing(self, two: Engine) -> None:
        running = [two.submit(f"run{i}", jobs.work_for, (2.0,), owner="ann") for i in range(2)]
        assert until(lambda: two.report().running == 2)
        waiting = two.submit("stopped", jobs.work_for, (60.0,), owner="bob")
        assert two.place(waiting) is not None
        assert waiting.cancel()
        assert waiting.done
        assert two.collect(waiting) is None
        assert two.place(waiting) is None
        assert [answer(two, job) for job in running] == [2.0, 2.0]

    def test_a_person_with_too_many_is_told_and_others_are_not(self, two: Engine) -> None:
        mine = [two.submit(f"m{i}", jobs.work_for, (1.0 + i / 100,), owner="ann") for i in range(2)]
        assert until(lambda: two.report().running == 2)
        mine += [two.submit(f"m{i}", jobs.work_for, (1.0,), owner="ann") for i in range(2, 5)]
        for job in mine:
            job.join(lambda: True)
        assert refused(lambda: two.submit("m6", jobs.add, (1, 2), owner="ann")).code == "queue_full"
        assert two.submit("m4", jobs.work_for, (1.0,), owner="ann") is mine[4], "what is under way may be asked for"
        mine[3].leave()
        late = two.submit("m6", jobs.add, (1, 2), owner="ann")
        assert mine[3].future.cancelled(), "she had left it"
        other = two.submit("theirs", jobs.add, (2, 2), owner="bob")
        assert answer(two, other) == 4
        assert answer(two, late) == 3
        for job in (mine[0], mine[1], mine[2], mine[4]):
            assert answer(two, job) >= 1.0
            job.leave()

    def test_somebody_with_nothing_under_way_need_not_wait_for_anothers_second_step(
        self, two: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app_pages.ui.turns.PATIENCE_SECONDS", 0.5)
        long = [two.submit(f"long{i}", jobs.work_for, (60.0,), owner="ann") for i in range(2)]
        assert until(lambda: two.report().running == 2)
        short = two.submit("short", jobs.add, (1, 2), owner="bob")
        short.join(lambda: True)
        assert answer(two, short) == 3
        short.leave()
        assert not any(job.done for job in long), "the one whose worker was taken waits, and runs again"
        assert until(lambda: two.report().running == 2)
        assert all(job.cancel() for job in long)

    def test_what_several_ask_for_survives_the_first_leaving(self, two: Engine) -> None:
        first = two.submit("both", jobs.work_for, (1.0,), owner="ann")
        second = two.submit("both", jobs.work_for, (1.0,), owner="bob")
        assert second is first
        assert first.owner == "ann"
        second.join(lambda: True)
        assert not first.cancel(), "bob waits for it"
        assert answer(two, second) == 1.0
        second.leave()


def test_the_report_counts_and_names_nobody() -> None:
    engine = Engine()
    engine.begin("tab", lambda: True)
    for key in ("person-1", "person-2", "common"):
        engine.peek(key, "tab")
        engine.run(key, lambda: FRAME, "draw_chart")
    engine.peek("common", "tab")
    started = threading.Barrier(2)

    def slow() -> int:
        started.wait()
        time.sleep(0.3)
        return 1

    threads = [threading.Thread(target=engine.run, args=("slow", slow, "slow")) for _ in range(2)]
    for thread in threads:
        thread.start()
    started.wait()
    for thread in threads:
        thread.join()
    report = engine.report()
    assert (report.runs, report.hits, report.waits) == (4, 2, 1)
    assert (report.by_scope, report.sessions, report.owners) == (1, 1, 0)
    assert report.pinned_bytes == 3 * SIZE
    assert [(name, n) for name, n, _p50, _longest in report.slow] == [("slow", 1), ("draw_chart", 3)]
    assert "person" not in repr(report)


def test_limits_come_from_the_environment() -> None:
    given = {"REGULARS_STORE_MB": "64", "REGULARS_WORKERS": "3", "REGULARS_PERSON_JOBS": "", "REGULARS_MAPPED_MB": "10"}
    engine = engine_from(given)
    assert (engine.max_bytes, engine.n_workers, engine.most_waiting) == (64 * 2**20, 3, 6)
    assert engine.max_mapped == 10 * 2**20


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "Number 3 in the queue"),
        (4.0, "Number 3 in the queue, a few seconds"),
        (42.0, "Number 3 in the queue, about 40 s"),
        (170.0, "Number 3 in the queue, about 3 min"),
    ],
)
def test_the_page_tells_the_place_and_an_estimate_no_finer_than_it_is(seconds: float | None, told: str) -> None:
    assert compute._queued(Place(3, seconds), words_for("en")) == told
    for language in ("zh_CN", "zh_TW"):
        assert "3" in compute._queued(Place(3, seconds), words_for(language))
