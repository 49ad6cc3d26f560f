"""Workspace: every choice a person has made, as JSON and as a link. Choices only: no frame, no result, no path."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, get_type_hints

import msgspec

from analytics.behaviour import BehaviourSpec
from analytics.churn import ChurnSpec
from analytics.demand import DemandSpec
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastSpec
from analytics.forecasting.planning import PlanningSpec
from analytics.forecasting.view import ForecastView
from analytics.i18n import Language
from analytics.integration import CurrencySpec, JoinSpec, MatchSpec
from analytics.lifecycle import CohortView, FlowSpec, LifecycleSpec
from analytics.mapping import MappingSpec
from analytics.personas import PersonaEdits, PersonaSpec
from analytics.population import DefinitionsSpec, PopulationSpec
from analytics.portrait import PortraitSpec
from analytics.privacy import PrivacySpec
from analytics.product_life import ProductLifeSpec
from analytics.quality import THRESHOLDS, QualitySpec
from analytics.reading import ReadSpec
from analytics.schema import TABLES
from analytics.segmentation import MOST_SCENARIOS, PayoffSpec, Scenario, SegmentationSpec, WhatIfSpec
from analytics.segmentation.naming import OwnNames
from analytics.survival import SurvivalSpec
from analytics.usage import UsageSpec
from analytics.value import ValueSpec

VERSION = 1
MAX_LINK_CHARACTERS = 8_000
MAX_LINK_BYTES = 200_000  # once unpacked
MAX_JSON_BYTES = 4_000_000
MAX_REMEMBERED = 50
TABLE_NAMES = tuple(TABLES)
PRIVATE = ("sources", "name", "joins", "remembered")  # what never travels in a link: names, headings and digests


@dataclass(frozen=True, slots=True)
class SourceRef:
    """One uploaded file by its digest, how it is read, and which column is what (None: as remembered or suggested).

    ``signature`` of its headings is noted when the choices are saved: a later file with the same ones can then take
    the place of one that is not there any more. "" for a file that came since.
    """

    name: str
    digest: str
    reading: ReadSpec = ReadSpec()
    mapping: MappingSpec | None = None
    signature: str = ""


@dataclass(frozen=True, slots=True)
class RememberedMapping:
    """What a person settled for files with the same headings.

    Attributes
    ----------
    signature : ``header_signature`` of such a file as it is read without any choice.
    mapping : which column is what; None: as suggested.
    reading : the person's own choices of how to read it; no sheet.
    name : the file that it was settled for.
    """

    signature: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    mapping: MappingSpec | None = None
    reading: ReadSpec = ReadSpec()
    name: Annotated[str, msgspec.Meta(max_length=300)] = ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """All choices. ``world`` names a sample world, "" when ``sources`` are a person's own files.

    ``scenarios`` are pinned beside the present cut, which is ``segmentation`` of ``population``. ``reference`` is the
    cut whose segments lend the others their colours, numbers and names; None: the present one has its own.
    """

    name: str = ""
    language: Language = "en"
    world: str = "marketplace"
    sources: tuple[SourceRef, ...] = ()
    remembered: tuple[RememberedMapping, ...] = ()
    quality: QualitySpec = QualitySpec()
    currencies: CurrencySpec = CurrencySpec()
    joins: tuple[JoinSpec, ...] = ()
    matching: MatchSpec = MatchSpec()
    privacy: PrivacySpec = PrivacySpec()
    population: PopulationSpec = PopulationSpec()
    definitions: DefinitionsSpec = DefinitionsSpec()
    behaviour: BehaviourSpec = BehaviourSpec()
    segmentation: SegmentationSpec = SegmentationSpec()
    reference: Scenario | None = None
    scenarios: Annotated[tuple[Scenario, ...], msgspec.Meta(max_length=MOST_SCENARIOS)] = ()
    what_if: WhatIfSpec = WhatIfSpec()
    payoff: PayoffSpec = PayoffSpec()
    segment_names: OwnNames = ()
    personas: PersonaSpec = PersonaSpec()
    persona_edits: PersonaEdits = PersonaEdits()
    lifecycle: LifecycleSpec = LifecycleSpec()
    stage_flow: FlowSpec = FlowSpec()
    cohort_view: CohortView = CohortView()
    demand: DemandSpec = DemandSpec()
    forecast: ForecastSpec = ForecastSpec()
    forecast_view: ForecastView = ForecastView()
    product_life: ProductLifeSpec = ProductLifeSpec()
    planning: PlanningSpec = PlanningSpec()
    usage: UsageSpec = UsageSpec()
    survival: SurvivalSpec = SurvivalSpec()
    churn: ChurnSpec = ChurnSpec()
    value: ValueSpec = ValueSpec()
    portrait: PortraitSpec = PortraitSpec()
    customer: Annotated[str, msgspec.Meta(max_length=200)] = ""


def with_reference(before: Workspace, after: Workspace) -> Workspace:
    """``after`` with the cut of ``before`` as its reference, when it is the first to move away from that cut."""
    moves = (before.segmentation, before.population) != (after.segmentation, after.population)
    if not moves or after.reference is not None or (before.world, before.sources) != (after.world, after.sources):
        return after
    return dataclasses.replace(after, reference=Scenario("", before.segmentation, before.population))


def to_json(workspace: Workspace, *, app_version: str = "") -> bytes:
    """What differs from the defaults, as readable JSON with its version; no customer of a person's own files."""
    return _written({"choices": _differences(_without_customer(workspace), Workspace())}, app_version)


def from_json(data: bytes) -> tuple[Workspace, tuple[str, ...]]:
    """The Workspace written in ``data`` and the names of choices that were refused (they keep their defaults).

    Raises ``AnalysisError("work_unreadable")`` when it is not such a file and ``("link_newer")`` when it is newer.
    """
    choices = _read(data, "choices", "work_unreadable")
    if not isinstance(choices, dict):
        raise AnalysisError("work_unreadable")
    return _convert(choices)


def mappings_to_json(remembered: tuple[RememberedMapping, ...], *, app_version: str = "") -> bytes:
    """The remembered mappings alone, for colleagues who get the same exports."""
    return _written({"mappings": msgspec.to_builtins(remembered)}, app_version)


def mappings_from_json(data: bytes) -> tuple[tuple[RememberedMapping, ...], tuple[str, ...]]:
    """The mappings in ``data``, a file of mappings or of saved choices, and what was refused: names, else positions.

    Raises ``AnalysisError("mappings_unreadable")`` when it is neither and ``("link_newer")`` when it is newer.
    """
    try:
        items = _read(data, "mappings", "mappings_unreadable")
    except AnalysisError as error:
        choices = _read(data, "choices", error.code)
        items = choices.get("remembered") if isinstance(choices, dict) else None
    if not isinstance(items, list):
        raise AnalysisError("mappings_unreadable")
    return _each(items)


def remember(remembered: tuple[RememberedMapping, ...], *settled: RememberedMapping) -> tuple[RememberedMapping, ...]:
    """``remembered`` with what was ``settled`` now, the newest last; the oldest are forgotten beyond the limit."""
    by_signature = {item.signature: item for item in remembered}
    for item in settled:
        by_signature.pop(item.signature, None)
        by_signature[item.signature] = item
    return tuple(by_signature.values())[-MAX_REMEMBERED:]


def forget(remembered: tuple[RememberedMapping, ...], signature: str) -> tuple[RememberedMapping, ...]:
    """``remembered`` without what was settled for these headings."""
    return tuple(item for item in remembered if item.signature != signature)


def recall(remembered: tuple[RememberedMapping, ...], signature: str) -> RememberedMapping | None:
    """What was settled for files with these headings; None where nothing was."""
    return next((item for item in remembered if signature and item.signature == signature), None)


def to_link(workspace: Workspace) -> str:
    """The choices as one URL-safe parameter, ``without_private``: a link opens a world."""
    shared = without_private(workspace)
    link = _link(shared)
    # What a person wrote on cards can be longer than a link may be: the choices still travel.
    if len(link) > MAX_LINK_CHARACTERS:
        link = _link(dataclasses.replace(shared, persona_edits=PersonaEdits()))
    return link


def without_private(workspace: Workspace) -> Workspace:
    """The choices that may go to anybody: no name of a file, no heading or digest, no id of a customer of own files,
    and none of the values in a person's own repairs and cards."""
    default = Workspace()
    shared = _without_customer(workspace)
    shared = dataclasses.replace(shared, **{name: getattr(default, name) for name in PRIVATE})
    if workspace.world:
        return shared
    matching = dataclasses.replace(workspace.matching, accepted=(), refused=())
    quality = dataclasses.replace(workspace.quality, steps=())
    return dataclasses.replace(shared, matching=matching, quality=quality, persona_edits=PersonaEdits())


def on_cleaned_tables(
    workspace: Workspace, files: Mapping[str, tuple[str, tuple[str, ...]]], *, currency: str = "", as_of: date | None
) -> Workspace:
    """The choices of ``workspace`` for its own tables, cleaned, as Parquet files: each column is already what it says.

    What was done to reach them (repairs, joins, rates, merged customers, pseudonyms) is not asked for once more, and
    nothing is set aside a second time. ``files``: name of the table -> digest of its file and its columns. ``as_of``:
    the last day that the tables were observed, ``currency`` what their money is in, "" where it is not known.
    """
    sources = tuple(
        SourceRef(f"{table}.parquet", digest, mapping=MappingSpec(table, _itself(table, columns)))
        for table, (digest, columns) in files.items()
    )
    asked = workspace.quality
    quality = QualitySpec(
        **dict.fromkeys(_SETTLED, "keep"),  # type: ignore[arg-type]  # fields by name
        unparsed="empty",
        zero_price="mark" if asked.zero_price == "mark" else "keep",
        service_codes="mark" if asked.service_codes == "mark" else "keep",
        test_accounts="mark" if asked.test_accounts == "mark" else "keep",
        as_of=as_of,
        currency=currency,
        **{name: getattr(asked, name) for name in THRESHOLDS},
    )
    return dataclasses.replace(
        workspace,
        world="",
        sources=sources,
        remembered=(),
        quality=quality,
        currencies=CurrencySpec(),
        joins=(),
        matching=MatchSpec(),
        privacy=dataclasses.replace(workspace.privacy, pseudonymise_ids=False),
        customer="",
    )


# Repairs that take rows or values away: of cleaned tables they have taken what they had to.
_SETTLED = (
    "duplicates",
    "same_customer",
    "missing_customer",
    "missing_date",
    "negative_price",
    "future_dates",
    "early_dates",
    "spelling_variants",
    "impossible_values",
    "overlaps",
)


def _itself(table: str, columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Canonical columns as themselves; a quantity that is sold by weight by its exact value."""
    exact = {"quantity": "quantity_exact"} if "quantity_exact" in columns else {}
    return tuple((exact.get(name, name), name) for name in TABLES[table].names if name in columns)


def _link(shared: Workspace) -> str:
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
        body = msgspec.json.decode(unpacker.decompress(packed, MAX_LINK_BYTES))
        version, choices = body
        if not isinstance(version, int) or not isinstance(choices, dict):
            raise ValueError
    except (ValueError, TypeError, zlib.error, msgspec.DecodeError, RecursionError) as error:
        raise AnalysisError("link_unreadable") from error
    if version > VERSION:
        raise AnalysisError("link_newer")
    return _convert({name: value for name, value in choices.items() if name not in PRIVATE})


def _written(body: dict[str, Any], app_version: str) -> bytes:
    body = {"version": VERSION, "app_version": app_version, **body}
    return msgspec.json.format(msgspec.json.encode(body, order="deterministic"), indent=2)


def _read(data: bytes, part: str, code: str) -> Any:
    """One part of a saved file; raises ``AnalysisError(code)`` when it is not there and ``("link_newer")``."""
    if len(data) > MAX_JSON_BYTES:
        raise AnalysisError(code)
    try:
        body = msgspec.json.decode(data)
        version, found = body["version"], body[part]
    except (msgspec.DecodeError, TypeError, KeyError, RecursionError) as error:
        raise AnalysisError(code) from error
    if not isinstance(version, int):
        raise AnalysisError(code)
    if version > VERSION:
        raise AnalysisError("link_newer")
    return found


def _differences(value: Any, default: Any) -> dict[str, Any]:
    """The fields of ``value`` that differ from ``default``, nested specs likewise."""
    changed: dict[str, Any] = {}
    for item in dataclasses.fields(value):
        ours, theirs = getattr(value, item.name), getattr(default, item.name)
        if ours == theirs:
            continue
        nested = dataclasses.is_dataclass(ours) and type(ours) is type(theirs)
        changed[item.name] = _differences(ours, theirs) if nested else _built(ours)
    return changed


def _built(value: Any) -> Any:
    """A value as JSON knows it; of specs within tuples only what differs from their own defaults."""
    if isinstance(value, tuple):
        return [_built(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return msgspec.to_builtins(value)
    fields = [(item, getattr(value, item.name)) for item in dataclasses.fields(value)]
    return {item.name: _built(held) for item, held in fields if item.default is MISSING or held != item.default}


def _convert(choices: dict[str, Any]) -> tuple[Workspace, tuple[str, ...]]:
    """Each choice by itself, so that one stale or hostile value does not cost the others."""
    types = _types()
    accepted: dict[str, Any] = {}
    refused: list[str] = []
    if "scenario" in choices and "scenarios" not in choices:  # until there could be several, there was one unnamed
        choices = {**choices, "scenarios": [{"name": "B", "segmentation": choices["scenario"]}]}
        del choices["scenario"]
    demand = choices.get("demand")
    if isinstance(demand, dict) and demand.get("by") == "label":  # until other groups than segments could be asked for
        choices = {**choices, "demand": {**demand, "by": "segment"}}
    if isinstance(choices.get("forecast"), dict):
        choices = _forecast_of_old(choices)
    for name, value in choices.items():
        if name == "remembered" and isinstance(value, list):
            accepted[name], lost = _each(value)
            refused += [f"{name} {item}" for item in lost]
            continue
        try:
            accepted[name] = msgspec.convert(value, types[name], strict=True)
        except (KeyError, ValueError, TypeError, RecursionError):
            refused.append(str(name)[:40])
    return _without_customer(Workspace(**accepted)), tuple(refused)


@cache
def _types() -> dict[str, Any]:
    """The type of each choice. Found out once: a stored workspace is read in many runs of the pages."""
    return get_type_hints(Workspace, include_extras=True)


def _forecast_of_old(choices: dict[str, Any]) -> dict[str, Any]:
    """Until Prophet was one model of several, its options and the countries stood in the forecast's own fields."""
    saved = dict(choices["forecast"])
    countries = saved.pop("holidays", None)
    if countries is not None and "calendar" not in saved:
        saved["calendar"] = {"countries": countries}
        choices = {"forecast_view": {"usual_days": False}, **choices}
    old = {name: saved.pop(name) for name in ("growth", "seasonality_mode") if name in saved}
    if old and "prophet" not in saved:
        saved["prophet"] = old
    return {**choices, "forecast": saved}


def _without_customer(workspace: Workspace) -> Workspace:
    """Sample people are nobody; the id of a real one never leaves the session, nor comes in from outside."""
    return workspace if workspace.world else dataclasses.replace(workspace, customer="")


def _each(items: list[Any]) -> tuple[tuple[RememberedMapping, ...], tuple[str, ...]]:
    """Each remembered mapping by itself, and what was refused: by the name it gives, else by its position."""
    accepted: list[RememberedMapping] = []
    refused: list[str] = []
    for i, item in enumerate(items):
        try:
            accepted.append(msgspec.convert(item, RememberedMapping, strict=True))
        except (ValueError, TypeError, RecursionError):
            name = item.get("name") if isinstance(item, dict) else None
            refused.append(name[:40] if isinstance(name, str) and name else str(i + 1))
    return remember((), *accepted), tuple(refused)
