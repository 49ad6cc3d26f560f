"""The streaming world on the pages: offered, named, and walked without a stack trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.lifecycle import LifecycleSpec
from analytics.workspace import Workspace
from app_pages.ui import intake
from sample_data.streaming import write
from tests.pages.test_customer import app, assert_sound, figures, go


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The streaming world with 200 subscribers."""
    write(200, 3, tmp_path)
    (tmp_path / "marketplace").symlink_to(Path(__file__).parents[2] / "sample_data" / "marketplace")
    monkeypatch.setattr(intake, "WORLDS", tmp_path)


@pytest.mark.usefixtures("small")
def test_subscriptions_walk_the_pages() -> None:
    test = app("upload", Workspace(world="streaming"))
    assert_sound(test)
    assert "subscriptions" in " ".join(item.value for item in test.markdown)
    assert "Found: Orders, Customers, Browsing events, Service contacts." in " ".join(i.value for i in test.markdown)
    for name in ("validation", "usage", "lifecycle", "behaviour"):
        go(test, name)
        assert_sound(test)
        assert test.header[0].value
        assert len(test.metric) >= 3, name
    assert "200 known customers" in " ".join(item.value for item in test.markdown)


@pytest.mark.usefixtures("small")
def test_choices_stay_with_their_market() -> None:
    chosen = Workspace(world="marketplace", lifecycle=LifecycleSpec(lapsed_after_days=90))
    test = app("upload", chosen)
    test.segmented_control(key="source").set_value("streaming").run()
    assert_sound(test)
    shown = figures(test)
    assert shown
    workspace = test.session_state["workspace"]
    assert (workspace.world, workspace.lifecycle) == ("streaming", LifecycleSpec())
    test.segmented_control(key="source").set_value("marketplace").run()
    assert test.session_state["workspace"].lifecycle.lapsed_after_days == 90
