"""Groups made for personas alone: what they are built from, and how many there are."""

from __future__ import annotations

import polars as pl

from analytics.customers import CustomerTable

STABLE = 0.7  # bootstrap ARI from which a number of groups can be trusted
SMALLEST = 0.05  # of all customers
KNOWN = 0.6  # a trait known for fewer customers would group people by whether they told it
MOST_LEVELS = 6
BEHAVIOUR = ("recency_days", "n_orders", "mean_order_value", "discount_share")
ATTRIBUTES = ("age", "gender", "tier", "acquisition_channel", "category_mix", "channel_mix")


def own_features(customers: CustomerTable) -> tuple[str, ...]:
    """Behaviour and attributes together: names of traits that are there and known for most customers."""
    found = []
    for trait in customers.traits:
        if trait.name not in BEHAVIOUR + ATTRIBUTES:
            continue
        column = customers.frame[trait.columns[0]]
        known = column.count() >= KNOWN * customers.frame.height
        few = trait.kind != "category" or column.drop_nulls().n_unique() <= MOST_LEVELS
        if known and few:
            found.append(trait.name)
    return tuple(sorted(found, key=(BEHAVIOUR + ATTRIBUTES).index))


def recommend_number(numbers: pl.DataFrame) -> int:
    """How many groups personas should have: the most that still come back, none of them tiny.

    ``numbers``: n_segments, stability (bootstrap ARI), min_share (0-1), one row per number tried. The largest number
    with stability of at least .7 and no group under 5 percent; where none is, the most stable one of those without a
    tiny group, else the most stable one.
    """
    sized = numbers.filter(pl.col("min_share") >= SMALLEST)
    trusted = sized.filter(pl.col("stability") >= STABLE)
    if trusted.height:
        return int(trusted["n_segments"].max())  # type: ignore[arg-type]
    rows = sized if sized.height else numbers
    return int(rows.sort("stability", "n_segments", descending=[True, False], nulls_last=True)["n_segments"][0])
