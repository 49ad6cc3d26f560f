"""The planning page: the sample world's scenarios and stock, its choices, poor files, files without what it needs."""

from __future__ import annotations

from datetime import date, timedelta

from streamlit.testing.v1 import AppTest

from analytics.demand import DemandSpec
from analytics.forecasting import ForecastSpec
from analytics.forecasting.planning import DemandScenario, PlanningSpec, StockSpec
from analytics.i18n import words_for
from analytics.workspace import Workspace
from tests.pages.test_customer import app, assert_sound, figures, go, own_file

EN = words_for("en")
QUICK = ForecastSpec(candidates=("seasonal_naive", "theta"), n_origins=3)


def number(text: str) -> float:
    for unit, size in (("k", 1e3), ("M", 1e6), ("", 1.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit).removeprefix("NT$").replace(",", "")) * size
    raise AssertionError(text)


def headings(test: AppTest) -> str:
    return " | ".join(item.value for item in test.subheader)


def test_scenarios_and_stock_of_the_sample_world() -> None:
    chosen = Workspace(
        demand=DemandSpec(frequency="month"),
        forecast=QUICK,
        planning=PlanningSpec(
            scenarios=(DemandScenario(price_change=-0.05), DemandScenario(discount=0.2)),
            left=1,
            right=2,
            margin_share=0.3,
            stock=StockSpec(lead_time_days=30, review_days=15, on_hand=2_000),
        ),
    )
    test = app("planning", chosen)
    assert_sound(test)
    shown = figures(test)
    assert {"Items", "Revenue", "Profit", "Order up to", "Order now", "Safety stock", "Reorder point"} <= set(shown)
    assert test.header[0].value.startswith("20% off for 7 days: +")
    for words in ("A price 10% higher goes with −", "off goes with +", "Double 11", "The stock lasts about"):
        assert words in headings(test)
    assert number(shown["Order now"]) == number(shown["Order up to"]) - 2_000
    assert number(shown["Reorder point"]) < number(shown["Order up to"])
    assert {"Scenarios (CSV)", "Workbook (XLSX)"} <= {item.label for item in test.get("download_button")}
    rows = test.table[0].value
    assert list(rows["Scenario"]) == ["As now", "Price −5%", "20% off for 7 days"]

    # A scenario that is added is set against the left one at once; when it goes, so does the comparison.
    test.button(key="scenario-add").click().run()
    test.selectbox(key="planning.scenarios.2.event").set_value("double_11").run()
    assert_sound(test)
    assert test.header[0].value.startswith("Double 11 for 3 days: +")
    assert "Against “Price −5%”" in " ".join(item.value for item in test.markdown)
    test.button(key="scenario-drop-0").click().run()
    assert_sound(test)
    assert test.selectbox(key="planning.left").value == 0
    assert test.header[0].value.startswith("Double 11 for 3 days: +")
    test.number_input(key="planning.stock.lead_time_days").set_value(390).run()
    assert EN.phrase("error.stock_horizon_short") in " ".join(item.value for item in test.warning)
    test.button(key="undo").click().run()
    assert_sound(test)
    assert "Order now" in figures(test)


def test_where_prices_never_moved_the_reason_is_said_and_the_stock_stands() -> None:
    """Two products at one price each: nothing can be told of price or promotion."""
    first = date(2025, 1, 1)
    lines = [
        f"k{i % 9},o{i},{first + timedelta(days=i // 2)},{'AB'[i % 2]},{1 + i % 3},{100 * (1 + i % 3)}"
        for i in range(500)
    ]
    header = "customer id,order id,date,product id,quantity,amount\n"
    test = own_file(header + "\n".join(lines))
    go(test, "planning")
    assert_sound(test)
    assert test.header[0].value == "Price −5%: cannot be told"
    assert test.selectbox(key="planning.right").value == "auto"
    said = " ".join(item.value for item in (*test.info, *test.warning, *test.markdown))
    for code in ("few_prices", "few_promotions"):
        assert EN.phrase(f"planning_untold.{code}") in said
    assert EN.phrase("caveat.response_nothing") in said
    assert {"Order now", "Safety stock"} <= set(figures(test))
    assert test.selectbox(key="planning.scenarios.0.price_change").options == ["−5%", "as now"]


def test_without_quantities_the_page_says_what_it_needs() -> None:
    lines = [f"k{i % 9},o{i},{date(2025, 1, 1) + timedelta(days=i)},{100 + i}" for i in range(200)]
    test = own_file("customer id,order id,date,amount\n" + "\n".join(lines))
    go(test, "planning")
    assert [item.value for item in test.exception] == []
    assert EN.phrase("error.fields_missing")[:12] in headings(test)
    assert len(test.metric) == 0
