"""Fits are found by the block itself; the oldest go first."""

from __future__ import annotations

from datetime import date

import numpy as np

from analytics.forecasting.block import Block
from analytics.forecasting.remembered import MOST_REMEMBERED, Remembered


def block() -> Block:
    return Block(("a",), (date(2024, 1, 1),), np.ones((1, 1)), (date(2024, 1, 2),), "day", 1)


def test_a_block_is_known_by_itself_and_by_the_choices() -> None:
    held: Remembered[str] = Remembered()
    mine, alike = block(), block()
    held.keep(mine, "one", "first")
    held.keep(mine, "two", "second")
    assert held.find(mine, "one") == "first"
    assert held.find(mine, "two") == "second"
    assert held.find(alike, "one") is None


def test_the_oldest_go_first() -> None:
    held: Remembered[int] = Remembered()
    blocks = [block() for _ in range(MOST_REMEMBERED + 1)]
    for i, each in enumerate(blocks):
        held.keep(each, None, i)
    assert held.find(blocks[0], None) is None
    assert [held.find(each, None) for each in blocks[1:]] == list(range(1, MOST_REMEMBERED + 1))
