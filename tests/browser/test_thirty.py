"""Thirty visitors open a fresh process at the same moment: nobody sees an error."""

from __future__ import annotations

import asyncio

from benchmarks.server import served
from benchmarks.visitor import Visit, Visitor

N = 30


async def all_at_once(url: str) -> list[Visit]:
    async def one(i: int) -> Visit:
        async with Visitor(url) as visitor:
            return await visitor.open(["", "validation", "lifecycle"][i % 3], timeout=240)

    return await asyncio.gather(*(one(i) for i in range(N)))


def test_thirty_visitors_of_a_fresh_process_see_no_error() -> None:
    with served() as (url, _process):
        visits = asyncio.run(all_at_once(url))
    assert [error for visit in visits for error in visit.errors] == []
    assert all(visit.n_messages > 10 for visit in visits)
    refused = [text for visit in visits for text in visit.texts if "unexpected" in text]
    assert refused == []
