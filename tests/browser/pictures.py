"""Make the README's pictures anew: ``uv run python -m tests.browser.pictures`` (needs a Chromium).

``--all FOLDER`` instead takes every page light, dark, narrow and in Traditional Chinese, for looking at them.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from analytics.i18n import words_for
from analytics.workspace import Workspace, to_link
from app_pages.ui import steps
from benchmarks.server import served
from store import people, workspaces
from store.database import open_store
from store.model import Record
from tests.browser.conftest import FLAGS

ROOT = Path(__file__).parents[2]
PAGES = tuple(step.name for step in steps.PAGES)
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
LOOKS = {
    "light": {"width": 1440, "scheme": "light", "language": "en"},
    "dark": {"width": 1440, "scheme": "dark", "language": "en"},
    "narrow": {"width": 420, "scheme": "light", "language": "en"},
    "zh_TW": {"width": 1440, "scheme": "light", "language": "zh_TW"},
    "zh_CN-dark-narrow": {"width": 420, "scheme": "dark", "language": "zh_CN"},
}


def some_work(folder: Path) -> None:
    """Saved work of one person, some of it changed by a colleague, for the pages that tell of it."""
    store = open_store(folder)
    mine = people.local_person(store)
    colleague = people.member(store, "https://example.org", "1", "Mei-ling Chen", "mei-ling@example.org")
    names = {"Spring campaign": "marketplace", "Who leaves the streaming service": "streaming", "": "marketplace_dirty"}
    for name, world in names.items():
        begun = workspaces.create(
            store, mine, Workspace(world=world), "segmentation", name=name, secret=bytes(workspaces.SECRET_BYTES)
        )
        if name == "Spring campaign":
            people.add_member(store, begun.id, colleague.email, "edit", mine)
            for number, who in ((5, mine), (4, colleague)):
                cut = dataclasses.replace(begun.workspace.segmentation, n_segments=number)
                changed = dataclasses.replace(begun.workspace, segmentation=cut)
                saved = workspaces.save(store, begun.id, begun.version, changed, "segmentation", who)
                assert isinstance(saved, Record)
                begun = saved
    store.close()


def take(browser: Any, url: str, name: str, look: dict[str, Any], target: Path) -> None:
    """One page, whole, in one look."""
    context = browser.new_context(viewport={"width": look["width"], "height": 1000}, color_scheme=look["scheme"])
    page = context.new_page()
    link = to_link(Workspace(language=look["language"]))
    page.goto(f"{url}/{'' if name == 'upload' else name}?s={link}")
    for _ in range(3):
        page.wait_for_selector(READY, timeout=180_000)
        page.wait_for_timeout(900)
    if name == "workspaces":
        page.get_by_role("button", name=words_for(look["language"])("More")).last.click()
        page.wait_for_timeout(1500)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": look["width"], "height": min(height + 10, 9000)})
    page.wait_for_timeout(1500)
    page.screenshot(path=target)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, default=None, metavar="FOLDER")
    parser.add_argument("--pages", nargs="*", default=PAGES, choices=PAGES)
    chosen = parser.parse_args()
    folder = chosen.all or ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    looks = LOOKS if chosen.all else {"light": LOOKS["light"]}
    with (
        tempfile.TemporaryDirectory(prefix="regulars-pictures-", ignore_cleanup_errors=True) as work,
        served(REGULARS_STORE=work) as (url, _process),
        sync_playwright() as playwright,
    ):
        some_work(Path(work))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name in chosen.pages:
            for label, look in looks.items():
                suffix = f"-{label}" if chosen.all else ""
                take(browser, url, name, look, folder / f"{name}{suffix}.png")
        browser.close()


if __name__ == "__main__":
    main()
