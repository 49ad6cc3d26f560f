"""Two people, one workspace: a link into the other's language and screen, changes told, merged by step, revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics.i18n import words_for
from benchmarks.server import served
from tests.browser.people import NOTICE, bring, number_of_segments, orders, private_link, slide, visitor
from tests.browser.test_walk import assert_sound, choose, figures, settle, visit

TAIWAN = words_for("zh_TW")


@pytest.fixture(scope="module")
def hosted() -> Iterator[str]:
    """A server whose visitors are known by their cookies, as behind a proxy."""
    with served(REGULARS_LOCAL="no") as (url, _process):
        yield url


def values(page: Any) -> list[str]:
    return [value for _label, value in figures(page)]


def test_one_shares_the_other_changes_the_first_is_told(chromium: Any, hosted: str, tmp_path: Path) -> None:
    ada, bo = visitor(chromium, 1440, "en-US"), visitor(chromium, 420, "zh-TW")
    bring(ada, hosted, orders(tmp_path / "orders.csv"))
    visit(ada, "segmentation")
    slide(ada, 2)
    shared, chosen = values(ada), number_of_segments(ada)
    link = private_link(ada, "Edit")
    assert "/segmentation?k=" in link

    # The same page, choices, figures, day and language; then in the other's own language.
    bo.goto(link)
    settle(bo)
    assert_sound(bo)
    assert bo.evaluate("document.documentElement.lang") == "en"
    assert (values(bo), number_of_segments(bo)) == (shared, chosen)
    choose(bo, "language", 2)
    assert bo.evaluate("document.documentElement.lang") == "zh-Hant-TW"
    assert bo.locator("h1").first.inner_text().strip() == TAIWAN("Segmentation")
    assert values(bo) == shared
    assert "截至 2025/12/" in bo.inner_text("[data-testid=stMain]")
    width = bo.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], "no sideways scrolling on a narrow screen"
    assert ada.evaluate("document.documentElement.lang") == "en"

    # A change of the one is told to the other by name of the page, and taken.
    slide(bo, 1)
    assert number_of_segments(bo) != chosen
    ada.locator(NOTICE).wait_for()
    assert "Segmentation" in ada.locator(NOTICE).inner_text()
    ada.locator(".st-key-take-theirs button").click()
    ada.wait_for_timeout(300)
    settle(ada)
    assert (values(ada), number_of_segments(ada)) == (values(bo), number_of_segments(bo))
    assert ada.locator(NOTICE).count() == 0

    # Both change another page: what both made is one state.
    visit(ada, "lifecycle")
    slide(bo, 1)
    theirs = values(bo)
    revenue = ada.locator(".st-key-cohort_view-measure button", has_text=re.compile("^revenue$"))
    revenue.click()
    settle(ada)
    ada.locator(".st-key-merge button").click()
    ada.locator(".st-key-merge-now button").click()
    ada.locator(NOTICE).wait_for(state="detached")
    settle(ada)
    assert revenue.get_attribute("aria-checked") == "true"
    visit(ada, "segmentation")
    assert values(ada) == theirs

    # Revoked: refused at the next click, in the language of whoever clicks.
    ada.locator(".st-key-share button").first.click()
    ada.locator("[class*=st-key-revoke-] button").first.click()
    ada.wait_for_timeout(400)
    settle(ada)
    bo.locator(".st-key-segmentation-method button").nth(3).click()
    bo.wait_for_selector(".st-key-shut")
    settle(bo)
    told = bo.inner_text("[data-testid=stMain]")
    assert TAIWAN.phrase("error.link_revoked") in told
    assert bo.locator("[data-testid=stMetric]").count() == 0
    assert "orders.csv" not in told
    bo.context.close()
    ada.context.close()
