"""A workspace as one file, and back: ``<name>.regulars``, a ZIP of choices and, where wanted, of cleaned tables.

- ``choices.json``: the choices, as ``analytics.workspace.to_json`` writes them;
- ``about.json``: which version of Regulars wrote it, when, under which name, and what the tables are;
- ``data/<table>.parquet``: the tables as the pages use them: repaired, joined, in one currency, no personal data,
  money in whole units of the currency. The choices in such a file are those for these tables: what was done to reach
  them is not done again.

What does not come along: the files themselves and the rows set aside, the repairs, joins and merges as choices, names,
e-mails and phone numbers even as pseudonyms, the key of the pseudonyms and with it the way back to ids, what was taken
out of texts, the history, links, colleagues, and which customers were erased (their rows are in no table).

Equal work gives equal bytes. A file that comes in may be anybody's: only the names above are read, each once and no
further than its limit, and nothing is written to disk.
"""

from __future__ import annotations

import dataclasses
import io
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
import polars as pl

from analytics.errors import AnalysisError
from analytics.keys import digest_bytes
from analytics.reading.archive import RATIO_FREE, checked_entries, is_zip
from analytics.workspace import MAX_JSON_BYTES, TABLE_NAMES, Workspace, from_json, on_cleaned_tables, to_json
from store.workspaces import checked_name

SUFFIX = ".regulars"
FORMAT = 1
CHOICES, ABOUT, DATA = "choices.json", "about.json", "data/"
MAX_ABOUT_BYTES = 20_000
MAX_TABLE_BYTES = 600_000_000  # one table as Parquet; reading.PARQUET_LIMIT bounds what that unpacks to
MOST_RATIO = 4  # Parquet is packed already: beyond RATIO_FREE bytes nothing honest unpacks to more than this
_TIME = (1980, 1, 1, 0, 0, 0)
_KNOWN = {CHOICES, ABOUT, *(f"data/{table}.parquet" for table in TABLE_NAMES)}
_PARQUET = b"PAR1"
_DIRECT = ("name", "email", "phone")  # pseudonyms by now: of no use to anybody without the key


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of itself. ``tables``: those it holds; ``currency`` and ``as_of`` are theirs.

    ``pseudonymised``: ids of customers in the tables are pseudonyms, too. Names, e-mails and the like always are, or
    are left out.
    """

    format: int = FORMAT
    app_version: Annotated[str, msgspec.Meta(max_length=100)] = ""
    written_at: datetime | None = None
    name: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    tables: tuple[str, ...] = ()
    pseudonymised: bool = False
    currency: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3})?$")] = ""
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held: the choices, a name for them, the files that their sources mean, and what was refused.

    ``files``: pairs of a name and bytes; the digest of each is that of a source in ``workspace``.
    """

    workspace: Workspace
    name: str = ""
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    refused: tuple[str, ...] = ()
    about: About = About()


def export_workspace(
    workspace: Workspace,
    *,
    tables: Mapping[str, pl.DataFrame] | None = None,
    currency: str = "",
    as_of: date | None = None,
    pseudonymised: bool = False,
    app_version: str = "",
    written_at: datetime | None = None,
) -> bytes:
    """The file of a workspace; with ``tables`` its data are in it.

    Parameters
    ----------
    tables : canonical name -> the table as it leaves the app: protected, money in whole currency units.
    currency, as_of : of the Dataset that the tables are from.
    pseudonymised : whether customer ids in the tables are pseudonyms.
    written_at : None leaves it out.

    Raises ``AnalysisError("exchange_too_large")`` (``megabytes``, ``limit``) when it could not be read back.
    """
    there = {name: tables[name] for name in TABLE_NAMES if tables and name in tables and tables[name].height}
    known = {name: frame.drop(_DIRECT, strict=False) for name, frame in there.items()}
    files = {name: _parquet(frame) for name, frame in known.items()}
    for data in files.values():
        if len(data) > MAX_TABLE_BYTES:
            raise _too_large(len(data), MAX_TABLE_BYTES)
    if files:
        held = {name: (digest_bytes(data), tuple(known[name].columns)) for name, data in files.items()}
        workspace = on_cleaned_tables(workspace, held, currency=currency, as_of=as_of)
    choices = to_json(workspace, app_version=app_version)
    if len(choices) > MAX_JSON_BYTES:
        raise _too_large(len(choices), MAX_JSON_BYTES)
    when = None if written_at is None else written_at.astimezone(UTC).replace(microsecond=0)
    about = About(FORMAT, app_version, when, workspace.name)
    if files:
        about = About(FORMAT, app_version, when, workspace.name, tuple(files), pseudonymised, currency, as_of)
    entries = {ABOUT: msgspec.json.format(msgspec.json.encode(about), indent=2), CHOICES: choices}
    return _packed({**entries, **{_entry(name): data for name, data in files.items()}})


def import_workspace(data: bytes) -> Imported:
    """What a file holds: one that ``export_workspace`` made, or choices alone as JSON.

    The choices have no name and no language of their own: both are the reader's. Files that no source of the choices
    means are left out.

    Raises ``AnalysisError``: ``exchange_unreadable`` (no such file, or broken), ``exchange_too_large`` (``megabytes``,
    ``limit``: what it would unpack to), ``exchange_protected`` (a password), ``exchange_unsafe`` (``name``: an entry
    that has no place in it: another name, a path, a link, a folder, one that is there twice, an archive, or a table
    that is none), ``work_unreadable`` (its choices are none), ``link_newer`` (a newer version wrote it).
    """
    if not is_zip(data):
        workspace, refused = from_json(data)
        return Imported(dataclasses.replace(workspace, name=""), _name(workspace.name), refused=refused)
    entries = checked_entries(data, "exchange")
    _refuse_strange(entries)
    found = {entry.filename: entry for entry in entries}
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max(RATIO_FREE, MOST_RATIO * len(data)):
        raise _too_large(unpacked, MOST_RATIO * len(data))
    if CHOICES not in found:
        raise AnalysisError("exchange_unreadable")
    limits = {CHOICES: MAX_JSON_BYTES, ABOUT: MAX_ABOUT_BYTES}
    for name, entry in found.items():
        if entry.file_size > limits.get(name, MAX_TABLE_BYTES):
            raise _too_large(entry.file_size, limits.get(name, MAX_TABLE_BYTES))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        about = _about(_unpacked(archive, found[ABOUT])) if ABOUT in found else About()
        workspace, refused = from_json(_unpacked(archive, found[CHOICES]))
        files = []
        wanted = {source.digest: source.name for source in workspace.sources if not workspace.world}
        for name in sorted(found.keys() - limits.keys()):
            table = _unpacked(archive, found[name])
            if not (table.startswith(_PARQUET) and table.endswith(_PARQUET)):
                raise AnalysisError("exchange_unsafe", name=name)
            if (digest := digest_bytes(table)) in wanted:
                files.append((wanted.pop(digest), table))
    called = _name(about.name) or _name(workspace.name)
    return Imported(dataclasses.replace(workspace, name=""), called, tuple(files), refused, about)


def _refuse_strange(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Only what ``export_workspace`` writes, each once: a path, a link or another archive has no name here."""
    seen: set[str] = set()
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if entry.filename not in _KNOWN or entry.filename in seen or kind not in (0, stat.S_IFREG) or entry.is_dir():
            raise AnalysisError("exchange_unsafe", name=_name(entry.filename[:60]) or "?")
        seen.add(entry.filename)


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One entry, no further than it declares; broken, or more than it declares: refused."""
    try:
        with archive.open(entry) as stream:
            return stream.read(entry.file_size + 1)
    except Exception as problem:  # zipfile raises many kinds on broken archives; all mean the same here
        raise AnalysisError("exchange_unreadable") from problem


def _about(data: bytes) -> About:
    try:
        about = msgspec.json.decode(data, type=About)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise AnalysisError("exchange_unreadable") from problem
    if about.format > FORMAT:
        raise AnalysisError("link_newer")
    return about


def _packed(entries: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on its entries alone. Parquet is compressed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            packed = zipfile.ZIP_STORED if name.startswith(DATA) else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = (stat.S_IFREG | 0o600) << 16
            archive.writestr(entry, data, packed, 9 if packed == zipfile.ZIP_DEFLATED else None)
    return buffer.getvalue()


def _entry(table: str) -> str:
    return f"{DATA}{table}.parquet"


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _name(text: str) -> str:
    """A stranger's name for the work, or "" where it cannot be one."""
    try:
        return checked_name(text)
    except AnalysisError:
        return ""


def _too_large(n_bytes: int, limit: int) -> AnalysisError:
    return AnalysisError("exchange_too_large", megabytes=round(n_bytes / 1e6, 1), limit=round(limit / 1e6, 2))
