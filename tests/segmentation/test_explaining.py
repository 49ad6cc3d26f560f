"""Explaining: planted differences are told, rules are found and honestly measured, examples lie where they should."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.contrasts import PRIVACY_LIMIT
from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.segmentation import SegmentationSpec, segment
from analytics.segmentation.explaining import ExplainSpec, Explanation, explain_segments, round_cut
from analytics.segmentation.result import SegmentationResult

FEATURES = ("recency_days", "n_orders", "mean_order_value")
SPEC = SegmentationSpec(features=FEATURES, n_segments=3)


def table(n: int = 900, seed: int = 0, spread: float = 0.25) -> CustomerTable:
    """Three kinds: frequent, lapsed with big baskets (all in Tainan), occasional; age tells nothing."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    logs = np.array([[3.0, 3.0, 6.5], [5.8, 1.0, 8.0], [4.2, 0.5, 6.0]])[kind] + rng.normal(0, spread, (n, 3))
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in rng.permutation(n)],
            "recency_days": np.round(np.exp(logs[:, 0])).astype(int),
            "n_orders": np.maximum(1, np.round(np.exp(logs[:, 1]))).astype(int),
            "mean_order_value": np.round(np.exp(logs[:, 2]), 2),
            "age": rng.integers(20, 70, n),
            "city": np.where(kind == 1, "Tainan", rng.choice(["Taipei", "Hsinchu"], n)),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    return CustomerTable(
        frame, date(2026, 6, 30), "TWD", (*FEATURES, "revenue"), ("age", "city"), f"t{seed}{n}{spread}"
    )


@pytest.fixture(scope="module")
def customers() -> CustomerTable:
    return table()


@pytest.fixture(scope="module")
def result(customers: CustomerTable) -> SegmentationResult:
    return segment(customers, SPEC)


@pytest.fixture(scope="module")
def explained(customers: CustomerTable, result: SegmentationResult) -> Explanation:
    return explain_segments(customers, result, ExplainSpec())


def of(result: SegmentationResult, customers: CustomerTable, city: str) -> str:
    """The label of the segment that holds most people of a city."""
    joined = customers.frame.join(result.members.select("customer_id", "label"), on="customer_id")
    return str(joined.filter(pl.col("city") == city)["label"].mode()[0])


def test_every_trait_of_every_segment_is_compared_with_everybody_else(customers, result, explained) -> None:
    far = of(result, customers, "Tainan")
    rows = explained.contrasts.filter(pl.col("label") == far)
    verdicts = {
        (field, level): verdict for field, level, verdict in rows.select("field", "level", "verdict").iter_rows()
    }
    assert verdicts["age", None] != "different"
    assert verdicts["recency_days", None] == "different"
    inside = customers.frame.join(result.members.select("customer_id", "label"), on="customer_id")
    told = rows.filter(pl.col("field") == "recency_days").row(0, named=True)
    assert told["value_group"] == inside.filter(pl.col("label") == far)["recency_days"].median()
    assert told["value_rest"] == inside.filter(pl.col("label") != far)["recency_days"].median()
    assert told["lo"] < told["effect"] < told["hi"]
    assert told["built_in"] is True


def test_rules_are_short_and_their_fidelity_can_be_counted_again(customers, result, explained) -> None:
    assert explained.rules["n_conditions"].max() <= 3
    assert set(explained.rules["verdict"]) == {"good"}
    assert explained.accuracy > 0.95
    assert explained.baseline == pytest.approx(1 / 3, abs=0.02)
    assert explained.n_fitted + explained.n_held_out == 900
    inside = customers.frame.join(result.members.select("customer_id", "label"), on="customer_id")
    for row in explained.rules.iter_rows(named=True):
        meets = pl.lit(True)
        for c in explained.conditions.filter(pl.col("label") == row["label"]).iter_rows(named=True):
            if c["has"] is not None:
                has = pl.col(c["field"]) == c["level"]
                meets &= has if c["has"] else ~has
            meets &= pl.col(c["field"]) > c["lo"] if c["lo"] is not None else pl.lit(True)
            meets &= pl.col(c["field"]) <= c["hi"] if c["hi"] is not None else pl.lit(True)
        met = inside.filter(meets)
        here = inside.filter(pl.col("label") == row["label"]).height
        # Measured on a third of the customers; counted here on all of them.
        assert row["precision"] == pytest.approx((met["label"] == row["label"]).mean(), abs=0.05)
        assert row["recall"] == pytest.approx((met["label"] == row["label"]).sum() / here, abs=0.05)
        assert row["precision_lo"] <= row["precision"] <= row["precision_hi"]


def test_a_rule_speaks_of_a_place_where_that_tells_most(customers, result, explained) -> None:
    conditions = explained.conditions.filter(pl.col("label") == of(result, customers, "Tainan"))
    assert conditions.height <= 2
    assert {"city", "mean_order_value", "recency_days", "revenue"} >= set(conditions["field"])


def test_labels_without_structure_get_a_poor_rule_that_says_so() -> None:
    customers = table(600, 3)
    rng = np.random.default_rng(0)
    base = segment(customers, SPEC)
    shuffled = base.members.with_columns(pl.Series("label", rng.permutation(base.members["label"].to_numpy())))
    explained = explain_segments(customers, replace(base, members=shuffled, key="shuffled"), ExplainSpec())
    assert set(explained.rules["verdict"]) <= {"poor", "none"}
    assert [caveat.code for caveat in explained.caveats] == ["rules_poor"]
    assert abs(explained.accuracy - explained.baseline) < 0.1
    assert not explained.contrasts["shown"].any()


def test_typical_customers_lie_at_the_centre_and_border_customers_between_two(customers) -> None:
    customers = table(900, 5, spread=0.9)
    result = segment(customers, SPEC)
    explained = explain_segments(customers, result, ExplainSpec(n_examples=2))
    assert explained.typical.group_by("label").len()["len"].to_list() == [2, 2, 2]
    joined = explained.typical.join(result.members.select("customer_id", own="label"), on="customer_id")
    assert (joined["label"] == joined["own"]).all()
    logs = customers.frame.select("customer_id", *(pl.col(name).log() for name in FEATURES))
    spots = logs.join(result.members.select("customer_id", "label"), on="customer_id")
    scaled = spots.with_columns((pl.col(n) - pl.col(n).mean()) / pl.col(n).std() for n in FEATURES)
    centres = scaled.group_by("label").agg(pl.col(FEATURES).mean())
    away = scaled.join(centres, on="label", suffix="_c").select(
        "customer_id", "label", d=sum((pl.col(n) - pl.col(f"{n}_c")) ** 2 for n in FEATURES).sqrt()
    )
    typical = away.filter(pl.col("customer_id").is_in(explained.typical["customer_id"].to_list()))
    assert typical["d"].max() < away["d"].quantile(0.1)
    assert (explained.border["margin"] < 0.1).all()
    assert (explained.border["label"] != explained.border["near"]).all()
    assert explained.borders["n_customers"].drop_nulls().min() >= PRIVACY_LIMIT


def test_order_of_rows_ids_and_unit_of_money_change_nothing(customers, result, explained) -> None:
    rng = np.random.default_rng(9)
    renamed = {name: f"z{i:05d}" for i, name in enumerate(rng.permutation(customers.frame["customer_id"].to_list()))}
    frame = customers.frame.sample(fraction=1, shuffle=True, seed=1).with_columns(
        pl.col("customer_id").replace_strict(renamed),
        pl.col("mean_order_value") * 100,
        pl.col("revenue") * 100,
    )
    other = replace(customers, frame=frame, key="other")
    again = explain_segments(other, segment(other, SPEC), ExplainSpec())
    kept = [name for name in explained.contrasts.columns if not name.startswith("value")]
    assert again.contrasts.select("label", "field", "level", "verdict").equals(
        explained.contrasts.select("label", "field", "level", "verdict")
    )
    for name in kept:
        if explained.contrasts[name].dtype == pl.Float64:
            assert again.contrasts[name].to_numpy() == pytest.approx(explained.contrasts[name].to_numpy(), abs=1e-9)
    assert again.rules.select("label", "n_conditions", "verdict").equals(
        explained.rules.select("label", "n_conditions", "verdict")
    )
    assert again.conditions["field"].equals(explained.conditions["field"])


@pytest.mark.parametrize(
    ("cut", "values", "whole", "expected"),
    [
        (3.5, [1, 2, 3, 4, 5], True, 3.0),
        (4273.2, [*range(1000, 4000, 10), *range(4600, 9000, 10)], True, 4000.0),
        (0.3337, [i / 1000 for i in range(1000)], False, 0.33),
        (0.0, [0.0, 1.0], False, 0.0),
    ],
)
def test_cuts_are_rounded_as_far_as_hardly_anybody_changes_sides(cut, values, whole, expected) -> None:
    rounded = round_cut(cut, np.array(values, dtype=np.float64), whole)
    assert rounded == expected
    assert np.mean((np.array(values) > cut) != (np.array(values) > rounded)) <= 0.01


def test_a_small_segment_is_told_of_by_no_figure() -> None:
    customers = table(300)
    base = segment(customers, SPEC)
    few = set(base.members.filter(pl.col("label") == "1")["customer_id"].head(6))
    members = base.members.with_columns(
        pl.when(pl.col("customer_id").is_in(list(few))).then(pl.lit("1")).otherwise(pl.lit("2")).alias("label")
    )
    explained = explain_segments(customers, replace(base, members=members, key="few"), ExplainSpec())
    assert "1" not in explained.contrasts["label"].to_list()
    assert "1" not in explained.rules["label"].to_list()
    # And nobody can be told from six others by what the rest is like.
    assert explained.contrasts.height == 0


def test_a_mix_of_categories_makes_contrasts_and_rules() -> None:
    from analytics.customers import Trait

    customers = table(600)
    rng = np.random.default_rng(2)
    fans = (customers.frame["city"] == "Tainan").to_numpy()
    frame = customers.frame.with_columns(
        pl.Series("category_mix: Books", rng.poisson(np.where(fans, 8, 0.4))),
        pl.Series("category_mix: Food", rng.poisson(2, 600)),
    )
    mix = Trait("category_mix", "needs", "counts", ("category_mix: Books", "category_mix: Food"), ("Books", "Food"))
    rich = replace(customers, frame=frame, traits=(*customers.traits, mix), key="mix")
    result = segment(rich, SPEC)
    explained = explain_segments(rich, result, ExplainSpec())
    row = explained.contrasts.filter(
        (pl.col("label") == of(result, rich, "Tainan"))
        & (pl.col("field") == "category_mix")
        & (pl.col("level") == "Books")
    ).row(0, named=True)
    assert row["kind"] == "mix"
    assert row["verdict"] == "different"
    assert row["value_group"] > 0.6


def test_spec_and_explanation_travel(explained: Explanation) -> None:
    spec = ExplainSpec(max_depth=2, n_examples=5)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), ExplainSpec, strict=True) == spec
    assert pickle.loads(pickle.dumps(explained)).rules.equals(explained.rules)
    for wrong in ({"max_depth": 4}, {"least_leaf": 5}, {"n_examples": 0}, {"border_margin": 1.0}):
        with pytest.raises(AnalysisError) as refused:
            ExplainSpec(**wrong)
        assert refused.value.code == "explain_choice_range"


def test_labels_of_other_customers_are_refused(customers, result) -> None:
    foreign = result.members.with_columns(("x_" + pl.col("customer_id")).alias("customer_id"))
    strangers = replace(result, members=foreign, key="x")
    with pytest.raises(AnalysisError) as refused:
        explain_segments(customers, strangers, ExplainSpec())
    assert refused.value.code == "labels_unknown"
