"""The server is killed and started again on the same store: choices, files, figures, links and history are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.server import served
from tests.browser.people import bring, number_of_segments, orders, private_link, slide, visitor
from tests.browser.test_walk import assert_sound, figures, settle, visit


def moved(address: str, server: str) -> str:
    """The same address on a server that has another port now."""
    return urlsplit(address)._replace(netloc=urlsplit(server).netloc).geturl()


def test_everything_is_there_after_the_server_was_killed(chromium: Any, tmp_path: Path) -> None:
    settings = {"REGULARS_LOCAL": "no", "REGULARS_STORE": str(tmp_path / "store")}
    ada = visitor(chromium, 1440, "en-US")
    with served(**settings) as (url, process):
        bring(ada, url, orders(tmp_path / "orders.csv"))
        visit(ada, "segmentation")
        slide(ada, 3)
        shown, chosen = figures(ada), number_of_segments(ada)
        link = private_link(ada, "View")
        address = ada.url
        for child in process.children(recursive=True):
            child.kill()
        process.kill()  # no chance to write anything down
    (tmp_path / "orders.csv").unlink()
    with served(**settings) as (url, _process):
        ada.goto(moved(address, url))
        settle(ada)
        assert_sound(ada)
        assert (figures(ada), number_of_segments(ada)) == (shown, chosen)
        # Who comes by the link sees the same, and can change nothing.
        bo = visitor(chromium, 1440, "en-US")
        bo.goto(moved(link, url))
        settle(bo)
        assert_sound(bo)
        assert figures(bo) == shown
        # The work is listed with its history; a stranger's browser has none of it.
        visit(ada, "workspaces")
        assert_sound(ada)
        assert "orders.csv" in ada.inner_text("[data-testid=stMain]")
        visit(bo, "workspaces")
        assert address.partition("w=")[2] not in bo.content()
        bo.context.close()
    ada.context.close()
