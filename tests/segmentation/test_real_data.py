"""Real customers: what every method makes of them, how stable it is, and scikit-learn run by hand beside it.

Recorded in November 2026 (k-means / mixture / hierarchical; stability = mean ARI over resamples at the number named):

- Mall customers (200, income and spending score): 5 / 5 / 5 segments recommended, structure found by all;
  stability .98 / .82 / .98, silhouette .555 / .554 / .555.
- Marketing campaign (2,240; recency, orders, order value, income): 2 / 2 / 2, structure found; .99 / .91 / .85.
- Online Retail (4,338; recency, orders, order value, tenure): no structure for k-means and hierarchical, 3 the most
  stable cut (.97 / .80), silhouette .318; the mixture finds 7 (.71).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture

from analytics.customers import CustomerTable, summarise_customers
from analytics.segmentation import RfmSpec, SegmentationSpec, segment
from analytics.segmentation.evidence import weigh_numbers
from tests.conftest import read_online_retail

Shared = Callable[[str], Path]


def mall(shared: Shared) -> tuple[CustomerTable, tuple[str, ...]]:
    frame = pl.read_csv(shared("mall_customers") / "customers.csv").select(
        pl.col("CustomerID").cast(pl.String).alias("customer_id"),
        pl.col("Annual Income (k$)").alias("income"),
        pl.col("Spending Score (1-100)").alias("score"),
        pl.col("Age").alias("age"),
    )
    attributes = ("income", "score", "age")
    return CustomerTable(frame, date(2020, 1, 1), "USD", (), attributes, "mall"), ("income", "score")


def campaign(shared: Shared) -> tuple[CustomerTable, tuple[str, ...]]:
    raw = pl.read_csv(next(shared("marketing_campaign").glob("*.csv")), separator=";")
    spent = [name for name in raw.columns if name.startswith("Mnt")]
    orders = [name for name in raw.columns if name.startswith("Num") and name.endswith("Purchases")]
    frame = raw.select(
        pl.col("ID").cast(pl.String).alias("customer_id"),
        pl.col("Recency").alias("recency_days"),
        pl.sum_horizontal(orders).alias("n_orders"),
        pl.sum_horizontal(spent).cast(pl.Float64).alias("revenue"),
        pl.col("Income").cast(pl.Float64, strict=False).alias("income"),
        pl.col("Education").alias("education"),
        pl.col("Marital_Status").alias("marital_status"),
    ).with_columns(mean_order_value=pl.col("revenue") / pl.col("n_orders").clip(1))
    measures = ("recency_days", "n_orders", "revenue", "mean_order_value")
    held = CustomerTable(frame, date(2014, 12, 31), "EUR", measures, ("income", "education", "marital_status"), "mc")
    return held, ("recency_days", "n_orders", "mean_order_value", "income")


def retail(shared: Shared) -> tuple[CustomerTable, tuple[str, ...]]:
    dataset = read_online_retail(shared("online_retail"))
    return summarise_customers(dataset), ("recency_days", "n_orders", "mean_order_value", "tenure_days")


WORLDS = {
    "mall": (mall, 5, [81, 39, 35, 23, 22], 0.5547),
    "campaign": (campaign, 2, [1061, 1175], 0.414),
    "retail": (retail, 3, [1365, 1446, 1527], 0.318),
}


def by_hand(held: CustomerTable, features: tuple[str, ...]) -> tuple[pl.Series, np.ndarray]:
    """Ids, and logs of what is skewed, capped three interquartile ranges out, of mean 0 and deviation 1."""
    frame = held.frame.filter(pl.col("n_orders") > 0) if "n_orders" in held.frame.columns else held.frame
    columns = []
    for name in features:
        values = frame[name].cast(pl.Float64)
        values = values.fill_null(values.median()).to_numpy().copy()
        if ((values - values.mean()) ** 3).mean() / values.std() ** 3 > 1:
            values = np.log1p(np.maximum(values, 0) / np.quantile(values[values > 0], 0.05))
        low, high = np.quantile(values, [0.25, 0.75])
        values = np.clip(values, low - 3 * (high - low), high + 3 * (high - low)) if low < high else values
        columns.append((values - values.mean()) / values.std())
    return frame["customer_id"], np.column_stack(columns)


@pytest.mark.parametrize("world", WORLDS)
def test_every_method_agrees_with_scikit_learn_run_by_hand(world: str, shared_data: Shared) -> None:
    make, k, sizes, silhouette = WORLDS[world]
    held, features = make(shared_data)
    ids, points = by_hand(held, features)
    result = segment(held, SegmentationSpec(features=features, n_segments=k))
    found = ids.to_frame().join(result.members, on="customer_id", how="left", maintain_order="left")["label"]
    theirs = KMeans(k, n_init=10, random_state=1).fit_predict(points)
    assert adjusted_rand_score(theirs, found) >= 0.97
    assert silhouette_score(points, found) == pytest.approx(silhouette_score(points, theirs), abs=0.003)
    assert silhouette_score(points, found, sample_size=None) == pytest.approx(silhouette, abs=0.02)
    held_by = sorted(result.sizes["n_customers"].to_list())
    assert np.abs(np.array(held_by) - sorted(sizes)).max() <= 0.02 * len(ids)

    soft = segment(held, SegmentationSpec(method="mixture", features=features, n_segments=k)).members["label"]
    model = GaussianMixture(k, n_init=8, random_state=1, reg_covar=1e-3).fit(points)
    assert adjusted_rand_score(model.predict(points), soft) >= 0.6, "of all optima the best few are alike"

    tree = segment(held, SegmentationSpec(method="hierarchical", features=features, n_segments=k))
    ward = AgglomerativeClustering(k, linkage="ward").fit_predict(points)
    centres = np.stack([points[ward == i].mean(axis=0) for i in range(k)])
    nearest = ((points[:, None] - centres) ** 2).sum(-1).argmin(1)
    if tree.n_fitted == len(ids):
        assert adjusted_rand_score(nearest, tree.members["label"]) >= 0.97
    else:
        assert adjusted_rand_score(nearest, tree.members["label"]) >= 0.4, "the tree of a sample is another tree"


@pytest.mark.parametrize("world", ["mall", "campaign"])
def test_the_recommended_number_and_its_stability(world: str, shared_data: Shared) -> None:
    make, k, _, _ = WORLDS[world]
    held, features = make(shared_data)
    evidence = weigh_numbers(held, SegmentationSpec(features=features))
    assert (evidence.structure, evidence.recommended) == ("found", k)
    assert evidence.row(k)["stability"] > 0.9
    if world == "mall":
        assert segment(held, SegmentationSpec(features=features)).n_segments == k


def test_traits_of_two_families_cut_real_customers_and_the_weight_moves_the_cut(shared_data: Shared) -> None:
    held, features = campaign(shared_data)
    chosen = (*features, "education", "marital_status")

    def telling(weight: float) -> float:
        spec = SegmentationSpec(features=chosen, weights=(("demographics", weight),), n_segments=4)
        result = segment(held, spec)
        joined = held.frame.join(result.members.select("customer_id", "label"), on="customer_id")
        return adjusted_rand_score(joined["education"], joined["label"])

    light, heavy = telling(0.1), telling(10.0)
    assert light < 0.05
    assert heavy > light + 0.1


def test_advised_cuts_of_online_retail_are_days_between_orders(shared_data: Shared) -> None:
    held, _ = retail(shared_data)
    result = segment(held, SegmentationSpec(method="rfm", rfm=RfmSpec(cuts="advised")))
    days = result.rfm_cuts.filter(pl.col("field") == "recency_days")["high"].to_list()[:4]
    assert days == sorted(days)
    assert 45 <= days[0] <= 75
    assert 150 <= days[3] <= 300
    assert result.sizes["n_customers"].sum() == held.frame.height
    champions = result.sizes.filter(pl.col("name") == "champions").row(0, named=True)
    assert champions["revenue_share"] > 2 * champions["customer_share"]
