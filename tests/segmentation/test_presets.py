"""Where to start: presets hold what is there, first rules fit the customers and are valid."""

from __future__ import annotations

from datetime import date

import polars as pl

from analytics.customers import CustomerTable, Trait
from analytics.segmentation import SegmentationSpec, segment
from analytics.segmentation.presets import (
    feature_presets,
    rule_columns,
    rule_levels,
    starting_condition,
    starting_rules,
)

NAMES = ("Frequent", "New", "Silent")


def table() -> CustomerTable:
    n = 60
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in range(n)],
            "recency_days": [i * 5 for i in range(n)],
            "n_orders": [1 + i % 9 for i in range(n)],
            "mean_order_value": [100.0 + i for i in range(n)],
            "tenure_days": [400 + (i * 7) % 300 for i in range(n)],
            "gender": ["female", "male", "female"] * (n // 3),
            "consent": [i % 4 > 0 for i in range(n)],
            "price_sensitivity": [1 + i % 5 for i in range(n)],
            "mix: Books": [i % 3 for i in range(n)],
            "mix: ": [1] * n,
        }
    )
    measures = ("recency_days", "n_orders", "mean_order_value", "tenure_days")
    plain = CustomerTable(frame, date(2026, 6, 30), "TWD", measures, ("gender", "consent"), "k")
    asked = Trait("price_sensitivity", "psychographics", "number", ("price_sensitivity",))
    mix = Trait("category_mix", "needs", "counts", ("mix: Books", "mix: "), ("Books", ""))
    return CustomerTable(frame, plain.as_of, "TWD", measures, ("gender", "consent"), "k", (*plain.traits, asked, mix))


def test_presets_hold_what_is_there_and_leave_out_what_would_be_empty() -> None:
    presets = dict(feature_presets(table()))
    assert presets["usual"] == ("recency_days", "n_orders", "mean_order_value", "tenure_days")
    assert presets["needs"] == ("category_mix",)
    assert presets["demographics"] == ("gender",)
    assert presets["psychographics"] == ("price_sensitivity",)
    assert "habits" not in presets, "these data have none beyond the usual"
    assert set(presets["mixed"]) > set(presets["usual"])
    bare = table()
    bare = CustomerTable(bare.frame.select("customer_id", "gender"), bare.as_of, "", (), ("gender",), "bare")
    assert dict(feature_presets(bare))["demographics"] == ("gender",)
    assert not {"usual", "habits", "needs", "psychographics"} & dict(feature_presets(bare)).keys()


def test_rules_can_speak_of_every_column_but_the_rest_of_a_mix() -> None:
    columns = dict(rule_columns(table()))
    assert columns["mix: Books"] == "counts"
    assert columns["consent"] == "flag"
    assert "mix: " not in columns
    assert rule_levels(table(), "gender") == ("female", "male")


def test_a_first_condition_splits_the_customers() -> None:
    condition = starting_condition(table(), "n_orders")
    assert (condition.test, condition.low) == ("at_least", 7.0)
    assert starting_condition(table(), "gender").values == ("female",)
    assert starting_condition(table(), "consent").values == ("true",)


def test_first_rules_cut_at_once() -> None:
    customers = table()
    rules = starting_rules(customers, NAMES)
    assert [rule.name for rule in rules] == list(NAMES)
    result = segment(customers, SegmentationSpec(method="rules", rules=rules))
    assert result.sizes["n_customers"].sum() == 60
    assert (result.sizes["n_customers"] > 0).sum() >= 3
    bare = CustomerTable(customers.frame.select("customer_id", "gender"), customers.as_of, "", (), ("gender",), "bare")
    assert [rule.name for rule in starting_rules(bare, NAMES)] == ["Frequent"]
