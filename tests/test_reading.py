"""Bytes to a raw table: every row counted, every refusal in a plain code."""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import AnalysisError
from analytics.i18n.phrases import load
from analytics.reading import RawTable, ReadSpec, read

TEXT_ZH = "訂單編號,客戶,金額,備註\n1,王小明,120,很好用，下次還會再買\n2,李大同,80,包裝破損，客服很快處理\n"
TEXT_CN = "订单编号,客户,金额,备注\n1,王小明,120,很好用，下次还会再买\n2,李大同,80,包装破损，客服很快处理\n"

WORDS_CN = """商品 数量 价格 订单 客户 城市 北京 上海 支付 退货 很好 不错 喜欢 速度 包装 味道 服务 客服 手机 电脑
    衣服 鞋子 水果 牛奶"""
WORDS_TW = """商品 數量 價格 訂單 客戶 城市 臺北 高雄 付款 退貨 很好 不錯 喜歡 速度 包裝 味道 服務 客服 手機 電腦
    衣服 鞋子 水果 牛奶"""


def codes(raw: RawTable) -> list[str]:
    return [caveat.code for caveat in raw.caveats]


def refusal(data: bytes, name: str = "orders.csv", spec: ReadSpec | None = None) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        read(data, name, spec)
    words = load()
    assert words[f"error.{caught.value.code}"].format(**caught.value.params)
    assert words[f"error.{caught.value.code}.remedy"].format(**caught.value.params)
    return caught.value


def workbook(rows: list[list[object]], names: tuple[str, ...] = ("Orders",)) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for i, name in enumerate(names):
        sheet = book.active if i == 0 else book.create_sheet()
        sheet.title = name
        if i == len(names) - 1:
            for row in rows:
                sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ole(stream_name: str) -> bytes:
    """The least of an OLE container: its signature, and a directory entry with the stream's name."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + b"\x3e\x00\x03\x00\xfe\xff\x09\x00" + b"\0" * 480
    entry = stream_name.encode("utf-16-le").ljust(64, b"\0") + (2 * len(stream_name) + 2).to_bytes(2, "little")
    return header + entry.ljust(512, b"\0")


# --- by hand


def test_plain_csv_keeps_every_cell_as_text() -> None:
    raw = read(b"id,amount,day\n007,1.50,2024-03-05\n8,,2024-03-06\n", "a.csv")
    assert raw.frame.schema == {"id": pl.String, "amount": pl.String, "day": pl.String}
    assert raw.frame.rows() == [("007", "1.50", "2024-03-05"), ("8", None, "2024-03-06")]
    assert (raw.n_rows, raw.columns, raw.overflow, raw.caveats) == (2, ("id", "amount", "day"), (), ())
    assert raw.decided == ReadSpec("csv", "utf-8", ",", "", True, 0, "table")


def test_quotes_line_ends_and_doubled_quotes() -> None:
    raw = read(b'a,b\r\n"x ""y"", z","two\r\nlines"\r\n"",q\r\n', "a.csv")
    assert raw.frame.rows() == [('x "y", z', "two\nlines"), ("", "q")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised_even_when_others_stand_inside_quotes(delimiter: str) -> None:
    other = ";" if delimiter == "," else ","
    text = delimiter.join(["a", "b", "c"]) + "\n" + delimiter.join(['"p' + other + 'q"', "1", "2"]) + "\n"
    raw = read(text.encode(), "a.csv")
    assert raw.decided.delimiter == delimiter
    assert raw.frame.rows() == [("p" + other + "q", "1", "2")]


def test_printed_tables_are_split_at_blanks() -> None:
    raw = read(b" customer_id  date  value\n 00001 19970101   11.77\n 00002 19970112 12.00\n", "a.txt")
    assert raw.decided.delimiter == " "
    assert raw.frame.rows() == [("00001", "19970101", "11.77"), ("00002", "19970112", "12.00")]


def test_short_and_long_rows_are_kept_and_counted() -> None:
    rows = "".join(f"{i},{i},{i}\n" for i in range(20))
    raw = read(f"a,b,c\n1,2\n{rows}3,4,5,6\n7,8,9,\n".encode(), "a.csv")
    assert raw.n_rows == 23
    assert raw.frame.row(0) == ("1", "2", None, None)
    assert raw.frame.row(21) == ("3", "4", "5", "6")
    assert raw.columns == ("a", "b", "c")
    assert raw.overflow == ("column_4",)
    (caveat,) = raw.caveats
    assert (caveat.code, dict(caveat.params)) == ("ragged_rows", {"n_short": 1, "n_long": 1})


def test_blank_lines_inside_keep_row_numbers_and_those_at_the_end_are_no_rows() -> None:
    raw = read(b"a,b\n1,2\n\n3,4\n\n\n", "a.csv")
    assert raw.frame.rows() == [("1", "2"), (None, None), ("3", "4")]


def test_an_inch_mark_does_not_swallow_rows() -> None:
    raw = read(b'a,b\n5" nail,2\n6" nail,3\nx,4\n', "a.csv")
    assert raw.frame.rows() == [('5" nail', "2"), ('6" nail', "3"), ("x", "4")]


def test_title_lines_above_the_header_are_skipped() -> None:
    raw = read(b"Sales report 2024,,\n,,\nday,item,amount\n2024-01-01,Tea,5\n2024-01-02,Pot,6\n", "a.csv")
    assert raw.columns == ("day", "item", "amount")
    assert raw.decided.skip_rows == 2
    assert codes(raw) == ["lines_above_header"]


def test_a_first_row_with_numbers_is_no_header_unless_one_says_so() -> None:
    raw = read(b"4,19970101,29.33\n4,19970118,29.73\n", "a.csv")
    assert (raw.columns, raw.n_rows, codes(raw)) == (("column_1", "column_2", "column_3"), 2, ["no_header"])
    told = read(b"4,19970101,29.33\n4,19970118,29.73\n", "a.csv", ReadSpec(has_header=True))
    assert (told.columns, told.n_rows) == (("4", "19970101", "29.33"), 1)


def test_repeated_and_empty_headings_become_names() -> None:
    raw = read(b"a,,a\nx,y,z\n", "a.csv", ReadSpec(has_header=True))
    assert raw.columns == ("a", "column_2", "a_2")
    assert codes(raw) == ["repeated_headings"]


def test_line_ends_of_every_system() -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        assert read(end.join([b"a,b", b"1,2", b"3,4", b""]), "a.csv").n_rows == 2


# --- encodings


@pytest.mark.parametrize(
    ("text", "codec", "decided"),
    [
        (TEXT_CN, "gb18030", "gb18030"),
        (TEXT_ZH, "big5", "big5hkscs"),
        (TEXT_ZH, "utf-8-sig", "utf-8-sig"),
        (TEXT_ZH, "utf-16", "utf-16"),
        (TEXT_ZH, "utf-16-le", "utf-16-le"),
        (TEXT_CN, "utf-16-be", "utf-16-be"),
        ("name,city\nJosé,Köln\nZoë,Málaga\n", "cp1252", "cp1252"),
    ],
)
def test_encodings_are_recognised(text: str, codec: str, decided: str) -> None:
    raw = read(text.encode(codec), "a.csv")
    assert raw.decided.encoding == decided
    assert raw.caveats == ()
    assert [list(raw.columns), *map(list, raw.frame.rows())] == list(csv.reader(io.StringIO(text)))


def test_gb18030_and_big5_on_many_small_tables() -> None:
    wrong = []
    for words, codec, decided in ((WORDS_CN.split(), "gb18030", "gb18030"), (WORDS_TW.split(), "big5", "big5hkscs")):
        for i in range(len(words) - 8):
            lines = ["a,b"] + [f"{words[i + j]},{words[i + j + 1]}{j}" for j in range(7)]
            raw = read("\n".join(lines).encode(codec), "a.csv")
            if raw.decided.encoding != decided:
                wrong.append((codec, i))
    assert wrong == []


def test_a_few_damaged_bytes_in_utf8_lose_no_row() -> None:
    good = "\n".join(f"{i},顧客很滿意這次的購物" for i in range(50))
    data = b"n,text\n" + good.encode() + b"\n50,ab\xff\xfec\n"
    raw = read(data, "a.csv")
    assert (raw.n_rows, codes(raw)) == (51, ["bytes_replaced"])


def test_a_wrong_or_unknown_encoding_is_refused() -> None:
    assert refusal("名,字\n一,二\n".encode(), spec=ReadSpec(encoding="ascii")).code == "encoding_wrong"
    for encoding in ("klingon", "zlib_codec", "base64", "rot13", "\0", "x" * 9999):
        assert refusal(b"a,b\n1,2\n", spec=ReadSpec(encoding=encoding)).code == "encoding_unknown"
    for encoding in ("undefined", "punycode"):
        assert refusal(b"a,b\n1,2\n", spec=ReadSpec(encoding=encoding)).code == "encoding_wrong"


# --- what cannot be read


@pytest.mark.parametrize("data", [b"", b"   \n\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file(data: bytes) -> None:
    assert refusal(data).code == "file_empty"


def test_a_header_only() -> None:
    assert refusal(b"order,amount\n").code == "header_only"
    assert refusal(b"order,amount").code == "header_only"
    assert refusal(b"order,amount\n,\n\n").code == "header_only"
    assert refusal(workbook([["order", "amount"]]), "a.xlsx").code == "header_only"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20, "PNG"),
        (b"%PDF-1.7\n...", "PDF"),
        (b"<html><table></table></html>", "HTML"),
        (bytes(range(256)) * 40, "binary"),
    ],
)
def test_a_picture_or_anything_else_named_csv(data: bytes, kind: str) -> None:
    error = refusal(data)
    assert (error.code, error.params["kind"]) == ("not_a_table", kind)


def test_the_wrong_delimiter_gives_one_column_and_names_a_better_one() -> None:
    data = b"a;b;c\n1;2;3\n4;5;6\n"
    raw = read(data, "a.csv", ReadSpec(delimiter=","))
    (caveat,) = [c for c in raw.caveats if c.code.startswith("one_column")]
    assert raw.n_rows == 2
    assert (caveat.code, caveat.params["suggested"]) == ("one_column_other_delimiter", ";")
    assert codes(read(data, "a.csv")) == []


def test_three_hundred_columns_work_and_a_thousand_and_one_do_not() -> None:
    def wide(n: int) -> bytes:
        return (",".join(f"c{i}" for i in range(n)) + "\n" + ",".join("1" * n) + "\n").encode()

    raw = read(wide(300), "a.csv")
    assert (raw.frame.shape, codes(raw)) == ((1, 300), ["many_columns"])
    assert refusal(wide(1001)).params == {"n": 1001, "limit": 1000}


def test_an_eleven_megabyte_line() -> None:
    error = refusal(b"a,b\n" + b"x" * 11_000_000)
    assert (error.code, error.params) == ("line_too_long", {"line": 2, "megabytes": 11.0})
    assert refusal(b"x" * 11_000_000).params["line"] == 1


def test_a_spec_refuses_what_makes_no_sense() -> None:
    for spec in ({"delimiter": ",,"}, {"delimiter": '"'}, {"skip_rows": -1}):
        with pytest.raises(AnalysisError):
            ReadSpec(**spec)


# --- workbooks and Parquet


def test_a_workbook_is_text_so_that_nothing_is_guessed_away() -> None:
    from datetime import datetime

    rows = [["InvoiceNo", "Price", "At"], [536365, 2.55, datetime(2010, 12, 1, 8, 26)], ["C536379", 3, None]]
    raw = read(workbook(rows), "a.csv")  # the ending does not matter
    assert raw.frame.rows() == [("536365", "2.55", "2010-12-01 08:26:00"), ("C536379", "3", None)]
    assert raw.decided.format == "xlsx"


def test_the_first_sheet_that_holds_anything_is_read_and_others_can_be_chosen() -> None:
    data = workbook([["a", "b"], ["x", 1]], ("Cover", "Data"))
    raw = read(data, "a.xlsx")
    assert (raw.decided.sheet, raw.sheets, codes(raw)) == ("Data", ("Cover", "Data"), ["one_sheet_of_many"])
    assert refusal(data, "a.xlsx", ReadSpec(sheet="Nowhere")).code == "sheet_missing"
    assert refusal(data, "a.xlsx", ReadSpec(sheet="Cover")).code == "file_empty"


def test_a_protected_workbook() -> None:
    assert refusal(ole("EncryptedPackage"), "a.xlsx").code == "workbook_protected"
    assert refusal(ole("WordDocument"), "a.xls").code == "workbook_unreadable"


def test_a_broken_workbook() -> None:
    good = workbook([["a", "b"], ["x", 1]])
    assert refusal(good[: len(good) // 2], "a.xlsx").code == "workbook_unreadable"


def test_parquet_keeps_its_types_and_lists_become_text() -> None:
    frame = pl.DataFrame({"id": [1, 2], "price": ["1.50", "2.25"], "tags": [["a", "b"], []]}).with_columns(
        pl.col("price").cast(pl.Decimal(10, 2))
    )
    out = io.BytesIO()
    frame.write_parquet(out)
    raw = read(out.getvalue(), "a.csv")
    assert raw.frame.schema == {"id": pl.Int64, "price": pl.Decimal(10, 2), "tags": pl.String}
    assert raw.frame["tags"].to_list() == ["a;b", ""]
    assert refusal(out.getvalue()[:-20]).code == "parquet_unreadable"


# --- oracle and invariance


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab1 ,;"\n好'), max_size=6).map(str.strip), min_size=3, max_size=3).filter(
            any
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_csv_writes_is_read_back(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["first", "second", "third"], *rows])
    spec = ReadSpec(delimiter=",", has_header=True, skip_rows=0, encoding="utf-8")
    raw = read(out.getvalue().encode(), "a.csv", spec)
    assert [[cell or "" for cell in row] for row in raw.frame.rows()] == rows


def test_key_follows_content_and_choice() -> None:
    one, same = read(b"a,b\n1,2\n", "a.csv"), read(b"a,b\n1,2\n", "a.csv")
    other = read(b"a,b\n1,2\n", "a.csv", ReadSpec(delimiter=";"))
    assert one.key == same.key
    assert len({one.key, other.key, read(b"a,b\n1,3\n", "a.csv").key}) == 3


def test_spec_and_table_cross_borders() -> None:
    spec = ReadSpec(delimiter=";", has_header=False, skip_rows=2)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), ReadSpec, strict=True) == spec
    raw = read(b"a,b\n1,2\n", "a.csv")
    assert pickle.loads(pickle.dumps(raw)).frame.equals(raw.frame)


# --- published


def test_superstore_is_the_same_as_text_and_as_an_old_workbook(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("superstore")
    text = read((folder / "Sample - Superstore.csv").read_bytes(), "superstore.csv")
    book = read((folder / "Sample - Superstore.xls").read_bytes(), "superstore.xls")
    assert text.n_rows == book.n_rows == 10_194
    assert text.columns == book.columns
    assert book.sheets == ("Orders", "People", "Returns")
    assert text.frame["Product Name"].equals(book.frame["Product Name"])


def test_real_files_have_their_published_rows(shared_data: Callable[[str], Path]) -> None:
    expected = {
        "cdnow/CDNOW_master.txt": 69_659,
        "cdnow/CDNOW_sample.txt": 6_919,
        "groceries/groceries.csv": 43_367,
        "groceries_members/Groceries_dataset.csv": 38_765,
        "hillstrom/hillstrom.csv": 64_000,
        "marketing_campaign/marketing_campaign.csv": 2_240,
        "prophet_examples/example_air_passengers.csv": 144,
        "sentiment_sentences_en/imdb_labelled.txt": 952,
        "telco_churn/Telco-Customer-Churn.csv": 7_043,
        "waimai_reviews_zh/derived_waimai_10k_gb18030.csv": 11_987,
        "flipkart_reviews_en/flipkart_reviews.csv": 2_304,
    }
    found = {}
    for path in expected:
        folder, _, file = path.partition("/")
        found[path] = read((shared_data(folder) / file).read_bytes(), file).n_rows
    assert found == expected


def test_gb18030_reviews_are_those_of_the_utf8_file(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("waimai_reviews_zh")
    legacy = read((folder / "derived_waimai_10k_gb18030.csv").read_bytes(), "a.csv")
    modern = read((folder / "waimai_10k.csv").read_bytes(), "a.csv")
    assert legacy.decided.encoding == "gb18030"
    assert legacy.frame.equals(modern.frame)
