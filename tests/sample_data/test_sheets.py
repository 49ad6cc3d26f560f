from __future__ import annotations

import polars as pl

from sample_data.sheets import Row, Sheet


def make_sheet() -> Sheet:
    frame = pl.DataFrame({"a": ["1", "2", "3"], "b": ["x", None, "z;"]})
    return Sheet.from_frame(frame, "f.csv", {"a": "甲", "b": "B"}, "big5", ";")


def test_cells_are_written_in_the_given_encoding() -> None:
    assert make_sheet().encode().decode("big5") == '甲;B\r\n1;x\r\n2;\r\n3;"z;"\r\n'


def test_row_numbers_are_counted_at_the_end() -> None:
    sheet = make_sheet()
    first, second, _ = sheet.rows
    sheet.insert_later(first, 1, first.copy("twice"))
    sheet.insert_later(first, 0, Row({"a": "9", "b": ""}, {"new"}))
    sheet.settle()
    second.marks.add("odd")
    assert [row.cells["a"] for row in sheet.rows] == ["1", "9", "2", "1", "3"]
    assert sheet.list_defects({"twice": (None, "t"), "odd": ("b", "o"), "new": (None, "n"), "none": (None, "-")}) == [
        {"code": "twice", "file": "f.csv", "description": "t", "rows": [4], "of_rows": [1]},
        {"code": "odd", "file": "f.csv", "column": "B", "description": "o", "rows": [3]},
        {"code": "new", "file": "f.csv", "description": "n", "rows": [2]},
    ]
