"""Workspace: every choice a person has made, as JSON and as a link. Choices only: no frame, no result, no path."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from analytics.demand import DemandSpec
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastSpec
from analytics.i18n import Language
from analytics.integration import CurrencySpec, JoinSpec, MatchSpec
from analytics.lifecycle import LifecycleSpec
from analytics.mapping import MappingSpec
from analytics.personas import PersonaSpec
from analytics.population import DefinitionsSpec, PopulationSpec
from analytics.privacy import PrivacySpec
from analytics.quality import QualitySpec
from analytics.reading import ReadSpec
from analytics.segmentation import SegmentationSpec

VERSION = 1
MAX_LINK_CHARACTERS = 8_000
MAX_JSON_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class SourceRef:
    """One uploaded file by its digest, how it is read, and which column is what (None: as suggested)."""

    name: str
    digest: str
    reading: ReadSpec = ReadSpec()
    mapping: MappingSpec | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    """All choices. ``world`` names a sample world, "" when ``sources`` are a person's own files.

    ``scenario`` is the second segmentation that stands beside the first, None when there is none.
    """

    name: str = ""
    language: Language = "en"
    world: str = "marketplace"
    sources: tuple[SourceRef, ...] = ()
    quality: QualitySpec = QualitySpec()
    currencies: CurrencySpec = CurrencySpec()
    joins: tuple[JoinSpec, ...] = ()
    matching: MatchSpec = MatchSpec()
    privacy: PrivacySpec = PrivacySpec()
    population: PopulationSpec = PopulationSpec()
    definitions: DefinitionsSpec = DefinitionsSpec()
    segmentation: SegmentationSpec = SegmentationSpec()
    scenario: SegmentationSpec | None = None
    personas: PersonaSpec = PersonaSpec()
    lifecycle: LifecycleSpec = LifecycleSpec()
    demand: DemandSpec = DemandSpec()
    forecast: ForecastSpec = ForecastSpec()


def to_json(workspace: Workspace, *, app_version: str = "") -> bytes:
    """What differs from the defaults, as readable JSON with its version."""
    body = {"version": VERSION, "app_version": app_version, "choices": _differences(workspace, Workspace())}
    return msgspec.json.format(msgspec.json.encode(body, order="deterministic"), indent=2)


def from_json(data: bytes) -> tuple[Workspace, tuple[str, ...]]:
    """The Workspace written in ``data`` and the names of choices that were refused (they keep their defaults).

    Raises ``AnalysisError("work_unreadable")`` when it is not such a file and ``("link_newer")`` when it is newer.
    """
    if len(data) > MAX_JSON_BYTES:
        raise AnalysisError("work_unreadable")
    try:
        body = msgspec.json.decode(data)
        version, choices = body["version"], body["choices"]
    except (msgspec.DecodeError, TypeError, KeyError, RecursionError) as error:
        raise AnalysisError("work_unreadable") from error
    if not isinstance(version, int) or not isinstance(choices, dict):
        raise AnalysisError("work_unreadable")
    if version > VERSION:
        raise AnalysisError("link_newer")
    return _convert(choices)


def to_link(workspace: Workspace) -> str:
    """The choices as one URL-safe parameter. Names of files, their digests, the ids of their customers and the values
    in a person's own repairs are left out: a link opens a world."""
    shared = dataclasses.replace(workspace, sources=(), name="", joins=())
    if not workspace.world:
        matching = dataclasses.replace(workspace.matching, accepted=(), refused=())
        quality = dataclasses.replace(workspace.quality, steps=())
        shared = dataclasses.replace(shared, matching=matching, quality=quality)
    body = msgspec.json.encode([VERSION, _differences(shared, Workspace())], order="deterministic")
    return base64.urlsafe_b64encode(zlib.compress(body, 9)).decode().rstrip("=")


def from_link(text: str) -> tuple[Workspace, tuple[str, ...]]:
    """As ``from_json``, for a link's parameter; raises ``AnalysisError("link_unreadable")`` or ``("link_newer")``."""
    try:
        if len(text) > MAX_LINK_CHARACTERS:
            raise ValueError
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        # A bounded length: a few bytes could otherwise unpack to gigabytes.
        body = msgspec.json.decode(unpacker.decompress(packed, MAX_JSON_BYTES))
        version, choices = body
        if not isinstance(version, int) or not isinstance(choices, dict):
            raise ValueError
    except (ValueError, TypeError, zlib.error, msgspec.DecodeError, RecursionError) as error:
        raise AnalysisError("link_unreadable") from error
    if version > VERSION:
        raise AnalysisError("link_newer")
    return _convert({name: value for name, value in choices.items() if name != "sources"})


def _differences(value: Any, default: Any) -> dict[str, Any]:
    """The fields of ``value`` that differ from ``default``, nested specs likewise."""
    changed: dict[str, Any] = {}
    for item in dataclasses.fields(value):
        ours, theirs = getattr(value, item.name), getattr(default, item.name)
        if ours == theirs:
            continue
        nested = dataclasses.is_dataclass(ours) and type(ours) is type(theirs)
        changed[item.name] = _differences(ours, theirs) if nested else msgspec.to_builtins(ours)
    return changed


def _convert(choices: dict[str, Any]) -> tuple[Workspace, tuple[str, ...]]:
    """Each choice by itself, so that one stale or hostile value does not cost the others."""
    types = get_type_hints(Workspace)
    accepted: dict[str, Any] = {}
    refused: list[str] = []
    for name, value in choices.items():
        try:
            accepted[name] = msgspec.convert(value, types[name], strict=True)
        except (KeyError, ValueError, TypeError, RecursionError):
            refused.append(str(name)[:40])
    return Workspace(**accepted), tuple(refused)
