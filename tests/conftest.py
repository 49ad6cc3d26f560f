"""Fixtures that more than one test module needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: a proof that takes minutes; runs where REGULARS_SLOW=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``slow`` run where the environment says REGULARS_SLOW=1; their docstrings hold the last result."""
    if os.environ.get("REGULARS_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: set REGULARS_SLOW=1"))


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """``shared_data("cdnow")`` is the folder of a real data set; the test skips where it is absent."""

    def folder(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real data set {name!r} is not beside the repository")
        return path

    return folder
