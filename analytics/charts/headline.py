"""The answer card at the top of a page: the finding, one sentence, three or four figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["gray", "good", "watch", "bad"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, already written in the reader's language. ``note`` is the small word under it, in ``tone``."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "gray"


@dataclass(frozen=True, slots=True)
class Headline:
    """The finding as a heading, one supporting sentence, and three or four metrics."""

    finding: str
    sentence: str
    metrics: tuple[Metric, ...]
