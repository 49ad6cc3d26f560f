"""The truth beside the data: every planted parameter and what follows from it.

Parameters go into one JSON document; quantities per customer, product or day into small tables. Nothing here
is estimated from the generated rows: expectations are computed from the parameters and the latent lives.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data import campaigns, contacts, lines, orders, people, surveys, visits, voices
from sample_data.campaigns import Campaign
from sample_data.catalogue import SHELVES
from sample_data.demand import Demand
from sample_data.people import People
from sample_data.products import Range, compute_life_weights, list_months, name_stages
from sample_data.promotions import Promotion, compute_lift
from sample_data.seasons import (
    END,
    LUNAR_NEW_YEAR,
    N_DAYS,
    START,
    Seasons,
    compute_holiday,
    compute_trend,
    compute_weekly,
    compute_yearly,
    list_days,
)
from sample_data.segments import ACQUISITIONS, ATTITUDES, CATEGORIES, CHANNELS, PAYMENTS, TOPICS, Segment
from sample_data.voices import Voices

Floats = NDArray[np.float64]
N_KINDS = 7  # kinds of account


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Everything drawn from the seed that does not belong to one customer."""

    seed: int
    segments: tuple[Segment, ...]
    goods: Range
    seasons: Seasons
    promotions: tuple[Promotion, ...]
    campaigns: tuple[Campaign, ...]
    voices: Voices
    demand: Demand


@dataclass(slots=True, eq=False)
class Exposure:
    """Running sums over blocks that the expected demand is computed from."""

    rate: Floats = field(default_factory=lambda: np.zeros((N_KINDS, N_DAYS)))  # latent yearly rates of the active
    arrivals: Floats = field(default_factory=lambda: np.zeros((N_KINDS, N_DAYS)))  # orders that come for certain
    campaigns: Floats = field(default_factory=lambda: np.zeros((N_KINDS, N_DAYS)))  # change by campaigns
    walk_ins: int = 0

    def add(self, block: People, walk_ins: int) -> None:
        """Add one block of customers and its number of orders of nobody on file."""
        self.walk_ins += walk_ins
        lives = ((block.activated, block.first_dropout), (block.resurrected, block.dropout))
        for start, end in lives:
            known = ~np.isnan(start)
            kind, weight = block.segment[known], block.rate[known]
            change = np.zeros((N_KINDS, N_DAYS + 2))
            for sign, time in ((1.0, start[known]), (-1.0, np.minimum(end[known], N_DAYS))):
                day = np.floor(np.minimum(time, N_DAYS)).astype(np.int64)
                part = np.minimum(time, N_DAYS) - day
                np.add.at(change, (kind, day), sign * weight * (1 - part))
                np.add.at(change, (kind, day + 1), sign * weight * part)
            self.rate += np.cumsum(change, axis=1)[:, :N_DAYS]
        for certain in (np.where(block.before_window, np.nan, block.activated), block.resurrected):
            known = ~np.isnan(certain)
            np.add.at(self.arrivals, (block.segment[known], certain[known].astype(np.int64)), 1.0)


def describe_products(world: World) -> dict[str, pl.DataFrame]:
    """Return products, their prices and their stages by month."""
    products = world.goods.products
    names = ("launch", "growth", "peak", "decline", "end")
    catalogue = pl.DataFrame(
        {
            "product_id": [p.product_id for p in products],
            "product": [p.name for p in products],
            "category": [p.category for p in products],
            "brand": [p.brand for p in products],
            "attraction": [p.attraction for p in products],
            "is_evergreen": [p.is_evergreen for p in products],
        }
        | {f"{name}_month": [p.life[k] for p in products] for k, name in enumerate(names)}
    )
    prices = pl.DataFrame(
        [
            {"product_id": p.product_id, "from_date": START + timedelta(days=d), "unit_price": price}
            for p in products
            for d, price in zip(p.price_days, p.prices, strict=True)
        ]
    )
    months = list_months()
    middles = np.array([m for _, m in months])
    weights = compute_life_weights(products)
    at = np.minimum((middles * 365.25 / 12).astype(np.int64), N_DAYS - 1)
    stages = pl.DataFrame(
        [
            {"product_id": p.product_id, "month": month, "stage": stage, "weight": round(float(weight), 6)}
            for i, p in enumerate(products)
            for (month, _), stage, weight in zip(months, name_stages(p, middles), weights[i, at], strict=True)
        ]
    )
    return {"products": catalogue, "prices": prices, "product_stages": stages}


def describe_demand(world: World, exposure: Exposure) -> dict[str, pl.DataFrame]:
    """Return factors and expected demand by day, by category and day, and the segments' demand by day."""
    days = pl.Series("date", list_days())
    on_file, walk_in = _expect_orders(world, exposure)
    by_day = pl.DataFrame(
        {
            "date": days,
            "trend": np.round(compute_trend(world.seasons), 6),
            "weekly": np.round(compute_weekly(world.seasons), 6),
            "yearly": np.round(compute_yearly(world.seasons), 6),
            "holiday": np.round(compute_holiday(world.seasons), 6),
            "expected_orders": np.round(on_file.sum(axis=0), 4),
            "of_which_by_campaigns": np.round(exposure.campaigns.sum(axis=0), 4),
            "expected_walk_in_orders": np.round(walk_in.sum(axis=0), 4),
        }
    )
    units = _expect_units(world, on_file + walk_in) + _expect_added_units(world, on_file + walk_in)
    lift = compute_lift(world.promotions, 1.0)
    by_category = pl.concat(
        pl.DataFrame(
            {
                "date": days,
                "category": pl.Series([name] * N_DAYS),
                "promotion_lift": np.round(lift[c], 6),
                "expected_units": np.round(units[:, c].sum(axis=0), 4),
            }
        )
        for c, name in enumerate(CATEGORIES)
    )
    by_segment = pl.concat(
        pl.DataFrame(
            {
                "date": days,
                "kind": pl.Series([s.name] * N_DAYS),
                "daily_demand": np.round(world.demand.daily[k], 9),
            }
        )
        for k, s in enumerate(world.segments)
    )
    return {"demand_by_day": by_day, "demand_by_category_day": by_category, "demand_by_segment_day": by_segment}


def describe_parameters(world: World, exposure: Exposure, customers: int, version: int) -> dict[str, Any]:
    """Return every planted parameter as plain JSON values."""
    on_file, walk_in = _expect_orders(world, exposure)
    units = _expect_units(world, on_file + walk_in)
    gone = world.goods.stock_out
    return {
        "world": "marketplace",
        "generator_version": version,
        "seed": world.seed,
        "customers": customers,
        "currency": "TWD",
        "first_day": START.isoformat(),
        "last_day": END.isoformat(),
        "orders_of_share_columns": {
            "categories": CATEGORIES,
            "channels": CHANNELS,
            "payments": PAYMENTS,
            "acquisitions": ACQUISITIONS,
            "attitudes": ATTITUDES,
            "topics": TOPICS,
        },
        "segments": [dataclasses.asdict(s) for s in world.segments],
        "seasons": _plain(dataclasses.asdict(world.seasons)),
        "lunar_new_year": [d.isoformat() for d in LUNAR_NEW_YEAR.values() if START <= d <= END],
        "promotions": [_describe_promotion(world, p, units) for p in world.promotions],
        "elasticities": dict(zip(CATEGORIES, world.goods.elasticities, strict=True)),
        "return_shares": {s.category: s.return_share for s in SHELVES},
        "affinities": [
            {
                "products": [world.goods.products[i].product_id for i in a.products],
                "probability": a.probability,
            }
            for a in world.goods.affinities
        ],
        "stock_out": {
            "product_id": world.goods.products[gone.product].product_id,
            "first_day": _to_date(gone.first_day),
            "last_day": _to_date(gone.last_day),
        },
        "campaigns": [
            dataclasses.asdict(c) | {"sent_on": _to_date(c.sent_day), "outcome_days": campaigns.WINDOW_DAYS}
            for c in world.campaigns
        ],
        "topics": {
            name: {"complaint_share": share, "star_weight": weight}
            for name, share, weight in zip(
                TOPICS, world.voices.complaint_shares, world.voices.star_weights, strict=True
            )
        },
        "stars": {"base": world.voices.base_stars, "noise": world.voices.noise_stars},
        "constants": {
            "before_window_share": people.BEFORE_WINDOW_SHARE,
            "duplicate_share": people.DUPLICATE_SHARE,
            "wholesale_share": people.WHOLESALE_SHARE,
            "test_share": people.TEST_SHARE,
            "comeback_gap_min_days": people.COMEBACK_GAP_MIN_DAYS,
            "comeback_gap_mean_extra_days": people.COMEBACK_GAP_MEAN_EXTRA_DAYS,
            "favourite_share": orders.FAVOURITE_SHARE,
            "walk_in_share_of_orders": orders.WALK_IN_SHARE,
            "cancelled_share_of_orders": lines.CANCELLED_SHARE,
            "return_days": list(lines.RETURN_DAYS),
            "event_days": visits.EVENT_DAYS,
            "visits_per_order": visits.VISITS_PER_ORDER,
            "fade_days": visits.FADE_DAYS,
            "fade_share": visits.FADE_SHARE,
            "visit_share_after_dropout": visits.AFTER_SHARE,
            "contact_share_of_orders": contacts.AFTER_ORDER_SHARE,
            "complaint_share_before_dropout": contacts.BEFORE_DROPOUT_SHARE,
            "feedback_share_of_orders": voices.FEEDBACK_SHARE,
            "sour_days": voices.SOUR_DAYS,
            "sour_extra_complaint_share": voices.SOUR_EXTRA,
            "careless_share_of_survey": surveys.CARELESS_SHARE,
            "attitude_cuts": list(surveys.ATTITUDE_CUTS),
            "nps_sd": surveys.NPS_SD,
            "nps_change_of_dropped": surveys.DROPPED_NPS,
        },
    }


def _expect_orders(world: World, exposure: Exposure) -> tuple[Floats, Floats]:
    """Return expected orders by kind of account and day: of people on file, and of nobody on file."""
    daily = world.demand.daily
    demand_share = np.array([s.size_share * s.orders_per_year for s in world.segments])
    walk_in = exposure.walk_ins * (demand_share / demand_share.sum())[:, None] * daily
    walk_in = walk_in / daily.sum(axis=1, keepdims=True)
    return exposure.rate * daily + exposure.arrivals + exposure.campaigns, walk_in


def _expect_units(world: World, expected_orders: Floats) -> Floats:
    """Return expected units by kind, category and day (before returns, without added affinity lines)."""
    n_lines = np.array([1 + s.extra_lines for s in world.segments])
    units = _mean_units(world)[:, :, None]
    out = expected_orders[:, None, :] * n_lines[:, None, None] * world.demand.shares * units
    return np.asarray(out, dtype=np.float64)


def _expect_added_units(world: World, expected_orders: Floats) -> Floats:
    """Return expected units of the lines that affinities add, by kind, category and day."""
    out = np.zeros((N_KINDS, len(CATEGORIES), N_DAYS))
    units = _mean_units(world)
    extra = np.array([s.extra_lines for s in world.segments])[:, None]
    for affinity in world.goods.affinities:
        share = world.demand.share_of(affinity.products[0])
        # a basket of 1 + Poisson(extra) lines holds the first product at least once
        holds = 1 - (1 - share) * np.exp(-extra * share)
        for partner in affinity.products[1:]:
            category = world.goods.products[partner].category_index
            added = expected_orders * holds * affinity.probability * world.demand.on_sale[partner]
            out[:, category] += added * units[:, category, None]
    return out


def _mean_units(world: World) -> Floats:
    """Return the mean units of a line by kind and category."""
    base = np.array([1 + shelf.extra_units for shelf in SHELVES])
    factor = np.array([s.quantity_factor for s in world.segments])[:, None]
    return np.asarray(np.where(factor > 1, 1 + base * factor, base), dtype=np.float64)


def _describe_promotion(world: World, promotion: Promotion, units: Floats) -> dict[str, Any]:
    """Return a promotion with the lift that its categories' units have over all segments together."""
    window = slice(promotion.first_day, promotion.last_day + 1)
    response = np.array([s.promotion_response for s in world.segments])
    expected: dict[str, float] = {}
    for c in promotion.categories:
        by_kind = units[:, c, window].sum(axis=1)
        without = by_kind / promotion.lift**response
        expected[CATEGORIES[c]] = round(float(by_kind.sum() / max(without.sum(), 1e-12)), 4)
    return {
        "name": promotion.name,
        "first_day": _to_date(promotion.first_day),
        "last_day": _to_date(promotion.last_day),
        "categories": [CATEGORIES[c] for c in promotion.categories],
        "discount_share": promotion.discount_share,
        "lift": promotion.lift,
        "expected_lift": expected,
    }


def _to_date(day: int) -> str:
    return (START + timedelta(days=day)).isoformat()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}
