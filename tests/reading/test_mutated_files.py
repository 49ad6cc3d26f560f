"""Damaged files of every kind through reading, mapping and validation: a plain refusal or a table, never a lost row."""

from __future__ import annotations

import gzip
import io
import json
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable

import polars as pl
import pytest

from analytics.errors import AnalysisError
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.quality import validate
from analytics.reading import read

N_CHUNKS, PER_CHUNK = 8, 251
SLOWEST_SECONDS = 20.0
TOKENS = (
    b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80",
    b"1e999", b"-1e308", b"9" * 40, b"-0", b"NaN", b"Infinity", b"0x10", b"=1+1", b"1/0/0000", b"9999-99-99",
    b"99999999999", b"0001-01-01", b"2024-02-30 25:61:61", b"10000-01-01", "民國113年3月5日".encode(), "９９".encode(),
    b"[" * 60, b"{" * 60, b'{"a":', b"null", b"1,234.567,89", b"(5)", b"\x1a", "\u202e\ufeff".encode(), "😀".encode(),
)  # fmt: skip
CODECS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "big5hkscs", "utf-8-sig", "cp1252", "shift_jis")


def table(n: int = 16) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "order_id": [f"A{i // 2}" for i in range(n)],
            "customer_id": [f"{17850 + i % 5}.0" for i in range(n)],
            "ordered_at": [f"2024-0{1 + i % 6}-1{i % 10} 08:2{i % 10}:00" for i in range(n)],
            "product": [("Tea pot", 'Mug, "red"', "拿鐵咖啡", "Kanne süß")[i % 4] for i in range(n)],
            "amount": [f"{i - 3}.{i % 10}5" for i in range(n)],
        }
    )


def workbook() -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for name in ("Orders", "More"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, table().columns)
            for i, row in enumerate(table(12).rows(), start=1):
                sheet.write_row(i, 0, row)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def seeds() -> dict[str, bytes]:
    frame = table()
    csv = frame.write_csv().encode()
    parquet = io.BytesIO()
    frame.with_columns(
        pl.col("ordered_at").str.to_datetime(), pl.col("amount").cast(pl.Float64), tags=pl.lit(["a", "b"])
    ).write_parquet(parquet, compression="uncompressed")
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in frame.rows(named=True)).encode()
    baskets = "\n".join(",".join(("tea", "milk", "bread", "eggs", "soap")[i % 3 : 2 + i % 4]) for i in range(30))
    series = "id," + ",".join(f"V{i}" for i in range(2, 14)) + "\n"
    series += "\n".join(f"S{i}," + ",".join(str(i * 50 + j) for j in range(6 + i % 6)) for i in range(9))
    return {
        "csv": csv,
        "semicolons": frame.write_csv(separator=";").encode("utf-8-sig"),
        "gb18030": frame.write_csv().encode("gb18030", "replace"),
        "xlsx": workbook(),
        "parquet": parquet.getvalue(),
        "jsonl": lines,
        "json": json.dumps(frame.rows(named=True)).encode(),
        "zip": zipped({"a/1.csv": csv, "b/2.csv": csv[: csv.find(b"\n", 400) + 1], "c.jsonl": lines}),
        "gzip": gzip.compress(csv),
        "baskets": baskets.encode(),
        "series": series.encode(),
    }


def mutate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to four changes of a kind that disks, networks, editors and people make."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        size = max(len(data), 1)
        at, to = sorted((chance.randrange(size), chance.randrange(size)))
        match chance.randrange(9):
            case 0:
                data = data[:at]
            case 1:
                flipped = bytearray(data)
                for _n in range(chance.choice((1, 3, 20))):
                    if flipped:
                        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
                data = bytes(flipped)
            case 2:
                start = chance.randrange(len(other))
                data = data[:at] + other[start : start + chance.randrange(1, 400)] + data[to:]
            case 3:
                data = data[:at] + data[to:]
            case 4:
                data = data[:to] + data[at:to] * chance.choice((1, 3)) + data[to:]
            case 5 | 6:
                token = chance.choice(TOKENS)
                for _n in range(chance.choice((1, 2, 8))):
                    at = chance.randrange(len(data) + 1)
                    data = data[:at] + token + data[at + chance.choice((0, 0, len(token))) :]
            case 7:
                data = data[:at] + chance.randbytes(chance.randrange(1, 60)) + data[at:]
            case 8:
                data = data.decode("utf-8", "replace").encode(chance.choice(CODECS), "replace")
    return data


def inside(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """An archive or workbook whose container is sound and one file in it is not."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.compress(mutate(gzip.decompress(data), other, chance))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(files))
    return zipped(files | {name: mutate(files[name], other, chance)})


def walk(data: bytes, name: str) -> str:
    """What becomes of a file; every row of a table that is read must be kept, set aside or merged."""
    try:
        raw = read(data, name)
        assert raw.frame.height == raw.n_rows > 0
        assert raw.origin is None or raw.origin.height == raw.n_rows
        mapped = apply_mapping(raw, suggest_mapping(raw).spec)
        assert mapped.frame["row_number"].to_list() == list(range(1, raw.n_rows + 1))
        result = validate((mapped,))
    except AnalysisError as error:
        return error.code
    (balance,) = result.report.balances
    assert balance.rows_in == raw.n_rows == balance.kept + balance.quarantined + balance.merged
    assert result.dataset.tables[mapped.table].height == balance.kept
    assert result.quarantine.height == balance.quarantined
    return "read"


@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_a_damaged_file_is_refused_plainly_or_keeps_its_rows(chunk: int) -> None:
    good = seeds()
    names = sorted(good)
    became: Counter[str] = Counter()
    for i in range(PER_CHUNK):
        chance = random.Random(chunk * PER_CHUNK + i)
        name, other = names[i % len(names)], good[chance.choice(names)]
        change: Callable[[bytes, bytes, random.Random], bytes] = mutate
        if name in ("gzip", "xlsx", "zip") and chance.random() < 0.6:
            change = inside
        data = change(good[name], other, chance)
        started = time.monotonic()
        try:
            became[walk(data, f"{name}.csv")] += 1
        except BaseException as problem:
            raise AssertionError(f"case {chunk * PER_CHUNK + i} ({name}): {type(problem).__name__}") from problem
        assert time.monotonic() - started < SLOWEST_SECONDS
    assert became["read"] >= PER_CHUNK // 4, became


def test_headings_of_a_persons_own_do_not_meet_those_of_validation() -> None:
    rows = "".join(f"C{i},x,y,z\n" for i in range(5))
    raw = read(f"customer_id,#reason,?lone,#into\n{rows}".encode(), "customers.csv")
    mapped = apply_mapping(raw, suggest_mapping(raw, "customers").spec)
    assert mapped.attributes == ("reason", "lone", "into")
    assert validate((mapped,)).dataset.tables["customers"].height == 5


def test_the_undamaged_files_are_read() -> None:
    assert {name: walk(data, name) for name, data in seeds().items()} == dict.fromkeys(seeds(), "read")
