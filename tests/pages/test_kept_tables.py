"""Tables read from uploads are kept and come back equal, without their files being parsed again."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analytics.connecting import LocalFile
from analytics.privacy import read_without
from analytics.reading import RawTable, ReadSpec, read
from analytics.workspace import SourceRef, Workspace
from app_pages.ui import crossing, intake, kept_tables
from store import blobs, people, workspaces
from store.database import Store, open_store

ORDERS = "order_id,customer,顧客,date,amount\n" + "".join(
    f"o{i},c{i % 7},王{i % 5},2025-01-{1 + i % 28:02d},{i}.5\n" for i in range(400)
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = open_store(tmp_path / "store")
    monkeypatch.setattr(kept_tables, "_own_store", lambda: made)
    monkeypatch.setattr(kept_tables.session, "store", lambda: made)
    monkeypatch.setattr(kept_tables, "WORTH_BYTES", 0)
    return made


def uploaded(store: Store, name: str, data: bytes) -> tuple[LocalFile, str]:
    record = workspaces.create(store, people.local_person(store), Workspace(), "upload", secret=bytes(32))
    kept = blobs.keep(store, record.id, name, data)
    return LocalFile(str(blobs.path_of(store, kept.digest)), kept.digest, kept.n_bytes), record.id


def archive() -> bytes:
    """Two files of one shape: rows then know where they stood."""
    stream = io.BytesIO()
    header, rest = ORDERS.split("\n", 1)
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a.csv", ORDERS)
        packed.writestr("b.csv", header + "\n" + rest[: rest.index("\n", 900) + 1])
    return stream.getvalue()


def same(left: RawTable, right: RawTable) -> bool:
    others = [item.name for item in dataclasses.fields(RawTable) if item.name not in ("frame", "origin")]
    frames = left.frame.equals(right.frame) and left.frame.schema == right.frame.schema
    if left.origin is None or right.origin is None:
        origins = left.origin is right.origin
    else:
        origins = left.origin.equals(right.origin) and left.origin.schema == right.origin.schema
    return frames and origins and all(getattr(left, name) == getattr(right, name) for name in others)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("orders.csv", ORDERS.encode()),
        ("ragged.csv", (ORDERS + "x,y\nlong,c1,b,2025-01-01,1,2,3\n").encode()),
        ("both.zip", archive()),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_what_comes_back_is_what_was_read(
    store: Store, name: str, data: bytes, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(crossing, "LARGE_CELLS", 10)
        monkeypatch.setattr(crossing, "folder", lambda: str(tmp_path))
    file, _record = uploaded(store, name, data)
    table = read(data, name, ReadSpec())
    assert (table.origin is not None) == name.endswith("zip")
    assert bool(table.overflow) == (name == "ragged.csv")
    jobs: list[tuple[Any, ...]] = []
    monkeypatch.setattr(kept_tables, "in_background", lambda key, verb, *inputs: jobs.append((verb, inputs)))
    elsewhere = kept_tables.elsewhere(file, read, name, ReadSpec())
    assert elsewhere is not None
    assert elsewhere.had() is None
    elsewhere.made(table)
    ((verb, inputs),) = jobs
    verb(*inputs)
    back = elsewhere.had()
    assert back is not None
    again, args = back
    found = again(*args)
    assert same(found, table)
    assert (len(list(tmp_path.glob("*.arrow"))) == 1) == large
    other = kept_tables.elsewhere(file, read, name, ReadSpec(skip_rows=1))
    assert other is not None
    assert other.had() is None, "another reading is another table"


def test_a_table_goes_with_its_upload(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ORDERS.encode()
    file, record = uploaded(store, "orders.csv", data)
    elsewhere = kept_tables.elsewhere(file, read, "orders.csv", ReadSpec())
    assert elsewhere is not None
    monkeypatch.setattr(kept_tables, "in_background", lambda key, verb, *inputs: verb(*inputs))
    elsewhere.made(read(data, "orders.csv", ReadSpec()))
    assert elsewhere.had() is not None
    blobs.release(store, record, file.key)
    blobs.collect(store, blobs.timedelta(0))
    assert elsewhere.had() is None


def test_without_the_store_files_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _record = uploaded(store, "orders.csv", ORDERS.encode())

    def away() -> Store:
        raise kept_tables.AnalysisError("store_unreachable")

    monkeypatch.setattr(kept_tables.session, "store", away)
    elsewhere = kept_tables.elsewhere(file, read, "orders.csv", ReadSpec())
    assert elsewhere is not None
    assert elsewhere.had() is None


def test_a_small_file_and_a_parquet_file_are_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[str] = []
    monkeypatch.setattr(kept_tables, "in_background", lambda key, *_rest: jobs.append(key))
    stream = io.BytesIO()
    pl.DataFrame({"customer_id": ["a", "b"], "amount": [1, 2]}).write_parquet(stream)
    file, _record = uploaded(store, "a.parquet", stream.getvalue())
    elsewhere = kept_tables.elsewhere(file, read, "a.parquet", ReadSpec())
    assert elsewhere is not None
    elsewhere.made(read(stream.getvalue(), "a.parquet", ReadSpec()))
    assert jobs == []
    monkeypatch.setattr(kept_tables, "WORTH_BYTES", 1_000_000)
    assert kept_tables.elsewhere(file, read, "a.parquet", ReadSpec()) is None


def test_once_somebody_was_erased_nothing_is_kept_and_nothing_kept_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, dict[str, Any]]] = []
    session = intake.session
    monkeypatch.setattr(intake, "compute", lambda verb, *_inputs, **how: asked.append((verb, how)))
    monkeypatch.setattr(session, "workspace", lambda: Workspace(world=""))
    monkeypatch.setattr(session, "secret", lambda: None)
    monkeypatch.setattr(session, "id_headings", lambda: ("customer",))
    kept = kept_tables.Elsewhere(lambda: None, lambda _table: None)
    for erased in ((), ("digest",)):
        monkeypatch.setattr(session, "erased", lambda erased=erased: erased)
        intake._run(read, b"", SourceRef("a.csv", "d" * 64), ReadSpec(), heavy=True, elsewhere=kept)
    (whole, with_kept), (without, how) = asked
    assert (whole, with_kept) == (read, {"heavy": True, "elsewhere": kept})
    assert (without, how) == (read_without, {"heavy": True})
