"""What describing groups comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.errors import Caveat
from analytics.personas.spec import PersonaSpec


@dataclass(frozen=True, slots=True, eq=False)
class PersonasResult:
    """One card per group of at least ``spec.min_group`` customers, in the labels' display order.

    No figure tells of one to nine people, neither alone nor by subtraction from the others: counts that would are
    null, comparisons that would are left out.

    Attributes
    ----------
    labels : all labels in display order, also those without a card (colour i belongs to label i).
    cards : label, n_customers, customer_share (0-1), revenue (currency units), revenue_share (0-1), coverage (share
        of known values over the attributes, 0-1; null without attributes), n_shown (traits shown). Shares are of all
        customers with a label; of those with a card where the others are fewer than ten.
    measures : label, field, n (known values; null where it would tell of few), median, q25, q75, median_all: behaviour
        and numeric attributes.
    traits : every comparison of traits: label, field, level (null for numbers), kind ("number" or "share"), n (known
        values in the group, null as above), value_group, value_rest (medians, or shares 0-1), effect (standard
        deviations between normal scores, or difference in share), lo, hi (95 %), size (|d| or Cohen's |h|), p, p_holm
        (over all comparisons of the result, needs and pains among them), verdict ("different", "similar": the interval
        lies within the least difference shown, "unclear"), built_in (the field made the groups), shown, rank (1 =
        strongest; null unless shown).
    needs : every comparison of what is bought and how: label, field ("category_mix", "brand_mix" of sale lines,
        "channel_mix", "payment_mix" of orders), level, n (people in the group who have any, null as above),
        value_group, value_rest (mean share among a person's own, 0-1), lift (their ratio), effect, lo, hi, p, p_holm,
        verdict, shown (more than the others, by ``min_lift`` or more), rank (by lift within label and field).
    pains : every comparison of what goes wrong: label, field ("contact_reason": share of people with a service contact
        for that reason; "low_rating": share of those who rated that gave a low rating; "feedback_topic": share of
        those who wrote that complained of it), level, n, value_group, value_rest, effect, lo, hi, p, p_holm, verdict,
        shown (more frequent here), rank.
    similar : label, field, effect, lo, hi: fields that are NOT different (for a category the widest level).
    coverage : label, field, coverage (0-1): of how many in the group an attribute is known; a lower bound where one to
        nine people have or lack it.
    quotes : label, quote_id (digest of the text), quote, tone ("warm", "mixed", "critical", "unrated"), rating (as
        given), source, language. At most one per person, in the language in which it was written.
    unquoted : label, reason: why a card has no quote.
    members : customer_id, label: everybody with a card.
    families : field, family: what each compared field tells of.
    first_day, last_day : the period that the orders cover; null without orders.
    tables : names of the tables that were looked at.
    n_customers : customers with a label; n_tests : comparisons made; n_suppressed : comparisons left out because
        they would tell of 1-9 people; n_hidden : groups without a card.
    """

    spec: PersonaSpec
    currency: str
    labels: tuple[str, ...]
    cards: pl.DataFrame
    measures: pl.DataFrame
    traits: pl.DataFrame
    needs: pl.DataFrame
    pains: pl.DataFrame
    similar: pl.DataFrame
    coverage: pl.DataFrame
    quotes: pl.DataFrame
    unquoted: pl.DataFrame
    members: pl.DataFrame
    families: pl.DataFrame
    first_day: date | None
    last_day: date | None
    tables: tuple[str, ...]
    n_customers: int
    n_tests: int
    n_suppressed: int
    n_hidden: int
    caveats: tuple[Caveat, ...]
    key: str
