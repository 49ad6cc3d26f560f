"""From rows of all kinds to the series that the forecast pages show: what is refused, asked, and said."""

from __future__ import annotations

from datetime import date, timedelta

from analytics.demand import DemandSpec
from analytics.forecasting import ForecastSpec
from analytics.workspace import Workspace
from tests.pages.test_customer import app, assert_sound, figures, go, own_file

QUICK = ForecastSpec(candidates=("smoothing",), n_origins=2)


def test_a_table_of_dates_and_values_with_repeated_and_missing_rows() -> None:
    days = [date(2023, 1, 2) + timedelta(weeks=i) for i in range(60) if i not in (20, 21)]
    rows = [f"{day},{100 + i % 7}" for i, day in enumerate(days)]
    test = own_file("ds,y\n" + "\n".join([*rows, f"{days[3]},50"]), "series.csv")
    go(test, "forecasting")
    refused = [item.value for item in (*test.error, *test.warning)]
    assert len(refused) == 1
    assert "Some rows repeat a period of their series" in refused[0]
    assert "Rows too many: 1; series concerned: 1; for example: 2023-01-23." in refused[0].replace("\\", "")

    # The choice that mends it is still there.
    test.selectbox(key="demand.repeated").set_value("sum").run()
    assert_sound(test)
    said = " ".join(item.value for item in (*test.markdown, *test.info, *test.warning))
    assert "2 values are not known" in said
    assert "Repeated rows were added up" in said
    assert figures(test)["Next 12 weeks"]


def test_demand_of_groups_of_customers() -> None:
    demand = DemandSpec(by="stage", measure="orders", frequency="month")
    test = app("demand_outlook", Workspace(forecast=QUICK, demand=demand))
    assert_sound(test)
    listed = next(item.value for item in test.dataframe if "demand_series" in item.value.columns)
    assert {"Loyalty", "Active use"} <= set(listed["demand_series"])
    said = " ".join(item.value for item in test.markdown)
    assert "order lines name no lifecycle stage" in said
