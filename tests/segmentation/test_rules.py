"""A person's own cuts: the first rule that holds, unknown values, refusals, other tables."""

from __future__ import annotations

from datetime import date

import msgspec
import polars as pl
import pytest

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.segmentation import Condition, Rule, SegmentationSpec, assign_segments, segment

FRAME = pl.DataFrame(
    {
        "customer_id": list("abcdefgh"),
        "recency_days": [1, 5, 40, 40, 200, 3, 300, 90],
        "n_orders": [9, 2, 8, 1, 6, 1, 1, None],
        "revenue": [900.0, 50.0, 700.0, 20.0, 500.0, 15.0, 10.0, 5.0],
        "city": ["Taipei", "Tainan", "Taipei", None, "Tainan", "Taipei", "Tainan", "Taipei"],
        "consent": [True, None, False, True, True, True, False, True],
    }
)


def table(frame: pl.DataFrame = FRAME, key: str = "k") -> CustomerTable:
    # Without a column n_orders nobody is left out for not having ordered.
    frame = frame.rename({"n_orders": "n_visits"})
    return CustomerTable(
        frame, date(2026, 6, 30), "TWD", ("recency_days", "n_visits", "revenue"), ("city", "consent"), key
    )


RULES = (
    Rule("Core", (Condition("n_visits", "at_least", 5), Condition("recency_days", "below", high=100))),
    Rule("Capital", (Condition("city", "one_of", values=("Taipei", "Keelung")),)),
    Rule("Quiet", (Condition("recency_days", "between", 40, 300), Condition("consent", "one_of", values=("true",)))),
)
SPEC = SegmentationSpec(method="rules", rules=RULES)


def test_the_first_rule_that_holds_is_the_segment() -> None:
    result = segment(table(), SPEC)
    assert result.names == (("1", "own:Core"), ("2", "own:Capital"), ("3", "own:Quiet"), ("4", "rest"))
    assert dict(result.members.select("customer_id", "label").iter_rows()) == {
        "a": "1",  # in Taipei too, but Core stands first
        "b": "4",
        "c": "1",
        "d": "3",  # 40 lies in 40-300; the unknown city meets no condition
        "e": "3",
        "f": "2",
        "g": "4",  # 300 does not lie in 40-300
        "h": "2",  # the unknown number of visits meets no condition
    }
    assert result.sizes.select("label", "n_customers", "revenue").rows() == [
        ("1", 2, 1600.0),
        ("2", 2, 20.0),
        ("3", 2, 520.0),
        ("4", 2, 60.0),
    ]
    assert result.members["margin"].is_between(0, 1).all()
    on_the_cut = dict(result.members.select("customer_id", "margin").iter_rows())["d"]
    assert on_the_cut == 0


def test_a_rule_that_nobody_meets_keeps_its_place() -> None:
    nobody = Rule("Nobody", (Condition("revenue", "at_least", 1e6),))
    result = segment(table(), SegmentationSpec(method="rules", rules=(nobody, *RULES)))
    assert result.sizes.select("label", "n_customers").rows()[0] == ("1", 0)
    assert result.labels.labels == ("1", "2", "3", "4", "5")
    assert result.n_segments == 4


def test_rules_hold_for_another_table_and_in_any_order_of_rows() -> None:
    result = segment(table(), SPEC)
    mixed = table(FRAME.sample(fraction=1, shuffle=True, seed=2), "k2")
    assert dict(segment(mixed, SPEC).members.select("customer_id", "label").iter_rows()) == dict(
        result.members.select("customer_id", "label").iter_rows()
    )
    later = table(FRAME.with_columns(pl.col("recency_days") + 60), "k3")
    labels = dict(assign_segments(result, later).frame.iter_rows())
    assert labels["c"] == "2", "no longer within 100 days, but still in the capital"
    bare = table(FRAME.with_columns(city=pl.lit("Hualien")), "k4")
    assert "2" not in assign_segments(result, bare).frame["label"].to_list()


def test_rules_round_trip() -> None:
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(SPEC)), SegmentationSpec, strict=True) == SPEC


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Condition("revenue"), "condition_incomplete"),
        (lambda: Condition("revenue", "below", low=3), "condition_incomplete"),
        (lambda: Condition("revenue", "between", 5, 5), "condition_incomplete"),
        (lambda: Condition("revenue", "at_least", float("inf")), "condition_incomplete"),
        (lambda: Condition("city", "one_of"), "condition_incomplete"),
        (lambda: Rule("", RULES[0].conditions), "rule_name_missing"),
        (lambda: Rule("x" * 41, RULES[0].conditions), "rule_name_missing"),
        (lambda: Rule("Empty", ()), "rule_without_conditions"),
        (lambda: Rule("Long", RULES[1].conditions * 9), "too_many_conditions"),
        (lambda: SegmentationSpec(rules=(*RULES, RULES[0])), "rule_name_twice"),
        (
            lambda: SegmentationSpec(rules=tuple(Rule(f"r{i}", RULES[1].conditions) for i in range(13))),
            "too_many_rules",
        ),
        (lambda: segment(table(), SegmentationSpec(method="rules")), "rules_empty"),
        (
            lambda: segment(
                table(), SegmentationSpec(method="rules", rules=(Rule("x", (Condition("weather", "below", high=1),)),))
            ),
            "rule_field_unknown",
        ),
        (
            lambda: segment(
                table(), SegmentationSpec(method="rules", rules=(Rule("x", (Condition("city", "below", high=1),)),))
            ),
            "rule_field_not_numeric",
        ),
    ],
)
def test_incomplete_rules_are_refused(make, code) -> None:
    with pytest.raises(AnalysisError) as caught:
        make()
    assert caught.value.code == code
