"""The product life cycle page: figures of the sample world, choices, one product, own files, too little."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from analytics.i18n import words_for
from analytics.product_life import ProductLifeSpec
from analytics.workspace import Workspace
from tests.pages.test_customer import app, assert_sound, figures, go, own_file

HEADER = "date,product id,quantity,amount\n"


def headings(test: Any) -> list[str]:
    return [item.value for item in test.subheader]


def products(test: Any) -> Any:
    return next(item.value for item in test.dataframe if "life_stage" in item.value.columns)


def rows(test: Any, column: str) -> Any:
    return next(item.value for item in test.table if column in item.value.columns)


def test_the_first_view_answers_and_choices_change_it() -> None:
    test = app("product_life", Workspace())
    assert_sound(test)
    shown = figures(test)
    listed = products(test)
    assert len(listed) == 120
    assert abs(listed["life_sales_share"].sum() - 100) < 0.1
    assert listed["worth_recent_year"].is_monotonic_decreasing
    counts = listed["life_stage"].value_counts()
    for name in ("Growth", "Maturity", "In decline"):
        assert int(shown[name]) == counts[name]
    # As planted: 78 of 120 at their peak, 32 gone (product_stages.parquet, June 2026).
    assert 66 <= counts["Maturity"] <= 90
    assert 26 <= counts["Discontinued"] <= 36
    said = headings(test)
    assert any("changed stage" in text for text in said)
    assert any(text.endswith("still looks so") for text in said)
    assert any("atings" in text or "rated" in text for text in said)
    # The planted stock-out of P0100, 4 to 17 September 2025, to the day.
    odd = rows(test, "Coincides with")
    assert any(text.endswith("17 Sep 2025: out of stock?") for text in odd["Coincides with"])
    assert len(test.get("download_button")) == 3

    # Another product: a choice, which one undo takes back and which changes no stage.
    picked = test.selectbox(key="product_life.shown")
    before = picked.value
    picked.set_value("P0003").run()
    assert_sound(test)
    assert figures(test)["Stage"] == "Discontinued"
    assert figures(test)["Maturity"] == shown["Maturity"]
    assert any("Roasted Coffee Beans" in text for text in headings(test))
    test.button(key="undo").click().run()
    assert test.selectbox(key="product_life.shown").value == before
    assert figures(test) == shown

    # Against its own past alone, in a shop that grows, more products grow.
    test.selectbox(key="product_life.against").set_value("own").run()
    assert_sound(test)
    assert int(figures(test)["Growth"]) > int(shown["Growth"])


def test_categories_in_chinese() -> None:
    test = app("product_life", Workspace(language="zh_TW", product_life=ProductLifeSpec(by="category")))
    assert_sound(test)
    _ = words_for("zh_TW")
    assert len(products(test)) == 8
    assert test.title[0].value == _("Product life cycle")
    assert _("All products, the most sales first") in headings(test)


def lines(n_weeks: int) -> str:
    """Five products; the last is sold no more after three quarters of the weeks."""
    out = []
    for week in range(n_weeks):
        for p in range(5):
            if p == 4 and week > 0.75 * n_weeks:
                continue
            day = date(2024, 1, 1) + timedelta(weeks=week, days=p)
            out.append(f"{day},k{p},{3 + (week + p) % 3},{100 + p}\n")
    return HEADER + "".join(out)


def test_an_own_file_without_customers_or_names_is_told() -> None:
    test = own_file(lines(110))
    go(test, "product_life")
    assert_sound(test)
    listed = products(test).set_index("life_id")
    assert listed.loc["k4", "life_stage"] == "Discontinued"
    assert set(listed["life_stage"]) <= {"Discontinued", "Maturity"}
    assert "category" not in listed.columns


def test_too_short_and_without_products_is_said() -> None:
    test = own_file(lines(12))
    go(test, "product_life")
    assert [item.value for item in test.exception] == []
    words = words_for("en")
    said = " ".join(item.value for item in test.warning)
    assert words.phrase("error.product_life_too_short.remedy", needed=6) in said
    assert len(test.metric) == 0
    test = own_file("date,amount\n2024-01-01,5\n2024-02-01,6\n")
    go(test, "product_life")
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []
    assert len(test.metric) == 0
