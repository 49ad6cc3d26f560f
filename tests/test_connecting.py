"""The server's folder, streamed files, and a real PostgreSQL server that is started here and stopped at the end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from analytics.connecting import (
    Credentials,
    LocalFile,
    TableName,
    digest_file,
    fetch_table,
    list_files,
    list_tables,
    locate,
    read_file,
    streaming,
)
from analytics.errors import AnalysisError
from analytics.keys import digest_bytes
from analytics.mapped import map_frame, path_behind
from analytics.progress import listening
from analytics.reading import ReadSpec, read
from tests.postgres_server import PASSWORD, postgres_server


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        inside = tmp_path / "allowed"
        (inside / "deeper").mkdir(parents=True)
        (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
        (tmp_path / "allowed-too").mkdir()
        (tmp_path / "allowed-too" / "near.csv").write_text("a\n1\n")
        (inside / "orders.csv").write_text("a,b\n1,2\n")
        (inside / "訂單 2024.csv").write_text("a,b\n1,2\n")
        (inside / ".hidden").write_text("a,b\n1,2\n")
        (inside / "deeper" / "more.csv").write_text("a,b\n1,2\n")
        (inside / "out.csv").symlink_to(tmp_path / "secret.csv")
        (inside / "near").symlink_to(tmp_path / "allowed-too" / "near.csv")
        (inside / "loop").symlink_to(inside / "loop")
        (inside / "same.csv").symlink_to(inside / "orders.csv")
        return inside

    def test_lists_its_own_files_only(self, folder: Path) -> None:
        assert [(file.name, file.n_bytes) for file in list_files(str(folder))] == [
            ("orders.csv", 8),
            ("same.csv", 8),
            ("訂單 2024.csv", 8),
        ]

    def test_a_listed_name_is_found(self, folder: Path) -> None:
        assert locate(str(folder), "訂單 2024.csv").read_text() == "a,b\n1,2\n"

    @pytest.mark.parametrize(
        "name",
        [
            "..",
            ".",
            "",
            "../secret.csv",
            "..\\secret.csv",
            "deeper/more.csv",
            "deeper",
            "/etc/passwd",
            "C:\\secret.csv",
            "./orders.csv",
            ".hidden",
            "out.csv",
            "near",
            "loop",
            "orders.csv\0.txt",
            "absent.csv",
            "x" * 5000,
        ],
    )
    def test_no_way_out(self, folder: Path, name: str) -> None:
        with pytest.raises(AnalysisError) as caught:
            locate(str(folder), name)
        assert caught.value.code == "not_in_folder"
        assert str(folder) not in str(caught.value)

    def test_no_such_folder(self, tmp_path: Path) -> None:
        with pytest.raises(AnalysisError) as caught:
            list_files(str(tmp_path / "absent"))
        assert str(caught.value) == "folder_unreadable()"


class TestStreaming:
    """A streamed file is the table that ``read`` makes of the same bytes, or it is refused."""

    @pytest.fixture(autouse=True)
    def _small_is_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streaming, "STREAMED_BYTES", 10)
        monkeypatch.setattr(streaming, "_SAMPLE", 400)
        monkeypatch.setattr(streaming, "_PIECE", 61)

    @staticmethod
    def stored(data: bytes, folder: Path) -> LocalFile:
        path = folder / "stored"
        path.write_bytes(data)
        return LocalFile(str(path), digest_file(path), len(data))

    ROWS = "\n".join(f'C{i % 7},"Tea, {i}",{i}.50,2024-03-{i % 28 + 1:02d}' for i in range(60))
    FORMS: ClassVar[dict[str, bytes]] = {
        "plain": f"customer,item,price,day\n{ROWS}\n".encode(),
        "no newline at the end": f"customer,item,price,day\n{ROWS}".encode(),
        "bom": f"\ufeffcustomer,item,price,day\n{ROWS}\n".encode(),
        "windows line ends": f"customer,item,price,day\n{ROWS}\n".replace("\n", "\r\n").encode(),
        "gb18030": f"客户,商品,价格,日期\n{ROWS.replace('Tea', '绿茶很好喝的茶')}\n".encode("gb18030"),
        "utf-16": f"customer,item,price,day\n{ROWS}\n".encode("utf-16"),
        "title above": f"Report\n\ncustomer,item,price,day\n{ROWS}\n".encode(),
        "line ends in quotes": f"customer,item,price,day\n{ROWS}\n".replace("Tea, 3", "Tea,\n3").encode(),
        "empty cells": f"customer,item,price,day\n{ROWS}\n,,,\n".encode().replace(b"C3,", b",") + b"x,y,1,\n",
        "semicolons": f"customer,item,price,day\n{ROWS}\n".replace('"Tea, ', '"Tea ').replace(",", ";").encode(),
    }

    @pytest.mark.parametrize("form", FORMS)
    def test_equals_read(self, form: str, tmp_path: Path) -> None:
        data = self.FORMS[form]
        whole = read(data, "file.csv")
        streamed = read_file(self.stored(data, tmp_path), "file.csv", ReadSpec(), str(tmp_path))
        assert streamed.frame.equals(whole.frame)
        assert streamed.columns == whole.columns
        assert streamed.digest == whole.digest == digest_bytes(data)
        assert streamed.decided == whole.decided
        assert path_behind(streamed.frame) is not None

    def test_short_records_are_told(self, tmp_path: Path) -> None:
        data = self.FORMS["plain"] + b"C1,short\n"
        table = read_file(self.stored(data, tmp_path), "file.csv", ReadSpec(), str(tmp_path))
        assert table.n_rows == 61
        assert [(item.code, item.params) for item in table.caveats] == [("cells_absent", {"n": 2})]

    @pytest.mark.parametrize(
        ("tail", "code"),
        [
            (b"C1,long,1,2024-01-01,more\n", "file_uneven"),
            (b'C1,"open,1,2024-01-01\nC1,x,1,2024-01-01\n', "file_uneven"),
            (b"C1,\xff\xfe\xff,1,2024-01-01\n", "file_uneven"),
        ],
    )
    def test_what_does_not_add_up_is_refused_and_leaves_no_file(self, tail: bytes, code: str, tmp_path: Path) -> None:
        with pytest.raises(AnalysisError) as caught:
            read_file(self.stored(self.FORMS["plain"] + tail, tmp_path), "file.csv", ReadSpec(), str(tmp_path))
        assert caught.value.code == code
        assert [path.name for path in tmp_path.iterdir()] == ["stored"]

    def test_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "stored"
        pl.DataFrame({"a": [1, None, 3], " b ": ["x", "", None]}).write_parquet(path)
        file = LocalFile(str(path), digest_file(path), 1000)
        streamed, whole = read_file(file, "x", ReadSpec(), str(tmp_path)), read(path.read_bytes(), "x")
        assert streamed.frame.equals(whole.frame)
        assert (streamed.columns, streamed.decided) == (whole.columns, whole.decided)

    def test_broken_parquet_and_a_file_that_went(self, tmp_path: Path) -> None:
        with pytest.raises(AnalysisError) as caught:
            read_file(self.stored(b"PAR1" + b"x" * 100, tmp_path), "x", ReadSpec(), str(tmp_path))
        assert caught.value.code == "parquet_unreadable"
        with pytest.raises(AnalysisError) as caught:
            read_file(LocalFile(str(tmp_path / "gone"), "k", 100), "x", ReadSpec(), str(tmp_path))
        assert str(caught.value) == "file_gone(name='x')"

    def test_the_owner_removes_the_file_with_the_frame(self, tmp_path: Path) -> None:
        path = tmp_path / "frame.arrow"
        pl.DataFrame({"a": [1, 2, 3]}).write_ipc(path, compression="uncompressed")
        first, second = map_frame(str(path), owner=True), map_frame(str(path), owner=True)
        part = first.filter(pl.col("a") > 1)
        del first
        gc.collect()
        assert path.exists()
        del second
        gc.collect()
        assert not path.exists()
        assert part["a"].to_list() == [2, 3]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """``host:port`` of a throw-away server with one shop in it."""
    with postgres_server() as running:
        running.psql(SHOP)
        yield running.address


ODD = '"Odd ""Shop"""'  # the schema Odd "Shop", quoted as SQL wants it
SHOP = f"""
create role reader login password '{PASSWORD}';
create schema {ODD};
create table {ODD}.lines (
    "Order No" text, customer bigint, price numeric(12, 3), paid money, at timestamp, zoned timestamptz, day date,
    tags text[], extra jsonb, code char(5), yes boolean, weight real, id uuid);
insert into {ODD}.lines values
    ('A1', 1, 12345678.905, 12.30, '2024-02-29 12:30:00.5', '2024-02-29 12:30:00+00', '2024-02-29',
     array['x', 'y'], '{{"a": 1}}', 'ab', true, 0.5, '00000000-0000-0000-0000-000000000001'),
    (null, null, null, null, null, null, null, null, null, null, null, null, null);
create table many as select i, 'text ' || i as t, (i::numeric / 100)::numeric(12, 2) as price
    from generate_series(1, 100000) i;
create table nothing (a integer);
create table hidden (a integer);
create view slow as select i, pg_sleep(0.05)::text as z from generate_series(1, 1000) i;
grant usage on schema {ODD} to reader;
grant select on {ODD}.lines, many, nothing, slow to reader;
analyze;
"""


@pytest.fixture
def credentials(server: str) -> Credentials:
    return Credentials("shop", f"postgresql://reader:{PASSWORD}@{server}/postgres")


class TestPostgres:
    def test_lists_what_the_role_may_read(self, credentials: Credentials) -> None:
        found = {(item.schema, item.table): item.n_rows for item in list_tables(credentials)}
        assert set(found) == {('Odd "Shop"', "lines"), ("public", "many"), ("public", "nothing"), ("public", "slow")}
        assert found["public", "many"] == 100_000

    def test_values_by_hand(self, credentials: Credentials, tmp_path: Path) -> None:
        fetched = fetch_table(credentials, TableName('Odd "Shop"', "lines"), str(tmp_path))
        frame = pl.read_parquet(fetched.path)
        assert fetched.n_rows == 2
        assert fetched.digest == digest_bytes(Path(fetched.path).read_bytes())
        first = frame.row(0, named=True)
        assert first.pop("at").isoformat() == "2024-02-29T12:30:00.500000"
        assert first.pop("day").isoformat() == "2024-02-29"
        assert str(first.pop("zoned")).startswith("2024-0")
        assert first == {
            "Order No": "A1",
            "customer": 1,
            "price": "12345678.905",
            "paid": "12.30",
            "tags": "{x,y}",
            "extra": '{"a": 1}',
            "code": "ab",
            "yes": True,
            "weight": 0.5,
            "id": "00000000-0000-0000-0000-000000000001",
        }
        assert set(frame.row(1)) == {None}
        assert read(Path(fetched.path).read_bytes(), "lines").columns[0] == "Order No"

    def test_many_rows_with_progress(self, credentials: Credentials, tmp_path: Path) -> None:
        told: list[float] = []
        with listening(lambda fraction, step: told.append(fraction)):
            fetched = fetch_table(credentials, TableName("public", "many", 100_000), str(tmp_path))
        frame = pl.read_parquet(fetched.path)
        assert frame.height == fetched.n_rows == 100_000
        assert frame["price"].cast(pl.Decimal(12, 2)).sum() * 100 == 100_000 * 100_001 // 2
        assert told == sorted(told)
        assert len(told) >= 3
        assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]

    @pytest.mark.parametrize(
        ("schema", "table", "code"),
        [
            ("public", "absent", "database_no_table"),
            ("public", 'many"; drop table many; --', "database_no_table"),
            ("public'; drop table many; --", "many", "database_no_table"),
            ("public", "hidden", "database_no_table"),  # information_schema lists nothing a role may not read
            ("public", "nothing", "header_only"),
        ],
    )
    def test_only_tables_that_are_listed(
        self, credentials: Credentials, tmp_path: Path, schema: str, table: str, code: str
    ) -> None:
        with pytest.raises(AnalysisError) as caught:
            fetch_table(credentials, TableName(schema, table), str(tmp_path))
        assert caught.value.code == code
        assert not list(tmp_path.iterdir())
        assert ("public", "many") in {(item.schema, item.table) for item in list_tables(credentials)}

    def test_a_slow_statement_is_stopped(self, credentials: Credentials, tmp_path: Path) -> None:
        with pytest.raises(AnalysisError) as caught:
            fetch_table(credentials, TableName("public", "slow"), str(tmp_path), seconds=1)
        assert caught.value.code == "database_slow"
        assert not list(tmp_path.iterdir())

    def test_nothing_can_be_written(self, server: str) -> None:
        from analytics.connecting import postgres

        owner = Credentials("shop", f"postgresql://owner:{PASSWORD}@{server}/postgres")
        with pytest.raises(AnalysisError) as caught, postgres._reading(owner, 5) as cursor:
            cursor.execute("create table written (a integer)")
        assert caught.value.code == "database_failed"
        assert ("public", "written") not in {(item.schema, item.table) for item in list_tables(owner)}

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("postgresql://reader:{wrong}@{server}/postgres", "database_refused"),
            ("postgresql://nobody-{wrong}:{wrong}@{server}/postgres", "database_refused"),
            ("postgresql://reader:{wrong}@127.0.0.1:1/postgres", "database_unreachable"),
            ("postgresql://reader:{wrong}@{server}/absent-{wrong}", "database_refused"),
            ("postgresql://reader:{wrong}@{server}:{wrong}/x", "database_unreachable"),
            ("{wrong}", "database_unreachable"),
        ],
    )
    def test_no_message_holds_a_password(self, server: str, url: str, code: str) -> None:
        wrong = "wr0ng-pa55word"
        credentials = Credentials("shop", url.format(wrong=wrong, server=server))
        with pytest.raises(AnalysisError) as caught:
            list_tables(credentials)
        assert caught.value.code == code
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        said = [str(caught.value), repr(caught.value), repr(caught.value.params), repr(credentials), credentials.key]
        assert not any("pa55word" in text for text in said)
