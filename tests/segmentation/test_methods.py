"""Every method under one spec: against scikit-learn, on a sample, for other tables, and on bad input."""

from __future__ import annotations

import pickle
from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.segmentation import SegmentationSpec, align_segments, assign_segments, fit_encoder, prepare, segment
from analytics.segmentation.hierarchical import WARD_ROWS
from analytics.segmentation.partition import Centres, n_profiles

FITTED = ("kmeans", "mixture", "hierarchical")
FEATURES = ("recency_days", "n_orders", "mean_order_value")


def table(frame: pl.DataFrame, attributes: tuple[str, ...] = (), key: str = "k") -> CustomerTable:
    measures = tuple(name for name in frame.columns if name not in {"customer_id", *attributes})
    return CustomerTable(frame, date(2026, 6, 30), "TWD", measures, attributes, key)


def blobs(n: int = 600, seed: int = 0) -> tuple[CustomerTable, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    centres = np.array([[3.0, 3.5, 4.5], [4.5, 1.5, 4.0], [2.5, 0.7, 5.5], [5.8, 2.5, 3.5]])
    logs = centres[kind] + rng.normal(0, 0.22, (n, 3))
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(n)],
            "recency_days": np.round(np.exp(logs[:, 0])).astype(int),
            "n_orders": np.maximum(1, np.round(np.exp(logs[:, 1]))).astype(int),
            "mean_order_value": np.round(np.exp(logs[:, 2]), 2),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    return table(frame), kind


def spec(method: str, **choices) -> SegmentationSpec:
    return SegmentationSpec(**{"method": method, "features": FEATURES, "n_segments": 4, **choices})


# ---- oracles


def test_ward_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0, 1, (400, 3))
    frame = pl.DataFrame({"customer_id": [f"c{i:04d}" for i in range(400)], "x": values[:, 0], "y": values[:, 1]})
    held = table(frame)
    points = fit_encoder(held, ("x", "y")).encode(frame).points
    by_hand = AgglomerativeClustering(5, linkage="ward").fit_predict(points)
    centres = np.stack([points[by_hand == i].mean(axis=0) for i in range(5)])
    nearest = ((points[:, None] - centres) ** 2).sum(-1).argmin(1)
    found = segment(held, SegmentationSpec(method="hierarchical", features=("x", "y"), n_segments=5)).members["label"]
    assert adjusted_rand_score(nearest, found) == pytest.approx(1.0)
    assert adjusted_rand_score(by_hand, found) > 0.6, "a cloud: some lie nearer to another centre"


@pytest.mark.parametrize("method", FITTED)
def test_four_blobs_are_found_by_every_method(method) -> None:
    held, kind = blobs()
    result = segment(held, spec(method))
    assert adjusted_rand_score(kind, result.members["label"]) >= 0.95
    assert result.members["margin"].is_between(0, 1).all()
    assert result.n_segments == 4
    again = segment(held, spec(method))
    assert again.members.equals(result.members)
    shuffled = table(held.frame.sample(fraction=1, shuffle=True, seed=1))
    mixed = segment(shuffled, spec(method)).members.select("customer_id", label="label")
    assert mixed.join(result.members, on=["customer_id", "label"]).height == held.frame.height


def test_a_large_tree_is_grown_on_a_sample_and_said() -> None:
    held, kind = blobs(6000)
    result = segment(held, spec("hierarchical"))
    assert result.n_fitted == WARD_ROWS
    said = next(caveat for caveat in result.caveats if caveat.code == "tree_on_sample")
    assert dict(said.params) == {"n": WARD_ROWS, "rest": 6000 - WARD_ROWS}
    assert adjusted_rand_score(kind, result.members["label"]) >= 0.95


def test_margins_are_zero_halfway_and_nearest_is_exact() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (5, 3))
    points = np.vstack([rng.normal(0, 2, (40_000, 3)), (centres[0] + centres[1]) / 2, centres[3]])
    held = fit_encoder(table(pl.DataFrame({"customer_id": ["a", "b", "c"], "x": [1.0, 2.0, 4.0]})), ("x",))
    encoded = held.encode(pl.DataFrame({"x": [1.0]}))
    encoded = type(encoded)(points, points, (), ("x", "y", "z"))
    index, margin = Centres(centres).assign(encoded)
    apart = np.sqrt(((points[:, None] - centres) ** 2).sum(-1))
    assert (index == apart.argmin(1)).mean() > 0.9999
    apart.sort(axis=1)
    assert margin == pytest.approx(1 - apart[:, 0] / apart[:, 1], abs=1e-4)
    assert margin[-1] == 1
    halfway = np.sort(((points[-2] - centres) ** 2).sum(-1))
    assert margin[-2] == pytest.approx(1 - np.sqrt(halfway[0] / halfway[1]), abs=1e-4)
    assert n_profiles(np.repeat(points[:3], 5000, axis=0), 8) == 3
    assert n_profiles(points, 8) == 8


# ---- one definition, many tables


@pytest.mark.parametrize("method", [*FITTED, "rfm"])
def test_a_definition_places_its_own_customers_again_and_those_of_another_table(method) -> None:
    held, kind = blobs(seed=1)
    result = pickle.loads(pickle.dumps(segment(held, spec(method))))
    same = assign_segments(result, held)
    assert same.frame["label"].to_list() == result.members["label"].to_list()
    assert same.labels == result.labels.labels
    other, kinds = blobs(seed=2)
    placed = assign_segments(result, table(other.frame, key="other"))
    if method != "rfm":
        assert adjusted_rand_score(kinds, placed.frame["label"]) >= 0.95
        one = {k: result.members["label"].to_numpy()[kind == k][0] for k in range(4)}
        assert np.mean([one[k] == label for k, label in zip(kinds, placed.frame["label"], strict=True)]) > 0.98
    part = table(other.frame.with_columns(n_orders=pl.when(pl.int_range(600) < 9).then(0).otherwise("n_orders")))
    assert assign_segments(result, part).frame.height == 591
    assert placed.key != same.key


def test_permuted_labels_are_matched_back_with_their_definition() -> None:
    held, _ = blobs()
    reference = segment(held, spec("kmeans"))
    cheap = table(held.frame.with_columns(revenue=1 / pl.col("revenue")), key="turned")  # turns the display order
    turned = segment(cheap, spec("kmeans"))
    assert turned.members["label"].to_list() != reference.members["label"].to_list()
    back = align_segments(turned, reference)
    assert back.members["label"].to_list() == reference.members["label"].to_list()
    assert assign_segments(back, held).frame["label"].to_list() == reference.members["label"].to_list()


def test_what_is_prepared_serves_every_number_and_another_choice_is_not_fooled_by_it() -> None:
    held, _ = blobs()
    ready = prepare(held, FEATURES)
    for n in (2, 5):
        with_it, without = (
            segment(held, spec("kmeans", n_segments=n), ready),
            segment(held, spec("kmeans", n_segments=n)),
        )
        assert with_it.members.equals(without.members)
        assert with_it.sizes.equals(without.sizes)
        assert with_it.key == without.key
    other = spec("kmeans", features=("recency_days", "revenue"))
    assert segment(held, other, ready).members.equals(segment(held, other).members)
    weighted = spec("kmeans", features=(*FEATURES, "revenue"), weights=(("behaviour", 2.0),))
    assert segment(held, weighted, ready).features.height == 4


def test_a_mixture_says_that_it_does_not_weigh() -> None:
    held, _ = blobs(200)
    frame = held.frame.with_columns(tier=pl.when(pl.int_range(200) % 3 == 0).then(pl.lit("a")).otherwise(pl.lit("b")))
    both = table(frame, ("tier",))
    chosen = spec("mixture", features=(*FEATURES, "tier"), weights=(("demographics", 2.0),))
    assert "weights_not_used" in {caveat.code for caveat in segment(both, chosen).caveats}


# ---- bad input


@pytest.mark.parametrize("method", FITTED)
class TestBadInput:
    def refused(self, frame: pl.DataFrame, chosen: SegmentationSpec) -> str:
        with pytest.raises(AnalysisError) as caught:
            segment(table(frame), chosen)
        return caught.value.code

    def test_all_customers_equal(self, method) -> None:
        frame = pl.DataFrame({"customer_id": [f"c{i}" for i in range(50)], "n_orders": [3] * 50, "revenue": [9.5] * 50})
        assert self.refused(frame, spec(method, features=("n_orders", "revenue"))) == "features_without_spread"

    def test_one_customer_and_none(self, method) -> None:
        frame = pl.DataFrame({"customer_id": ["a"], "n_orders": [3], "revenue": [9.5]})
        assert self.refused(frame, spec(method, features=("n_orders",))) == "too_few_to_segment"
        assert self.refused(frame.clear(), spec(method, features=("n_orders",))) == "too_few_to_segment"

    def test_three_customers_and_eight_segments(self, method) -> None:
        frame = pl.DataFrame({"customer_id": ["a", "b", "c"], "n_orders": [1, 4, 90]})
        assert self.refused(frame, spec(method, features=("n_orders",), n_segments=8)) == "too_few_to_segment"

    def test_a_feature_with_one_value_and_one_all_missing_are_left_out(self, method) -> None:
        held, kind = blobs(300)
        frame = held.frame.with_columns(
            tenure_days=pl.lit(7), city=pl.lit(None, pl.String), age=pl.lit(None, pl.Int64), tier=pl.lit("gold")
        )
        features = (*FEATURES, "tenure_days", "city", "age", "tier", "never_heard_of")
        result = segment(table(frame, ("city", "age", "tier")), spec(method, features=features))
        assert {(caveat.code, caveat.params.get("field")) for caveat in result.caveats} >= {
            ("feature_constant", "tenure_days"),
            ("feature_constant", "tier"),
            ("feature_missing", "city"),
            ("feature_missing", "age"),
            ("feature_missing", "never_heard_of"),
        }
        assert adjusted_rand_score(kind, result.members["label"]) >= 0.95

    def test_two_hundred_categories(self, method) -> None:
        held, kind = blobs(600)
        frame = held.frame.with_columns(city=pl.format("city {}", (pl.int_range(600) ** 2) % 200))
        result = segment(table(frame, ("city",)), spec(method, features=(*FEATURES, "city")))
        assert {caveat.code for caveat in result.caveats} & {"levels_pooled", "feature_too_varied"}
        assert adjusted_rand_score(kind, result.members["label"]) >= 0.9

    def test_huge_outliers_and_infinities(self, method) -> None:
        held, kind = blobs(600)
        wild = pl.int_range(600)
        frame = held.frame.with_columns(
            mean_order_value=pl.when(wild < 2)
            .then(1e300)
            .when(wild < 4)
            .then(float("inf"))
            .otherwise("mean_order_value"),
            revenue=pl.when(wild == 5).then(float("nan")).otherwise("revenue"),
        )
        result = segment(table(frame), spec(method))
        assert adjusted_rand_score(kind[6:], result.members["label"].to_list()[6:]) >= 0.95
        assert result.sizes["n_customers"].min() > 20

    def test_fewer_profiles_than_segments(self, method) -> None:
        frame = pl.DataFrame({"customer_id": [f"c{i}" for i in range(90)], "n_orders": [1, 5, 40] * 30})
        result = segment(table(frame), spec(method, features=("n_orders",), n_segments=6))
        assert result.n_segments == (2 if method == "mixture" else 3), "a mixture may leave a component to nobody"
        reduced = next(caveat for caveat in result.caveats if caveat.code == "segments_reduced")
        assert dict(reduced.params) == {"asked": 6, "made": result.n_segments}
