"""Dataset: row order has no influence, what is missing is named, money converts once."""

from __future__ import annotations

import pickle
from datetime import date

import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.errors import AnalysisError

FRAME = pl.DataFrame(
    {"customer_id": ["b", "a", None], "amount": [250, 100, 50], "city": pl.Series([None, None, None], dtype=pl.String)}
)
DATA = Dataset.build({"transactions": FRAME}, as_of=date(2024, 5, 1), currency="GBP", money_digits=2)


def test_shuffled_rows_are_the_same_data() -> None:
    shuffled = Dataset.build({"transactions": FRAME[[2, 0, 1]]}, as_of=date(2024, 5, 1), currency="GBP", money_digits=2)
    assert shuffled.key == DATA.key
    assert shuffled.tables["transactions"].equals(DATA.tables["transactions"])


@pytest.mark.parametrize("change", [{"as_of": date(2024, 5, 2)}, {"currency": "USD"}, {"money_digits": 3}])
def test_everything_that_changes_a_figure_changes_the_key(change: dict[str, object]) -> None:
    settings = {"as_of": date(2024, 5, 1), "currency": "GBP", "money_digits": 2, **change}
    assert Dataset.build({"transactions": FRAME}, **settings).key != DATA.key  # type: ignore[arg-type]


def test_a_column_without_any_value_is_missing() -> None:
    assert DATA.missing("transactions.customer_id", "transactions.city", "customers.tier") == (
        "transactions.city",
        "customers.tier",
    )


@pytest.mark.parametrize(
    ("table", "column", "code"), [("customers", "tier", "table_missing"), ("transactions", "city", "fields_missing")]
)
def test_what_is_missing_is_said(table: str, column: str, code: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        DATA.table(table, column)
    assert caught.value.code == code


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(AnalysisError, match="table_unknown"):
        Dataset.build({"orders": FRAME}, as_of=date(2024, 5, 1))


def test_money_in_currency_units() -> None:
    assert DATA.tables["transactions"].select(DATA.money("amount"))["amount"].to_list() == [1.0, 2.5, 0.5]


def test_a_dataset_crosses_a_process_boundary() -> None:
    copy = pickle.loads(pickle.dumps(DATA))
    assert copy.key == DATA.key
    assert copy.tables["transactions"].equals(DATA.tables["transactions"])


def test_nobody_can_put_another_table_into_it() -> None:
    with pytest.raises(TypeError):
        DATA.tables["customers"] = FRAME  # type: ignore[index]
