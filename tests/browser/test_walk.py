"""The whole walk in a real browser: on the sample world, and with a real file of half a million lines."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PAGES = ("upload", "validation", "integration", "privacy", "personas", "segmentation", "lifecycle", "forecasting")
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
CHOICES = {  # page -> container of the widget, the option to click, and how to see that it is chosen
    "personas": ("personas-n_traits", "3"),
    "segmentation": ("segmentation-method", "RFM scores"),
    "lifecycle": ("cohort_view-measure", "revenue"),
    "forecasting": ("demand-frequency", "Month"),
}


def settle(page: Any, timeout: float = 180_000) -> None:
    """Wait until the script has finished and stays so."""
    for _ in range(3):
        page.wait_for_selector(READY, timeout=timeout)
        page.wait_for_timeout(350)


def visit(page: Any, name: str) -> None:
    """Go there by the navigation, as a person does."""
    links = page.locator("[data-testid=stSidebarNav] a")
    (links.first if name == PAGES[0] else page.locator(f"[data-testid=stSidebarNav] a[href$='/{name}']")).click()
    page.wait_for_timeout(300)
    settle(page)


def choose(page: Any, key: str, position: int) -> None:
    """Open a select box and take the option at a position, whatever the language."""
    option = page.locator("[role=option]").nth(position)
    for _ in range(3):  # a rerun that is still under way closes an open list
        page.locator(f".st-key-{key} input").click()
        page.wait_for_timeout(700)
        if option.is_visible():
            break
    option.click()
    page.wait_for_timeout(300)
    settle(page)


def figures(page: Any) -> list[tuple[str, str]]:
    """Label and value of every metric."""
    return [
        (
            item.locator("[data-testid=stMetricLabel]").inner_text(),
            item.locator("[data-testid=stMetricValue]").inner_text(),
        )
        for item in page.locator("[data-testid=stMetric]").all()
    ]


def assert_sound(page: Any) -> None:
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.locator("[data-testid=stAlertContentError]").count() == 0
    assert "code: unexpected" not in page.inner_text("body")
    # An empty picture is a failure that no exception tells of.
    for chart in page.locator("[data-testid=stVegaLiteChart]").all():
        assert chart.locator("canvas, svg").count() > 0


@pytest.fixture
def tab(chromium: Any, server: str) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    page = context.new_page()
    outside: list[str] = []
    page.on(
        "request",
        lambda request: (
            outside.append(request.url)
            if not request.url.startswith((server, "data:", "blob:", server.replace("http", "ws")))
            else None
        ),
    )
    yield page
    context.close()
    assert outside == [], "the browser asked another host"


def test_the_walk_on_the_sample_world(tab: Any, server: str, chromium: Any) -> None:
    tab.goto(server)
    settle(tab)
    for name in PAGES:
        visit(tab, name)
        assert_sound(tab)
        assert len(figures(tab)) >= 3, name

    # A choice on each page, and it is there on return with the same figures.
    visit(tab, "validation")
    kept = figures(tab)
    tab.locator("[data-testid=stExpander]", has_text="Standing repairs").locator("summary").click()
    choose(tab, "quality-test_accounts", 2)
    assert_sound(tab)
    changed = {"validation": figures(tab)}
    assert changed["validation"] != kept, "quarantined test accounts must show in the balance"
    for name, (key, option) in CHOICES.items():
        visit(tab, name)
        chosen = tab.locator(f".st-key-{key} button", has_text=re.compile(f"^{option}$"))
        assert chosen.get_attribute("aria-checked") == "false"
        chosen.click()
        settle(tab)
        assert_sound(tab)
        changed[name] = figures(tab)
    for name, (key, option) in CHOICES.items():
        visit(tab, name)
        chosen = tab.locator(f".st-key-{key} button", has_text=re.compile(f"^{option}$"))
        assert chosen.get_attribute("aria-checked") == "true", f"{name} lost its choice"
        if name != "personas":  # a later step: it follows the segmentation, which was changed after it
            assert figures(tab) == changed[name]
    visit(tab, "validation")
    assert figures(tab) == changed["validation"]

    # Three languages: the same figures under other words.
    visit(tab, "segmentation")
    english = figures(tab)
    for label in ("简体中文", "繁體中文", "English"):
        choose(tab, "language", ("English", "简体中文", "繁體中文").index(label))
        assert_sound(tab)
        assert figures(tab)[0][1] == english[0][1]
        if label != "English":
            assert re.search(r"[\u4e00-\u9fff]", tab.locator("h1").inner_text())
    assert tab.evaluate("document.documentElement.lang") == "en"

    # The copied link, opened by a colleague in a fresh browser.
    tab.locator(".st-key-share button").click()
    link = tab.locator("[data-testid=stPopoverBody] [data-testid=stCode]").inner_text().strip()
    assert link.startswith(f"{server}/segmentation?s=")
    colleague = chromium.new_context(locale="en-US").new_page()
    colleague.goto(link)
    settle(colleague)
    assert_sound(colleague)
    assert colleague.locator("h1").inner_text() == "Segmentation"
    assert figures(colleague) == english
    colleague.context.close()


@pytest.fixture(scope="session")
def online_retail(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All days in one CSV, as a person would have exported it."""
    target = tmp_path_factory.mktemp("retail") / "online_retail.csv"
    with zipfile.ZipFile(shared_data("online_retail") / "by-day.zip") as days, target.open("wb") as out:
        names = sorted(name for name in days.namelist() if name.endswith(".csv"))
        for i, name in enumerate(names):
            header, _, body = days.read(name).partition(b"\n")
            out.write((header + b"\n" if i == 0 else b"") + body + (b"" if body.endswith(b"\n") else b"\n"))
    return target


def test_the_walk_with_a_real_file(tab: Any, server: str, online_retail: Path) -> None:
    tab.goto(server)
    settle(tab)
    tab.locator(".st-key-source button", has_text="My own files").click()
    settle(tab)
    tab.locator(".st-key-files input[type=file]").set_input_files(str(online_retail))
    tab.wait_for_selector("text=online_retail.csv holds Orders", timeout=180_000)
    settle(tab)
    assert_sound(tab)
    assert ("Rows", "541,909") in figures(tab)

    visit(tab, "validation")
    assert_sound(tab)
    found = ""
    for severity in tab.locator("[data-testid=stTab], [role=tab]").all():
        severity.click()
        settle(tab)
        found += " ".join(table.inner_text() for table in tab.locator("[data-testid=stTable]").all())
    for count in ("135,080", "9,288", "5,268", "10,624"):
        assert count in found, count
    shown = dict(figures(tab))
    numbers = [int(value.replace(",", "")) for value in shown.values()]
    assert numbers[0] == 541_909 == sum(numbers[1:])

    for name in ("personas", "segmentation", "lifecycle", "forecasting"):
        visit(tab, name)
        assert_sound(tab)
        assert len(figures(tab)) >= 3, name
    # Lines without a customer count in demand: the items forecast page says how many rows it looked at.
    tab.locator("[data-testid=stExpander]", has_text="How this was counted").locator("summary").click()
    counted = tab.locator("[data-testid=stExpander]", has_text="How this was counted").inner_text()
    rows = int(re.search(r"Orders: ([\d,]+) rows", counted).group(1).replace(",", ""))
    assert rows > 541_909 - 135_080
