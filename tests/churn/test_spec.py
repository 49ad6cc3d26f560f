"""The choices of the early warning refuse nonsense and survive being written down."""

from __future__ import annotations

import msgspec
import pytest

from analytics.churn import ChurnSpec
from analytics.errors import AnalysisError


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"horizon_days": 3}, "churn_setting"),
        ({"capacity_share": 0.0}, "churn_setting"),
        ({"n_cuts": 1}, "churn_setting"),
        ({"level": 1.0}, "churn_setting"),
        ({"target": "soon"}, "churn_choice"),
        ({"method": "guess"}, "churn_choice"),
    ],
)
def test_nonsense_is_refused(choice: dict[str, object], code: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        ChurnSpec(**choice)
    assert refused.value.code == code


def test_choices_survive_being_written_down() -> None:
    spec = ChurnSpec(target="left", horizon_days=45, leave_out=("tenure_days",), capacity=200)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), ChurnSpec, strict=True) == spec
