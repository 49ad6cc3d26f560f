"""Two people's changes by step: nothing is made up, what one changed alone is taken, what both changed is told."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.demand import DemandSpec
from analytics.forecasting import ForecastSpec
from analytics.lifecycle import FlowSpec, LifecycleSpec
from analytics.personas import PersonaSpec
from analytics.population import DefinitionsSpec, PopulationSpec
from analytics.privacy import PrivacySpec
from analytics.quality import QualitySpec
from analytics.segmentation import PayoffSpec, Scenario, SegmentationSpec, WhatIfSpec
from analytics.workspace import SourceRef, Workspace
from app_pages.ui.steps import STEPS as PAGES
from store.merging import BAR, FIELDS, OF_NOBODY, STEPS, changed_fields, changed_steps, merge, step_of

# For some fields of most steps, what somebody may have chosen.
CHOICES: dict[str, tuple[Any, ...]] = {
    "name": ("", "Autumn"),
    "language": ("en", "zh_TW"),
    "world": ("marketplace", "marketplace_dirty", "streaming", ""),
    "sources": ((), (SourceRef("a.csv", "ab" * 32),)),
    "quality": (QualitySpec(), QualitySpec(duplicates="keep")),
    "privacy": (PrivacySpec(), PrivacySpec(k=20)),
    "population": (PopulationSpec(), PopulationSpec(countries=("TW",)), PopulationSpec(as_of=date(2026, 3, 31))),
    "definitions": (DefinitionsSpec(), DefinitionsSpec(revenue="gross")),
    "segmentation": (SegmentationSpec(), SegmentationSpec(n_segments=4), SegmentationSpec(n_segments=5)),
    "reference": (None, Scenario("", SegmentationSpec())),
    "what_if": (WhatIfSpec(), WhatIfSpec(earlier=date(2025, 12, 31))),
    "payoff": (PayoffSpec(), PayoffSpec(budget=5000.0)),
    "personas": (PersonaSpec(), PersonaSpec(own_number=5)),
    "lifecycle": (LifecycleSpec(), LifecycleSpec(lapsed_after_days=60), LifecycleSpec(lapsed_after_days=90)),
    "stage_flow": (FlowSpec(), FlowSpec(from_day=date(2025, 6, 30))),
    "demand": (DemandSpec(), DemandSpec(frequency="month")),
    "forecast": (ForecastSpec(), ForecastSpec(horizon=8)),
    "customer": ("", "M00042"),
}
ANY = st.builds(lambda **chosen: Workspace(**chosen), **{name: st.sampled_from(held) for name, held in CHOICES.items()})
ONE_MARKET = ANY.map(lambda workspace: dataclasses.replace(workspace, world="marketplace", sources=()))
SIDES = st.dictionaries(st.sampled_from(STEPS), st.sampled_from(["mine", "theirs"]))
FEW = settings(max_examples=60, deadline=None)


def of_work(workspace: Workspace) -> Workspace:
    """Without what belongs to the reader and to the record."""
    return dataclasses.replace(workspace, language="en", name="")


def part(workspace: Workspace, step: str) -> tuple[object, ...]:
    return tuple(getattr(workspace, field) for field in FIELDS if step_of(field) == step)


def test_every_choice_belongs_to_one_step_and_every_step_is_a_page() -> None:
    assert len(FIELDS) == len(set(FIELDS))
    assert {*FIELDS, *OF_NOBODY} == {item.name for item in dataclasses.fields(Workspace)}
    assert not set(FIELDS) & set(OF_NOBODY)
    assert set(STEPS) - {BAR} <= {step.name for step in PAGES}
    pages = [step.name for step in PAGES]
    assert sorted(STEPS[1:], key=pages.index) == list(STEPS[1:]), "the steps are told in the order of the walk"


def test_what_changed_is_told_by_field_and_by_step() -> None:
    before = Workspace()
    after = Workspace(
        language="zh_TW",
        name="Autumn",
        definitions=DefinitionsSpec(revenue="gross"),
        demand=DemandSpec(frequency="month"),
        forecast=ForecastSpec(horizon=8),
    )
    assert changed_fields(before, after) == ("definitions", "demand", "forecast")
    assert changed_steps(before, after) == (BAR, "forecasting")
    assert changed_fields(before, Workspace(language="zh_TW", name="Autumn")) == ()


def test_six_steps_by_hand() -> None:
    base = Workspace(lifecycle=LifecycleSpec(lapsed_after_days=60))
    mine = dataclasses.replace(
        base,
        language="zh_TW",
        lifecycle=LifecycleSpec(lapsed_after_days=90),
        segmentation=SegmentationSpec(n_segments=4),
        quality=QualitySpec(duplicates="keep"),
    )
    theirs = dataclasses.replace(
        base,
        name="Theirs",
        demand=DemandSpec(frequency="month"),
        segmentation=SegmentationSpec(n_segments=5),
        quality=QualitySpec(duplicates="keep"),
    )
    both = merge(base, mine, theirs)
    assert both.clashes == ("segmentation",)
    assert both.from_mine == ("lifecycle",)
    assert both.from_theirs == ("forecasting",)
    assert both.workspace == dataclasses.replace(
        mine, demand=DemandSpec(frequency="month"), segmentation=SegmentationSpec(n_segments=5)
    )
    kept = merge(base, mine, theirs, {"segmentation": "mine"})
    assert kept.clashes == ("segmentation",)
    assert kept.workspace.segmentation.n_segments == 4


def test_a_step_is_taken_as_a_whole() -> None:
    """The pinned scenarios and the one that is looked at among them are of one page: never of two people."""
    pinned = (Scenario("RFM", SegmentationSpec(method="rfm")), Scenario("5", SegmentationSpec(n_segments=5)))
    base = Workspace(scenarios=pinned)
    mine = dataclasses.replace(base, what_if=WhatIfSpec(b=2))
    theirs = dataclasses.replace(base, scenarios=pinned[:1])
    both = merge(base, mine, theirs)
    assert both.clashes == ("what_if",)
    assert (both.workspace.scenarios, both.workspace.what_if) == (pinned[:1], WhatIfSpec())


@pytest.mark.parametrize(("take", "countries"), [("theirs", ("TW",)), ("mine", ())])
def test_choices_of_two_markets_are_not_mixed(take: str, countries: tuple[str, ...]) -> None:
    base = Workspace()
    mine = Workspace(world="", sources=(SourceRef("a.csv", "ab" * 32),), language="zh_CN")
    theirs = Workspace(population=PopulationSpec(countries=("TW",)))
    both = merge(base, mine, theirs, {"upload": take})
    assert both.clashes == ("upload",)
    assert both.workspace.population.countries == countries
    assert of_work(both.workspace) == of_work(theirs if take == "theirs" else mine)
    assert both.workspace.language == "zh_CN"


@FEW
@given(ANY, ANY)
def test_who_changed_alone_is_taken_whole(base: Workspace, changed: Workspace) -> None:
    mine = merge(base, changed, base)
    assert mine.workspace == changed
    assert not mine.clashes
    assert not mine.from_theirs
    theirs = merge(base, base, changed)
    assert of_work(theirs.workspace) == of_work(changed)
    assert not theirs.clashes
    assert not theirs.from_mine
    assert theirs.from_theirs == mine.from_mine == changed_steps(base, changed)


@FEW
@given(ANY, ANY)
def test_what_both_did_alike_is_kept(base: Workspace, changed: Workspace) -> None:
    both = merge(base, changed, changed)
    assert both.workspace == changed
    assert not both.clashes


@FEW
@given(ANY, ANY, ANY, SIDES)
def test_no_choice_is_made_up(base: Workspace, mine: Workspace, theirs: Workspace, take: Any) -> None:
    both = merge(base, mine, theirs, take)
    for step in STEPS:
        assert part(both.workspace, step) in {part(mine, step), part(theirs, step)}
    assert (both.workspace.language, both.workspace.name) == (mine.language, mine.name)
    assert not set(both.clashes) & ({*both.from_mine} | {*both.from_theirs})


@FEW
@given(ONE_MARKET, ONE_MARKET, ONE_MARKET)
def test_nobody_s_own_change_is_lost(base: Workspace, mine: Workspace, theirs: Workspace) -> None:
    both = merge(base, mine, theirs)
    for step in STEPS:
        if part(mine, step) == part(base, step):
            assert part(both.workspace, step) == part(theirs, step)
        elif part(theirs, step) == part(base, step):
            assert part(both.workspace, step) == part(mine, step)
        elif part(mine, step) != part(theirs, step):
            assert step in both.clashes


@FEW
@given(ANY, ANY, ANY)
def test_both_see_the_same_in_whatever_order(base: Workspace, mine: Workspace, theirs: Workspace) -> None:
    one, other = merge(base, mine, theirs), merge(base, theirs, mine)
    assert one.clashes == other.clashes
    assert (one.from_mine, one.from_theirs) == (other.from_theirs, other.from_mine)
    if not one.clashes:
        assert of_work(one.workspace) == of_work(other.workspace)
    opposite = merge(base, theirs, mine, dict.fromkeys(STEPS, "mine"))
    assert of_work(opposite.workspace) == of_work(one.workspace)


@FEW
@given(ANY, ANY, ANY, SIDES)
def test_merging_again_changes_nothing(base: Workspace, mine: Workspace, theirs: Workspace, take: Any) -> None:
    both = merge(base, mine, theirs, take).workspace
    again = merge(theirs, both, theirs, take)
    assert again.workspace == both
    assert not again.clashes
