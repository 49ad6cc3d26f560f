"""What can go wrong, and what a result wants its reader to know: codes and numbers, never prose.

Words for a code live in ``analytics.i18n.phrases`` under ``error.<code>`` and ``caveat.<code>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Param = str | int | float | None


class AnalysisError(ValueError):
    """The only exception a user may see: a stable ``code`` and the numbers its message needs.

    It is a ``ValueError`` so that a spec which refuses itself while being decoded is reported by the decoder.

    Parameters
    ----------
    code : snake_case; ``error.<code>`` (title) and ``error.<code>.remedy`` (what to do) are its words.
    **params : values for the placeholders of those words.
    """

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(code, params)
        self.code = code
        self.params: Mapping[str, Param] = params

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.code, dict(self.params))

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.code}({shown})"


def _rebuild(code: str, params: dict[str, Param]) -> AnalysisError:
    return AnalysisError(code, **params)


def is_panic(problem: BaseException) -> bool:
    """Whether a library written in Rust gave up: its exception is no ``Exception`` and its class is not public."""
    return type(problem).__name__ == "PanicException"


@dataclass(frozen=True, slots=True)
class Caveat:
    """Something a Result says about itself: ``caveat.<code>`` is its title, ``caveat.<code>.body`` its size and remedy.

    ``severity`` is "note" (worth knowing) or "watch" (changes how far the figures can be trusted).
    """

    code: str
    severity: str = "watch"
    params: Mapping[str, Param] = field(default_factory=dict)
