"""Groups made for personas alone: what they are built from where nobody chose."""

from __future__ import annotations

from analytics.customers import CustomerTable

KNOWN = 0.6  # a trait known for fewer customers would group people by whether they told it
MOST_LEVELS = 6
BEHAVIOUR = ("recency_days", "n_orders", "mean_order_value", "discount_share")
# Not the tier: it is given for what somebody buys, and splits customers so sharply that it would be all there is.
ATTRIBUTES = ("age", "gender", "category_mix", "channel_mix")


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
