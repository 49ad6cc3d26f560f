"""From order lines to x, t_x, T: by hand, against a naive loop, and the published counts of CDNOW."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from analytics.btyd.histories import Histories, purchase_histories
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from tests.btyd.conftest import Seen

LINES = [
    # customer, order, when, amount (minor units), kind
    ("ann", "1", "2024-01-01T09:00", 1000, "sale"),
    ("ann", "2", "2024-01-01T18:00", 500, "sale"),  # same day: one purchase
    ("ann", "3", "2024-01-15T10:00", 2000, "sale"),
    ("ann", "4", "2024-01-29T10:00", 4000, "sale"),
    ("bob", "5", "2024-01-08T10:00", 900, "sale"),
    ("bob", "6", "2024-01-09T10:00", -100, "return"),  # of a part: neither a purchase nor the end of one
    ("cat", "7", "2024-02-05T10:00", 700, "sale"),  # on the last day
    ("dan", "8", "2024-01-10T10:00", 0, "sale"),  # free, and still a purchase
    ("dan", "9", "2024-01-24T10:00", 300, "sale"),
    ("eve", "10", "2024-01-03T10:00", -100, "return"),  # never bought
    (None, "11", "2024-01-03T10:00", 100, "sale"),
    ("fay", "12", "2024-01-03T10:00", 100, "service"),
]


def dataset(rows: list[tuple[str | None, str, str, int, str]], as_of: date = date(2024, 2, 5)) -> Dataset:
    lines = pl.DataFrame(
        [(who, order, datetime.fromisoformat(when), amount, kind) for who, order, when, amount, kind in rows],
        schema={
            "customer_id": pl.String,
            "order_id": pl.String,
            "ordered_at": pl.Datetime("us"),
            "amount": pl.Int64,
            "kind": pl.String,
        },
        orient="row",
    )
    return Dataset.build({"transactions": lines}, as_of=as_of, currency="EUR")


def as_rows(histories: Histories) -> list[tuple[str, int, float, float, float | None]]:
    values = [None] * len(histories) if histories.mean_value is None else histories.mean_value.tolist()
    columns = (histories.ids.to_list(), histories.x.tolist(), histories.t_x.tolist(), histories.T.tolist(), values)
    return [tuple(None if value != value else value for value in row) for row in zip(*columns, strict=True)]


def test_by_hand() -> None:
    assert as_rows(purchase_histories(dataset(LINES))) == [
        ("ann", 2, 4.0, 5.0, 30.0),
        ("bob", 0, 0.0, 4.0, None),
        ("cat", 0, 0.0, 0.0, None),
        ("dan", 1, 2.0, 26 / 7, 3.0),
    ]


def test_an_order_taken_back_whole_is_no_purchase_once_it_is_back() -> None:
    lines = [
        ("ann", "1", "2024-01-01T09:00", 1000, "sale"),
        ("ann", "2", "2024-01-08T09:00", 500, "sale"),
        ("ann", "2", "2024-01-20T09:00", -500, "return"),
        ("ann", "3", "2024-01-15T09:00", 500, "sale"),
        ("ann", "3", "2024-01-16T09:00", -200, "return"),
    ]
    assert as_rows(purchase_histories(dataset(lines))) == [("ann", 1, 2.0, 5.0, 5.0)]
    assert as_rows(purchase_histories(dataset(lines), until=date(2024, 1, 19))) == [("ann", 2, 2.0, 18 / 7, 5.0)]


def test_an_earlier_end_and_another_unit() -> None:
    histories = purchase_histories(dataset(LINES), until=date(2024, 1, 20), unit_days=1.0)
    assert as_rows(histories) == [
        ("ann", 1, 14.0, 19.0, 20.0),
        ("bob", 0, 0.0, 12.0, None),
        ("dan", 0, 0.0, 10.0, None),
    ]
    assert (histories.until, histories.unit_days) == (date(2024, 1, 20), 1.0)


def test_nothing_after_the_as_of_date_is_seen() -> None:
    ahead = purchase_histories(dataset(LINES), until=date(2030, 1, 1))
    assert as_rows(ahead) == as_rows(purchase_histories(dataset(LINES)))
    assert ahead.key == purchase_histories(dataset(LINES)).key


def test_order_of_rows_and_currency() -> None:
    usual = purchase_histories(dataset(LINES))
    shuffled = purchase_histories(dataset(LINES[::-1]))
    assert as_rows(usual) == as_rows(shuffled)
    assert usual.key == shuffled.key
    dear = purchase_histories(dataset([(*row[:3], row[3] * 100, row[4]) for row in LINES]))
    assert usual.mean_value is not None
    assert dear.mean_value is not None
    np.testing.assert_allclose(dear.mean_value, usual.mean_value * 100)


def test_without_amounts() -> None:
    whole = dataset(LINES)
    lines = whole.tables["transactions"].drop("amount")
    bare = purchase_histories(Dataset.build({"transactions": lines}, as_of=whole.as_of))
    assert bare.mean_value is None
    # Without amounts a returned line is a line undone, and bob had one.
    assert (bare.ids.to_list(), bare.x.tolist()) == (["ann", "cat", "dan"], [2, 0, 1])


def test_a_naive_loop_agrees() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for i in range(600):
        day = date.fromordinal(date(2024, 1, 1).toordinal() + int(rng.integers(0, 200)))
        kind = "return" if rng.random() < 0.1 else "sale"
        amount = -1 if kind == "return" else int(rng.integers(1000, 5000))
        rows.append((f"c{rng.integers(0, 80):02d}", str(i), f"{day.isoformat()}T10:00", amount, kind))
    until = date(2024, 6, 1)
    expected = []
    for who in sorted({row[0] for row in rows}):
        days: dict[date, int] = {}
        for _, _, when, amount, kind in (row for row in rows if row[0] == who):
            day = date.fromisoformat(when[:10])
            if kind == "sale" and day <= until:
                days[day] = days.get(day, 0) + amount
        if days:
            first = min(days)
            later = [amount for day, amount in days.items() if day > first]
            mean = sum(later) / len(later) / 100 if later else None
            expected.append((who, len(later), (max(days) - first).days / 7, (until - first).days / 7, mean))
    found = as_rows(purchase_histories(dataset(rows, date(2024, 12, 31)), until=until))
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine[4] == theirs[4] or mine[4] == pytest.approx(theirs[4], rel=1e-12)


def test_refusals() -> None:
    with pytest.raises(AnalysisError) as caught:
        purchase_histories(dataset(LINES), unit_days=0.0)
    assert caught.value.code == "btyd_unit_out_of_range"
    with pytest.raises(AnalysisError) as caught:
        purchase_histories(dataset(LINES), until=date(2020, 1, 1))
    assert caught.value.code == "no_orders"


def test_cdnow_as_published(cdnow: Dataset, exact_weeks: Histories, rounded_weeks: Seen) -> None:
    lines, histories = cdnow.tables["transactions"], exact_weeks
    assert (lines.height, lines["amount"].sum()) == (6_919, 24_409_194)
    bought_again = histories.x > 0
    assert (len(histories), histories.x.sum(), bought_again.sum()) == (2_357, 2_457, 946)
    after = lines.filter(pl.col("ordered_at") > date(1997, 9, 30)).unique(["customer_id", "ordered_at"])
    assert after.height == 1_882
    assert (histories.ids[0], histories.x[0]) == ("0001", 2)
    assert (round(histories.t_x[0], 2), round(histories.T[0], 2)) == (30.43, 38.86)
    assert histories.mean_value is not None
    correlation = np.corrcoef(histories.x[bought_again], histories.mean_value[bought_again])[0, 1]
    assert round(correlation, 4) == 0.1139
    assert histories.x.tolist() == rounded_weeks.x.tolist()
    np.testing.assert_allclose(histories.t_x, rounded_weeks.t_x, atol=0.0051)
    np.testing.assert_allclose(histories.T, rounded_weeks.T, atol=0.0051)
