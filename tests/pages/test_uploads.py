"""Bad, foreign and real files through the whole walk: each gets figures or a plain message, and nothing is lost."""

from __future__ import annotations

import dataclasses
import datetime
import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES, words_for
from analytics.mapping import suggest_mapping
from analytics.reading import ReadSpec, read
from analytics.workspace import Workspace, to_link
from app_pages.ui.steps import STEPS

ROOT = Path(__file__).parents[2]
NAMES = [step.name for step in STEPS]
KINDS = "error|caveat|issue|remedy|reason|field|option|progress|match|severity|table|repair|segment|stage|model"
RAW_CODE = re.compile(rf"\b({KINDS})\.[a-z_]+")
COLUMNS = ("order_id", "customer_id", "order_date", "product", "quantity", "amount")
File = tuple[str, bytes]


def opened(world: str = "", language: Any = "en") -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world=world, language=language))
    return test.run()


def upload(test: AppTest, *files: File) -> AppTest:
    given = [(name, data, "text/csv") for name, data in files]
    return test.file_uploader(key="files").set_value(given).run()


def go(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"app_pages/{page}.py").run()


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def said(test: AppTest) -> str:
    """Every word on the page."""
    words = [str(metric.label) + " " + str(metric.value) for metric in test.metric]
    for kind in ("title", "header", "subheader", "markdown", "caption", "warning", "error", "info", "success"):
        words += [str(item.value) for item in getattr(test, kind)]
    for kind in ("button", "selectbox", "multiselect", "expander", "download_button"):
        for item in getattr(test, kind):
            words += [str(item.label), *map(str, getattr(item, "options", None) or [])]
    words += [item.value.to_csv() for item in test.table]
    return "\n".join(words).replace("\u00a0", " ")  # words are kept together by blanks that do not break


def assert_answers(test: AppTest, page: str) -> None:
    """Figures, or a message with words: never a stack trace, an unforeseen stop or a bare code."""
    assert [item.value for item in test.exception] == [], page
    words = said(test)
    assert RAW_CODE.search(words) is None, (page, RAW_CODE.search(words))
    assert "code: unexpected" not in words, page
    told = [*test.warning, *test.error, *test.info, *test.subheader]
    assert len(test.metric) >= 3 or any(len(item.value) > 8 for item in told), page


def walked(test: AppTest) -> dict[str, str]:
    """What each of the six pages says, each of them sound."""
    pages = {}
    for name in NAMES:
        go(test, name)
        assert_answers(test, name)
        pages[name] = said(test)
    return pages


def rows(n: int = 400, form: str = "%Y-%m-%d", **columns: Callable[[int], str]) -> list[list[str]]:
    """Orders of sixty customers over five hundred days; ``columns`` write other cells by row."""
    chance = random.Random(1)
    table = []
    for i in range(n):
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=chance.randrange(500))
        product = chance.choice(("Tea", "Coffee", "Cake"))
        amount = f"{chance.randrange(100, 5000) / 100:.2f}"
        table.append([f"O{i}", f"C{chance.randrange(60)}", day.strftime(form), product, "1", amount])
        for name, write in columns.items():
            table[-1][COLUMNS.index(name)] = write(i)
    return table


def text(table: list[list[str]], heading: tuple[str, ...] = COLUMNS, mark: str = ",") -> str:
    return "\n".join(mark.join(row) for row in [list(heading), *table]) + "\n"


GOOD: File = ("orders.csv", text(rows()).encode())


def simplified() -> str:
    table = rows(product=lambda i: ("红茶饼干礼盒", "拿铁咖啡", "草莓蛋糕")[i % 3])
    return text(table, ("订单编号", "客户编号", "下单日期", "商品名称", "数量", "金额"))


def traditional() -> str:
    table = rows(product=lambda i: ("紅茶餅乾禮盒", "拿鐵咖啡", "草莓蛋糕")[i % 3])
    return text(table, ("訂單編號", "客戶編號", "訂購日期", "商品名稱", "數量", "金額"))


def protected_workbook() -> bytes:
    """The container of an encrypted workbook, as far as a reader can see it without the password."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 900


def workbook(**sheets: list[list[str]]) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for name, table in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(table):
                sheet.write_row(i, 0, row)
    return buffer.getvalue()


UNREADABLE = {
    "file_empty": b"",
    "header_only": text([]).encode(),
    "not_a_table": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
    "line_too_long": b"a,b\n" + b"x" * 11_000_000,
    "workbook_protected": protected_workbook(),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", UNREADABLE)
def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(code: str, language: Any) -> None:
    words = words_for(language)
    problem = words.phrase(f"error.{code}").split("{")[0]
    test = upload(opened(language=language), ("wrong.csv", UNREADABLE[code]))
    assert problem in "".join(item.value for item in test.error)
    assert words.phrase(f"error.{code}.remedy").split("{")[0] in "".join(item.value for item in test.error)
    if language == "en" and code in ("file_empty", "workbook_protected"):
        walked(test)
    go(test, "validation")
    upload(go(test, "upload"), GOOD)
    assert len(test.metric) >= 3, "the good file is shown beside the bad one"
    assert problem in "".join(item.value for item in test.error)
    go(test, "validation")
    assert_answers(test, "validation")
    assert figures(test)[words("Rows in")] == "400"
    assert problem in "".join(item.value for item in test.warning), "what is left out is told on every page"
    go(test, "upload")
    next(button for button in test.button if button.key.startswith("drop-") and button.label).click().run()
    assert [item.value for item in test.error] == []
    assert len(test.metric) >= 3


@pytest.mark.parametrize(
    ("data", "language"),
    [
        (simplified().encode("gb18030"), "zh_CN"),
        (traditional().encode("big5hkscs"), "zh_TW"),
        (traditional().encode("utf-16"), "zh_TW"),
    ],
    ids=["gb18030", "big5", "utf-16"],
)
def test_chinese_encodings_simply_work(data: bytes, language: Any) -> None:
    test = upload(opened(language=language), ("orders.csv", data))
    pages = walked(test)
    words = words_for(language)
    assert words("Every column that is used was recognised") in pages["upload"]
    assert words("All rows are kept: nothing had to be set aside") in pages["validation"]
    for name in NAMES:
        assert "code:" not in pages[name]


def test_a_wrong_delimiter_is_told_and_can_be_typed_in() -> None:
    test = upload(opened(), ("orders.csv", text(rows(), mark="^").encode()))
    pages = walked(test)
    assert words_for("en").phrase("caveat.one_column") in pages["upload"]
    go(test, "upload")
    change_source(test, reading=ReadSpec(delimiter="^"))  # what typing it in stores: the test cannot type
    assert figures(test)["Columns used"] == "6"
    box = next(box for box in test.selectbox if box.key and box.key.startswith("delimiter-"))
    assert box.value == "^"
    box.set_value(";").run()
    assert figures(test)["Columns used"] != "6"
    assert_answers(test, "upload")


def test_three_hundred_columns_without_a_date_open_on_every_page() -> None:
    wide = [[str((row * i) % 17) for i in range(300)] for row in range(40)]
    pages = walked(upload(opened(), ("wide.csv", text(wide, tuple(f"c{i}" for i in range(300))).encode())))
    assert words_for("en").phrase("caveat.many_columns") in pages["upload"]
    assert words_for("en").phrase("caveat.as_of_unknown") in pages["validation"]


def test_without_customer_numbers_demand_works_and_the_others_say_what_is_missing() -> None:
    test = upload(opened(), ("orders.csv", text(rows(customer_id=lambda i: "")).encode()))
    pages = walked(test)
    assert words_for("en").phrase("caveat.all_ids_missing") in pages["validation"]
    for name in ("personas", "segmentation", "lifecycle"):
        assert "columns that are not there: Customer number" in pages[name]
    go(test, "forecasting")
    assert len(test.metric) >= 3


def test_dates_in_two_forms_are_read_and_told() -> None:
    table = rows()
    for row in table[::2]:
        row[2] = datetime.date.fromisoformat(row[2]).strftime("%d/%m/%Y")
    pages = walked(upload(opened(), ("orders.csv", text(table).encode())))
    assert words_for("en").phrase("issue.two_date_formats") in pages["validation"]
    assert "Day, month, year" in pages["validation"]


def test_text_among_the_amounts_is_set_aside_with_its_reason() -> None:
    test = upload(opened(), ("orders.csv", text(rows(amount=lambda i: "lots" if i % 20 == 0 else "12.50")).encode()))
    pages = walked(test)
    assert "20 rows were set aside" in pages["validation"]
    go(test, "validation")
    assert figures(test)["= Kept"] == "380"
    assert len(test.metric) >= 4
    aside = next(item.value for item in test.dataframe if "row_number" in item.value.columns)
    assert list(aside["reason"].unique()) == ["not a number"]
    assert list(aside["row_number"]) == list(range(1, 400, 20))
    assert list(aside["amount"].unique()) == ["lots"]
    assert {item.label for item in test.download_button} >= {"Rows set aside (CSV)", "Cleaned tables (XLSX)"}


def test_amounts_that_are_all_text_leave_what_does_not_need_them() -> None:
    pages = walked(upload(opened(), ("orders.csv", text(rows(amount=lambda i: "lots")).encode())))
    assert "This step needs columns that are not there: Amount" in pages["forecasting"]
    assert "of customers" in pages["segmentation"]


def test_one_customer_and_one_order_get_cautions() -> None:
    test = upload(opened(), ("orders.csv", text(rows(customer_id=lambda i: "C1")).encode()))
    pages = walked(test)
    assert words_for("en").phrase("caveat.one_customer") in pages["validation"]
    assert "Too few customers for segments: 1" in pages["segmentation"]
    pages = walked(upload(opened(), ("order.csv", text(rows(1)).encode())))
    assert words_for("en").phrase("caveat.one_order") in pages["validation"]


def test_the_order_of_day_and_month_is_asked_and_answered() -> None:
    table = rows(order_date=lambda i: f"{1 + i % 12:02d}/{1 + i * 7 % 12:02d}/2024")
    test = upload(opened(), ("orders.csv", text(table).encode()))
    question = next(item for item in test.segmented_control if item.key.startswith("day_first-"))
    assert "cannot be told apart" in said(test)
    assert question.value is None, "what is assumed can be confirmed as well"
    question.set_value(True).run()
    assert_answers(test, "upload")
    assert "cannot be told apart" not in said(test)
    go(test, "validation")
    go(test, "upload")
    question = next(item for item in test.segmented_control if item.key.startswith("day_first-"))
    assert question.value is True, "the answer is kept"
    test.button(key="undo").click().run()
    assert "cannot be told apart" in said(test)


def change_source(test: AppTest, **changes: Any) -> None:
    workspace = test.session_state["workspace"]
    (source,) = workspace.sources
    test.session_state["workspace"] = dataclasses.replace(workspace, sources=(dataclasses.replace(source, **changes),))
    test.run()


def sessions_sources(test: AppTest) -> list[str]:
    return [source.name for source in test.session_state["workspace"].sources]


def test_files_stay_when_the_page_is_left_and_leave_when_they_are_removed() -> None:
    people = [[f"C{i}", f"{1950 + i % 50}", "2023-05-01"] for i in range(60)]
    second: File = ("people.csv", text(people, ("customer_id", "birth_year", "joined_at")).encode())
    test = upload(opened(), GOOD, second)
    assert figures(test)["Files read"] == "2"
    go(test, "validation")
    assert figures(test)["Rows in"] == "460"
    go(test, "upload")
    assert sessions_sources(test) == ["orders.csv", "people.csv"]
    third: File = ("more.csv", text(rows(50, order_id=lambda i: f"P{i}")).encode())
    upload(test, third)
    assert sessions_sources(test) == ["orders.csv", "people.csv", "more.csv"], "a new file joins those that are there"
    upload(test)
    assert sessions_sources(test) == ["orders.csv", "people.csv"], "a file taken out of the uploader leaves"

    test.segmented_control(key="source").set_value("marketplace").run()
    assert "Marketplace" in said(test)
    test.segmented_control(key="source").set_value("own").run()
    assert sessions_sources(test) == ["orders.csv", "people.csv"]
    assert figures(test)["Rows"] == "460"
    next(button for button in test.button if button.label == "Remove this file").click().run()
    assert sessions_sources(test) == ["people.csv"]
    assert_answers(test, "upload")


def test_the_same_file_twice_counts_once_and_is_told() -> None:
    test = upload(opened(), GOOD, ("copy.csv", GOOD[1]))
    assert sessions_sources(test) == ["orders.csv"]
    assert "copy\\.csv is already here" in said(test)
    go(test, "validation")
    assert figures(test)["Rows in"] == "400"


def test_a_corrected_meaning_survives_leaving_the_page() -> None:
    heading = ("order_id", "customer_id", "order_date", "product", "quantity", "zzz")
    test = upload(opened(), ("orders.csv", text(rows(), heading).encode()))
    assert figures(test)["Columns used"] == "5"
    spec = suggest_mapping(read(GOOD[1].replace(b"amount", b"zzz", 1), "orders.csv")).spec
    corrected = dataclasses.replace(spec, columns=(*spec.columns, ("zzz", "amount")))
    change_source(test, mapping=corrected)  # what editing the table stores: the test cannot edit
    assert figures(test)["Columns used"] == "6"
    go(test, "forecasting")
    assert len(test.metric) >= 3
    go(test, "upload")
    assert figures(test)["Columns used"] == "6"
    table = next(box for box in test.selectbox if box.key and box.key.startswith("table-"))
    table.set_value("feedback").run()
    assert_answers(test, "upload")
    assert "holds Feedback" in said(test)


def test_what_is_uncertain_can_be_confirmed() -> None:
    test = upload(opened(), ("orders.csv", text(rows(amount=lambda i: "9" if i % 3 else "lots")).encode()))
    assert "to check" in test.header[0].value
    next(button for button in test.button if button.key.startswith("confirm-")).click().run()
    assert "to check" not in test.header[0].value


def test_sheets_of_a_workbook_are_chosen() -> None:
    people = [[f"C{i}", f"{1950 + i % 50}", "2023-05-01"] for i in range(60)]
    book = workbook(Orders=[list(COLUMNS), *rows()], People=[["customer_id", "birth_year", "joined_at"], *people])
    test = upload(opened(), ("book.xlsx", book))
    sheets = next(item for item in test.multiselect if item.key.startswith("sheets-"))
    assert sheets.value == ["Orders"]
    sheets.set_value(["Orders", "People"]).run()
    assert_answers(test, "upload")
    assert figures(test)["Files read"] == "2"
    go(test, "validation")
    assert figures(test)["Rows in"] == "460"
    go(test, "upload")
    next(item for item in test.multiselect if item.key.startswith("sheets-")).set_value(["People"]).run()
    assert_answers(test, "upload")
    assert figures(test)["Rows"] == "60"


def test_the_encoding_can_be_chosen_and_a_wrong_one_is_told() -> None:
    test = upload(opened(), ("orders.csv", simplified().encode("gb18030")))
    box = next(box for box in test.selectbox if box.key and box.key.startswith("encoding-"))
    box.set_value("utf-8").run()
    assert words_for("en").phrase("error.encoding_wrong", encoding="utf-8").replace("-", "\\-") in said(test)
    box = next(box for box in test.selectbox if box.key and box.key.startswith("encoding-"))
    box.set_value("auto").run()
    assert [item.value for item in test.error] == []
    assert figures(test)["Columns used"] == "6"


@pytest.mark.parametrize("language", ["en", "zh_TW"])
def test_the_dirty_world_walks_in_whole_words(language: Any) -> None:
    test = opened("marketplace_dirty", language)
    walked(test)
    for name in NAMES:
        go(test, name)
        if name == "usage":  # these files hold no visits
            asked = words_for(language)
            said_so = asked.phrase("error.table_missing", table=asked.label("table", "events"))
            assert said_so in said(test)
        else:
            assert len(figures(test)) >= 3, name


def head(path: Path, n: int) -> bytes:
    return b"".join(path.read_bytes().splitlines(keepends=True)[:n])


REAL: dict[str, tuple[str, str, int]] = {
    "telco": ("telco_churn", "Telco-Customer-Churn.csv", 1500),
    "marketing": ("marketing_campaign", "marketing_campaign.csv", 900),
    "mall": ("mall_customers", "customers.csv", 0),
    "hillstrom": ("hillstrom", "hillstrom.csv", 2000),
    "cdnow": ("cdnow", "CDNOW_sample.txt", 3000),
    "groceries": ("groceries_members", "Groceries_dataset.csv", 4000),
    "waimai": ("waimai_reviews_zh", "derived_waimai_10k_gb18030.csv", 1500),
    "flipkart": ("flipkart_reviews_en", "flipkart_reviews.csv", 1500),
    "superstore": ("superstore", "Sample - Superstore.xls", 0),
}
HAS_ORDERS = {"cdnow", "groceries", "superstore"}
HAS_CUSTOMERS = HAS_ORDERS | {"telco", "marketing", "mall"}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_alone(name: str, shared_data: Callable[[str], Path]) -> None:
    folder, file, n = REAL[name]
    path = shared_data(folder) / file
    test = upload(opened(), (file, head(path, n) if n else path.read_bytes()))
    walked(test)
    go(test, "upload")
    assert figures(test)["Files read"] == "1"
    go(test, "validation")
    assert figures(test)["Rows in"] != "0"
    for page, able in (("segmentation", HAS_CUSTOMERS), ("lifecycle", HAS_ORDERS)):
        go(test, page)
        assert (len(test.metric) >= 3) == (name in able), page
