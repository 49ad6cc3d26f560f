"""A run of a page walks from the first file to the tables once, and sees every change of a choice all the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.workspace import Workspace, to_link
from app_pages.ui import compute, walk

ROOT = Path(__file__).parents[2]


def script() -> None:
    import contextlib
    import dataclasses

    import streamlit as st

    from analytics.errors import AnalysisError
    from app_pages.ui import session
    from app_pages.ui.compute import once_per_run, one_run

    ran = []

    @once_per_run
    def step(n: int, *, by: str = "") -> tuple[int, int, str]:
        ran.append(n)
        return n, session.workspace().privacy.k, by

    @once_per_run
    def fails() -> None:
        ran.append(0)
        raise AnalysisError("nothing_loaded")

    def told(label: str) -> None:
        st.markdown(f"{label}: {ran}")
        ran.clear()

    assert step(1) == step(1)
    told("outside")
    with one_run():
        k = session.workspace().privacy.k
        assert step(1) == step(1) == (1, k, "")
        assert step(2, by="a") == step(2, by="a") != step(2, by="b")
        told("once")
        session.change(privacy=dataclasses.replace(session.workspace().privacy, k=k + 3))
        assert step(1) == step(1) == (1, k + 3, "")
        told("after a change")
        for _try in range(2):
            with contextlib.suppress(AnalysisError):
                fails()
        told("failed")
    step(1)
    told("outside again")


def test_a_step_is_had_once_for_the_choices_as_they_stand() -> None:
    test = AppTest.from_function(script, default_timeout=60).run()
    assert not test.exception
    assert [item.value for item in test.markdown] == [
        "outside: [1, 1]",
        "once: [1, 2, 2]",
        "after a change: [1]",
        "failed: [0, 0]",
        "outside again: [1]",
    ]


@pytest.mark.parametrize("page", ["segmentation", "personas", "forecasting"])
def test_a_cached_rerun_looks_up_each_step_of_the_walk_once(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world="marketplace"))
    test.run()
    test.switch_page(f"app_pages/{page}.py").run()
    asked, key_of = Counter[str](), compute.key_of

    def counted(verb: Any, *inputs: Any) -> str:
        asked[verb.__qualname__] += 1
        return key_of(verb, *inputs)

    monkeypatch.setattr(compute, "key_of", counted)
    test.run()
    steps = ("validate", "settle_currency", "scan_dataset", "pseudonymise", "observe")
    assert [asked[name] for name in steps] == [1] * len(steps)
    n_files = len(walk.intake._world_sources(walk.intake.WORLDS / "marketplace"))
    assert asked["read"] == n_files
    assert asked["apply_mapping"] == n_files


def test_another_population_is_another_step() -> None:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world="marketplace"))
    test.run()
    test.switch_page("app_pages/segmentation.py").run()
    everybody = test.metric[0].value
    test.multiselect(key="population.channels").set_value(test.multiselect(key="population.channels").options[:1]).run()
    assert not test.exception
    assert test.metric[0].value != everybody
