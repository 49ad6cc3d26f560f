"""Segments: by hand, against scikit-learn run by hand, under invariances, on real data, and on bad input."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date

import msgspec
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.segmentation import RFM_RULES, SegmentationSpec, compare, segment
from analytics.segmentation.encoding import fit_encoder, usable_features
from analytics.segmentation.profiles import median_places
from analytics.segmentation.resampling import adjusted_rand, contingency
from analytics.segmentation.rfm import scores

FEATURES = ("recency_days", "n_orders", "mean_order_value")


def table(frame: pl.DataFrame, attributes: tuple[str, ...] = (), key: str = "k") -> CustomerTable:
    kept = {"customer_id", *attributes}
    measures = tuple(name for name in frame.columns if name not in kept)
    return CustomerTable(frame, date(2026, 6, 30), "TWD", measures, attributes, key)


def blobs(n: int = 2000, seed: int = 0) -> tuple[CustomerTable, np.ndarray]:
    """Four well separated kinds of customer in log units, and which one each customer is."""
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


def normal(n: int = 1500, seed: int = 0) -> CustomerTable:
    values = np.random.default_rng(seed).normal(0, 1, (n, 4))
    columns = {f"trait_{i}": values[:, i] for i in range(4)}
    return table(pl.DataFrame({"customer_id": [f"c{i:05d}" for i in range(n)], **columns}))


def label_of(result) -> dict[str, str]:
    return dict(result.members.select("customer_id", "label").iter_rows())


# ---- by hand


def test_rfm_of_ten_customers_is_the_expected_table() -> None:
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(10)],
            "recency_days": [1, 2, 5, 6, 20, 21, 60, 61, 200, 201],
            "n_orders": [10, 1, 9, 2, 5, 3, 8, 1, 7, 1],
            "revenue": [1000.0, 10.0, 900.0, 40.0, 500.0, 90.0, 800.0, 30.0, 700.0, 20.0],
        }
    )
    result = segment(table(frame), SegmentationSpec(method="rfm"))
    # Recency fifths are the five pairs of rows; ties at one order share score 2 (mid-rank .15), so V is (F + M) / 2.
    names = dict(result.names)
    assert {customer: names[label] for customer, label in label_of(result).items()} == {
        "c0": "champions",  # R 5, F 5, M 5
        "c1": "new",  # R 5, F 1, M 1
        "c2": "champions",  # R 4, F 5, M 5
        "c3": "potential",  # R 4, F 2, M 2
        "c4": "loyal",  # R 3, F 3, M 3
        "c5": "loyal",  # R 3, F 3, M 3
        "c6": "at_risk",  # R 2, F 4, M 4
        "c7": "hibernating",  # R 2, F 1, M 2
        "c8": "at_risk",  # R 1, F 4, M 4
        "c9": "lost",  # R 1, F 1, M 1
    }
    assert result.sizes.select("name", "n_customers", "revenue", "recency_days", "n_orders").rows() == [
        ("champions", 2, 1900.0, 3.0, 9.5),
        ("loyal", 2, 590.0, 20.5, 4.0),
        ("potential", 1, 40.0, 6.0, 2.0),
        ("new", 1, 10.0, 2.0, 1.0),
        ("fading", 0, None, None, None),
        ("at_risk", 2, 1500.0, 130.0, 7.5),
        ("hibernating", 1, 30.0, 61.0, 1.0),
        ("lost", 1, 20.0, 201.0, 1.0),
    ]
    assert result.n_segments == 7
    assert result.rfm_scores.filter(pl.col("customer_id") == "c3").rows() == [("c3", 4, 2, 2)]
    assert result.rfm_cells.filter(pl.col("r") == 5).rows() == [
        (5, 1, 1, "4", 1, 10.0),
        (5, 5, 5, "1", 1, 1000.0),
    ]
    recency = result.rfm_cuts.filter(pl.col("field") == "recency_days").drop("field")
    assert recency.rows() == [
        (5, None, 2.0, 2, "quantiles"),
        (4, 2.0, 6.0, 2, "quantiles"),
        (3, 6.0, 21.0, 2, "quantiles"),
        (2, 21.0, 61.0, 2, "quantiles"),
        (1, 61.0, None, 2, "quantiles"),
    ]


def test_rfm_scores_keep_ties_together_and_split_fifths() -> None:
    values = np.arange(100.0)
    assert np.bincount(scores(values, values))[1:].tolist() == [20] * 5
    tied = np.array([1.0] * 60 + [2.0] * 20 + [3.0] * 20)
    assert scores(tied, tied).tolist() == [2] * 60 + [4] * 20 + [5] * 20
    assert scores(np.ones(7), np.ones(7)).tolist() == [3] * 7


def test_the_rfm_rules_put_every_pair_of_scores_in_one_segment() -> None:
    for recency in range(1, 6):
        for value in range(1, 6):
            assert any(recency in r and value in v for _, r, v in RFM_RULES), (recency, value)
    assert len(RFM_RULES) == 8


def test_two_obvious_groups_of_six_customers() -> None:
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "e", "f"],
            "n_orders": [1, 2, 1, 30, 31, 29],
            "revenue": [10.0, 20.0, 15.0, 900.0, 950.0, 880.0],
        }
    )
    result = segment(table(frame), SegmentationSpec(features=("n_orders", "revenue"), n_segments=2))
    assert label_of(result) == {"a": "2", "b": "2", "c": "2", "d": "1", "e": "1", "f": "1"}
    assert result.sizes.select("label", "n_customers", "customer_share", "revenue").rows() == [
        ("1", 3, 0.5, 2730.0),
        ("2", 3, 0.5, 45.0),
    ]
    assert result.profiles.filter(pl.col("field") == "n_orders").select("median", "median_all").rows() == [
        (30.0, 15.5),
        (1.0, 15.5),
    ]
    assert "few_to_segment" in {caveat.code for caveat in result.caveats}


def test_comparison_by_hand() -> None:
    customers, _ = blobs(400)
    a = segment(customers, SegmentationSpec(features=FEATURES, n_segments=2))
    members = pl.DataFrame(
        {"customer_id": list("abcdef"), "label": ["1", "1", "1", "2", "2", "2"], "revenue": [1.0, 2, 3, 4, 5, 6]}
    )
    a = replace(a, members=members, n_customers=6)
    other = pl.DataFrame(
        {"customer_id": list("abcdeg"), "label": ["2", "2", "1", "1", "1", "1"], "revenue": [1.0, 2, 3, 4, 5, 7]}
    )
    result = compare(a, replace(a, members=other))
    # B's "2" is A's "1" under another number: only c has moved; f and g are in one scenario only.
    assert result.flows.rows() == [
        ("1", "1", 1, 3.0, False),
        ("1", "2", 2, 3.0, True),
        ("2", "1", 2, 9.0, True),
    ]
    assert result.kept.rows() == [("1", "2", 3, 2, 2 / 3), ("2", "1", 2, 2, 1.0)]
    assert (result.n_common, result.n_only_a, result.n_only_b, result.n_moved) == (5, 1, 1, 1)
    assert result.moved_share == pytest.approx(0.2)
    assert result.moved_revenue == 3.0


def test_a_scenario_compared_with_itself_moves_nobody() -> None:
    customers, _ = blobs(600)
    for spec in (SegmentationSpec(features=FEATURES, n_segments=4), SegmentationSpec(method="rfm")):
        result = segment(customers, spec)
        same = compare(result, result)
        assert same.n_moved == 0
        assert same.moved_share == 0.0
        assert same.n_common == 600
        assert same.flows["stays"].all()


def test_fewer_segments_move_those_that_lose_theirs() -> None:
    customers, _ = blobs(800)
    four = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    three = segment(customers, SegmentationSpec(features=FEATURES, n_segments=3))
    result = compare(four, three)
    assert result.kept["label_b"].null_count() == 1
    lost = result.kept.filter(pl.col("label_b").is_null())["n_customers"].item()
    assert result.n_moved >= lost
    assert result.flows["n_customers"].sum() == 800


# ---- oracles


def test_adjusted_rand_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    for k in (2, 5):
        a, b = rng.integers(0, k, 300), rng.integers(0, 4, 300)
        assert adjusted_rand(contingency(a, b, k, 4)) == pytest.approx(adjusted_rand_score(a, b))
    assert adjusted_rand(contingency(a, a, 5, 5)) == 1.0


def test_k_means_equals_scikit_learn_run_by_hand() -> None:
    customers, _ = blobs(1000)
    result = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    frame = customers.frame
    columns = []
    for name in FEATURES:
        raw = frame[name].to_numpy().astype(float)
        columns.append(np.log1p(raw / np.quantile(raw, 0.05)))
    assert result.features["transform"].to_list() == ["log"] * 3
    assert result.features["n_capped"].sum() == 0
    points = np.column_stack(columns)
    points = (points - points.mean(0)) / points.std(0)
    by_hand = KMeans(4, n_init=10, random_state=7).fit(points)
    found = [label_of(result)[customer] for customer in frame["customer_id"]]
    assert adjusted_rand_score(by_hand.labels_, found) == pytest.approx(1.0)
    distances = np.sort(by_hand.transform(points), axis=1)
    margin = result.members.sort("customer_id")["margin"].to_numpy()
    assert margin == pytest.approx(1 - distances[:, 0] / distances[:, 1], abs=1e-6)


def test_planted_blobs_are_found_in_the_number_that_is_recommended() -> None:
    for seed in range(2):
        customers, kind = blobs(600, seed)
        result = segment(customers, SegmentationSpec(features=FEATURES, random_state=seed))
        assert result.n_segments == 4
        found = [label_of(result)[customer] for customer in customers.frame["customer_id"]]
        assert adjusted_rand_score(kind, found) >= 0.95


def test_a_large_table_is_fitted_on_a_sample_and_wholly_assigned() -> None:
    customers, kind = blobs(40_000)
    result = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    assert result.n_fitted == 20_000
    assert result.members.height == 40_000
    found = customers.frame.join(result.members, on="customer_id", maintain_order="left")["label"].to_list()
    assert adjusted_rand_score(kind, found) >= 0.95
    assert result.map_cells.height <= 48 * 26
    assert result.map_cells["n"].sum() == 40_000


def test_the_median_interval_covers() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(1000):
        low, high = np.sort(rng.exponential(1, 60))[list(median_places(60))]
        hits += low <= np.log(2) <= high
    assert 0.93 <= hits / 1000 <= 0.985


def test_sizes_and_profiles_agree_with_plain_polars() -> None:
    customers, _ = blobs(900)
    result = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    joined = customers.frame.join(result.members.select("customer_id", "label"), on="customer_id")
    for row in result.sizes.iter_rows(named=True):
        group = joined.filter(pl.col("label") == row["label"])
        assert row["n_customers"] == group.height
        assert row["revenue"] == pytest.approx(group["revenue"].sum())
        assert row["mean_order_value"] == pytest.approx(group["revenue"].sum() / group["n_orders"].sum())
        assert row["recency_days"] == group["recency_days"].median()
    assert result.sizes["customer_share"].sum() == pytest.approx(1)
    assert result.sizes["revenue_share"].sum() == pytest.approx(1)
    per_customer = result.sizes["revenue"] / result.sizes["n_customers"]
    assert per_customer.is_sorted(descending=True)
    for row in result.profiles.iter_rows(named=True):
        values = joined.filter(pl.col("label") == row["label"])[row["field"]]
        assert row["median"] == pytest.approx(values.median())
        assert row["lo"] <= row["median"] <= row["hi"]
        everyone = joined[row["field"]]
        spread = (everyone.quantile(0.75, "linear") - everyone.quantile(0.25, "linear")) / 1.349
        assert row["z"] == pytest.approx((row["median"] - everyone.median()) / spread)


# ---- invariance


@pytest.mark.parametrize("method", ["kmeans", "rfm"])
def test_row_order_ids_and_currency_change_nothing(method) -> None:
    customers, _ = blobs(400)
    spec = SegmentationSpec(method=method, features=FEATURES, n_segments=4)
    result = segment(customers, spec)
    shuffled = segment(table(customers.frame.sample(fraction=1, shuffle=True, seed=5)), spec)
    assert label_of(shuffled) == label_of(result)
    assert_frame_equal(shuffled.sizes, result.sizes, rel_tol=1e-12)
    assert shuffled.map_cells.equals(result.map_cells)

    renamed = customers.frame.with_columns(pl.col("customer_id").str.reverse() + "x")
    relabelled = segment(table(renamed), spec)
    assert {customer[:-1][::-1]: label for customer, label in label_of(relabelled).items()} == label_of(result)

    money = customers.frame.with_columns(pl.col("revenue", "mean_order_value") * 100)
    dearer = segment(table(money), spec)
    assert label_of(dearer) == label_of(result)
    assert dearer.names == result.names


def test_the_order_of_features_changes_nothing_and_a_copy_is_warned_of() -> None:
    customers, _ = blobs(500)
    result = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    turned = segment(customers, SegmentationSpec(features=FEATURES[::-1], n_segments=4))
    assert label_of(turned) == label_of(result)
    copied = table(customers.frame.with_columns(twin=pl.col("n_orders")))
    warned = segment(copied, SegmentationSpec(features=(*FEATURES, "twin"), n_segments=4))
    codes = {(c.code, c.params.get("field_a"), c.params.get("field_b")) for c in warned.caveats}
    assert ("features_correlated", "n_orders", "twin") in codes


def test_specs_round_trip_and_keys_tell_choices_apart() -> None:
    spec = SegmentationSpec(method="rfm", features=("n_orders",), n_segments=4, random_state=3)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), SegmentationSpec, strict=True) == spec
    customers, _ = blobs(200)
    a = segment(customers, SegmentationSpec(features=FEATURES, n_segments=3))
    b = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    assert a.key != b.key
    assert compare(a, b).key != compare(b, a).key
    again = pickle.loads(pickle.dumps(a))
    assert again.key == a.key
    assert again.labels.labels == ("1", "2", "3")
    assert again.labels.origin == "segment"


# ---- transformations


def test_features_become_logs_where_skewed_and_caps_where_far_out() -> None:
    rng = np.random.default_rng(2)
    frame = pl.DataFrame(
        {"skewed": np.exp(rng.normal(0, 1, 500)), "even": rng.normal(5, 1, 500), "flag": rng.random(500) < 0.5}
    ).with_columns(even=pl.when(pl.int_range(500) < 2).then(1e9).otherwise(pl.col("even")))
    held = table(frame.with_columns(customer_id=pl.int_range(500).cast(pl.String)))
    encoder = fit_encoder(held, ("skewed", "even", "flag"))
    assert encoder.features.select("feature", "transform", "n_capped").rows() == [
        ("skewed", "log", 0),
        ("even", "log", 2),
        ("flag", "none", 0),
    ]
    points = encoder.encode(held.frame).points
    assert np.abs(points).max() < 12
    assert points.mean(0) == pytest.approx(0, abs=1e-9)
    assert points.std(0)[:2] == pytest.approx(1)
    share = frame["flag"].mean()
    assert points.var(0)[2] == pytest.approx(2 * share * (1 - share))
    assert not encoder.caveats


def test_flags_and_attributes_may_build_segments_ids_and_dates_may_not() -> None:
    customers, _ = blobs(300)
    frame = customers.frame.with_columns(
        marketing_consent=pl.int_range(300) % 2 == 0,
        store_id=pl.int_range(300),
        city=pl.lit("Taipei"),
    )
    held = replace(table(frame), measures=customers.measures, attributes=("marketing_consent", "store_id", "city"))
    assert usable_features(held) == (*customers.measures, "marketing_consent", "city")
    result = segment(held, SegmentationSpec(features=("n_orders", "marketing_consent"), n_segments=4))
    assert result.n_segments == 4
    for features, code in (
        (("city",), "features_without_spread"),
        (("nothing_like_it",), "feature_unknown"),
    ):
        with pytest.raises(AnalysisError) as caught:
            segment(held, SegmentationSpec(features=features))
        assert caught.value.code == code


# ---- bad input


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"features": ("customer_id",)}, "feature_is_id"),
        ({"features": ("store_ID",)}, "feature_is_id"),
        ({"features": ()}, "features_empty"),
        ({"n_segments": 1}, "n_segments_range"),
        ({"n_segments": 9}, "n_segments_range"),
    ],
)
def test_impossible_choices_are_refused(choice, code) -> None:
    with pytest.raises(AnalysisError) as caught:
        SegmentationSpec(**choice)
    assert caught.value.code == code


@pytest.mark.parametrize("method", ["kmeans", "rfm"])
def test_equal_customers_and_too_few_are_refused(method) -> None:
    one = {"customer_id": ["a"], "recency_days": [3], "n_orders": [2], "mean_order_value": [5.0], "revenue": [10.0]}
    spec = SegmentationSpec(method=method, features=FEATURES)
    with pytest.raises(AnalysisError) as caught:
        segment(table(pl.DataFrame(one)), spec)
    assert caught.value.code == "too_few_to_segment"
    equal = pl.DataFrame({name: values * 40 for name, values in one.items()}).with_columns(
        customer_id=pl.int_range(40).cast(pl.String)
    )
    with pytest.raises(AnalysisError) as caught:
        segment(table(equal), spec)
    assert caught.value.code == "features_without_spread"


def test_more_segments_than_customers_or_profiles() -> None:
    frame = pl.DataFrame({"customer_id": ["a", "b", "c"], "n_orders": [1, 2, 9]})
    with pytest.raises(AnalysisError) as caught:
        segment(table(frame), SegmentationSpec(features=("n_orders",), n_segments=8))
    assert caught.value.code == "too_few_to_segment"
    assert dict(caught.value.params) == {"n": 3, "needed": 8}
    three = segment(table(frame), SegmentationSpec(features=("n_orders",)))
    assert three.n_segments == 2
    twos = pl.DataFrame({"customer_id": [f"c{i}" for i in range(80)], "n_orders": [1, 5] * 40})
    result = segment(table(twos), SegmentationSpec(features=("n_orders",), n_segments=6))
    assert result.n_segments == 2
    reduced = next(caveat for caveat in result.caveats if caveat.code == "segments_reduced")
    assert dict(reduced.params) == {"asked": 6, "made": 2}


def test_features_without_values_or_spread_are_left_out_and_said() -> None:
    customers, _ = blobs(300)
    frame = customers.frame.with_columns(
        tenure_days=pl.lit(None, pl.Int64),
        n_items=pl.lit(4),
        mean_gap_days=pl.when(pl.int_range(300) < 50).then(None).otherwise(pl.col("recency_days") / 2.0),
    )
    spec = SegmentationSpec(features=(*FEATURES, "tenure_days", "n_items", "mean_gap_days", "n_products"), n_segments=4)
    result = segment(table(frame), spec)
    assert sorted((c.code, c.params.get("field")) for c in result.caveats if "field" in c.params) == [
        ("feature_constant", "n_items"),
        ("feature_missing", "n_products"),
        ("feature_missing", "tenure_days"),
        ("values_filled", "mean_gap_days"),
    ]
    assert set(result.features["feature"]) == {*FEATURES, "mean_gap_days"}
    with pytest.raises(AnalysisError) as caught:
        segment(table(frame), SegmentationSpec(features=("tenure_days", "n_items")))
    assert caught.value.code == "features_without_spread"


def test_huge_outliers_do_not_take_a_segment() -> None:
    customers, kind = blobs(600)
    wild = customers.frame.with_columns(
        mean_order_value=pl.when(pl.int_range(600) < 3).then(1e12).otherwise(pl.col("mean_order_value"))
    )
    result = segment(table(wild), SegmentationSpec(features=FEATURES, n_segments=4))
    found = [label_of(result)[customer] for customer in wild["customer_id"]]
    assert adjusted_rand_score(kind, found) >= 0.95


def test_customers_without_orders_are_left_out_and_counted() -> None:
    customers, _ = blobs(300)
    frame = customers.frame.with_columns(n_orders=pl.when(pl.int_range(300) < 20).then(0).otherwise(pl.col("n_orders")))
    result = segment(replace(table(frame), n_without_orders=5), SegmentationSpec(features=FEATURES, n_segments=4))
    assert (result.n_customers, result.n_left_out) == (280, 25)
    assert result.members.height == 280
    assert ("customers_without_orders", 25) in {(c.code, c.params.get("n")) for c in result.caveats}


def test_rfm_says_what_it_lacks() -> None:
    frame = pl.DataFrame({"customer_id": [f"c{i}" for i in range(9)], "n_orders": range(1, 10)})
    with pytest.raises(AnalysisError) as caught:
        segment(table(frame), SegmentationSpec(method="rfm"))
    assert caught.value.code == "rfm_fields_missing"
    assert caught.value.params["fields"] == "recency_days, revenue"


def test_names_come_from_what_stands_out_and_are_given_once() -> None:
    customers, _ = blobs(2000)
    result = segment(customers, SegmentationSpec(features=FEATURES, n_segments=4))
    by_name = {row["name"]: row for row in result.sizes.iter_rows(named=True)}
    assert by_name["champions"]["n_orders"] == result.sizes["n_orders"].max()
    assert by_name["big_baskets"]["mean_order_value"] == result.sizes["mean_order_value"].max()
    assert by_name["at_risk"]["recency_days"] == result.sizes["recency_days"].max()
    named = [code for _, code in result.names if code != "group"]
    assert len(named) == len(set(named))
