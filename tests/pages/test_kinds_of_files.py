"""Files that are no order lines walk too: pages that can work do, the others say what they lack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics.i18n import words_for
from app_pages.ui.steps import STEPS
from tests.pages.test_uploads import assert_answers, figures, go, head, opened, said, upload
from tests.test_questionnaire import WORDS, generated

NO_ORDERS = "This step needs a table that is not there: Orders"
NO_SIGN = "a column of the customers table that says who left."  # the end of what early warning asks for
NO_EVENTS = "This step needs a table that is not there: Browsing events"
PAGES = tuple(step.name for step in STEPS if step.name not in ("integration", "privacy"))
OF_ORDERS = ("behaviour", "lifecycle", "value", "portfolio")
OF_DEMAND = ("forecasting", "demand_outlook", "planning", "product_life")
OF_CUSTOMERS = ("customer", "personas", "segmentation", "what_if")
NO_CUSTOMERS = "This step needs columns that are not there: Customer number, Ordered at"
# Folder, file, lines of it; the table it is; what each page that cannot work says.
FILES: dict[str, tuple[str, str, int, str, dict[str, str]]] = {
    "customers without orders": (
        "telco_churn",
        "Telco-Customer-Churn.csv",
        400,
        "Customers",
        {**dict.fromkeys((*OF_ORDERS, *OF_DEMAND), NO_ORDERS), "usage": NO_EVENTS},
    ),
    "customers with sums of their own": (
        "marketing_campaign",
        "marketing_campaign.csv",
        400,
        "Customers",
        {
            **dict.fromkeys((*OF_ORDERS, *OF_DEMAND), NO_ORDERS),
            "usage": NO_EVENTS,
            "leaving": "16 columns could be a tenure and 7 could say who left. Choose both below.",
            "early_warning": NO_SIGN,
        },
    ),
    "baskets without customers": (
        "groceries",
        "groceries.csv",
        800,
        "Orders",
        {
            **dict.fromkeys((*OF_CUSTOMERS, "lifecycle", "value", "portfolio"), NO_CUSTOMERS),
            "leaving": "Nothing here says how long customers stay",
            "early_warning": NO_SIGN,
            "behaviour": "This step needs columns that are not there: Ordered at",
            "usage": NO_EVENTS,
            **dict.fromkeys(OF_DEMAND, "This step needs columns that are not there: Ordered at, Amount"),
            "planning": "This step needs columns that are not there: Ordered at, Quantity",
            "product_life": "This step needs columns that are not there: Ordered at",
        },
    ),
    "ready-made series": (
        "m4_weekly",
        "Weekly-train.csv",
        3,
        "Ready-made series",
        {
            **dict.fromkeys((*OF_ORDERS, *OF_CUSTOMERS), NO_ORDERS),
            "usage": NO_EVENTS,
            "leaving": "This step needs a table that is not there: Customers",
            "early_warning": NO_SIGN,
        },
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_each_kind_of_file_walks(kind: str, shared_data: Callable[[str], Path]) -> None:
    folder, name, n, table, lacking = FILES[kind]
    test = upload(opened(), (name, head(shared_data(folder) / name, n)))
    for page in PAGES:
        go(test, page)
        assert_answers(test, page)
        words = said(test)
        if page in lacking:
            assert lacking[page] in words, page
            assert not test.metric, page
        else:
            known_only = page == "customer" and "known, without an order" in words
            assert len(test.metric) >= 3 or known_only, page
            assert "that are not there" not in words, page
        if page == "upload":
            assert f"holds {table}" in words
        if page == "validation":
            assert figures(test)["Rows in"] == figures(test)["= Kept"] != "0"


@pytest.mark.parametrize("language", WORDS)
def test_a_questionnaire_shows_what_was_asked(language: Any) -> None:
    data, answered = generated(language, 120, seed=5)
    test = upload(opened(language=language), ("export.csv", data))
    assert_answers(test, "upload")
    _ = words_for(language)
    found = [frame.value for frame in test.dataframe if "question_kind" in frame.value.columns]
    assert len(found) == 1
    kinds = found[0]["question_kind"].to_list()
    assert kinds.count(_.phrase("option.question_kind.score")) == 4
    assert kinds.count(_.phrase("option.question_kind.multi_choice")) == 1
    assert found[0]["answered"].to_list() == list(answered.values())
    assert _.ngettext("{n} question found", "{n} questions found", len(answered)) in said(test)
