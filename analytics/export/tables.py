"""Frames as CSV and XLSX: headers in the reader's language, and nothing a spreadsheet would run as a formula."""

from __future__ import annotations

import io
from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from analytics.dataset import Dataset
from analytics.i18n import Words
from analytics.schema import TABLES

CSV_MIME = "text/csv"
XLSX_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MAX_SHEET_ROWS = 1_048_575


def to_csv(frame: pl.DataFrame, _: Words) -> bytes:
    """UTF-8 with a byte-order mark, so that spreadsheets show Chinese; translated headers; formulas disarmed."""
    return b"\xef\xbb\xbf" + safe(frame, _).write_csv(None).encode("utf-8")


def to_xlsx(frames: Mapping[str, pl.DataFrame], _: Words) -> bytes:
    """A workbook with one sheet per frame (sheet title -> frame), as ``to_csv`` otherwise; long frames are cut."""
    import xlsxwriter

    buffer = io.BytesIO()
    # Strings stay strings: no cell becomes a formula, a link or a number because of how it looks.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, {**options, "in_memory": True}) as workbook:
        for title, frame in frames.items():
            sheet = safe(frame.head(_MAX_SHEET_ROWS), _)
            sheet.write_excel(workbook, _sheet_name(title), autofit=frame.height <= 5_000)
    return buffer.getvalue()


# Columns whose values are codes, and the kind of phrase that names them.
CODES = {
    "stage": "stage",
    "from_stage": "stage",
    "to_stage": "stage",
    "name": "segment",
    "model": "model",
    "field": "field",
}


def labelled(frame: pl.DataFrame, _: Words) -> pl.DataFrame:
    """The frame with its codes (stages, segments, models, fields) in the reader's words."""
    columns = []
    for name, kind in CODES.items():
        if name in frame.columns and frame.schema[name] == pl.String:
            codes = frame[name].unique().drop_nulls().to_list()
            words = {code: _.label(kind, code) for code in codes}
            columns.append(pl.col(name).replace(words) if words else pl.col(name))
    return frame.with_columns(columns)


def in_currency_units(dataset: Dataset) -> dict[str, pl.DataFrame]:
    """The tables with money as exact decimals in whole currency units instead of integers of the minor unit."""
    tables = {}
    for name, frame in dataset.tables.items():
        money = [field.name for field in TABLES[name].fields if field.role == "amount" and field.name in frame.columns]
        scale = pl.lit(10**dataset.money_digits)
        tables[name] = frame.with_columns((pl.col(money) / scale).round(dataset.money_digits)) if money else frame
    return tables


def safe(frame: pl.DataFrame, _: Words) -> pl.DataFrame:
    """The frame as it leaves the app: lists joined, codes and headers translated, formulas disarmed by a leading '."""
    starts = pl.lit("^[" + "".join("\\" + mark if mark in "-=+@" else mark for mark in _FORMULA_STARTS) + "]")
    joined = labelled(frame, _).with_columns(cs.list().cast(pl.List(pl.String)).list.join("; "))
    text = cs.string() | cs.categorical() | cs.enum()
    disarmed = joined.with_columns(text.cast(pl.String)).with_columns(
        pl.when(cs.string().str.contains(starts)).then("'" + cs.string()).otherwise(cs.string()).name.keep()
    )
    return disarmed.rename(_headers(frame, _))


def _headers(frame: pl.DataFrame, _: Words) -> dict[str, str]:
    """Translated and still unique."""
    headers: dict[str, str] = {}
    for name in frame.columns:
        header = _.label("field", name)
        if header.startswith(_FORMULA_STARTS):
            header = "'" + header
        headers[name] = header if header not in headers.values() else f"{header} ({name})"
    return headers


def _sheet_name(title: str) -> str:
    return "".join(" " if mark in "[]:*?/\\'" else mark for mark in title)[:31]
