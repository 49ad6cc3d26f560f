"""Traits as points: by hand, bounded whatever their levels, weighted by family, the same for another table."""

from __future__ import annotations

import pickle
from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.customers import CustomerTable, Trait
from analytics.errors import AnalysisError
from analytics.segmentation import SegmentationSpec, encode, fit_encoder, segment, usable_features
from analytics.segmentation.feature_codes import shrinkage


def table(
    columns: dict[str, object], attributes: tuple[str, ...] = (), traits: tuple[Trait, ...] = ()
) -> CustomerTable:
    frame = pl.DataFrame(columns)
    frame = frame.with_columns(customer_id=pl.format("c{}", pl.int_range(frame.height).cast(pl.String).str.zfill(6)))
    mixed = {column for trait in traits for column in trait.columns}
    measures = tuple(name for name in columns if name not in {*attributes, *mixed})
    held = CustomerTable(frame, date(2026, 6, 30), "TWD", measures, attributes, "k")
    return CustomerTable(
        frame, held.as_of, "TWD", measures, attributes, "k", traits=(*held.traits, *traits) if traits else ()
    )


def codes(caveats) -> list[tuple[str, object]]:
    return [(caveat.code, caveat.params.get("field", caveat.params.get("field_b"))) for caveat in caveats]


def test_six_customers_by_hand() -> None:
    held = table(
        {
            "mean_order_value": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            "tier": ["a", "a", "a", "b", "b", None],
            "consent": [True, True, True, False, False, False],
        },
        ("tier", "consent"),
    )
    encoder = fit_encoder(held, ("mean_order_value", "tier", "consent"))
    encoded = encoder.encode(held.frame)
    assert encoded.names == ("mean_order_value", "tier", "tier", "consent")
    assert encoded.levels == ("", "a", "b", "")
    deviation = np.sqrt(35 / 12)
    assert encoded.points[:, 0] == pytest.approx((np.arange(6) - 2.5) / deviation)
    # 3 in 5 and 2 in 5: a variance of 1 - .36 - .16 = .48, under one half; who is unknown lies in the middle.
    assert encoded.points[0, 1:3] == pytest.approx([0.4, -0.4])
    assert encoded.points[3, 1:3] == pytest.approx([-0.6, 0.6])
    assert encoded.points[5, 1:3].tolist() == [0.0, 0.0]
    assert encoded.points[:, 3] == pytest.approx(np.array([1, 1, 1, -1, -1, -1]) * np.sqrt(2) / 2)
    assert [block.tolist() for block in encoded.counts] == [
        [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 0]],
        [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]],
    ]
    assert encoded.numbers == pytest.approx(encoded.points[:, :1])
    assert codes(encoder.caveats) == [("level_unknown", "tier")]
    assert encoder.features["variance_share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("n_levels", [2, 3, 7, 12, 40, 200])
def test_a_category_counts_no_more_than_a_number_whatever_its_levels(n_levels) -> None:
    rng = np.random.default_rng(n_levels)
    share = 1 / np.arange(1, n_levels + 1)
    levels = rng.choice([f"city {i}" for i in range(n_levels)], 4000, p=share / share.sum())
    held = table({"revenue": rng.normal(0, 1, 4000), "city": levels}, ("city",))
    encoder = fit_encoder(held, ("revenue", "city"))
    encoded = encoder.encode(held.frame)
    columns = [i for i, name in enumerate(encoded.names) if name == "city"]
    assert len(columns) == min(n_levels, 13)
    assert encoded.points[:, columns].var(axis=0).sum() <= 0.5 + 1e-9
    pooled = [caveat for caveat in encoder.caveats if caveat.code == "levels_pooled"]
    assert [dict(caveat.params) for caveat in pooled] == (
        [{"field": "city", "kept": 12, "n": n_levels}] if n_levels > 12 else []
    )
    assert encoded.levels[-1] == ("*" if n_levels > 12 else sorted(set(levels), key=lambda c: -(levels == c).sum())[-1])


def test_two_hundred_equal_categories_are_left_out_and_said() -> None:
    held = table({"revenue": np.arange(2000.0) % 7, "city": [f"c{i % 200}" for i in range(2000)]}, ("city",))
    encoder = fit_encoder(held, ("revenue", "city"))
    assert codes(encoder.caveats) == [("feature_too_varied", "city")]
    assert set(encoder.encode(held.frame).names) == {"revenue"}
    with pytest.raises(AnalysisError) as caught:
        fit_encoder(held, ("city",))
    assert caught.value.code == "features_without_spread"


def test_what_looks_like_an_id_is_left_out_and_what_is_one_refused() -> None:
    n = 200
    columns = {
        "revenue": np.arange(n) * 1.5,
        "n_items": np.arange(n),
        "serial": np.arange(n),
        "age": np.arange(n) % 60,
        "phrase": [f"text {i}" for i in range(n)],
        "loyalty_id": np.arange(n),
    }
    held = table(columns, ("serial", "age", "phrase", "loyalty_id"))
    assert usable_features(held) == ("revenue", "n_items", "serial", "age", "phrase")
    encoder = fit_encoder(held, ("revenue", "n_items", "serial", "age", "phrase"))
    assert encoder.features["feature"].to_list() == ["revenue", "n_items", "age"]
    assert ("feature_like_id", "serial") in codes(encoder.caveats)
    assert ("feature_like_id", "phrase") in codes(encoder.caveats)
    with pytest.raises(AnalysisError) as caught:
        fit_encoder(held, ("revenue", "loyalty_id"))
    assert caught.value.code == "feature_is_id"


# ---- counts


def mixes(n: int, strength: float, seed: int, totals=None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    prior = np.array([0.5, 0.3, 0.15, 0.05])
    shares = rng.dirichlet(prior * strength, n)
    orders = rng.integers(1, 30, n) if totals is None else totals
    return np.array([rng.multinomial(m, p) for m, p in zip(orders, shares, strict=True)]), prior


@pytest.mark.parametrize("strength", [0.8, 3.0, 15.0])
def test_the_strength_of_shrinkage_is_learnt_from_the_data(strength) -> None:
    block, prior = mixes(6000, strength, 1)
    found, learnt = shrinkage(block)
    assert found == pytest.approx(prior, abs=0.02)
    assert learnt == pytest.approx(strength, rel=0.12)


def test_counts_that_differ_by_chance_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    block = np.array([rng.multinomial(m, [0.6, 0.4]) for m in rng.integers(1, 9, 400)])
    block[:, 0] = block.sum(axis=1) // 2  # more alike than chance makes them
    block[:, 1] = block[:, 0] + 1
    assert shrinkage(block)[1] == float("inf")
    held = table(
        {"revenue": rng.normal(0, 1, 400), "m: a": block[:, 0], "m: b": block[:, 1]},
        traits=(Trait("mix", "needs", "counts", ("m: a", "m: b"), ("a", "b")),),
    )
    assert codes(fit_encoder(held, ("revenue", "mix")).caveats) == [("feature_by_chance", "mix")]
    assert shrinkage(np.eye(3, dtype=np.int64)[rng.integers(0, 3, 50)])[1] == 5.0


def test_few_orders_make_no_corner() -> None:
    totals = np.where(np.arange(5000) % 2, 1, 40)
    block, _ = mixes(5000, 2.0, 3, totals)
    names = ("m: a", "m: b", "m: c", "m: d")
    trait = Trait("mix", "needs", "counts", names, ("a", "b", "c", "d"))
    held = table({name: block[:, i] for i, name in enumerate(names)}, traits=(trait,))
    encoded = fit_encoder(held, ("mix",)).encode(held.frame)
    assert encoded.names == ("mix",) * 4
    assert encoded.levels == ("a", "b", "c", "d")
    spread = (encoded.points**2).sum(axis=1)
    assert spread.mean() <= 1
    # One order says a third of what forty do.
    assert spread[totals == 1].mean() < 0.45 * spread[totals == 40].mean()
    fans = [i for i in range(5000) if totals[i] == 40 and block[i, 0] == 40]
    once = [i for i in range(5000) if totals[i] == 1 and block[i, 0] == 1]
    assert np.linalg.norm(encoded.points[once[0]]) < 0.5 * np.linalg.norm(encoded.points[fans[0]])


# ---- families and what is alike


def survey(n: int = 600) -> CustomerTable:
    rng = np.random.default_rng(5)
    numbers = {name: rng.normal(0, 1, n) for name in ("recency_days", "n_orders", "revenue")}
    questions = {f"q{i}": rng.normal(0, 1, n) for i in range(20)}
    held = table({**numbers, **questions, "gender": rng.choice(["f", "m"], n)}, (*questions, "gender"))
    traits = tuple(
        Trait(t.name, "psychographics", t.kind, t.columns) if t.name.startswith("q") else t for t in held.traits
    )
    return CustomerTable(
        held.frame.with_columns(pl.col("n_orders").abs() + 1),
        held.as_of,
        "TWD",
        held.measures,
        held.attributes,
        "k",
        traits,
    )


def family_shares(held: CustomerTable, features: tuple[str, ...], weights=()) -> dict[str, float]:
    found = fit_encoder(held, features, weights).features
    return dict(found.group_by("family").agg(pl.col("variance_share").sum()).iter_rows())


def test_twenty_questions_do_not_drown_three_numbers_and_one_flag_is_not_blown_up() -> None:
    held = survey()
    everything = ("recency_days", "n_orders", "revenue", *(f"q{i}" for i in range(20)), "gender")
    shares = family_shares(held, everything)
    assert shares["behaviour"] == pytest.approx(3 / 6.5, abs=1e-3)
    assert shares["psychographics"] == pytest.approx(3 / 6.5, abs=1e-3)
    assert shares["demographics"] == pytest.approx(0.5 / 6.5, abs=1e-3)
    doubled = family_shares(held, everything, (("behaviour", 2.0),))
    assert doubled["behaviour"] / doubled["psychographics"] == pytest.approx(2)
    alone = family_shares(held, tuple(f"q{i}" for i in range(20)))
    assert alone == {"psychographics": pytest.approx(1)}


def test_weight_zero_leaves_a_family_out_of_everything() -> None:
    held = survey()
    with_gender = ("recency_days", "revenue", "gender")
    left_out = fit_encoder(held, with_gender, (("demographics", 0.0),)).encode(held.frame)
    without = fit_encoder(held, ("recency_days", "revenue")).encode(held.frame)
    assert np.array_equal(left_out.points, without.points)
    assert left_out.counts == ()
    with pytest.raises(AnalysisError) as caught:
        fit_encoder(held, with_gender, (("demographics", 0.0), ("behaviour", 0.0)))
    assert caught.value.code == "family_weights_zero"


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ((("habits", 1.0),), "family_unknown"),
        ((("needs", 1.0), ("needs", 2.0)), "family_unknown"),
        ((("needs", -1.0),), "family_weight_range"),
        ((("needs", float("nan")),), "family_weight_range"),
        ((("needs", 11.0),), "family_weight_range"),
        (
            tuple((name, 0.0) for name in ("behaviour", "demographics", "psychographics", "needs")),
            "family_weights_zero",
        ),
    ],
)
def test_impossible_weights_are_refused(weights, code) -> None:
    with pytest.raises(AnalysisError) as caught:
        SegmentationSpec(weights=weights)
    assert caught.value.code == code


def test_a_duplicated_column_is_warned_of_and_changes_no_distance() -> None:
    held = survey()
    copied = CustomerTable(
        held.frame.with_columns(twin=pl.col("recency_days") * 3 + 7),
        held.as_of,
        "TWD",
        (*held.measures, "twin"),
        held.attributes,
        "k2",
    )
    features = ("recency_days", "n_orders", "revenue", "gender")
    once, twice = fit_encoder(held, features), fit_encoder(copied, (*features, "twin"))
    assert ("features_correlated", "twin") in codes(twice.caveats)
    a, b = once.encode(held.frame), twice.encode(copied.frame)
    assert ((a.points[:50, None] - a.points[:50]) ** 2).sum(-1) == pytest.approx(
        ((b.points[:50, None] - b.points[:50]) ** 2).sum(-1)
    )
    assert b.numbers.shape == a.numbers.shape, "a mixture sees it once"
    one, two = (
        segment(data, SegmentationSpec(features=chosen, n_segments=3))
        for data, chosen in ((held, features), (copied, (*features, "twin")))
    )
    assert one.members["label"].equals(two.members["label"])


# ---- another table, units, unknowns


def test_the_same_encoder_encodes_another_table_the_same_way() -> None:
    held = survey()
    encoder = pickle.loads(pickle.dumps(fit_encoder(held, ("recency_days", "n_orders", "gender"))))
    everybody = encoder.encode(held.frame)
    few = encoder.encode(held.frame[[5, 3]])
    assert np.array_equal(few.points, everybody.points[[5, 3]])
    assert np.array_equal(few.points, everybody.take(np.array([5, 3])).points)
    bare = encoder.encode(held.frame.select("recency_days", gender=pl.lit("unheard of")))
    assert bare.points[:, 0] == pytest.approx(everybody.points[:, 0])
    assert np.isnan(bare.numbers[:, 1]).all()
    assert np.abs(bare.points[:, 2:]).max() == 0, "a level never seen is unknown"


def test_units_and_order_change_nothing_and_unknown_numbers_stay_unknown_for_a_mixture() -> None:
    rng = np.random.default_rng(8)
    money = np.exp(rng.normal(3, 1, 400))
    age = pl.Series(rng.integers(18, 80, 400)).set(pl.Series(np.arange(400) < 20), None)
    held = table({"revenue": money, "age": age}, ("age",))
    dearer = table({"revenue": money * 100, "age": age}, ("age",))
    a, b = encode(held, ("revenue", "age")), encode(dearer, ("age", "revenue"))
    assert a.encoded.points == pytest.approx(b.encoded.points)
    assert np.isnan(a.encoded.numbers).sum() == 20
    assert not np.isnan(a.encoded.points).any()
    assert ("values_filled", "age") in codes(a.caveats)
    assert held.frame["revenue"].to_numpy()[a.rows].tolist() == sorted(money)


def test_customers_without_orders_are_cut_by_what_is_known_of_them() -> None:
    rng = np.random.default_rng(1)
    attributes = {f"score_{i}": rng.normal(0, 1, 90) for i in range(8)}
    frame = table({**attributes, "gender": rng.choice(["f", "m"], 90)}).frame
    names = (*attributes, "gender")
    held = CustomerTable(frame, date(2026, 6, 30), "TWD", (), names, "k")
    encoder = fit_encoder(held, SegmentationSpec().features)
    assert encoder.features["feature"].to_list() == [f"score_{i}" for i in range(6)]
    assert [caveat.code for caveat in encoder.caveats] == ["features_stand_in"]
    only = CustomerTable(frame.select("customer_id", "gender"), date(2026, 6, 30), "TWD", (), ("gender",), "k2")
    assert segment(only, SegmentationSpec(n_segments=2)).sizes["n_customers"].sum() == 90


def test_the_few_who_answered_do_not_lie_far_out() -> None:
    rng = np.random.default_rng(3)
    answered = np.arange(2000) < 200
    score = pl.Series(rng.integers(1, 8, 2000)).zip_with(pl.Series(answered), pl.Series([None], dtype=pl.Int64))
    held = table({"revenue": rng.normal(0, 1, 2000), "score": score}, ("score",))
    encoder = fit_encoder(held, ("revenue", "score"))
    column = encoder.encode(held.frame).points[:, 1]
    assert column[answered].std() == pytest.approx(1)
    assert np.abs(column[~answered]).max() < 0.3
    said = next(caveat for caveat in encoder.caveats if caveat.code == "values_filled")
    assert (said.severity, said.params["n"]) == ("watch", 1800)


def test_what_many_features_share_is_said_once() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 1, 300)
    gap = pl.Series(np.arange(300) < 9)
    columns = {
        f"f{i}": pl.Series(base + 0.01 * rng.normal(0, 1, 300)).set(gap, None) if i < 4 else rng.normal(0, 1, 300)
        for i in range(6)
    }
    encoder = fit_encoder(table(columns), tuple(columns))
    assert [(caveat.code, caveat.params["fields"]) for caveat in encoder.caveats] == [
        ("features_unknown", "f0, f1, f2, f3"),
        ("features_alike", "f0, f1, f2, f3"),
    ]
    share = dict(encoder.features.select("feature", "variance_share").iter_rows())
    assert sum(share[f"f{i}"] for i in range(4)) == pytest.approx(share["f5"], rel=0.05), (
        "four that are one count as one"
    )
