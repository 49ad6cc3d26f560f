"""What customers prefer: fans of a category or brand, favourites of each customer, and how segments differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.behaviour.affinity import Counts, Prior, count_levels, learn_prior, posterior
from analytics.behaviour.spec import KINDS, BehaviourSpec, Kind
from analytics.contrasts import PRIVACY_LIMIT, contrast_groups, judge
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report

MOST_FAVOURITES = 3
STATES = ("fan", "none", "not_enough")
_ALPHA, _LEAST_POINTS, _LEAST_LIFT = 0.05, 0.05, 1.25


@dataclass(frozen=True, slots=True, eq=False)
class PreferencesResult:
    """Preferences up to the as-of date among known customers.

    Attributes
    ----------
    by : "category", "brand", "channel" or "payment_method".
    levels : level (null: all others together), n_orders (with it), share (0-1, of
        orders with any; null for the others together, of which one order may hold several), n (customers
        who ordered it), n_fans, fan_share (0-1, of the customers with enough orders), revenue (sales before returns,
        whole currency units; null without amounts), most frequent first.
    states : state ("fan" of at least one, "none": no preference that passes, "not_enough": too few orders),
        n (customers), share (0-1).
    by_label : label, level, n (the segment's customers), share (mean of their own shares), rest_share, difference, lo,
        hi (95 %), lift (share / rest_share), p_holm, verdict ("different": p_holm under .05, and five points or a
        quarter of the others' share; "similar", "unclear"). Cells that would tell of one to nine people are absent;
        empty without labels.
    concentration : median over the levels shown of a, how many orders of the average customer a customer's own are
        mixed with; None: not learned, so nobody is a fan.
    differ_p : of the test that customers differ in what they order at all.
    false_fans : share of fans that is expected to be wrong (1 - mean posterior probability); None without fans.
    n_customers : known customers with an order of known value.
    """

    by: str
    levels: pl.DataFrame
    states: pl.DataFrame
    by_label: pl.DataFrame
    labels: tuple[str, ...]
    concentration: float | None
    differ_p: float | None
    false_fans: float | None
    n_customers: int
    currency: str
    caveats: tuple[Caveat, ...]
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class Favourites:
    """What each customer orders most, as far as the data tell.

    Attributes
    ----------
    frame : up to three rows per customer and kind, the largest share first: customer_id, kind, rank (1-3), level,
        n_orders (with it), n_of (orders with a known value), share (posterior mean), lo, hi (95 %), base_share, lift
        (share / base_share), probability (of being above the base by the margin), is_fan (Boolean).
    states : customer_id, kind, state ("fan", "none", "not_enough").
    kinds : those the data hold.
    """

    frame: pl.DataFrame
    states: pl.DataFrame
    kinds: tuple[str, ...]
    key: str


def preference_kinds(dataset: Dataset) -> tuple[Kind, ...]:
    """Which of ``KINDS`` the order lines hold, for customers that are known."""
    known = dataset.has("transactions.customer_id", "transactions.ordered_at")
    return tuple(kind for kind in KINDS if known and dataset.has(f"transactions.{kind}"))


def describe_preferences(
    dataset: Dataset, spec: BehaviourSpec, labels: CustomerLabels | None = None
) -> PreferencesResult:
    """Shares, fans and segments for ``spec.affinity_by``.

    Raises ``AnalysisError``: table_missing, fields_missing, no_orders.
    """
    report(0.0, "behaviour_preferences")
    counts = count_levels(dataset, spec.affinity_by)
    if counts.entries.is_empty():
        raise AnalysisError("no_orders", n_lines=dataset.tables["transactions"].height)
    prior = learn_prior(counts)
    report(0.5, "behaviour_preferences")
    scored, states = _judged(counts, prior, spec)
    caveats: list[Caveat] = []
    if prior.concentration is None:
        caveats.append(Caveat("affinity_not_learned", params={"n": counts.totals.height}))
    n_short = int((states["state"] == "not_enough").sum())
    if n_short:
        share = round(100 * n_short / states.height)
        params = {"n": n_short, "percent": share, "least": spec.min_orders}
        caveats.append(Caveat("affinity_not_enough", "note", params))
    fans = scored.filter("is_fan")
    counted = states.group_by("state").agg(n=pl.len().cast(pl.Int64))
    every = pl.DataFrame({"state": STATES}).join(counted, on="state", how="left", maintain_order="left")
    n = pl.col("n").fill_null(0)
    kept = _kept(counts, spec.n_levels)
    return PreferencesResult(
        by=spec.affinity_by,
        levels=_levels(counts, kept, fans, states, dataset),
        states=every.select("state", n=n, share=n / states.height),
        by_label=_by_label(counts, kept, labels, spec.affinity_by),
        labels=labels.labels if labels is not None else (),
        concentration=None if prior.concentration is None else float(np.median(prior.concentration[kept])),
        differ_p=prior.p,
        false_fans=float(1 - np.sort(fans["probability"].to_numpy()).mean()) if fans.height else None,
        n_customers=states.height,
        currency=dataset.currency,
        caveats=tuple(caveats),
        key=derive_key("describe_preferences", spec, dataset.key, labels.key if labels is not None else ""),
    )


def favourites(dataset: Dataset, spec: BehaviourSpec) -> Favourites:
    """Each customer's favourites of every kind that the data hold; empty where they hold none."""
    frames, states = [], []
    kinds = preference_kinds(dataset)
    for done, kind in enumerate(kinds):
        report(done / len(kinds), "behaviour_preferences")
        counts = count_levels(dataset, kind)
        scored, state = _judged(counts, learn_prior(counts), spec)
        largest = scored.sort("customer", "share", "n", "level", descending=[False, True, True, False], nulls_last=True)
        ranked = largest.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("customer"))
        ranked = ranked.filter(pl.col("rank") <= MOST_FAVOURITES)
        frames.append(
            ranked.select(
                counts.ids.gather(ranked["customer"]).alias("customer_id"),
                kind=pl.lit(kind),
                rank="rank",
                level=counts.levels.gather(ranked["level"]),
                n_orders="n",
                n_of="n_orders",
                share="share",
                lo="lo",
                hi="hi",
                base_share="base_share",
                lift=pl.col("share") / pl.col("base_share"),
                probability="probability",
                is_fan="is_fan",
            )
        )
        named = counts.ids.gather(state["customer"]).alias("customer_id")
        states.append(state.select(named, kind=pl.lit(kind), state="state"))
    return Favourites(
        frame=pl.concat(frames).sort("customer_id", "kind", "rank") if frames else pl.DataFrame(),
        states=pl.concat(states).sort("customer_id", "kind") if states else pl.DataFrame(),
        kinds=kinds,
        key=derive_key("favourites", spec, dataset.key),
    )


def _judged(counts: Counts, prior: Prior, spec: BehaviourSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Entries with their posterior and is_fan; and the state of each customer."""
    entries = counts.entries.join(counts.totals, on="customer", how="left", maintain_order="left")
    if prior.concentration is None:
        base = prior.shares[entries["level"].to_numpy()]
        nothing = [pl.lit(None, pl.Float64).alias(name) for name in ("lo", "hi", "probability")]
        scored = entries.with_columns(
            *nothing,
            share=pl.col("n") / pl.col("n_orders"),
            base_share=pl.Series(base),
            is_fan=pl.lit(False),
        )
        return scored, counts.totals.select("customer", state=pl.lit("not_enough"))
    scored = posterior(entries, prior, spec.fan_odds).with_columns(
        is_fan=(pl.col("n_orders") >= spec.min_orders) & (pl.col("probability") >= spec.fan_probability)
    )
    fans = scored.filter("is_fan").select("customer").unique().with_columns(fan=pl.lit(True))
    state = (
        pl.when(pl.col("n_orders") < spec.min_orders)
        .then(pl.lit("not_enough"))
        .when(pl.col("fan").fill_null(False))
        .then(pl.lit("fan"))
        .otherwise(pl.lit("none"))
    )
    joined = counts.totals.join(fans, on="customer", how="left", maintain_order="left")
    return scored, joined.select("customer", state=state)


def _kept(counts: Counts, n_levels: int) -> list[int]:
    """Positions of the most frequent levels, ties by name."""
    sums = counts.entries.group_by("level").agg(pl.col("n").sum())
    return sums.sort("n", "level", descending=[True, False])["level"].head(n_levels).to_list()


def _levels(
    counts: Counts, kept: list[int], fans: pl.DataFrame, states: pl.DataFrame, dataset: Dataset
) -> pl.DataFrame:
    folded = pl.when(pl.col("level").is_in(kept)).then("level")
    sums = (
        counts.entries.with_columns(level=folded)
        .group_by("level")
        .agg(
            pl.col("n").sum().alias("n_orders"),
            pl.col("customer").n_unique().cast(pl.Int64).alias("n"),
            pl.col("amount").sum(),
        )
    )
    liked = fans.with_columns(level=folded).group_by("level").agg(n_fans=pl.col("customer").n_unique().cast(pl.Int64))
    joined = sums.join(liked, on="level", how="left", nulls_equal=True)
    n_enough = int((states["state"] != "not_enough").sum())
    n_fans = pl.col("n_fans").fill_null(0)
    place = {level: i for i, level in enumerate(kept)}
    ordered = joined.sort(pl.col("level").replace_strict(place, default=len(kept), return_dtype=pl.Int64))
    priced = dataset.has("transactions.amount")
    return ordered.select(
        counts.levels.gather(ordered["level"]).alias("level"),
        "n_orders",
        share=pl.when(pl.col("level").is_not_null()).then(pl.col("n_orders") / int(counts.totals["n_orders"].sum())),
        n="n",
        n_fans=n_fans,
        fan_share=n_fans / n_enough if n_enough else pl.lit(None, pl.Float64),
        revenue=dataset.money("amount") if priced else pl.lit(None, pl.Float64),
    )


def _by_label(counts: Counts, kept: list[int], labels: CustomerLabels | None, by: str) -> pl.DataFrame:
    """Each segment against all other customers, in the mean of the customers' own shares."""
    schema = {
        "label": pl.String,
        "level": pl.String,
        "n": pl.Int64,
        **dict.fromkeys(("share", "rest_share", "difference", "lo", "hi", "lift", "p_holm"), pl.Float64),
        "verdict": pl.String,
    }
    if labels is None:
        return pl.DataFrame(schema=schema)
    where = pl.DataFrame(
        {"customer_id": counts.ids, "customer": range(len(counts.ids))}, schema_overrides={"customer": pl.Int64}
    )
    placed = where.join(labels.frame, on="customer_id").select("customer", "label")
    wide = counts.totals.select("customer", "n_orders").join(placed, on="customer").sort("customer")
    columns = {}
    for level in kept:
        name = f"level {level}"
        columns[counts.levels[level]] = name
        theirs = counts.entries.filter(pl.col("level") == level).select("customer", pl.col("n").alias(name))
        wide = wide.join(theirs, on="customer", how="left", maintain_order="left")
    wide = wide.with_columns(pl.col(columns.values()).fill_null(0)) if columns else wide
    if wide.height < 2 * PRIVACY_LIMIT:
        return pl.DataFrame(schema=schema)
    found, _scores, _n = contrast_groups(wide, labels.labels, [], {}, mixes={by: columns}, totals={by: ["n_orders"]})
    if not found:
        return pl.DataFrame(schema=schema)
    lift = pl.when(pl.col("value_rest") > 0).then(pl.col("value_group") / pl.col("value_rest"))
    # Five points are much of a rare thing: there, a quarter more or less of the others' share is enough.
    large = (pl.col("effect").abs() >= _LEAST_POINTS) | (lift >= _LEAST_LIFT) | (lift <= 1 / _LEAST_LIFT)
    judged = judge(found, min_points=0.0)
    clear = (pl.col("p_holm") < _ALPHA) & large.fill_null(True)
    inside = (pl.col("lo") > -_LEAST_POINTS) & (pl.col("hi") < _LEAST_POINTS) & ~large.fill_null(True)
    verdict = pl.when(clear).then(pl.lit("different")).when(inside).then(pl.lit("similar")).otherwise(pl.lit("unclear"))
    return judged.select(
        "label",
        "level",
        "n",
        share="value_group",
        rest_share="value_rest",
        difference="effect",
        lo="lo",
        hi="hi",
        lift=lift,
        p_holm="p_holm",
        verdict=verdict,
    )
