"""An AnalysisError crosses a process boundary whole and is a ValueError for decoders."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import msgspec
import pytest

from analytics.errors import AnalysisError, Caveat


def test_code_and_params_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(AnalysisError("too_short", n=3, need=12)))
    assert (error.code, dict(error.params)) == ("too_short", {"n": 3, "need": 12})
    assert str(error) == "too_short(n=3, need=12)"


def test_a_spec_that_refuses_itself_is_refused_by_the_decoder() -> None:
    @dataclass(frozen=True, slots=True)
    class Spec:
        n: int = 1

        def __post_init__(self) -> None:
            if self.n < 1:
                raise AnalysisError("n_too_small", n=self.n)

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"n": 0}, Spec)


def test_a_caveat_watches_unless_it_notes() -> None:
    assert Caveat("few_rows").severity == "watch"
