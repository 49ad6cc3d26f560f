"""What a person settles about a file is remembered, and files of saved choices find their successors."""

from __future__ import annotations

import dataclasses

from analytics.errors import AnalysisError
from analytics.mapping import MappingSpec, carried
from analytics.reading import ReadSpec
from analytics.workspace import RememberedMapping, SourceRef, Workspace, forget, recall, remember
from app_pages.ui import intake, session


def settle(source: SourceRef, mapping: MappingSpec | None, how: ReadSpec | None = None) -> None:
    """Store the person's word on one source, and remember it for files with the same headings.

    ``how`` it is read is left as it is unless given.
    """
    workspace = session.workspace()
    new = dataclasses.replace(source, mapping=mapping, reading=how or intake.reading(source))
    own_reading = dataclasses.replace(new.reading, sheet="")
    sources = tuple(new if item == source else item for item in workspace.sources)
    remembered, key = workspace.remembered, intake.signature(source)
    if mapping is None and own_reading == ReadSpec():
        remembered = forget(remembered, key)
    elif key:
        remembered = remember(remembered, RememberedMapping(key, mapping, own_reading, source.name[:300]))
    session.change(sources=sources, remembered=remembered)


def set_reading(source: SourceRef, how: ReadSpec) -> None:
    """Read the source another way; a mapping made for other columns is forgotten."""
    settle(source, None, how)


def take_places() -> None:
    """A new file takes the place of one that is known from saved choices but not here, if their headings are the same.

    Its sheets, its mapping and what is joined to it then hold for the new one. This belongs to the change that brought
    the file: one undo takes both back.
    """
    workspace = session.workspace()
    if workspace.world:
        return
    for old in dict.fromkeys(item.digest for item in workspace.sources if not session.is_here(item) and item.signature):
        for new in session.workspace().sources:
            if not new.signature and session.is_here(new) and _takes_place(old, new):
                break


def _takes_place(digest: str, new: SourceRef) -> bool:
    workspace = session.workspace()
    heirs = {item: heir for item in workspace.sources if item.digest == digest and (heir := _heir(item, new))}
    if not heirs:
        return False
    kept = [heirs.get(item, item) for item in workspace.sources if item != new]
    sheets = {item.reading.sheet: heir.reading.sheet for item, heir in heirs.items()}
    joins = [
        dataclasses.replace(join, source=new.digest, sheet=_sheet(new, sheets.get(join.sheet, join.sheet)))
        if join.source == digest
        else join
        for join in workspace.joins
    ]
    session.amend(sources=tuple(kept), joins=tuple(joins))
    return True


def _sheet(source: SourceRef, name: str) -> str:
    """The sheet of that name, else the first: an archive's sheet is named after its files."""
    there = _sheets(source)
    return name if name in there or not there else intake.read_as(source, intake.as_found(source)).decided.sheet


def _heir(old: SourceRef, new: SourceRef) -> SourceRef | None:
    """``new`` in the place of ``old``, when a sheet of that name, or what it holds first, has the same headings."""
    sheet = old.reading.sheet
    found = dataclasses.replace(new, reading=ReadSpec(sheet=sheet if sheet in _sheets(new) else new.reading.sheet))
    if intake.signature(found) != old.signature:
        return None
    how = dataclasses.replace(old.reading, sheet=found.reading.sheet)
    known = recall(session.workspace().remembered, old.signature)
    mapping = new.mapping
    if mapping is None and old.mapping is not None and (known is None or known.mapping != old.mapping):
        mapping = carried(old.mapping, _columns(new, how))
    return SourceRef(new.name, new.digest, how, mapping, old.signature)


def _columns(source: SourceRef, how: ReadSpec) -> tuple[str, ...]:
    try:
        return intake.read_as(source, how).columns
    except AnalysisError:
        return ()  # the page itself tells it


def _sheets(source: SourceRef) -> tuple[str, ...]:
    try:
        return intake.read_as(source, intake.as_found(source)).sheets
    except AnalysisError:
        return ()


def to_save() -> Workspace:
    """All choices, with the headings' signatures of the person's files: for finding their successors."""
    workspace = session.workspace()
    if workspace.world:
        return workspace
    noted = (
        dataclasses.replace(item, signature=item.signature or (intake.signature(item) if session.is_here(item) else ""))
        for item in workspace.sources
    )
    return dataclasses.replace(workspace, sources=tuple(noted))
