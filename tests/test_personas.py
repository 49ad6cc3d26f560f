"""Personas: by hand, each claim computed a second way, no claim where there is nothing, nobody told of alone."""

from __future__ import annotations

import pickle
from datetime import date

import msgspec
import numpy as np
import polars as pl
import pytest
from scipy import stats

from analytics.customers import CustomerLabels, CustomerTable
from analytics.errors import AnalysisError
from analytics.personas import PersonaSpec, PersonasResult, describe_personas


def base(n: int = 1200, seed: int = 0, planted: bool = True) -> tuple[CustomerTable, CustomerLabels]:
    """Three groups; where planted, group 1 orders more, is older and uses the app; city and gender tell nothing."""
    rng = np.random.default_rng(seed)
    group = rng.integers(1, 4, n)
    first = (group == 1) & planted
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "n_orders": rng.poisson(np.where(first, 12, 4)) + 1,
            "revenue": np.round(np.exp(rng.normal(6, 1, n)), 2),
            "recency_days": rng.integers(0, 365, n),
            "age": np.round(rng.normal(40, 10, n) + np.where(first, 6, 0)).astype(int),
            "gender": np.where(rng.random(n) < 0.5, "female", "male"),
            "city": rng.choice(["Taipei", "Tainan", "Hsinchu"], n),
            "uses_app": rng.random(n) < np.where(first, 0.6, 0.3),
        }
    )
    customers = CustomerTable(
        frame,
        date(2026, 6, 30),
        "TWD",
        ("n_orders", "revenue", "recency_days"),
        ("age", "gender", "city", "uses_app"),
        f"customers-{seed}-{n}-{planted}",
    )
    return customers, labelled(frame, [str(g) for g in group])


def labelled(frame: pl.DataFrame, labels: list[str]) -> CustomerLabels:
    joined = frame.select("customer_id", pl.Series("label", labels))
    return CustomerLabels(joined, tuple(sorted(set(labels))), "segment", "labels")


def shown(result: PersonasResult, label: str) -> list[tuple[str, str | None]]:
    rows = result.traits.filter((pl.col("label") == label) & pl.col("shown"))
    return list(rows.select("field", "level").iter_rows())


# ---- by hand


def test_two_groups_of_twenty_by_hand() -> None:
    n = 20
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in range(2 * n)],
            "revenue": [300.0] * n + [100.0] * n,
            "n_orders": [*range(11, 11 + n), *range(1, 1 + n)],
            "channel_used": ["app"] * 15 + ["web"] * 5 + ["app"] * 10 + ["web"] * 10,
        }
    )
    customers = CustomerTable(frame, date(2026, 6, 30), "TWD", ("revenue", "n_orders"), ("channel_used",), "k")
    result = describe_personas(customers, labelled(frame, ["a"] * n + ["b"] * n), PersonaSpec())
    assert result.cards.drop("n_shown").rows() == [
        ("a", 20, 0.5, 6000.0, 0.75, 1.0),
        ("b", 20, 0.5, 2000.0, 0.25, 1.0),
    ]
    orders = result.measures.filter(pl.col("field") == "n_orders")
    assert orders.rows() == [
        ("a", "n_orders", 20, 20.5, 15.75, 25.25, 15.5),
        ("b", "n_orders", 20, 10.5, 5.75, 15.25, 15.5),
    ]
    # Five people of "a" used the web: nothing is said of them, and so nothing of the fifteen others either.
    assert "channel_used" not in result.traits["field"].to_list()
    assert result.n_suppressed == 4
    assert shown(result, "a") == [("n_orders", None)]


def test_the_planted_traits_are_shown_and_the_others_called_alike() -> None:
    customers, labels = base(4000)
    result = describe_personas(customers, labels, PersonaSpec())
    assert shown(result, "1") == [("n_orders", None), ("uses_app", "true"), ("age", None)]
    assert {"revenue", "recency_days"} <= set(result.similar.filter(pl.col("label") == "1")["field"])
    assert not set(result.similar.filter(pl.col("label") == "1")["field"]) & {"n_orders", "uses_app", "age"}
    verdicts = dict(result.traits.filter(pl.col("label") == "1").select("field", "verdict").iter_rows())
    assert verdicts["age"] == "different"
    assert verdicts["revenue"] == "similar"
    assert result.cards["n_shown"].to_list()[0] == 3


# ---- every claim a second way


def test_each_number_trait_is_recomputed() -> None:
    customers, labels = base()
    result = describe_personas(customers, labels, PersonaSpec())
    joined = customers.frame.join(labels.frame, on="customer_id")
    for row in result.traits.filter(pl.col("kind") == "number").iter_rows(named=True):
        values = joined[row["field"]].to_numpy().astype(float)
        inside = (joined["label"] == row["label"]).to_numpy()
        scores = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
        a, b = scores[inside], scores[~inside]
        pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2))
        assert row["effect"] == pytest.approx((a.mean() - b.mean()) / pooled)
        assert row["p"] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
        assert row["value_group"] == np.median(values[inside])
        assert row["value_rest"] == np.median(values[~inside])
        assert row["lo"] < row["effect"] < row["hi"]


def test_each_share_trait_is_recomputed() -> None:
    customers, labels = base()
    result = describe_personas(customers, labels, PersonaSpec())
    joined = customers.frame.join(labels.frame, on="customer_id").with_columns(pl.col("uses_app").cast(pl.String))
    shares = result.traits.filter(pl.col("kind") == "share")
    assert shares.height == 3 * (2 + 3 + 1)
    for row in shares.iter_rows(named=True):
        has = (joined[row["field"]] == row["level"]).to_numpy()
        inside = (joined["label"] == row["label"]).to_numpy()
        table = [[has[inside].sum(), (~has[inside]).sum()], [has[~inside].sum(), (~has[~inside]).sum()]]
        assert row["value_group"] == pytest.approx(has[inside].mean())
        assert row["value_rest"] == pytest.approx(has[~inside].mean())
        assert row["p"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
        assert row["lo"] < row["effect"] < row["hi"]


def test_holm_runs_over_all_comparisons() -> None:
    customers, labels = base()
    result = describe_personas(customers, labels, PersonaSpec())
    p = result.traits["p"].to_numpy()
    assert result.n_tests == len(p)
    order = np.argsort(p)
    running, expected = 0.0, np.empty(len(p))
    for step, at in enumerate(order):
        running = max(running, min(1.0, p[at] * (len(p) - step)))
        expected[at] = running
    assert result.traits["p_holm"].to_numpy() == pytest.approx(expected)


def test_the_interval_of_a_difference_covers() -> None:
    hits = total = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        values = np.concatenate([rng.normal(0.5, 1, 150), rng.normal(0, 1, 450)])
        frame = pl.DataFrame({"customer_id": [f"c{i:03d}" for i in range(600)], "trait": values})
        customers = CustomerTable(frame, date(2026, 6, 30), "", ("trait",), (), "k")
        result = describe_personas(customers, labelled(frame, ["a"] * 150 + ["b"] * 450), PersonaSpec())
        row = result.traits.filter(pl.col("label") == "a").row(0, named=True)
        hits += row["lo"] <= 0.5 <= row["hi"]
        total += 1
    assert hits / total >= 0.9


# ---- nothing where there is nothing


def test_on_structureless_data_nothing_is_claimed() -> None:
    claimed = alike = fields = 0
    for seed in range(40):
        customers, labels = base(900, seed, planted=False)
        result = describe_personas(customers, labels, PersonaSpec())
        claimed += result.cards["n_shown"].sum() > 0
        alike += result.similar.height
        fields += result.traits.select("label", "field").n_unique()
    assert claimed <= 4  # at most the alpha rate over whole results, with room for chance
    assert alike > 0


def test_on_large_structureless_data_fields_are_called_alike() -> None:
    customers, labels = base(30_000, 1, planted=False)
    result = describe_personas(customers, labels, PersonaSpec())
    assert result.cards["n_shown"].sum() == 0
    assert result.similar.height == 3 * 7


# ---- nobody is told of alone


def test_groups_and_cells_under_ten_people_are_never_shown() -> None:
    customers, labels = base(600)
    small = labels.frame.with_columns(label=pl.when(pl.int_range(600) < 9).then(pl.lit("0")).otherwise(pl.col("label")))
    rare = customers.frame.with_columns(
        city=pl.when(pl.int_range(600) % 100 == 0).then(pl.lit("Penghu")).otherwise(pl.col("city"))
    )
    held = CustomerTable(rare, customers.as_of, "TWD", customers.measures, customers.attributes, "k")
    result = describe_personas(held, CustomerLabels(small, ("0", "1", "2", "3"), "segment", "l"), PersonaSpec())
    assert result.cards["label"].to_list() == ["1", "2", "3"]
    assert result.labels == ("0", "1", "2", "3")
    assert result.n_hidden == 1
    assert "personas_hidden" in {caveat.code for caveat in result.caveats}
    assert "Penghu" not in result.traits["level"].drop_nulls().to_list()
    for frame in (result.cards, result.measures, result.traits, result.similar, result.coverage):
        assert "0" not in frame["label"].to_list()
    cells = result.traits.filter(pl.col("kind") == "share").with_columns(x=pl.col("value_group") * pl.col("n"))
    assert (cells["x"].round() >= 10).all()
    assert ((cells["n"] - cells["x"]).round() >= 10).all()
    assert (result.traits["n"] >= 10).all()
    assert (result.measures["n"] >= 10).all()


def test_names_texts_and_ids_never_become_traits() -> None:
    customers, labels = base(300)
    frame = customers.frame.with_columns(
        name=pl.lit("Mei"),
        email=pl.col("customer_id") + "@example.com",
        card_id=pl.col("n_orders"),
        note=pl.col("customer_id"),
    )
    held = CustomerTable(
        frame, customers.as_of, "TWD", customers.measures, ("name", "email", "card_id", "note", "age"), "k"
    )
    result = describe_personas(held, labels, PersonaSpec())
    assert set(result.traits["field"]) == {*customers.measures, "age"}
    assert ("attribute_too_varied", "note") in {(c.code, c.params.get("field")) for c in result.caveats}


# ---- choices


def test_fields_that_made_the_groups_are_marked_and_leave_room() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    shift = rng.random(n) < 0.5
    made = {f"made_{i}": rng.normal(0, 1, n) + 3 * shift for i in range(5)}
    frame = pl.DataFrame(
        {"customer_id": [f"c{i:04d}" for i in range(n)], **made, "age": rng.normal(40, 9, n) + 5 * shift}
    )
    customers = CustomerTable(frame, date(2026, 6, 30), "", tuple(made), ("age",), "k")
    labels = labelled(frame, ["a" if s else "b" for s in shift])
    result = describe_personas(customers, labels, PersonaSpec(built_from=tuple(made)))
    fields = [field for field, _ in shown(result, "a")]
    assert "age" in fields
    assert sum(field.startswith("made") for field in fields) == 3
    marked = result.traits.filter("built_in")["field"].unique().to_list()
    assert sorted(marked) == sorted(made)


def test_a_trait_that_repeats_another_is_told_once() -> None:
    customers, labels = base(2000)
    frame = customers.frame.with_columns(n_items=pl.col("n_orders") * 2 + pl.int_range(2000) % 2)
    held = CustomerTable(frame, customers.as_of, "TWD", (*customers.measures, "n_items"), customers.attributes, "k")
    fields = [field for field, _ in shown(describe_personas(held, labels, PersonaSpec()), "1")]
    assert len({"n_orders", "n_items"} & set(fields)) == 1


def test_n_traits_and_thresholds() -> None:
    customers, labels = base(4000)
    one = describe_personas(customers, labels, PersonaSpec(n_traits=1))
    assert shown(one, "1") == [("n_orders", None)]
    strict = describe_personas(customers, labels, PersonaSpec(min_effect=1.0, min_points=0.5))
    assert shown(strict, "1") == [("n_orders", None)]
    assert one.key != strict.key
    assert pickle.loads(pickle.dumps(one)).traits.equals(one.traits)


def test_row_order_ids_and_currency_change_nothing() -> None:
    customers, labels = base(800)
    result = describe_personas(customers, labels, PersonaSpec())
    changed = customers.frame.with_columns(
        pl.col("revenue") * 100, customer_id=pl.lit("x") + pl.col("customer_id").str.reverse()
    ).sample(fraction=1, shuffle=True, seed=3)
    other = CustomerTable(changed, customers.as_of, "TWD", customers.measures, customers.attributes, "k")
    renamed = labels.frame.with_columns(customer_id=pl.lit("x") + pl.col("customer_id").str.reverse())
    again = describe_personas(other, CustomerLabels(renamed, labels.labels, "segment", "l"), PersonaSpec())
    kept = ("label", "field", "level", "effect", "p_holm", "verdict", "rank")
    left, right = result.traits.select(kept), again.traits.select(kept)
    for name in kept:
        if left[name].dtype == pl.Float64:
            assert left[name].to_numpy() == pytest.approx(right[name].to_numpy())
        else:
            assert left[name].to_list() == right[name].to_list()


def test_a_single_outlier_does_not_make_a_trait() -> None:
    customers, labels = base(600, planted=False)
    wild = customers.frame.with_columns(revenue=pl.when(pl.int_range(600) == 0).then(1e12).otherwise(pl.col("revenue")))
    held = CustomerTable(wild, customers.as_of, "TWD", customers.measures, customers.attributes, "k")
    result = describe_personas(held, labels, PersonaSpec())
    assert not result.traits.filter((pl.col("field") == "revenue") & pl.col("shown")).height


# ---- coverage and bad input


def test_coverage_says_how_much_is_known() -> None:
    customers, labels = base(400)
    frame = customers.frame.with_columns(
        age=pl.when(pl.int_range(400) % 4 == 0).then(None).otherwise(pl.col("age")),
        city=pl.lit(None, pl.String),
    )
    held = CustomerTable(frame, customers.as_of, "TWD", customers.measures, customers.attributes, "k")
    result = describe_personas(held, labels, PersonaSpec())
    joined = frame.join(labels.frame, on="customer_id")
    for row in result.coverage.filter(pl.col("field") == "age").iter_rows(named=True):
        group = joined.filter(pl.col("label") == row["label"])
        assert row["coverage"] == pytest.approx(group["age"].count() / group.height)
    assert "city" not in result.traits["field"].to_list()
    assert ("attribute_unknown", "city") in {(c.code, c.params.get("field")) for c in result.caveats}


def test_two_hundred_levels_keep_the_frequent_ones() -> None:
    customers, labels = base(4000)
    frame = customers.frame.with_columns(city=pl.format("city-{}", pl.int_range(4000) % 200))
    held = CustomerTable(frame, customers.as_of, "TWD", customers.measures, customers.attributes, "k")
    result = describe_personas(held, labels, PersonaSpec())
    assert result.traits.filter(pl.col("field") == "city")["level"].n_unique() <= 12
    kept = next(caveat for caveat in result.caveats if caveat.code == "levels_left_out")
    assert dict(kept.params) == {"field": "city", "kept": 12, "n": 200}


def test_one_group_has_nothing_to_differ_from() -> None:
    customers, _ = base(100)
    result = describe_personas(customers, labelled(customers.frame, ["1"] * 100), PersonaSpec())
    assert result.traits.is_empty()
    assert result.similar.is_empty()
    assert result.cards["n_customers"].to_list() == [100]
    assert "personas_no_rest" in {caveat.code for caveat in result.caveats}


def test_what_cannot_be_described_is_refused() -> None:
    customers, labels = base(60)
    with pytest.raises(AnalysisError) as caught:
        PersonaSpec(min_group=5)
    assert caught.value.code == "min_group_below_limit"
    with pytest.raises(AnalysisError) as caught:
        PersonaSpec(n_traits=0)
    assert caught.value.code == "persona_choice_range"
    with pytest.raises(AnalysisError) as caught:
        describe_personas(customers, labels, PersonaSpec(min_group=50))
    assert caught.value.code == "personas_all_small"
    strangers = CustomerLabels(labels.frame.with_columns(customer_id=pl.lit("nobody")), labels.labels, "segment", "l")
    with pytest.raises(AnalysisError) as caught:
        describe_personas(customers, strangers, PersonaSpec())
    assert caught.value.code == "labels_unknown"
    spec = PersonaSpec(built_from=("n_orders",), n_traits=3)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), PersonaSpec, strict=True) == spec
