"""Scenarios are pinned, named, dropped and tried by pure functions of choices."""

from __future__ import annotations

import pytest

from analytics.errors import AnalysisError
from analytics.segmentation import (
    Scenario,
    SegmentationSpec,
    WhatIfSpec,
    another_number,
    at_position,
    drop_scenario,
    pin_scenario,
    rename_scenario,
)

FOUR = tuple(Scenario(name) for name in "PQRS")


def test_pinning_finds_a_free_name_and_ends_at_four() -> None:
    pinned = pin_scenario((), Scenario("", SegmentationSpec(n_segments=3)), "  Autumn \n plan ")
    assert pinned == (Scenario("Autumn plan", SegmentationSpec(n_segments=3)),)
    thrice = pin_scenario(pin_scenario(pinned, Scenario(), "Autumn plan"), Scenario(), "Autumn plan")
    assert [item.name for item in thrice] == ["Autumn plan", "Autumn plan 2", "Autumn plan 3"]
    long = pin_scenario((Scenario("x" * 40),), Scenario(), "x" * 40)
    assert long[1].name == "x" * 38 + " 2"
    with pytest.raises(AnalysisError, match="scenarios_full"):
        pin_scenario(FOUR, Scenario(), "T")


@pytest.mark.parametrize(
    ("name", "code"),
    [("  ", "scenario_name_empty"), ("y" * 41, "scenario_name_long"), ("Q", "scenario_name_taken")],
)
def test_a_bad_name_is_refused(name: str, code: str) -> None:
    with pytest.raises(AnalysisError, match=code):
        rename_scenario(FOUR, 1, name)


def test_renaming_touches_one_name_alone() -> None:
    assert [item.name for item in rename_scenario(FOUR, 2, "Z")] == ["P", "Z", "R", "S"]
    assert rename_scenario(FOUR, 2, "Q") == FOUR


@pytest.mark.parametrize(
    ("shown", "dropped", "then"),
    [
        (WhatIfSpec(a=1, b=3), 2, WhatIfSpec(a=1, b=2)),
        (WhatIfSpec(a=2, b=1), 2, WhatIfSpec(a=0, b=1)),
        (WhatIfSpec(a=4, b=2), 2, WhatIfSpec(a=3, b=None)),
        (WhatIfSpec(b=None), 1, WhatIfSpec(b=None)),
        (WhatIfSpec(b=0), 1, WhatIfSpec(b=0)),
    ],
)
def test_dropping_one_leaves_the_others_in_sight(shown: WhatIfSpec, dropped: int, then: WhatIfSpec) -> None:
    left, now = drop_scenario(FOUR, shown, dropped)
    assert [item.name for item in left] == [item.name for i, item in enumerate(FOUR, 1) if i != dropped]
    assert now == then


def test_a_position_that_has_gone_is_the_present_cut() -> None:
    present = Scenario("", SegmentationSpec(n_segments=6))
    assert at_position(FOUR, present, 2) == FOUR[1]
    assert at_position(FOUR[:1], present, 3) == at_position((), present, 0) == present
    with pytest.raises(AnalysisError, match="scenario_unknown"):
        WhatIfSpec(a=5)
    with pytest.raises(AnalysisError, match="n_segments_range"):
        WhatIfSpec(n_segments=9)


def test_another_number_is_the_same_cut_but_for_its_number() -> None:
    a = Scenario("A", SegmentationSpec(features=("revenue",), n_segments=4))
    assert another_number(a, 4, None).segmentation == SegmentationSpec(features=("revenue",), n_segments=5)
    assert another_number(a, 8, None).segmentation.n_segments == 7
    assert another_number(a, 4, 2).segmentation.n_segments == 2
    by_rule = another_number(Scenario("", SegmentationSpec(method="rfm")), 8, 5)
    assert (by_rule.segmentation.method, by_rule.segmentation.n_segments) == ("kmeans", 5)
