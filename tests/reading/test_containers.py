"""Archives, JSON records, baskets and series: what is in them comes out, and what would explode stays shut."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from analytics.errors import AnalysisError
from analytics.i18n.phrases import load
from analytics.keys import digest_frame
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.quality import ValidationResult, validate
from analytics.reading import RawTable, ReadSpec, bundle, read, same_shape
from analytics.reading.archive import EXPANDED_LIMIT

JANUARY = b"order,amount\nA1,1.10\nA2,2\n"
FEBRUARY = b"order,amount\nB1,3\n"


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def refusal(data: bytes, name: str = "orders.zip", spec: ReadSpec | None = None) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        read(data, name, spec)
    words = load()
    assert words[f"error.{caught.value.code}"].format(**caught.value.params)
    assert words[f"error.{caught.value.code}.remedy"].format(**caught.value.params)
    return caught.value


def caveats(raw: RawTable) -> dict[str, dict[str, object]]:
    words = load()
    for caveat in raw.caveats:
        assert words[f"caveat.{caveat.code}.body"].format(**caveat.params)
    return {caveat.code: dict(caveat.params) for caveat in raw.caveats}


def validated(raw: RawTable) -> ValidationResult:
    return validate((apply_mapping(raw, suggest_mapping(raw).spec),))


# --- archives


def test_files_of_one_shape_are_one_table_and_rows_know_their_file() -> None:
    raw = read(zipped({"2024/february.csv": FEBRUARY, "2023/january.csv": JANUARY}), "orders.zip")
    assert raw.frame.rows() == [("A1", "1.10"), ("A2", "2"), ("B1", "3")]
    assert raw.members == ("january.csv", "february.csv")
    rows = raw.origins(pl.Series([3, 1, 2], dtype=pl.UInt32)).rows()
    assert rows == [("february.csv", 1), ("january.csv", 1), ("january.csv", 2)]
    assert caveats(raw) == {"files_together": {"n": 2, "n_rows": 3}}


def test_files_of_other_shapes_are_offered_like_sheets() -> None:
    data = zipped(
        {"jan.csv": JANUARY, "feb.csv": FEBRUARY, "people.csv": b"name;city\nAnn;Rome\n", "notes.pdf": b"%PDF-1.7"}
    )
    raw = read(data, "all.zip")
    assert raw.sheets == ("feb.csv (+1)", "people.csv")
    assert caveats(raw)["one_shape_of_many"] == {"sheet": "feb.csv (+1)", "n": 2}
    assert caveats(raw)["archive_skipped"] == {"n": 1, "n_files": 4}
    assert read(data, "all.zip", ReadSpec(sheet="people.csv")).frame.rows() == [("Ann", "Rome")]
    assert refusal(data, spec=ReadSpec(sheet="gone.csv")).code == "sheet_missing"


def test_the_quarantine_names_the_file_in_the_archive_and_its_row() -> None:
    head = b"order_id,customer_id,order_date,amount\n"
    first = head + b"".join(b"A%d,C1,2024-01-0%d,5\n" % (i, i) for i in range(1, 9))
    second = head + b"B1,C2,2024-01-05,6\nB2,C2,2024-01-06,lots\nB1,C2,2024-01-05,6\n"
    result = validated(read(zipped({"a.csv": first, "b.csv": second}), "orders.zip"))
    assert result.quarantine.select("source", "row_number", "reason").rows() == [("b.csv", 2, "not_a_number")]
    assert result.merged.select("source", "row_number", "into_row_number", "into_source").rows() == [
        ("b.csv", 3, 1, "b.csv")
    ]


def test_names_in_an_archive_are_never_paths() -> None:
    raw = read(zipped({"../../etc/passwd.csv": JANUARY, "C:\\x\\y\\passwd.csv": FEBRUARY}), "orders.zip")
    assert raw.members == ("passwd.csv", "passwd.csv (2)")


def test_repeated_and_damaged_members_are_told() -> None:
    raw = read(zipped({"a.csv": JANUARY, "b.csv": JANUARY}), "orders.zip")
    assert caveats(raw)["archive_repeats"] == {"n": 1}
    whole = zipped({"a.csv": JANUARY * 50}, zipfile.ZIP_STORED)
    assert refusal(whole.replace(b"A1,1.10", b"A1,9.99")).code == "archive_unreadable"
    assert refusal(whole[:200]).code == "archive_unreadable"


def test_archives_of_nothing_and_of_archives_are_refused() -> None:
    assert refusal(zipped({"a.png": b"\x89PNG....", "b.png": b"\x89PNG...."})).code == "not_a_table"
    inner = zipped({"a.csv": JANUARY})
    assert refusal(zipped({"in.zip": inner})).code == "nested_archive"
    assert refusal(gzip.compress(inner)).code == "nested_archive"
    assert refusal(gzip.compress(gzip.compress(JANUARY))).code == "nested_archive"


def test_gzip_is_unpacked_and_a_broken_one_refused() -> None:
    packed = gzip.compress(JANUARY) + gzip.compress(b"A3,4\n")
    assert read(packed, "a.csv.gz").frame["order"].to_list() == ["A1", "A2", "A3"]
    assert refusal(packed[:-4]).code == "archive_unreadable"


@pytest.mark.parametrize("part", ["orders.csv", "xl/worksheets/sheet1.xml"])
def test_a_bomb_is_refused_by_its_size_its_entries_or_its_ratio(part: str) -> None:
    kind = "workbook" if part.startswith("xl/") else "archive"
    ratio = zipped({part: b"\0" * 60_000_000})
    assert len(ratio) < 100_000
    assert refusal(ratio).code == f"{kind}_too_large"
    many = zipped({part: JANUARY, **{f"{i}.csv": b"" for i in range(5_001)}}, zipfile.ZIP_STORED)
    assert refusal(many).code == f"{kind}_too_large"
    # A small archive whose directory declares more than may be unpacked.
    declared = bytearray(zipped({part: JANUARY}))
    at = declared.index(b"PK\x01\x02") + 24
    declared[at : at + 4] = (EXPANDED_LIMIT + 1).to_bytes(4, "little")
    assert refusal(bytes(declared)).code == f"{kind}_too_large"


def test_a_workbook_that_holds_more_than_it_declares_is_refused() -> None:
    lying = bytearray(zipped({"xl/workbook.xml": b"\0" * 5_000_000}))
    at = lying.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = (100).to_bytes(4, "little")
    assert refusal(bytes(lying), "a.xlsx").code == "workbook_unreadable"


def test_a_gzip_bomb_stops_at_the_ratio() -> None:
    stream = zlib.compressobj(9, wbits=31)
    piece = b"\0" * (1 << 20)
    bomb = b"".join(stream.compress(piece) for _ in range(60)) + stream.flush()
    assert refusal(bomb).code == "archive_too_large"


def test_a_protected_archive() -> None:
    data = bytearray(zipped({"a.csv": JANUARY}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data)).code == "archive_protected"


# --- many files at once


def test_a_bundle_depends_on_the_files_alone() -> None:
    files = [("b.csv", FEBRUARY), ("a.csv", JANUARY)]
    assert bundle(files) == bundle(files[::-1])
    assert read(bundle(files), "two").n_rows == 3


def test_files_with_equal_headings_belong_together() -> None:
    other = b"name;city\nAnn;Rome\n"
    values = b"1,2\n3,4\n"
    files = [JANUARY, other, b"\xef\xbb\xbf" + FEBRUARY.replace(b"\n", b"\r\n"), values, values, zipped({"a": JANUARY})]
    assert same_shape([(str(i), data) for i, data in enumerate(files)]) == [[0, 2], [1], [3], [4], [5]]


# --- JSON


def test_json_lines_keep_numbers_as_written() -> None:
    text = '{"id": 17850.0, "price": 0.001, "ok": true, "tags": ["a", "b"], "at": {"city": "Rome"}}\n\n'
    text += '{"id": 7, "price": 1.10, "note": null, "at": {"city": "Oslo", "zip": "007"}}\n'
    raw = read(text.encode(), "a.jsonl")
    assert raw.decided.format == "json"
    assert raw.frame.to_dicts() == [
        {
            "id": "17850.0",
            "price": "0.001",
            "ok": "true",
            "tags": "a;b",
            "at.city": "Rome",
            "note": None,
            "at.zip": None,
        },
        {"id": "7", "price": "1.10", "ok": None, "tags": None, "at.city": "Oslo", "note": None, "at.zip": "007"},
    ]


@pytest.mark.parametrize(
    "value",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"count": 2, "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
        [["a", "b"], [1, "x"], [2, "y"]],
    ],
)
def test_arrays_of_records_are_tables(value: object) -> None:
    for encoding in ("utf-8", "utf-16"):
        assert read(json.dumps(value, indent=1).encode(encoding), "a.json").frame.rows() == [("1", "x"), ("2", "y")]


def test_lines_that_are_no_json_are_set_aside_and_too_many_are_refused() -> None:
    lines = [json.dumps({"order_id": f"A{i}", "customer_id": "C", "amount": i}) for i in range(1, 11)]
    lines[4] = '{"order_id": "A5", "amou'
    raw = read("\n".join(lines).encode(), "a.jsonl")
    assert caveats(raw) == {"records_broken": {"n": 1}}
    result = validated(raw)
    assert (result.quarantine["row_number"].to_list(), result.quarantine[raw.overflow[0]].to_list()) == (
        [5],
        [lines[4]],
    )
    assert refusal("\n".join(line[:-1] for line in lines).encode()).code == "json_unreadable"
    assert refusal(b'[{"a": 1}, {"a"').code == "json_unreadable"
    assert refusal(b"{" + b'"a":{' * 5000).code == "json_unreadable"
    assert refusal(b'{"rows": []}\n{"rows": [').code == "json_unreadable"


# --- baskets and series


def test_one_basket_per_line() -> None:
    lines = ["tea,milk", "milk,bread,tea", "bread", "tea", "milk,tea", "bread,milk"] * 3
    raw = read("\n".join(lines).encode(), "baskets.csv")
    assert (raw.decided.layout, raw.columns) == ("baskets", ("order_id", "product"))
    assert raw.frame.head(3).rows() == [("1", "tea"), ("1", "milk"), ("2", "milk")]
    assert caveats(raw)["baskets_split"] == {"n_lines": 18, "n_rows": raw.n_rows}
    assert raw.origins(pl.Series([3, 6])).rows() == [("baskets.csv", 2), ("baskets.csv", 3)]
    assert read("\n".join(lines).encode(), "a.csv", ReadSpec(layout="table")).frame.width == 3
    forced = read(b"1,2\n3\n", "a.csv", ReadSpec(layout="baskets"))
    assert forced.frame.rows() == [("1", "1"), ("1", "2"), ("2", "3")]


def test_series_without_dates_end_on_one_day_and_say_so() -> None:
    text = "id," + ",".join(f"V{i}" for i in range(2, 12)) + "\n"
    text += (
        "A," + ",".join(str(i * 100) for i in range(1, 11)) + "\nB," + ",".join(str(i) for i in range(1, 9)) + ",,\n"
    )
    raw = read(text.encode(), "weekly.csv")
    assert (raw.decided.layout, raw.decided.series_step, raw.n_rows) == ("wide_series", "week", 18)
    assert raw.frame.row(9) == ("A", "10", "2001-01-01", "1000")
    assert raw.frame.row(-2) == ("B", "7", "2000-12-25", "7")
    assert "series_undated_week" in caveats(raw)
    months = read(text.encode(), "weekly.csv", ReadSpec(series_step="month"))
    assert months.frame["ds"].tail(2).to_list() == ["2000-12-01", "2001-01-01"]
    assert read(text.encode(), "weekly.csv", ReadSpec(layout="table")).n_rows == 2


def test_series_under_dated_headings_keep_their_dates() -> None:
    text = "product," + ",".join(f"2024-{i:02d}" for i in range(1, 13)) + "\n"
    text += "Tea," + ",".join(str(i) for i in range(12)) + "\nPot," + ",".join("9" * 12) + "\n"
    raw = read(text.encode(), "a.csv")
    assert raw.frame.row(1) == ("Tea", "2", "2024-02", "1")
    mapped = apply_mapping(raw, suggest_mapping(raw).spec)
    assert (mapped.table, mapped.frame["ds"].null_count(), mapped.frame.height) == ("series", 0, 24)


def test_a_questionnaire_is_no_series() -> None:
    text = "respondent," + ",".join(str(i) for i in range(1, 11)) + "\n"
    text += "".join(f"R{i}," + ",".join(str((i * j) % 5 + 1) for j in range(10)) + "\n" for i in range(20))
    assert read(text.encode(), "a.csv").decided.layout == "table"


# --- real data


def transactions(data: bytes, name: str) -> str:
    return digest_frame(validated(read(data, name)).dataset.tables["transactions"])


@pytest.fixture(scope="module")
def days(shared_data: Callable[[str], Path]) -> tuple[bytes, dict[str, bytes]]:
    data = (shared_data("online_retail") / "by-day.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data, {name: archive.read(name) for name in archive.namelist()}


def joined(files: list[bytes], turned: bool = False) -> bytes:
    head = files[0].split(b"\n", 1)[0] + b"\n"
    lines = b"".join(data.split(b"\n", 1)[1] for data in files)
    return (
        head + b"".join(sorted(lines.splitlines(keepends=True), key=lambda line: line[::-1]))
        if turned
        else head + lines
    )


def test_online_retail_is_the_same_as_305_days_as_one_file_and_as_parquet(
    days: tuple[bytes, dict[str, bytes]], shared_data: Callable[[str], Path]
) -> None:
    archive, files = days
    raw = read(archive, "by-day.zip")
    assert (raw.n_rows, len(raw.members)) == (541_909, 305)
    expected = digest_frame(validated(raw).dataset.tables["transactions"])
    uploaded = bundle([(name, data) for name, data in reversed(files.items())])
    assert transactions(uploaded, "305 files") == expected
    assert transactions(joined(list(files.values()), turned=True), "one.csv") == expected
    parquet = (shared_data("online_retail") / "derived_online_retail.parquet").read_bytes()
    assert transactions(parquet, "online_retail.parquet") == expected


def test_online_retail_of_december_2010_is_the_same_as_a_workbook(
    days: tuple[bytes, dict[str, bytes]], shared_data: Callable[[str], Path]
) -> None:
    files = {name: data for name, data in days[1].items() if "2010-12" in name}
    workbook = (shared_data("online_retail") / "derived_online_retail_2010-12.xlsx").read_bytes()
    expected = transactions(workbook, "december.xlsx")
    assert transactions(zipped(files), "december.zip") == expected
    table = pl.read_csv(joined(list(files.values())), infer_schema=False)
    lines = b"\n".join(json.dumps(row).encode() for row in table.rows(named=True))
    assert transactions(lines, "december.jsonl") == expected


def test_groceries_are_baskets_and_the_weekly_series_are_series(shared_data: Callable[[str], Path]) -> None:
    raw = read((shared_data("groceries") / "groceries.csv").read_bytes(), "groceries.csv")
    result = validated(raw)
    orders = result.dataset.tables["transactions"]
    assert (orders["order_id"].n_unique(), orders.height, orders["product"].n_unique()) == (9_835, 43_367, 169)
    for name, n in (("Weekly-train.csv", 366_912), ("Weekly-test.csv", 4_667)):
        raw = read((shared_data("m4_weekly") / name).read_bytes(), name)
        series = validated(raw).dataset.tables["series"]
        assert (series["unique_id"].n_unique(), series.height) == (359, n)
