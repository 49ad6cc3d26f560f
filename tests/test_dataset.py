"""Dataset: row order has no influence, what is missing is named, money converts once."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.mapped import keeping

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
    assert Dataset.build({"transactions": FRAME}, **settings).key != DATA.key


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
        DATA.tables["customers"] = FRAME


class TestLarge:
    """Beyond a hundred thousand rows the order is by time and the row's hash."""

    N = 120_000

    @pytest.fixture
    def frame(self) -> pl.DataFrame:
        number = pl.int_range(self.N, eager=True)
        return pl.DataFrame(
            {
                "ordered_at": pl.select(
                    pl.when(number % 1000 != 7).then(
                        pl.datetime(2024, 1, 1, time_unit="us") + pl.duration(hours=number % 700)
                    )
                ).to_series(),
                "customer_id": (number % 5000).cast(pl.String),
                "quantity": number % 3,
            }
        )

    @staticmethod
    def build(frame: pl.DataFrame, **more: object) -> Dataset:
        return Dataset.build({"transactions": frame}, as_of=date(2024, 5, 1), **more)

    def test_shuffled_rows_are_the_same_data(self, frame: pl.DataFrame) -> None:
        data = self.build(frame)
        shuffled = self.build(frame.sample(fraction=1.0, shuffle=True, seed=3))
        assert shuffled.key == data.key
        assert shuffled.tables["transactions"].equals(data.tables["transactions"])
        times = data.tables["transactions"]["ordered_at"]
        assert times.equals(times.sort(nulls_last=True))
        columns = frame.columns
        assert data.tables["transactions"].sort(columns).equals(frame.sort(columns))

    @pytest.mark.parametrize("column", ["ordered_at", "customer_id", "quantity"])
    def test_one_changed_value_changes_the_key(self, frame: pl.DataFrame, column: str) -> None:
        other = frame[column].head(60_000).extend(frame[column].slice(60_001, 1)).extend(frame[column].slice(60_001))
        assert not other.equals(frame[column])
        assert self.build(frame.with_columns(other.alias(column))).key != self.build(frame).key

    def test_a_mask_is_a_filter(self, frame: pl.DataFrame) -> None:
        for wanted in (frame["quantity"] < 2, frame["quantity"] < 5):
            masked = self.build(frame, rows={"transactions": wanted})
            assert masked.key == self.build(frame.filter(wanted)).key
        few = frame["customer_id"] == "7"
        assert self.build(frame, rows={"transactions": few}).key == self.build(frame.filter(few)).key

    @pytest.mark.parametrize("piece", [7_000, 50_000])
    def test_pieces_and_files_change_nothing(
        self, frame: pl.DataFrame, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = self.build(frame)
        monkeypatch.setattr("analytics.mapped.PIECE", piece)
        monkeypatch.setattr("analytics.dataset.SORTED_TOGETHER", piece)
        with keeping(str(tmp_path)):
            kept = self.build(frame)
        assert kept.key == data.key
        assert kept.tables["transactions"].equals(data.tables["transactions"])
        assert not list(tmp_path.iterdir())


def test_a_column_asked_for_twice_is_missed_once() -> None:
    lines = pl.DataFrame({"order_id": ["a"]})
    dataset = Dataset.build({"transactions": lines}, as_of=date(2024, 1, 31))
    with pytest.raises(AnalysisError, match="fields_missing") as caught:
        dataset.table("transactions", "ordered_at", "ordered_at")
    assert caught.value.params["fields"] == "transactions.ordered_at"
