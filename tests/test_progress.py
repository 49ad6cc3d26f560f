"""Progress: free when nobody listens, bounded when somebody does, and each listener hears only its own work."""

from __future__ import annotations

import threading

from analytics.progress import listening, report


def test_a_report_without_a_listener_does_nothing() -> None:
    report(0.5, "fitting")


def test_a_listener_hears_bounded_fractions_until_its_block_ends() -> None:
    heard: list[tuple[float, str]] = []
    with listening(lambda fraction, step: heard.append((fraction, step))):
        report(-1, "starting")
        report(7, "fitting")
    report(0.5, "too late")
    assert heard == [(0.0, "starting"), (1.0, "fitting")]


def test_another_thread_is_not_heard() -> None:
    heard: list[str] = []
    with listening(lambda _fraction, step: heard.append(step)):
        thread = threading.Thread(target=report, args=(0.5, "elsewhere"))
        thread.start()
        thread.join()
    assert heard == []
