"""What people read for types of events and steps."""

from __future__ import annotations

from collections.abc import Mapping

from analytics.i18n import Words
from analytics.usage import UsageResult

Names = Mapping[str, str]


def event_name(event: str, _: Words) -> str:
    """What people read for an event type: a word of ours, or the data set's own."""
    return _.label("event", event)


def step_name(result: UsageResult, step: int, _: Words) -> str:
    """What people read for a step of the funnel."""
    held = result.steps[step]
    if held.name:
        return _.label("funnel", held.name)
    return _.listing(event_name(event, _) for event in held.events)


def has_funnel(result: UsageResult) -> bool:
    return result.funnel.height > 0


def space(_: Words) -> str:
    return " " if _.language == "en" else ""
