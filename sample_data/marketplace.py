"""The marketplace world: one seed, any number of customers, seven served tables and the truth beside them.

Customers are made in blocks of `BLOCK_SIZE`, each from its own random streams, so a million customers need no more
memory than one block at a time, and the same seed and size always give the same rows. The order of rows is by
block, and by time within a block (one block up to 50,000 customers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sample_data.blocks import Frames, write_blocks, write_parameters, write_tables
from sample_data.campaigns import change_orders, draw_campaigns, expect_change, send, write_effects, write_outcomes
from sample_data.contacts import write_contacts
from sample_data.demand import build_demand
from sample_data.lines import draw_lines, draw_returns, sort_lines, write_sales
from sample_data.orders import WALK_IN_SHARE, complete_orders, draw_days, draw_walk_ins
from sample_data.people import draw_people, write_files_on, write_truth_of
from sample_data.products import draw_range
from sample_data.promotions import draw_promotions
from sample_data.seasons import N_DAYS, draw_seasons
from sample_data.seeds import Part, stream
from sample_data.segments import draw_segments
from sample_data.surveys import write_survey
from sample_data.truth import Exposure, World, describe_demand, describe_parameters, describe_products
from sample_data.visits import write_events
from sample_data.voices import draw_voices, write_feedback

GENERATOR_VERSION = 1  # raise it when the same seed gives other rows
BLOCK_SIZE = 50_000
MIN_CUSTOMERS = 50
TABLES = ("transactions", "customers", "events", "contacts", "feedback", "survey", "campaigns")
TRUTH_TABLES = ("customers", "duplicates", "feedback", "survey", "campaign_effects")


@dataclass(frozen=True, slots=True, eq=False)
class Marketplace:
    """A whole world in memory: served tables, truth tables and parameters."""

    tables: Frames
    truth: Frames
    parameters: dict[str, Any]


def draw_world(seed: int) -> World:
    """Draw everything that does not belong to one customer; it depends on the seed alone."""
    segments, goods, seasons = draw_segments(seed), draw_range(seed), draw_seasons(seed)
    promotions = draw_promotions(seed)
    return World(
        seed=seed,
        segments=segments,
        goods=goods,
        seasons=seasons,
        promotions=promotions,
        campaigns=draw_campaigns(seed),
        voices=draw_voices(seed),
        demand=build_demand(segments, goods, seasons, promotions),
    )


def generate(customers: int, seed: int) -> Marketplace:
    """Make a world in memory. For more than some 200,000 customers use `write`."""
    world, exposure = draw_world(seed), Exposure()
    blocks = list(_draw_blocks(world, exposure, customers))
    tables = {name: pl.concat([b[0][name] for b in blocks]) for name in TABLES}
    truth = {name: pl.concat([b[1][name] for b in blocks]) for name in TRUTH_TABLES}
    truth["uplift_by_segment"] = _sum_uplift(truth["campaign_effects"].lazy())
    truth |= describe_products(world) | describe_demand(world, exposure)
    return Marketplace(tables, truth, describe_parameters(world, exposure, customers, GENERATOR_VERSION))


def write(customers: int, seed: int, out: Path) -> list[Path]:
    """Write a world under `out`: `marketplace/` is to be served, `truth/marketplace/` is to be kept apart."""
    served, apart = out / "marketplace", out / "truth" / "marketplace"
    world, exposure = draw_world(seed), Exposure()
    written = write_blocks(_draw_blocks(world, exposure, customers), ((served, TABLES), (apart, TRUTH_TABLES)))
    uplift = _sum_uplift(pl.scan_parquet(apart / "campaign_effects.parquet"))
    more = {"uplift_by_segment": uplift} | describe_products(world) | describe_demand(world, exposure)
    written += write_tables(more, apart)
    parameters = describe_parameters(world, exposure, customers, GENERATOR_VERSION)
    return [*written, write_parameters(parameters, apart / "truth.json")]


def _draw_blocks(world: World, exposure: Exposure, customers: int) -> Iterator[tuple[Frames, Frames]]:
    """Yield served and truth tables block by block; adds each block to the exposure."""
    if customers < MIN_CUSTOMERS:
        raise ValueError(f"a world needs at least {MIN_CUSTOMERS} customers, got {customers}")
    next_serial = np.zeros(N_DAYS, dtype=np.int64)
    starts = list(range(0, customers, BLOCK_SIZE))
    if len(starts) > 1 and customers - starts[-1] < MIN_CUSTOMERS:
        starts.pop()  # a remainder too small to hold special accounts joins the block before it
    ends = [*starts[1:], customers]
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        yield _draw_block(world, exposure, block, end - start, start + 1, next_serial)


def _draw_block(
    world: World, exposure: Exposure, block: int, n: int, first_number: int, next_serial: np.ndarray[Any, Any]
) -> tuple[Frames, Frames]:
    seed, segments, goods, demand = world.seed, world.segments, world.goods, world.demand
    people = draw_people(stream(seed, Part.PEOPLE, block), segments, demand, n, first_number)
    ids = people.ids

    rng = stream(seed, Part.ORDERS, block)
    customer, day, certain = draw_days(people, rng, demand)
    recipients = stream(seed, Part.RECIPIENTS, block)
    sendings = [send(people, recipients, segments, demand, campaign) for campaign in world.campaigns]
    for sending in sendings:
        customer, day, certain = change_orders(people, recipients, sending, customer, day, certain)
        exposure.campaigns += expect_change(people, demand, sending)
    orders = complete_orders(people, rng, segments, customer, day, next_serial)
    rng = stream(seed, Part.WALK_INS, block)
    n_walk_ins = round(len(orders) * WALK_IN_SHARE / (1 - WALK_IN_SHARE))
    walk_ins = draw_walk_ins(rng, segments, demand, n_walk_ins, next_serial)
    exposure.add(people, n_walk_ins)

    lines = draw_lines(stream(seed, Part.LINES, block), segments, goods, demand, orders)
    walk_in_lines = draw_lines(rng, segments, goods, demand, walk_ins)
    back = stream(seed, Part.RETURNS, block)
    sold = [write_sales(orders, lines, goods, ids), write_sales(walk_ins, walk_in_lines, goods, ids)]
    returned = [
        draw_returns(back, segments, orders, lines, goods, ids),
        draw_returns(back, segments, walk_ins, walk_in_lines, goods, ids),
    ]
    transactions = sort_lines(pl.concat(sold + returned)).drop("_order", "_cents")

    order_cents = np.bincount(lines.order, weights=lines.amount, minlength=len(orders))
    first_line = np.searchsorted(lines.order, np.arange(len(orders)))
    category = np.array([p.category_index for p in goods.products])[lines.product[first_line]]
    recent = orders.day >= N_DAYS - 365
    spent = np.bincount(orders.customer[recent], weights=order_cents[recent] / 100, minlength=n).astype(np.float64)

    feedback, feedback_truth = write_feedback(
        people, stream(seed, Part.FEEDBACK, block), segments, world.voices, orders, category, f"F{block:03d}"
    )
    survey, survey_truth = write_survey(people, stream(seed, Part.SURVEY, block), segments)
    names = stream(seed, Part.PEOPLE, block + 1_000_000)  # the company's files have a stream of their own
    tables = {
        "transactions": transactions,
        "customers": write_files_on(people, names, segments, spent),
        "events": write_events(people, stream(seed, Part.VISITS, block), goods, demand, orders, lines),
        "contacts": write_contacts(people, stream(seed, Part.CONTACTS, block), orders, category),
        "feedback": feedback,
        "survey": survey,
        "campaigns": pl.concat([write_outcomes(s, people, orders, order_cents) for s in sendings]),
    }
    twin = np.flatnonzero(people.duplicate_of >= 0)
    segment_names = pl.Series([s.name for s in segments])
    effects = pl.concat([write_effects(s, people) for s in sendings])
    truth = {
        "customers": write_truth_of(people, segments),
        "duplicates": pl.DataFrame(
            {"customer_id": ids.gather(twin), "duplicate_of": ids.gather(people.duplicate_of[twin])}
        ),
        "feedback": feedback_truth,
        "survey": survey_truth,
        "campaign_effects": effects.with_columns(segment_names.gather(effects["segment"]).alias("segment")),
    }
    return tables, truth


def _sum_uplift(effects: pl.LazyFrame) -> pl.DataFrame:
    """Return recipients and mean true effect by campaign and segment, summed as integers to be exact."""
    micro = (pl.col("effect") * 1_000_000).round().cast(pl.Int64).sum()
    return (
        effects.group_by("campaign", "segment")
        .agg(pl.len().cast(pl.Int64).alias("recipients"), micro.alias("micro"))
        .with_columns((pl.col("micro") / 1_000_000 / pl.col("recipients")).round(6).alias("mean_effect"))
        .drop("micro")
        .sort("campaign", "segment")
        .collect()
    )
