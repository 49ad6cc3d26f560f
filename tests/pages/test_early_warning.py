"""The early-warning page: on subscriptions, on a file with a column that says who left, and with too little."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from analytics.churn import ChurnSpec
from analytics.i18n import words_for
from analytics.workspace import Workspace
from app_pages.ui import intake
from sample_data.streaming import write
from tests.pages.test_customer import MINIMAL, app, assert_sound, figures, go, own_file

QUICK = ChurnSpec(horizon_days=60, n_cuts=4, method="logistic")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The streaming world with 500 subscribers."""
    write(500, 5, tmp_path)
    monkeypatch.setattr(intake, "WORLDS", tmp_path)


def headings(test: AppTest) -> str:
    return " | ".join(item.value for item in test.subheader)


def listed(test: AppTest) -> Any:
    return next(frame.value for frame in test.dataframe if "risk_reasons" in frame.value.columns)


@pytest.mark.usefixtures("small")
def test_subscribers_are_listed_and_the_choices_change_the_list() -> None:
    test = app("early_warning", Workspace(world="streaming", churn=QUICK))
    assert_sound(test)
    shown = figures(test)
    finding = test.header[0].value
    n = int(re.fullmatch(r"(\d+) of 255 customers are likely to leave within 60 days", finding)[1])
    assert n == int(shown["Expected to go"])
    assert {"Value at risk", "Ranking (AUC)", "Risks off by (points)"} <= set(shown)
    first = listed(test)
    assert len(first) == 26  # a tenth of those who are there
    assert first["value_at_risk"].is_monotonic_decreasing
    assert set(first["group"]) <= {"Save first", "Save at little cost"}
    said = headings(test)
    for words in ("highest risk held", "Risks were off by", "Save first", "begins at a risk", "Whom to save: 26"):
        assert words in said
    for words in ("false alarm", "flagged before they went", "Ranks better|No better", "knows? the outcome"):
        assert re.search(words, said) or "No alarm came true" in said
    assert {"Whom to save (CSV)", "Workbook (XLSX)"} <= {item.label for item in test.get("download_button")}

    test.selectbox(key="churn.capacity").set_value(50).run()
    assert_sound(test)
    assert len(listed(test)) == 50
    assert set(first["customer_id"]) <= set(listed(test)["customer_id"])
    assert figures(test)["Expected to go"] == shown["Expected to go"], "how many go does not depend on who has time"
    assert "Whom to save: 50 customers" in headings(test)
    go(test, "upload")
    go(test, "early_warning")
    assert len(listed(test)) == 50
    test.button(key="undo").click().run()
    assert len(listed(test)) == 26

    test.selectbox(key="language").set_value("zh_TW").run()
    assert_sound(test)
    assert test.title[0].value == words_for("zh_TW")("Early warning")
    assert re.search(r"255 位客戶中可能有 \d+ 位", test.header[0].value)
    assert not [word for word in re.findall(r"[A-Za-z]{4,}", headings(test)) if word not in ("recency",)]


def members(leak: bool) -> str:
    """300 customers: those who pay by the month and came lately leave more often; perhaps a bill only leavers have."""
    rng = np.random.default_rng(4)
    lines = ["customer id,contract,months with us,monthly fee,churn" + (",final bill" if leak else "")]
    for i in range(300):
        monthly, months = rng.random() < 0.5, int(rng.integers(1, 60))
        fee = round(float(rng.uniform(20, 90)), 2)
        gone = rng.random() < (0.55 if monthly else 0.15) * (1.3 - months / 60)
        row = [f"M{i:04d}", "monthly" if monthly else "yearly", months, fee, "Yes" if gone else "No"]
        if leak:
            row.append("sent" if gone else "")
        lines.append(",".join(map(str, row)))
    return "\n".join(lines)


def test_a_column_that_says_who_left_is_cross_validated() -> None:
    test = go(own_file(members(leak=True), "members.csv"), "early_warning")
    assert_sound(test)
    assert "look like those who are gone" in test.header[0].value
    assert 0.6 < float(figures(test)["Ranking (AUC)"]) < 0.9
    gone = {line.split(",")[0] for line in members(leak=True).splitlines() if ",Yes," in line}
    assert not gone & set(listed(test)["customer_id"]), "who is gone cannot be saved"
    assert "false alarm" not in headings(test), "without a date nothing says how early"
    assert "refused" in headings(test)
    (refused,) = [table.value for table in test.table if "final bill" in str(table.value)]
    assert len(refused) == 1
    assert "carries no date" in " ".join(item.value for item in [*test.info, *test.warning])


def test_too_little_is_told_in_words() -> None:
    test = go(own_file(MINIMAL), "early_warning")
    assert [item.value for item in test.exception] == []
    assert "code: churn_" in " ".join(item.value for item in test.markdown)
    assert [button.key for button in test.button if button.key == "to-upload"]

    test = go(own_file("customer id,city\n" + "\n".join(f"c{i},town {i % 50}" for i in range(200))), "early_warning")
    assert [item.value for item in test.exception] == []
    assert "Nothing here says who left" in headings(test)
