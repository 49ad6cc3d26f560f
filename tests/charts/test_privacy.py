"""What the Privacy page says of a scan: counts by hand, and never a raw value."""

from __future__ import annotations

import json

import polars as pl
import pytest

from analytics.charts import privacy as charts
from analytics.i18n import LANGUAGES, words_for
from analytics.privacy import PrivacyScan, PrivacySpec, scan

MAIL = "wang.xiaoming@example.com"


def found() -> PrivacyScan:
    customers = pl.DataFrame({"customer_id": ["1", "2"], "email": [MAIL, None]})
    texts = pl.DataFrame({"text": [f"write to {MAIL}", "fine", "good", "late"]})
    return scan({"customers": customers, "feedback": texts})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_there_and_no_value(language: str) -> None:
    _ = words_for(language)
    result = found()
    head = charts.headline(result, PrivacySpec(k=7), 3, _)
    assert [metric.value for metric in head.metrics] == ["3", "2", "7", "3"]
    drawn = charts.found_columns(result, _)
    rows = next(iter(drawn["datasets"].values())) if "datasets" in drawn else drawn["data"]["values"]
    assert [row["share"] for row in rows] == [1.0, 0.25]
    said = json.dumps([drawn, charts.found_rows(result, _), charts.found_columns_finding(result, _)], default=str)
    assert MAIL not in said
    assert "detector." not in said
    assert "treatment." not in said
    assert charts.found_columns_note(result, _)


def test_nothing_found() -> None:
    _ = words_for("en")
    result = scan({"transactions": pl.DataFrame({"product": ["JUMBO BAG"]})})
    assert charts.headline(result, PrivacySpec(), 0, _).finding == "No personal data was found in these tables"
    assert charts.found_columns_finding(result, _) == "Nothing that looks like a person was found"
