"""Who buys: five planted segments and two kinds of account that are no consumers.

A segment is a way of behaving. All shares are 0-1, all rates per year, attitudes on a latent scale around 0
(one unit = one standard deviation of the answers). The seed moves every figure, so that a class with its own
seed meets its own market; the order of the segments by character stays readable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sample_data.seeds import Part, stream

CATEGORIES = (
    "Groceries", "Home & Kitchen", "Beauty & Care", "Electronics",
    "Fashion", "Sports & Outdoor", "Baby & Toys", "Books & Stationery",
)  # fmt: skip
CHANNELS = ("web", "app", "store", "partner")
PAYMENTS = ("card", "wallet", "bank_transfer", "cash_on_delivery", "instalment")
ACQUISITIONS = ("search_ad", "social", "referral", "organic", "partner", "store")
ATTITUDES = ("price_sensitivity", "brand_loyalty", "novelty_seeking", "convenience", "sustainability")
TOPICS = ("delivery", "quality", "price", "service", "packaging", "app", "size")


@dataclass(frozen=True, slots=True)
class Segment:
    """How the people of one segment behave."""

    name: str
    account_type: str  # consumer, wholesale, test
    size_share: float  # share of all consumers
    orders_per_year: float  # mean of the customers' latent rates while active
    rate_shape: float  # gamma shape of the rates within the segment (small = very uneven)
    dropout_per_year: float  # mean hazard of silent dropout
    dropout_shape: float  # gamma shape of the hazards within the segment
    comeback_share: float  # share of those dropped out who return after a gap
    buyer_share: float  # share of accounts that ever order; the rest stay acquaintances
    extra_lines: float  # mean of the Poisson number of lines beyond the first
    price_taste: float  # weight of a product x exp(price_taste x standardised log price in its category)
    quantity_factor: float  # multiplies quantities
    category_mix: tuple[float, ...]  # shares over CATEGORIES, at planted base weights
    channel_mix: tuple[float, ...]  # shares over CHANNELS
    payment_mix: tuple[float, ...]  # shares over PAYMENTS
    acquisition_mix: tuple[float, ...]  # shares over ACQUISITIONS
    age_mean: float  # years on the last day
    age_sd: float
    female_share: float
    big_city_tilt: float  # exponent on the cities' weights: above 1 leans to large cities
    evening_share: float  # share of orders placed in the evening profile
    promotion_response: float  # promotion lift is raised to this power
    coupon_share: float  # share of orders with a personal coupon
    return_factor: float  # multiplies the category's return share
    attitudes: tuple[float, ...]  # latent means over ATTITUDES
    nps_mean: float  # latent mean of the 0-10 recommendation answer
    survey_share: float  # share of invited customers who answer
    topic_mix: tuple[float, ...]  # shares over TOPICS in what they write
    extra_order_probability: float  # campaign effect: above 0 adds an order, below 0 suppresses each order


_BASE = (
    Segment(
        "household_planners", "consumer", 0.22, 5.2, 3.0, 0.22, 2.0, 0.10, 0.95, 1.6, 0.0, 1.0,
        (0.40, 0.17, 0.10, 0.02, 0.04, 0.03, 0.20, 0.04), (0.15, 0.65, 0.15, 0.05),
        (0.30, 0.52, 0.04, 0.13, 0.01), (0.12, 0.18, 0.30, 0.24, 0.06, 0.10), 39, 7, 0.78, 0.9, 0.45,
        1.0, 0.12, 0.6, (0.2, 0.6, -0.5, 0.9, 0.5), 8.2, 0.30,
        (0.24, 0.20, 0.14, 0.12, 0.20, 0.07, 0.03), -0.25,
    ),
    Segment(
        "bargain_hunters", "consumer", 0.26, 3.1, 1.8, 0.45, 2.0, 0.15, 0.92, 1.0, -0.7, 1.0,
        (0.17, 0.17, 0.17, 0.08, 0.19, 0.07, 0.07, 0.08), (0.25, 0.55, 0.08, 0.12),
        (0.17, 0.38, 0.10, 0.32, 0.03), (0.34, 0.30, 0.10, 0.10, 0.14, 0.02), 31, 8, 0.56, 0.8, 0.60,
        1.7, 0.35, 1.0, (1.3, -0.8, 0.1, 0.0, -0.4), 6.9, 0.22,
        (0.17, 0.15, 0.34, 0.12, 0.08, 0.09, 0.05), 0.20,
    ),
    Segment(
        "tech_enthusiasts", "consumer", 0.16, 2.2, 2.2, 0.32, 2.0, 0.10, 0.93, 0.5, 0.6, 1.0,
        (0.04, 0.08, 0.02, 0.56, 0.04, 0.14, 0.03, 0.09), (0.60, 0.22, 0.10, 0.08),
        (0.44, 0.17, 0.07, 0.03, 0.29), (0.36, 0.12, 0.12, 0.28, 0.10, 0.02), 33, 8, 0.20, 1.3, 0.65,
        0.9, 0.10, 0.9, (-0.3, 0.2, 1.2, 0.1, 0.0), 7.4, 0.24,
        (0.16, 0.34, 0.14, 0.16, 0.10, 0.09, 0.01), 0.02,
    ),
    Segment(
        "style_seekers", "consumer", 0.21, 3.6, 2.0, 0.38, 2.0, 0.12, 0.94, 0.9, 0.4, 1.0,
        (0.04, 0.07, 0.33, 0.03, 0.42, 0.06, 0.02, 0.03), (0.15, 0.70, 0.10, 0.05),
        (0.40, 0.42, 0.03, 0.10, 0.05), (0.12, 0.52, 0.18, 0.10, 0.05, 0.03), 27, 6, 0.86, 1.2, 0.70,
        1.1, 0.18, 1.8, (0.0, 0.4, 0.9, 0.3, 0.4), 7.6, 0.20,
        (0.15, 0.18, 0.10, 0.10, 0.10, 0.10, 0.27), 0.14,
    ),
    Segment(
        "occasional_gifters", "consumer", 0.15, 1.1, 2.5, 0.50, 2.0, 0.18, 0.86, 0.6, 0.3, 1.0,
        (0.14, 0.18, 0.15, 0.09, 0.06, 0.06, 0.16, 0.16), (0.27, 0.12, 0.47, 0.14),
        (0.42, 0.08, 0.26, 0.21, 0.03), (0.12, 0.06, 0.24, 0.24, 0.10, 0.24), 54, 10, 0.54, 0.7, 0.25,
        0.8, 0.06, 0.7, (-0.2, 0.5, -0.8, 0.5, 0.2), 7.1, 0.26,
        (0.24, 0.17, 0.10, 0.22, 0.16, 0.08, 0.03), 0.06,
    ),
    Segment(
        "wholesale", "wholesale", 0.0, 20.0, 4.0, 0.10, 4.0, 0.0, 1.0, 2.5, -0.2, 14.0,
        (0.34, 0.20, 0.12, 0.10, 0.05, 0.05, 0.04, 0.10), (0.55, 0.0, 0.05, 0.40),
        (0.10, 0.0, 0.88, 0.02, 0.0), (0.05, 0.0, 0.25, 0.30, 0.40, 0.0), 45, 8, 0.40, 1.0, 0.02,
        0.6, 0.02, 0.3, (0.9, 0.3, -0.5, 0.6, 0.0), 7.5, 0.0,
        (0.25, 0.2, 0.25, 0.15, 0.15, 0.0, 0.0), 0.0,
    ),
    Segment(
        "test", "test", 0.0, 6.0, 6.0, 0.05, 6.0, 0.0, 1.0, 0.0, -0.5, 1.0,
        (0.125,) * 8, (0.5, 0.5, 0.0, 0.0), (0.9, 0.1, 0.0, 0.0, 0.0), (0, 0, 0, 1.0, 0, 0),
        35, 5, 0.50, 1.0, 0.02, 0.5, 0.0, 0.0, (0.0,) * 5, 5.0, 0.0, (1 / 7,) * 7, 0.0,
    ),
)  # fmt: skip

N_CONSUMER_SEGMENTS = 5
WHOLESALE = 5
TEST = 6


def draw_segments(seed: int) -> tuple[Segment, ...]:
    """Draw the seven kinds of account: five consumer segments first, then wholesale and test accounts."""
    rng = stream(seed, Part.SEGMENTS)
    sizes = rng.dirichlet(np.array([s.size_share for s in _BASE[:N_CONSUMER_SEGMENTS]]) * 120)
    drawn: list[Segment] = []
    for k, base in enumerate(_BASE):
        rate, drop, effect = np.exp(rng.normal(0.0, [0.12, 0.15, 0.2]))
        price, age, nps = rng.normal(0.0, [0.1, 1.0, 0.2])
        consumer = k < N_CONSUMER_SEGMENTS
        drawn.append(
            replace(
                base,
                size_share=round(float(sizes[k]), 4) if consumer else 0.0,
                orders_per_year=round(base.orders_per_year * float(rate), 3),
                dropout_per_year=round(base.dropout_per_year * float(drop), 3),
                extra_order_probability=round(base.extra_order_probability * float(effect), 3),
                price_taste=round(base.price_taste + float(price), 3),
                age_mean=round(base.age_mean + float(age), 1),
                nps_mean=round(base.nps_mean + float(nps), 2),
                category_mix=_jitter(rng, base.category_mix, 150),
                channel_mix=_jitter(rng, base.channel_mix, 150),
                payment_mix=_jitter(rng, base.payment_mix, 150),
                topic_mix=_jitter(rng, base.topic_mix, 120),
            )
        )
    return tuple(drawn)


def _jitter(rng: np.random.Generator, shares: tuple[float, ...], concentration: float) -> tuple[float, ...]:
    """Move shares a little around their base; a share of zero stays zero."""
    base = np.asarray(shares, dtype=np.float64)
    moved = np.zeros_like(base)
    positive = base > 0
    moved[positive] = rng.dirichlet(base[positive] / base.sum() * concentration)
    moved = np.round(moved, 4)
    moved[int(np.argmax(moved))] += 1.0 - moved.sum()
    return tuple(round(float(m), 4) for m in moved)
