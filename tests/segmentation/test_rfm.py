"""RFM cuts: a person's own, those advised by the customers' gaps, and what the result keeps of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.segmentation import RFM_RULES, RfmSpec, SegmentationSpec, assign_segments, segment


def customers(n: int = 800, seed: int = 0, key: str = "k") -> CustomerTable:
    rng = np.random.default_rng(seed)
    n_orders = rng.geometric(0.3, n)
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "recency_days": rng.integers(0, 400, n),
            "n_orders": n_orders,
            "revenue": np.round(np.exp(rng.normal(4, 1, n)) * n_orders, 2),
            "mean_gap_days": np.where(n_orders > 1, np.round(rng.gamma(4, 8, n), 1), np.nan),
        }
    ).with_columns(pl.col("mean_gap_days").fill_nan(None))
    return CustomerTable(frame, date(2026, 6, 30), "TWD", tuple(frame.columns[1:]), (), key)


def rfm(**choices) -> SegmentationSpec:
    return SegmentationSpec(method="rfm", rfm=RfmSpec(**choices))


def test_own_cuts_by_hand() -> None:
    frame = pl.DataFrame(
        {
            "customer_id": list("abcdef"),
            "recency_days": [30, 31, 90, 91, 200, 10],
            "n_orders": [1, 2, 4, 5, 9, 5],
            "revenue": [99.0, 100.0, 499.0, 500.0, 5000.0, 500.0],
        }
    )
    held = CustomerTable(frame, date(2026, 6, 30), "TWD", ("recency_days", "n_orders", "revenue"), (), "k")
    spec = rfm(cuts="fixed", n_scores=3, recency_cuts=(30, 90), frequency_cuts=(2, 5), monetary_cuts=(100, 500))
    result = segment(held, spec)
    # Up to 30 days is 3, up to 90 is 2; from 2 and 5 orders, from 100 and 500 in money: 2 and 3.
    assert result.rfm_scores.rows() == [
        ("a", 3, 1, 1),
        ("b", 2, 2, 2),
        ("c", 2, 2, 2),
        ("d", 1, 3, 3),
        ("e", 1, 3, 3),
        ("f", 3, 3, 3),
    ]
    names = dict(result.names)
    assert [names[label] for label in result.members["label"]] == [
        "new",  # 3, 1, 1 of three is 5, 1, 1 of five
        "loyal",
        "loyal",
        "at_risk",
        "at_risk",
        "champions",
    ]
    assert result.members["margin"][0] == 0.0, "30 days is a cut"
    assert result.rfm_cuts["source"].unique().to_list() == ["fixed"]
    assert result.rfm_cuts.filter(pl.col("field") == "n_orders").drop("field", "source").rows() == [
        (1, None, 2.0, 1),
        (2, 2.0, 5.0, 2),
        (3, 5.0, None, 3),
    ]


def test_advised_recency_cuts_are_the_customers_own_gaps() -> None:
    held = customers()
    result = segment(held, rfm(cuts="advised"))
    gaps = held.frame["mean_gap_days"].drop_nulls().to_numpy()
    cuts = result.rfm_cuts.filter(pl.col("field") == "recency_days")
    assert cuts["high"].to_list()[:4] == [round(q) for q in np.quantile(gaps, [0.5, 0.75, 0.9, 0.97])]
    assert dict(result.rfm_cuts.select("field", "source").iter_rows()) == {
        "recency_days": "advised",
        "n_orders": "advised",
        "revenue": "quantiles",
    }
    lost = held.frame.join(result.rfm_scores, on="customer_id").filter(pl.col("r") == 1)
    assert lost["recency_days"].min() > np.quantile(gaps, 0.95), "longer than nearly any customer's usual gap"
    frequency = result.rfm_cuts.filter(pl.col("field") == "n_orders")
    assert frequency["high"][0] == 2, "one-time buyers are by themselves"


def test_without_gaps_the_advice_falls_back_and_says_so() -> None:
    held = customers(60)
    once = held.frame.with_columns(n_orders=pl.lit(1), mean_gap_days=pl.lit(None, pl.Float64))
    once = once.with_columns(n_orders=pl.when(pl.int_range(60) < 5).then(2).otherwise(1))
    result = segment(CustomerTable(once, held.as_of, "TWD", held.measures, (), "k2"), rfm(cuts="advised"))
    assert ("rfm_gaps_few", 0) in {(caveat.code, caveat.params.get("n")) for caveat in result.caveats}
    assert set(result.rfm_cuts["source"]) == {"quantiles"}
    partly = segment(held, rfm(cuts="fixed", recency_cuts=(10, 20, 30, 40)))
    assert {c.params["field"] for c in partly.caveats if c.code == "rfm_cuts_by_quantiles"} == {"n_orders", "revenue"}


@pytest.mark.parametrize("n_scores", [3, 4, 5])
def test_scores_cells_and_cuts_tell_of_the_same_customers(n_scores) -> None:
    held = customers()
    result = segment(held, rfm(n_scores=n_scores))
    joined = held.frame.join(result.rfm_scores, on="customer_id").join(
        result.members.select("customer_id", "label"), on="customer_id"
    )
    assert set(joined["r"]) == set(range(1, n_scores + 1))
    by_hand = joined.group_by("r", "f", "m", "label").agg(
        pl.len().cast(pl.Int64).alias("n_customers"), pl.col("revenue").sum()
    )
    cells = result.rfm_cells
    together = by_hand.join(cells, on=["r", "f", "m", "label"], how="full", suffix="_cell")
    assert together.null_count().sum_horizontal().item() == 0
    assert together["n_customers"].to_list() == together["n_customers_cell"].to_list()
    assert together["revenue"].to_list() == pytest.approx(together["revenue_cell"].to_list())
    for row in result.rfm_cuts.iter_rows(named=True):
        value, score = pl.col(row["field"]), {"recency_days": "r", "n_orders": "f", "revenue": "m"}[row["field"]]
        low, high = row["low"] if row["low"] is not None else -1e18, row["high"] if row["high"] is not None else 1e18
        inside = (value > low) & (value <= high) if score == "r" else (value >= low) & (value < high)
        assert joined.filter(inside)[score].unique().to_list() == [row["score"]]
        assert joined.filter(inside).height == row["n_customers"]
    assert len(result.names) == len(RFM_RULES)


def test_the_same_cuts_serve_another_table_and_money_has_no_unit() -> None:
    held = customers()
    result = segment(held, rfm(cuts="advised"))
    same = assign_segments(result, held).frame
    assert same["label"].to_list() == result.members["label"].to_list()
    older = CustomerTable(
        held.frame.with_columns(pl.col("recency_days") + 1000), held.as_of, "TWD", held.measures, (), "k2"
    )
    names = dict(result.names)
    assert {names[label] for label in assign_segments(result, older).frame["label"]} <= {"at_risk", "lost"}
    dearer = CustomerTable(held.frame.with_columns(pl.col("revenue") * 100), held.as_of, "TWD", held.measures, (), "k3")
    assert segment(dearer, rfm(cuts="advised")).members["label"].equals(result.members["label"])


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"n_scores": 2}, "rfm_scores_range"),
        ({"n_scores": 6}, "rfm_scores_range"),
        ({"recency_cuts": (10, 20)}, "rfm_cuts_wrong"),
        ({"frequency_cuts": (1, 2, 2, 3)}, "rfm_cuts_wrong"),
        ({"monetary_cuts": (1, 2, 3, float("inf"))}, "rfm_cuts_wrong"),
    ],
)
def test_impossible_cuts_are_refused(choice, code) -> None:
    with pytest.raises(AnalysisError) as caught:
        RfmSpec(**choice)
    assert caught.value.code == code
