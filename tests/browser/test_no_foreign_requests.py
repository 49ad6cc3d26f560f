"""No page asks another host and none breaks the content security policy, whatever stands in the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from analytics.workspace import Workspace, to_link
from app_pages.ui.steps import STEPS

READY = "[data-testid=stApp][data-test-script-state=notRunning]"
WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation',
    event => window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
PICTURE = "http://pictures.invalid/p.png"
HOSTILE = (  # ways in which a name could make a browser fetch a picture or run a script
    f"![x]({PICTURE})",
    f"<img src='{PICTURE}' onerror='document.title=1'>",
    f"[![x]({PICTURE})](http://links.invalid)",
    f":material/home: ![][r]\\n\\n[r]: {PICTURE}",
    "<script src='http://scripts.invalid/s.js'></script>",
    f"<link rel=stylesheet href={PICTURE}>",
)


@pytest.fixture
def watched(chromium: Any, server: str) -> Iterator[Any]:
    """A page of a browser, and afterwards the proof that only this server was asked."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    context.add_init_script(WATCH)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    refused: list[str] = []
    page.on(
        "console",
        lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    context.close()
    own = urlsplit(server).netloc
    foreign = {url for url in asked if urlsplit(url).scheme not in {"data", "blob"} and urlsplit(url).netloc != own}
    assert foreign == set(), "the browser asked another host"
    assert any("/_stcore/stream" in url for url in asked), "the page was never alive"
    assert refused == []


def settle(page: Any) -> None:
    for _ in range(3):
        page.wait_for_selector(READY, timeout=180_000)
        page.wait_for_timeout(300)


def sound(page: Any, where: str) -> None:
    assert page.evaluate("window.violations") == [], where
    assert page.locator("[data-testid=stException]").count() == 0, where


def walk(page: Any, server: str, language: str, names: list[str]) -> None:
    page.goto(f"{server}/?s={to_link(Workspace(language=language))}")
    settle(page)
    for name in names:
        if name != STEPS[0].name:
            page.locator(f"[data-testid=stSidebarNav] a[href$='/{name}']").click()
            page.wait_for_timeout(300)
            settle(page)
        sound(page, name)
        for chart in page.locator("[data-testid=stVegaLiteChart]").all():
            assert chart.locator("canvas, svg").count() > 0, name


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh_CN", "zh_TW"])
def test_no_page_of_any_language_asks_another_host(watched: Any, server: str, language: str) -> None:
    """Every page. Last result: all pages in both Chinese scripts, no violation, no other host."""
    walk(watched, server, language, [step.name for step in STEPS])
    tag = {"en": "en", "zh_CN": "zh-Hans-CN", "zh_TW": "zh-Hant-TW"}[language]
    assert watched.evaluate("document.documentElement.lang") == tag  # the one script of ours has run


@pytest.mark.parametrize(
    "names",
    [
        ("validation", "customer"),
        pytest.param(("privacy", "behaviour", "personas", "segmentation", "forecasting"), marks=pytest.mark.slow),
    ],
    ids=["two pages", "more pages"],
)
def test_hostile_names_fetch_nothing(watched: Any, server: str, tmp_path: Path, names: tuple[str, ...]) -> None:
    rows = ["order_id,customer_id,order_date,product,category,city,quantity,unit_price"]
    for i in range(400):
        name = HOSTILE[i % len(HOSTILE)].replace('"', "'")
        day = f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}"
        rows.append(f'o{i},c{i % 40},{day},"{name}","{name}","{name}",{1 + i % 5},{10 + i % 7}')
    file = tmp_path / "![x](http:__pictures.invalid_p.png).csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    watched.goto(server)
    settle(watched)
    watched.locator(".st-key-source button", has_text="My own files").click()
    settle(watched)
    watched.locator(".st-key-files input[type=file]").set_input_files(str(file))
    watched.wait_for_selector("text=/holds Orders/", timeout=60_000)
    settle(watched)
    sound(watched, "upload")
    for name in names:
        watched.locator(f"[data-testid=stSidebarNav] a[href$='/{name}']").click()
        watched.wait_for_timeout(300)
        settle(watched)
        sound(watched, name)
    assert watched.title() != "1"


def test_the_policy_stops_what_escaping_would_miss(chromium: Any, server: str) -> None:
    """The second line: a picture, a script and a connection that stand in the document all the same."""
    context = chromium.new_context()
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(server)
    settle(page)
    page.evaluate(
        """async () => {
            document.body.insertAdjacentHTML('beforeend', "<img src='http://pictures.invalid/p.png'>");
            document.body.append(document.createRange().createContextualFragment('<script>window.ran = 1</script>'));
            try { await fetch('http://connections.invalid/') } catch (refused) {}
            // Not within this call: the tool that drives the browser may evaluate what a page may not.
            setTimeout(() => { try { window.evaluated = Function('return 1')() } catch (refused) {} }, 10);
        }"""
    )
    page.wait_for_timeout(300)
    stopped = {line.split()[0] for line in page.evaluate("window.violations")}
    assert stopped == {"script-src-elem", "img-src", "connect-src", "script-src"}
    assert page.evaluate("[window.ran, window.evaluated]") == [None, None]
    context.close()


def test_what_a_page_offers_works_under_the_policy(watched: Any, server: str) -> None:
    """A chart, a table, a download: nothing of them needs more."""
    walk(watched, server, "zh_TW", ["upload", "segmentation"])
    assert watched.evaluate("document.documentElement.lang") == "zh-Hant-TW"  # the one script of ours has run
    watched.locator("[data-testid=stExpander] summary").first.click()
    with watched.expect_download() as given:
        watched.locator("[data-testid=stDownloadButton] button").first.click()
    assert Path(given.value.path()).stat().st_size > 0
    sound(watched, "download")
