"""Downloads: translated headers, Chinese in spreadsheets, and no cell that a spreadsheet would run."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import polars as pl

from analytics.export.tables import safe, to_csv, to_xlsx
from analytics.i18n import words_for

EN = words_for("en")
NASTY = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\rx", "plain", "常客", None]
FRAME = pl.DataFrame({"customer_id": NASTY, "n": range(9), "on": [date(2024, 1, 1)] * 9})


def test_formulas_are_disarmed_and_the_rest_is_untouched() -> None:
    assert safe(FRAME, EN).to_series(0).to_list() == [
        "'=1+1",
        "'+cmd",
        "'-2",
        "'@SUM(A1)",
        "'\tx",
        "'\rx",
        "plain",
        "常客",
        None,
    ]


def test_csv_opens_as_utf_8_and_reads_back() -> None:
    data = to_csv(FRAME, EN)
    assert data.startswith(b"\xef\xbb\xbf")
    back = pl.read_csv(io.BytesIO(data))
    assert back.height == 9
    assert back.to_series(0)[7] == "常客"


def test_a_workbook_holds_values_only() -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx({"A/B: [names]": FRAME, "Second": FRAME.head(2)}, EN)))
    assert len(book.sheetnames) == 2
    cells = [cell for row in book.worksheets[0].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert book.worksheets[0].max_row == 10


def test_headers_that_translate_alike_stay_apart() -> None:
    frame = pl.DataFrame({"=a": [1], "b": [2]})
    assert safe(frame, EN).columns == ["'=a", "b"]


def test_lists_become_one_cell() -> None:
    assert safe(pl.DataFrame({"x": [[1, 2], []]}), EN)["x"].to_list() == ["1; 2", ""]
