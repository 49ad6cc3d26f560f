"""Sets of features to start from: what the data lack is left out, and each set comes with the method that suits it."""

from __future__ import annotations

from datetime import date

import polars as pl

from analytics.customers import CustomerTable, Trait
from analytics.segmentation.presets import NEEDS, PORTRAIT, USUAL, feature_presets, suited_method


def table(*traits: Trait) -> CustomerTable:
    columns = [column for trait in traits for column in trait.columns]
    frame = pl.DataFrame({"customer_id": ["a"], **{column: [1] for column in columns}})
    return CustomerTable(frame, date(2026, 6, 30), "", (), (), "k", traits)


def numbers(*names: str) -> list[Trait]:
    return [Trait(name, "behaviour", "number", (name,)) for name in names]


CATEGORIES = Trait("category_mix", "needs", "counts", ("category_mix: a", "category_mix: b"), ("a", "b"))
GENDER = Trait("gender", "demographics", "category", ("gender",))
AGE = Trait("age", "demographics", "number", ("age",))
MEMBER = Trait("is_member", "demographics", "flag", ("is_member",))


def test_everything_that_is_there() -> None:
    full = table(*numbers(*USUAL), CATEGORIES, GENDER, AGE, Trait("nps", "psychographics", "number", ("nps",)))
    presets = dict(feature_presets(full))
    assert presets["usual"] == USUAL
    assert presets["needs"] == ("category_mix",)
    assert presets["portrait"] == ("category_mix", "gender", "age")
    assert presets["demographics"] == ("gender", "age")
    assert presets["psychographics"] == ("nps",)
    assert set(presets["mixed"]) == {*USUAL, "category_mix", "gender", "age", "nps"}
    assert set(NEEDS) < set(PORTRAIT)
    assert all(features for features in presets.values())


def test_what_is_not_there_is_not_offered() -> None:
    assert dict(feature_presets(table(*numbers("recency_days", "n_orders")))) == {"usual": ("recency_days", "n_orders")}
    assert "portrait" not in dict(feature_presets(table(CATEGORIES)))
    assert feature_presets(table(MEMBER)) == ()


def test_the_method_suits_the_kinds_of_features() -> None:
    some = table(*numbers(*USUAL), CATEGORIES, GENDER, AGE, MEMBER)
    assert suited_method(some, USUAL) == "kmeans"
    assert suited_method(some, ("age", "is_member")) == "kmeans"
    assert suited_method(some, ("age", "gender")) == "mixture"
    assert suited_method(some, (*USUAL, "category_mix")) == "mixture"
    assert suited_method(some, ("unknown",)) == "kmeans"
