"""The Validation page's pictures and words: figures of the report, whole words in every language, nothing hidden."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

from analytics.charts import quality as charts
from analytics.i18n import LANGUAGES, words_for
from analytics.mapping import MappingSpec, apply_mapping
from analytics.quality import SEVERITIES, ValidationResult, validate
from analytics.reading import read

RAW_CODE = re.compile(r"\b(issue|remedy|reason|severity|field|table|option)\.[a-z_]+")
COLUMNS = (
    ("order", "order_id"),
    ("customer", "customer_id"),
    ("at", "ordered_at"),
    ("item", "product"),
    ("city", "city"),
    ("n", "quantity"),
    ("price", "unit_price"),
)
DIRTY = """order,customer,at,item,city,n,price
1,ann,2024-01-01 10:00:00,Tea,Taipei,2,1.50
1,ann,2024-01-01 10:00:00,Tea,Taipei,2,1.50
2,bob,23/01/2024 10:00:00,tea ,,1,1.50
3,,2024-01-04 10:00:00,Pot,Taipei,1,20
4,cid,2024-01-05 10:00:00,,taipei,three,20
5,dan,2024-02-30 10:00:00,Pot,Taipei,1,20
6,eve,2024-01-06 10:00:00,Pot,,1,-20
7,fay,2024-01-17 10:00:00,*b* [x](y),Taipei,5,0
"""


def checked(text: str) -> ValidationResult:
    return validate([apply_mapping(read(text.encode(), "a.csv"), MappingSpec("transactions", COLUMNS))])


@pytest.fixture(scope="module")
def results() -> dict[str, ValidationResult]:
    clean = "".join(f"{i},c{i},2024-01-0{i} 10:00:00,Tea,Taipei,1,2\n" for i in range(1, 7))
    return {"dirty": checked(DIRTY), "clean": checked(DIRTY.splitlines(keepends=True)[0] + clean)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["dirty", "clean"])
def test_everything_builds_in_whole_words(results: dict[str, ValidationResult], name: str, language: str) -> None:
    result, _ = results[name], words_for(language)
    head = charts.headline(result, _)
    texts = [head.finding, head.sentence, *(f"{m.label}{m.value}{m.note}" for m in head.metrics)]
    texts += [charts.findings_finding(result, _), charts.findings_note(result, _)]
    texts += [charts.quarantined_finding(result, _), charts.quarantined_note(result, 3, _)]
    texts += list(charts.severities(result, _).values())
    for severity in SEVERITIES:
        texts += [str(row) for row in charts.issue_rows(result, severity, _)]
    texts += [str(row) for row in charts.reason_rows(result, _)]
    texts.append(json.dumps(charts.findings(result, _), ensure_ascii=False))
    texts.append(charts.quarantined(result, _).write_csv())
    assert all(texts)
    assert RAW_CODE.search("\n".join(texts)) is None
    assert len(head.finding) <= 60


def test_the_bars_are_the_rows_of_the_report(results: dict[str, ValidationResult]) -> None:
    result, _ = results["dirty"], words_for("en")
    spec = charts.findings(result, _)
    (rows,) = [data for data in [*spec.get("datasets", {}).values(), spec.get("data", {}).get("values")] if data]
    expected = sorted((issue.n_rows for issue in result.report.issues), reverse=True)[: charts.MOST_BARS]
    assert [row["rows"] for row in rows] == expected
    assert len({row["problem"] for row in rows}) == len(rows), "no two bars under one name"


def test_findings_of_one_kind_on_many_columns_are_one_row(results: dict[str, ValidationResult]) -> None:
    result, _ = results["dirty"], words_for("en")
    empty = [issue for issue in result.report.issues if issue.code == "missing" and issue.severity == "note"]
    (row,) = [row for row in charts.issue_rows(result, "note", _) if "Empty" in row["Problem"]]
    assert len(empty) > 1
    assert row["Where"].startswith(f"Orders: {len(empty)} columns")
    most = max(empty, key=lambda issue: issue.n_rows)
    assert row["Rows"] == f"up to {most.n_rows}  \n:small[:gray[{_.percent(most.row_share, 2)}]]"
    assert sum(int(title.split()[-1]) for title in charts.severities(result, _).values()) == sum(
        len(charts.issue_rows(result, severity, _)) for severity in SEVERITIES
    )


def test_a_row_of_findings_says_why_it_matters_and_cannot_become_markdown(results: dict[str, ValidationResult]) -> None:
    result, _ = results["dirty"], words_for("en")
    rows = [row for severity in SEVERITIES for row in charts.issue_rows(result, severity, _)]
    forms = next(row for row in rows if _.phrase("issue.two_date_formats.body") in row["Problem"])
    assert _.phrase("issue.two_date_formats").replace(" ", charts.NO_BREAK) in forms["Problem"]
    assert "Day, month, year" in forms["Where"] or "Month, day, year" in forms["Where"]
    assert not any("[x](y)" in row["Where"] for row in rows)


def test_rows_set_aside_keep_number_reason_and_their_own_cells(results: dict[str, ValidationResult]) -> None:
    result, _ = results["dirty"], words_for("en")
    aside = charts.quarantined(result, _)
    assert aside.columns[:4] == ["source", "row_number", "table", "reason"]
    assert dict(zip(aside["row_number"], aside["reason"], strict=True)) == {
        5: "not a number",
        6: "impossible date",
        7: "price below zero",
    }
    assert aside["n"].to_list() == ["three", "1", "1"]
    assert charts.quarantined_finding(result, _).startswith("3 rows were set aside")
    assert charts.quarantined_finding(results["clean"], _) == "No row had to be set aside"
    assert charts.quarantined(results["clean"], _).height == 0
    counted = {row["Set aside because"]: int(row["Rows"]) for row in charts.reason_rows(result, _)}
    assert counted == dict(
        result.quarantine["reason"]
        .replace({c: _.phrase(f"reason.{c}") for c in result.quarantine["reason"].unique()})
        .value_counts()
        .rows()
    )
    assert isinstance(aside, pl.DataFrame)
