"""The steps between a person's bytes and what a page analyses, each cached by ``compute``.

sources -> raw tables -> mapped tables -> validated -> observed (as-of date, population, definitions) -> customers.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from analytics.customers import CustomerLabels, CustomerTable, summarise_customers
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.mapping import MappedTable, MappingSpec, MappingSuggestion, apply_mapping, suggest_mapping
from analytics.population import observe
from analytics.quality import ValidationResult, validate
from analytics.reading import RawTable, ReadSpec, read
from analytics.segmentation import SegmentationResult, segment
from analytics.workspace import SourceRef
from app_pages.ui import session
from app_pages.ui.compute import compute

WORLDS = Path(__file__).parents[2] / "sample_data"
HEAVY_BYTES = 2_000_000  # a larger file is read in a worker


def sources() -> tuple[SourceRef, ...]:
    """The files of the present work: the sample world's, or the person's own."""
    workspace = session.workspace()
    if workspace.world:
        return _world_sources(workspace.world)
    if not workspace.sources:
        raise AnalysisError("nothing_loaded")
    return workspace.sources


def source_bytes(source: SourceRef) -> bytes:
    """The bytes of a source, from the world's folder or from the session's uploads."""
    world = session.workspace().world
    return (WORLDS / world / source.name).read_bytes() if world else session.uploaded(source)


def raw(source: SourceRef) -> RawTable:
    """The source as it was read."""
    data = source_bytes(source)
    return compute(read, data, source.name, source.reading, heavy=len(data) > HEAVY_BYTES)


def suggestion(source: SourceRef) -> MappingSuggestion:
    """Which column is probably what."""
    return compute(suggest_mapping, raw(source))


def suggestion_for(source: SourceRef, table: str) -> MappingSuggestion:
    """Which column is probably what, if the file holds ``table``."""
    return compute(suggest_mapping, raw(source), table)


def mapping(source: SourceRef) -> MappingSpec:
    """Which column is what: the person's word, else the suggestion."""
    return source.mapping or suggestion(source).spec


def mapped(source: SourceRef) -> MappedTable:
    """The source with canonical columns."""
    table = raw(source)
    return compute(apply_mapping, table, mapping(source), heavy=table.n_rows > 200_000)


def validated() -> ValidationResult:
    """All sources as one trusted Dataset, with the report and the quarantine."""
    tables = tuple(mapped(source) for source in sources())
    heavy = sum(table.frame.height for table in tables) > 200_000
    return compute(validate, tables, session.workspace().quality, heavy=heavy)


def observed() -> Dataset:
    """The Dataset as of the chosen day, for the chosen population and definitions."""
    workspace = session.workspace()
    return compute(observe, validated().dataset, workspace.population, workspace.definitions)


def customers() -> CustomerTable:
    """One row per customer of the observed Dataset."""
    return compute(summarise_customers, observed())


def segments() -> SegmentationResult:
    """The present segmentation, on which personas and demand by segment build."""
    return compute(segment, customers(), session.workspace().segmentation, heavy=True)


def labels() -> CustomerLabels:
    """The present segments as labels."""
    return segments().labels


def replace_source(source: SourceRef, **changes: object) -> None:
    """Store another reading or mapping of one uploaded source."""
    kept = session.workspace().sources
    session.change(
        sources=tuple(dataclasses.replace(item, **changes) if item.digest == source.digest else item for item in kept)  # type: ignore[arg-type]
    )


def set_reading(source: SourceRef, reading: ReadSpec) -> None:
    """Read the source another way; a mapping made for other columns is forgotten."""
    replace_source(source, reading=reading, mapping=None)


def _world_sources(world: str) -> tuple[SourceRef, ...]:
    folder = WORLDS / world
    names = sorted(path.name for path in folder.iterdir() if path.suffix in {".parquet", ".csv"})
    return tuple(SourceRef(name, f"{world}/{name}") for name in names)
