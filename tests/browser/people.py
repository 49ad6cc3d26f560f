"""What tests with several people share: a small file of orders, and what a person does in the browser."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from analytics.workspace import Workspace, to_link
from tests.browser.test_walk import settle

NOTICE = ".st-key-changed-elsewhere"
PATIENCE = 180_000  # on a busy machine


def orders(path: Path, n_customers: int = 120) -> Path:
    """Orders of a year, the same at every call."""
    rng, lines = random.Random(3), ["order_id,customer_id,order_date,product,amount"]
    for customer in range(n_customers):
        day = date(2025, 1, 1) + timedelta(days=rng.randrange(200))
        for _ in range(1 + int(rng.expovariate(0.25))):
            amount = round(rng.lognormvariate(3 + (customer % 3) * 0.8, 0.5), 2)
            lines.append(f"{len(lines)},C{customer:04d},{day},P{rng.randrange(12)},{amount}")
            day += timedelta(days=rng.randrange(3, 60))
            if day > date(2025, 12, 31):
                break
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def visitor(chromium: Any, width: int, locale: str) -> Any:
    """A page of a browser of its own: other cookies than everybody else's."""
    page = chromium.new_context(viewport={"width": width, "height": 1000}, locale=locale).new_page()
    page.set_default_timeout(PATIENCE)
    return page


def bring(page: Any, server: str, file: Path) -> None:
    """Open the app without sample data and upload a file; the address then leads back to the work."""
    page.goto(f"{server}/?s={to_link(Workspace(world=''))}")
    settle(page)
    page.locator(".st-key-files input[type=file]").set_input_files(str(file))
    page.wait_for_selector("text=/holds Orders/", timeout=PATIENCE)
    page.wait_for_url("**w=*", timeout=PATIENCE)
    settle(page)


def slide(page: Any, steps: int) -> None:
    """Move the number of segments."""
    page.locator(".st-key-segmentation-n_segments input[type=range]").focus()
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        page.wait_for_timeout(80)
    page.wait_for_timeout(600)
    settle(page)


def number_of_segments(page: Any) -> str:
    text: str = page.locator(".st-key-segmentation-n_segments input[type=range]").get_attribute("aria-valuetext")
    return text


def private_link(page: Any, role: str) -> str:
    """Make a private link in the Share panel; gives its address."""
    page.locator(".st-key-share button").first.click()
    page.locator(".st-key-share-role button", has_text=role).click()
    page.wait_for_timeout(300)
    settle(page)
    page.locator(".st-key-share-make button").click()
    address: str = page.locator("[data-testid=stDialog] code").first.inner_text()
    page.locator("[data-testid=stDialog] button[aria-label=Close]").first.click()
    settle(page)
    return address.strip()
