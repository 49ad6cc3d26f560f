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

from analytics.demand import DemandSpec
from analytics.errors import AnalysisError
from analytics.lifecycle import LifecycleSpec
from analytics.mapping import MappingSpec
from analytics.population import DefinitionsSpec, PopulationSpec
from analytics.quality import QualitySpec
from analytics.segmentation import SegmentationSpec
from analytics.workspace import SourceRef, Workspace, from_json, from_link, to_json, to_link

BUSY = Workspace(
    name="Autumn plan",
    language="zh_TW",
    quality=QualitySpec(duplicates="keep", currency="TWD"),
    population=PopulationSpec(as_of=date(2026, 3, 31), countries=("TW", "HK"), leave_out=("wholesale", "test")),
    definitions=DefinitionsSpec(revenue="gross", returns="ignore"),
    segmentation=SegmentationSpec(n_segments=5, features=("recency_days", "revenue")),
    scenario=SegmentationSpec(method="rfm"),
    lifecycle=LifecycleSpec(lapsed_after_days=90),
    demand=DemandSpec(by="category", frequency="month"),
)
OWN = dataclasses.replace(
    BUSY,
    world="",
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
    assert opened == dataclasses.replace(OWN, sources=(), name="")


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


def test_sources_cannot_be_smuggled_in_by_a_link() -> None:
    opened, _refused = from_link(pack([1, {"sources": [{"name": "x", "digest": "y"}]}]))
    assert opened.sources == ()
