"""Choices as JSON and as a link: they come back equal, and a hostile or stale one costs only itself."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import zlib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.calendar import CalendarSpec
from analytics.demand import DemandSpec
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastSpec, ProphetSpec
from analytics.lifecycle import LifecycleSpec
from analytics.mapping import MappingSpec
from analytics.population import DefinitionsSpec, PopulationSpec
from analytics.quality import QualitySpec
from analytics.reading import ReadSpec
from analytics.segmentation import PayoffSpec, Scenario, SegmentAssumption, SegmentationSpec, WhatIfSpec
from analytics.workspace import (
    MAX_REMEMBERED,
    RememberedMapping,
    SourceRef,
    Workspace,
    forget,
    from_json,
    from_link,
    mappings_from_json,
    mappings_to_json,
    recall,
    remember,
    to_json,
    to_link,
    with_reference,
)

BUSY = Workspace(
    name="Autumn plan",
    language="zh_TW",
    quality=QualitySpec(duplicates="keep", currency="TWD"),
    population=PopulationSpec(as_of=date(2026, 3, 31), countries=("TW", "HK"), leave_out=("wholesale", "test")),
    definitions=DefinitionsSpec(revenue="gross", returns="ignore"),
    segmentation=SegmentationSpec(n_segments=5, features=("recency_days", "revenue")),
    reference=Scenario("", SegmentationSpec(n_segments=4)),
    scenarios=(
        Scenario("RFM", SegmentationSpec(method="rfm")),
        Scenario("Spring", SegmentationSpec(n_segments=3), PopulationSpec(as_of=date(2026, 3, 31))),
    ),
    what_if=WhatIfSpec(b=2, earlier=date(2025, 12, 31)),
    payoff=PayoffSpec(response_rate=0.08, own=(SegmentAssumption("2", margin_share=0.4),), budget=5000.0),
    lifecycle=LifecycleSpec(lapsed_after_days=90),
    demand=DemandSpec(by="category", frequency="month"),
)
KNOWN = RememberedMapping(
    "cd" * 32, MappingSpec("transactions", (("編號", "order_id"),), day_first=True), ReadSpec(delimiter="^"), "訂單.csv"
)
OWN = dataclasses.replace(
    BUSY,
    world="",
    remembered=(KNOWN,),
    sources=(SourceRef("訂單.csv", "ab" * 32, mapping=MappingSpec("transactions", (("編號", "order_id"),))),),
)


def pack(body: Any) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(body).encode())).decode().rstrip("=")


@pytest.mark.parametrize("workspace", [Workspace(), BUSY, OWN])
def test_choices_come_back_equal_from_json(workspace: Workspace) -> None:
    assert from_json(to_json(workspace, app_version="1")) == (workspace, ())


def test_a_link_carries_every_choice_but_no_name_of_a_person_or_file() -> None:
    opened, refused = from_link(to_link(OWN))
    assert refused == ()
    assert opened == dataclasses.replace(OWN, sources=(), name="", remembered=())


def test_defaults_make_the_shortest_link_and_links_stay_short() -> None:
    assert len(to_link(Workspace())) < 30
    assert len(to_link(BUSY)) < 700


def test_only_what_differs_is_written_down() -> None:
    written = json.loads(to_json(Workspace(segmentation=SegmentationSpec(n_segments=5))))
    assert written["choices"] == {"segmentation": {"n_segments": 5}}


@pytest.mark.parametrize(
    ("choices", "refused"),
    [
        ({"segmentation": {"n_segments": 99}}, ("segmentation",)),
        ({"segmentation": {"features": ["customer_id"]}}, ("segmentation",)),
        ({"segmentation": "; DROP TABLE"}, ("segmentation",)),
        ({"language": "xx"}, ("language",)),
        ({"population": {"as_of": "2026-02-31"}}, ("population",)),
        ({"quality": {"currency": "<script>"}}, ("quality",)),
        ({"no_such_choice": 1}, ("no_such_choice",)),
        ({"lifecycle": {"lapsed_after_days": "90"}}, ("lifecycle",)),
    ],
)
def test_a_bad_choice_costs_only_itself(choices: dict[str, Any], refused: tuple[str, ...]) -> None:
    opened, told = from_link(pack([1, {**choices, "demand": {"measure": "orders"}}]))
    assert told == refused
    assert opened == Workspace(demand=DemandSpec(measure="orders"))


def test_demand_by_segment_has_its_old_name() -> None:
    opened, told = from_link(pack([1, {"demand": {"by": "label", "measure": "orders"}}]))
    assert (opened, told) == (Workspace(demand=DemandSpec(measure="orders", by="segment")), ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("%%%", "link_unreadable"),
        ("AAAA", "link_unreadable"),
        ("x" * 8001, "link_unreadable"),
        (pack([1]), "link_unreadable"),
        (pack({"version": 1}), "link_unreadable"),
        (pack(["1", {}]), "link_unreadable"),
        (pack([2, {}]), "link_newer"),
        (base64.urlsafe_b64encode(zlib.compress(b"[" * 300_000)).decode(), "link_unreadable"),
        (base64.urlsafe_b64encode(zlib.compress(b" " * 500_000_000, 9)).decode()[:8000], "link_unreadable"),
    ],
)
def test_a_link_that_is_none_is_refused(text: str, code: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        from_link(text)
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff\xfe", b'{"version": 1, "choices": []}', b"x" * 300_000])
def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(AnalysisError) as caught:
        from_json(data)
    assert caught.value.code == "work_unreadable"


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_links(text: str) -> None:
    with contextlib.suppress(AnalysisError):
        assert isinstance(from_link(text)[0], Workspace)


def test_the_one_scenario_of_older_choices_becomes_a_pinned_one() -> None:
    opened, refused = from_link(pack([1, {"scenario": {"method": "rfm"}, "segmentation": {"n_segments": 5}}]))
    assert refused == ()
    assert opened.scenarios == (Scenario("B", SegmentationSpec(method="rfm")),)
    assert opened.segmentation.n_segments == 5
    opened, refused = from_link(pack([1, {"scenario": {"n_segments": 99}, "segmentation": {"n_segments": 5}}]))
    assert (opened.scenarios, refused) == ((), ("scenarios",))
    assert from_link(pack([1, {"scenarios": [{"name": "x"}] * 5}]))[1] == ("scenarios",), "four at most"
    assert from_link(pack([1, {"scenarios": [{"name": "x" * 41}]}]))[1] == ("scenarios",)


def test_the_first_cut_that_is_left_becomes_the_reference() -> None:
    start = Workspace()
    moved = dataclasses.replace(start, segmentation=SegmentationSpec(n_segments=5))
    noted = with_reference(start, moved)
    assert noted.reference == Scenario("", start.segmentation, start.population)
    again = dataclasses.replace(noted, segmentation=SegmentationSpec(n_segments=6))
    assert with_reference(noted, again).reference == noted.reference, "the first one stays"
    other_day = dataclasses.replace(start, population=PopulationSpec(as_of=date(2026, 3, 31)))
    assert with_reference(start, other_day).reference == noted.reference
    assert with_reference(start, dataclasses.replace(start, language="zh_TW")).reference is None
    assert with_reference(start, dataclasses.replace(moved, world="")).reference is None, "other data, other cuts"


def test_sources_and_mappings_cannot_be_smuggled_in_by_a_link() -> None:
    mappings = json.loads(mappings_to_json((KNOWN,)))["mappings"]
    opened, _refused = from_link(pack([1, {"sources": [{"name": "x", "digest": "y"}], "remembered": mappings}]))
    assert opened == Workspace()


def test_no_heading_of_a_person_stands_in_a_link() -> None:
    body = zlib.decompress(base64.urlsafe_b64decode(to_link(OWN) + "==")).decode()
    for own in ("編號", "訂單", "cdcd", "abab"):
        assert own in to_json(OWN).decode()
        assert own not in body


# --- remembered mappings


def entry(n: int, field: str = "order_id") -> RememberedMapping:
    return RememberedMapping(f"{n:064x}", MappingSpec("transactions", ((f"column {n}", field),)), name=f"{n}.csv")


def test_a_forecast_of_older_choices_keeps_its_countries_and_its_trend() -> None:
    old = {"horizon": 8, "holidays": ["TW"], "growth": "flat", "seasonality_mode": "additive"}
    opened, refused = from_link(pack([1, {"forecast": old}]))
    assert refused == ()
    assert opened.forecast == ForecastSpec(
        horizon=8,
        calendar=CalendarSpec(countries=("TW",)),
        prophet=ProphetSpec(growth="flat", seasonality_mode="additive"),
    )
    assert not opened.forecast_view.usual_days
    opened, refused = from_link(pack([1, {"forecast": {"holidays": 3}, "demand": {"frequency": "day"}}]))
    assert (opened.demand.frequency, refused) == ("day", ("forecast",))
    opened, refused = from_link(pack([1, {"forecast": {"growth": "wild"}}]))
    assert (opened.forecast, refused) == (ForecastSpec(), ("forecast",))


def test_the_last_word_on_the_same_headings_is_remembered_and_the_oldest_forgotten() -> None:
    kept = remember((), entry(1), entry(2), entry(1, "amount"))
    assert kept == (entry(2), entry(1, "amount"))
    assert recall(kept, entry(1).signature) == entry(1, "amount")
    assert recall(kept, "") is None, "a file without headings is like no other"
    assert forget(kept, entry(1).signature) == (entry(2),)
    many = remember((), *(entry(n) for n in range(MAX_REMEMBERED + 7)))
    assert len(many) == MAX_REMEMBERED
    assert recall(many, entry(6).signature) is None
    assert recall(many, entry(7).signature) == entry(7)


def test_mappings_come_back_equal_from_a_file_of_their_own_and_from_saved_choices() -> None:
    known = (entry(1), KNOWN)
    assert mappings_from_json(mappings_to_json(known, app_version="1")) == (known, ())
    assert mappings_from_json(to_json(OWN)) == ((KNOWN,), ())
    with pytest.raises(AnalysisError) as caught:
        from_json(mappings_to_json(known))
    assert caught.value.code == "work_unreadable"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"signature": "short", "name": "january.csv"}, "january.csv"),
        ({"signature": "ab" * 32, "mapping": {"table": "passwords"}}, "2"),
        ({"signature": "ab" * 32, "mapping": {"table": "transactions", "columns": [["a", "no_such_field"]]}}, "2"),
        ({"signature": "ab" * 32, "reading": {"delimiter": ";;"}}, "2"),
        ({"signature": "ab" * 32, "reading": {"skip_rows": 10**12}}, "2"),
        ({"signature": "ab" * 32, "name": "x" * 1000}, "x" * 40),
        ({"name": {"deep": 1}}, "2"),
        ("DROP TABLE", "2"),
        (None, "2"),
    ],
)
def test_a_bad_mapping_costs_only_itself_and_is_named(wrong: Any, told: str) -> None:
    body = json.loads(mappings_to_json((entry(1), entry(3))))
    body["mappings"].insert(1, wrong)
    assert mappings_from_json(json.dumps(body).encode()) == ((entry(1), entry(3)), (told,))
    choices = {"version": 1, "choices": {"remembered": body["mappings"], "demand": {"measure": "orders"}}}
    opened, refused = from_json(json.dumps(choices).encode())
    assert opened == Workspace(remembered=(entry(1), entry(3)), demand=DemandSpec(measure="orders"))
    assert refused == (f"remembered {told}",)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "mappings_unreadable"),
        (b"{}", "mappings_unreadable"),
        (b"[]", "mappings_unreadable"),
        (b"\xff\xfe", "mappings_unreadable"),
        (b'{"version": 1, "mappings": {}}', "mappings_unreadable"),
        (b'{"version": 1, "choices": {}}', "mappings_unreadable"),
        (b'{"version": "1", "mappings": []}', "mappings_unreadable"),
        (b'{"version": 2, "mappings": []}', "link_newer"),
        (b'{"version": 1, "mappings": ' + b"[" * 200_000, "mappings_unreadable"),
        (b'{"version": 1, "mappings": [' + b" " * 5_000_000 + b"]}", "mappings_unreadable"),
    ],
)
def test_a_file_without_mappings_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        mappings_from_json(data)
    assert caught.value.code == code


def test_many_mappings_are_bounded_when_they_are_read() -> None:
    body = json.loads(mappings_to_json(tuple(entry(n) for n in range(200))))
    found, refused = mappings_from_json(json.dumps(body).encode())
    assert found == tuple(entry(n) for n in range(150, 200))
    assert refused == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_json_breaks_the_reader_of_mappings(body: Any) -> None:
    data = json.dumps({"version": 1, "mappings": [{"signature": "ab" * 32, "mapping": body}, body]}).encode()
    found, refused = mappings_from_json(data)
    assert len(found) + len(refused) == 2
