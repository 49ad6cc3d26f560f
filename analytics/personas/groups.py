"""Groups made for personas alone: what they are built from where nobody chose."""

from __future__ import annotations

from analytics.customers import CustomerTable, Trait

KNOWN = 0.6  # a trait known for fewer customers would group people by whether they told it
MOST_LEVELS = 6
# What people order and how: of these, and who they are, the planted segments of the sample worlds were found by.
ORDERS = ("category_mix", "channel_mix", "payment_mix")
# Not the tier: it is given for what somebody buys, and splits customers so sharply that it would be all there is.
ATTRIBUTES = ("age", "gender", "acquisition_channel")
# Where no orders are told apart by what is in them.
BEHAVIOUR = ("recency_days", "n_orders", "mean_order_value", "discount_share")


def own_features(customers: CustomerTable) -> tuple[str, ...]:
    """Behaviour and attributes together: names of traits that are there and known for most customers.

    Behaviour is what the orders hold and how they are made; only where that is not told, how often and when.
    """
    known = {trait.name for trait in customers.traits if _is_known(customers, trait)}
    behaviour = [name for name in ORDERS if name in known] or [name for name in BEHAVIOUR if name in known]
    return (*behaviour, *(name for name in ATTRIBUTES if name in known))


def _is_known(customers: CustomerTable, trait: Trait) -> bool:
    column = customers.frame[trait.columns[0]]
    few = trait.kind != "category" or column.drop_nulls().n_unique() <= MOST_LEVELS
    return few and column.count() >= KNOWN * customers.frame.height
