"""What is in each order: lines, prices, discounts, then returns and cancellations.

Money is counted in integer cents of TWD throughout and becomes a decimal only on the way out.

    amount = quantity x unit_price - discount_amount          (exact, on every line)

A discount is granted per unit, to the cent, so that part of a line can be returned. A return pays back what was
paid: its unit price is the net one, its discount is zero, its quantity negative. A cancelled order is taken back
as a whole, some hours later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data import names
from sample_data.catalogue import SHELVES
from sample_data.demand import Demand, draw_products
from sample_data.orders import DAY_SECONDS, Orders, settle_payment
from sample_data.products import Range
from sample_data.seasons import EPOCH_DAY, N_DAYS
from sample_data.segments import CHANNELS, PAYMENTS, TEST, Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COUPON_SHARES = (0.05, 0.08, 0.10, 0.15)
CANCELLED_SHARE = 0.015  # of orders of consumers and wholesale accounts
RETURN_DAYS = (3, 25)  # days after the order, both included


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines of one block of orders, sorted by order; `order` is the position in the orders."""

    order: Ints
    product: Ints
    quantity: Ints
    unit_price: Ints  # cents
    unit_discount: Ints  # cents per unit
    payment: Ints  # per line, settled for its order

    @property
    def amount(self) -> Ints:
        """Amount in cents."""
        return self.quantity * (self.unit_price - self.unit_discount)


def draw_lines(
    rng: np.random.Generator, segments: tuple[Segment, ...], goods: Range, demand: Demand, orders: Orders
) -> Lines:
    """Draw the lines of every order."""
    n_lines = 1 + rng.poisson(np.array([s.extra_lines for s in segments])[orders.segment])
    order = np.repeat(np.arange(len(orders)), n_lines)
    day = orders.day
    product = draw_products(demand, rng, orders.segment[order], day[order])
    for affinity in goods.affinities:
        with_first = np.unique(order[product == affinity.products[0]])
        for partner in affinity.products[1:]:
            joins = rng.random(len(with_first)) < affinity.probability
            joins &= demand.on_sale[partner, day[with_first]]
            order = np.concatenate([order, with_first[joins]])
            product = np.concatenate([product, np.full(int(joins.sum()), partner)])
    category = np.array([p.category_index for p in goods.products])[product]
    units = 1 + rng.poisson(np.array([shelf.extra_units for shelf in SHELVES])[category])
    factor = np.array([s.quantity_factor for s in segments])[orders.segment[order]]
    units = np.where(factor > 1, 1 + rng.poisson(units * factor), units)

    # the same product twice in an order is one line with both quantities
    key, where = np.unique(order * len(goods.products) + product, return_inverse=True)
    quantity = np.bincount(where, weights=units).astype(np.int64)
    order, product = key // len(goods.products), key % len(goods.products)

    has_coupon = rng.random(len(orders)) < np.array([s.coupon_share for s in segments])[orders.segment]
    coupon = np.where(has_coupon, rng.choice(COUPON_SHARES, size=len(orders)), 0.0)
    price = demand.price[product, day[order]] * 100
    share = 1 - (1 - demand.discount[product, day[order]]) * (1 - coupon[order])
    unit_discount = np.floor(price * share + 0.5).astype(np.int64)
    total = np.bincount(order, weights=quantity * (price - unit_discount), minlength=len(orders))
    payment = settle_payment(orders.payment, orders.channel, total.astype(np.int64))
    return Lines(order, product, quantity, price, unit_discount, payment[order])


def write_sales(orders: Orders, lines: Lines, goods: Range, ids: pl.Series) -> pl.DataFrame:
    """Return the lines as a frame with helper columns `_order` (position) and `_cents` (amount)."""
    return _write(
        orders, lines, goods, ids,
        position=np.arange(len(lines.order)),
        second=orders.second[lines.order],
        quantity=lines.quantity,
        unit_price=lines.unit_price,
        discount=lines.unit_discount * lines.quantity,
        prefix=np.zeros(len(lines.order), dtype=np.int64),
    )  # fmt: skip


def draw_returns(
    rng: np.random.Generator,
    segments: tuple[Segment, ...],
    orders: Orders,
    lines: Lines,
    goods: Range,
    ids: pl.Series,
) -> pl.DataFrame:
    """Return the lines of returns (R) and cancellations (C) that happen before the world ends."""
    cancelled = (rng.random(len(orders)) < CANCELLED_SHARE) & (orders.segment != TEST)
    hours = rng.uniform(1, 40, len(orders))
    days_later = rng.integers(RETURN_DAYS[0], RETURN_DAYS[1] + 1, len(orders))
    # a return is booked in office hours
    back_at = (orders.day + days_later) * DAY_SECONDS + rng.integers(9 * 3600, 20 * 3600, len(orders))
    category = np.array([p.category_index for p in goods.products])[lines.product]
    share = np.array([shelf.return_share for shelf in SHELVES])[category]
    share = share * np.array([s.return_factor for s in segments])[orders.segment[lines.order]]
    chosen = rng.random(len(lines.order)) < np.minimum(share, 0.6)
    part = 1 + np.floor(rng.random(len(lines.order)) * lines.quantity).astype(np.int64)
    part = np.where(rng.random(len(lines.order)) < 0.7, lines.quantity, np.minimum(part, lines.quantity))
    taken_back = cancelled[lines.order]
    second = np.where(
        taken_back, orders.second[lines.order] + (hours * 3600).astype(np.int64)[lines.order], back_at[lines.order]
    )
    kept = np.flatnonzero((taken_back | chosen) & (second < N_DAYS * DAY_SECONDS))
    quantity = np.where(taken_back, lines.quantity, part)[kept]
    return _write(
        orders, lines, goods, ids,
        position=kept,
        second=second[kept],
        quantity=-quantity,
        unit_price=(lines.unit_price - lines.unit_discount)[kept],
        discount=np.zeros(len(kept), dtype=np.int64),
        prefix=np.where(taken_back[kept], 2, 1),
    )  # fmt: skip


def _write(
    orders: Orders,
    lines: Lines,
    goods: Range,
    ids: pl.Series,
    *,
    position: Ints,
    second: Ints,
    quantity: Ints,
    unit_price: Ints,
    discount: Ints,
    prefix: Ints,
) -> pl.DataFrame:
    order = lines.order[position]
    product = lines.product[position]
    customer = orders.customer[order]
    known = customer >= 0
    city = orders.city[order]
    country = np.array([c for _, c, _ in names.CITIES])[city]
    dates = pl.Series(orders.day[order] + EPOCH_DAY).cast(pl.Int32).cast(pl.Date).dt.strftime("%y%m%d")
    moment = second + EPOCH_DAY * DAY_SECONDS
    frame = pl.DataFrame(
        {
            "customer_id": ids.gather(np.where(known, customer, 0)) if len(ids) else pl.Series([], dtype=pl.String),
            "_known": known,
            "_prefix": pl.Series(["", "R", "C"]).gather(prefix),
            "_date": dates,
            "_serial": orders.serial[order] + 1,
            "ordered_at": pl.Series(moment * 1_000_000).cast(pl.Datetime("us")),
            "product_id": pl.Series([p.product_id for p in goods.products]).gather(product),
            "product": pl.Series([p.name for p in goods.products]).gather(product),
            "category": pl.Series([p.category for p in goods.products]).gather(product),
            "brand": pl.Series([p.brand for p in goods.products]).gather(product),
            "quantity": quantity,
            "unit_price": unit_price,
            "discount_amount": discount,
            "amount": quantity * unit_price - discount,
            "channel": pl.Series(CHANNELS).gather(orders.channel[order]),
            "payment_method": pl.Series(PAYMENTS).gather(lines.payment[position]),
            "city": pl.Series([c for c, _, _ in names.CITIES]).gather(city),
            "country": pl.Series(names.COUNTRIES).gather(country),
            "_order": order,
        }
    )
    return frame.select(
        pl.when("_known").then("customer_id").alias("customer_id"),
        pl.concat_str("_prefix", "_date", pl.col("_serial").cast(pl.String).str.zfill(6)).alias("order_id"),
        "ordered_at", "product_id", "product", "category", "brand", "quantity",
        to_money("unit_price"), to_money("discount_amount"), to_money("amount"),
        "channel", "payment_method", "city", "country", "_order",
        pl.col("amount").alias("_cents"),
    )  # fmt: skip


def to_money(column: str) -> pl.Expr:
    """Turn integer cents into Decimal(12, 2), exactly."""
    return (pl.col(column).cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(12, 2)).alias(column)


def sort_lines(frame: pl.DataFrame) -> pl.DataFrame:
    """Order lines as a shop would export them: by time, then number, then product."""
    return frame.sort("ordered_at", "order_id", "product_id", maintain_order=True)
