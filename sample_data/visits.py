"""What people do before they buy, or instead of buying: the events of the last days of the world.

* Every web or app order of somebody on file leaves its trail: a search (for some), a view, an add to cart and a
  purchase per line, one checkout. Purchases carry the order's own time.
* Customers also come without buying: visits per year = `VISITS_PER_ORDER` x latent order rate while active,
  with one to five views, sometimes a cart that is left, sometimes even a checkout that is left.
* Before a silent dropout interest fades: in the last `FADE_DAYS` only `FADE_SHARE` of the visits happen. After
  it a few visits go on at `AFTER_SHARE` of the rate.

Durations are whole seconds; null for events that are an instant (add_to_cart, purchase).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.demand import Demand, draw_products
from sample_data.lines import Lines
from sample_data.orders import DAY_SECONDS, Orders
from sample_data.people import People
from sample_data.products import Range
from sample_data.seasons import EPOCH_DAY, N_DAYS
from sample_data.segments import CHANNELS, TEST

Ints = NDArray[np.int64]

EVENT_DAYS = 180
VISITS_PER_ORDER = 2.5
FADE_DAYS = 45
FADE_SHARE = 0.35
AFTER_SHARE = 0.04
SEARCH_SHARE = 0.45  # of visits begin with a search
CART_SHARE = 0.22  # of visits without purchase leave a cart
CHECKOUT_SHARE = 0.25  # of those carts reach the checkout and stop there
EVENTS = ("view", "search", "add_to_cart", "checkout", "purchase")
_VIEW, _SEARCH, _ADD, _CHECKOUT, _PURCHASE = range(5)
_FIRST_SECOND = (N_DAYS - EVENT_DAYS) * DAY_SECONDS


def write_events(
    people: People, rng: np.random.Generator, goods: Range, demand: Demand, orders: Orders, lines: Lines
) -> pl.DataFrame:
    """Return the events of one block."""
    parts = _trail_orders(rng, orders, lines) + _visit(people, rng, demand)
    customer, second, event, item, channel = (np.concatenate([p[k] for p in parts]) for k in range(5))
    duration = np.round(np.exp(rng.normal(3.4, 0.8, len(event)))).astype(np.int64) + 1
    duration = np.where(np.isin(event, (_ADD, _PURCHASE)), -1, duration)
    frame = pl.DataFrame(
        {
            "customer_id": people.ids.gather(customer),
            "occurred_at": pl.Series((second + EPOCH_DAY * DAY_SECONDS) * 1_000_000).cast(pl.Datetime("us")),
            "event": pl.Series(EVENTS).gather(event),
            "_item": item,
            "item": pl.Series([p.product_id for p in goods.products]).gather(np.maximum(item, 0)),
            "channel": pl.Series(CHANNELS).gather(channel),
            "duration_s": duration,
            "_kind": event,
        }
    )
    return frame.sort("occurred_at", "customer_id", "_kind", "item", maintain_order=True).select(
        "customer_id",
        "occurred_at",
        "event",
        pl.when(pl.col("_item") >= 0).then("item").alias("item"),
        "channel",
        pl.when(pl.col("duration_s") >= 0).then("duration_s").alias("duration_s"),
    )


def _trail_orders(rng: np.random.Generator, orders: Orders, lines: Lines) -> list[tuple[Ints, ...]]:
    """Return searches, views, adds, checkouts and purchases of the online orders."""
    online = (orders.customer >= 0) & (orders.channel <= 1) & (orders.second >= _FIRST_SECOND)
    kept = np.flatnonzero(online)
    checkout = orders.second[kept] - rng.integers(30, 240, len(kept))
    none = np.full(len(kept), -1, dtype=np.int64)
    searched = rng.random(len(kept)) < SEARCH_SHARE
    begin = checkout - rng.integers(900, 2400, len(kept))
    out = [
        _events(orders.customer[kept], checkout, _CHECKOUT, none, orders.channel[kept]),
        _events(orders.customer[kept], begin, _SEARCH, none, orders.channel[kept], searched),
    ]
    line = np.flatnonzero(online[lines.order])
    order, product = lines.order[line], lines.product[line]
    add = orders.second[order] - 240 - rng.integers(10, 500, len(line))
    view = add - rng.integers(10, 150, len(line))
    for event, moment in ((_VIEW, view), (_ADD, add), (_PURCHASE, orders.second[order])):
        out.append(_events(orders.customer[order], moment, event, product, orders.channel[order]))
    return out


def _visit(people: People, rng: np.random.Generator, demand: Demand) -> list[tuple[Ints, ...]]:
    """Return the events of visits without a purchase."""
    mean = people.rate * VISITS_PER_ORDER * EVENT_DAYS / 365.25
    mean[(people.segment == TEST) | (people.favourite_channel > 1)] *= 0.3
    count = rng.poisson(mean)
    customer = np.repeat(np.arange(len(people)), count)
    time = N_DAYS - EVENT_DAYS + rng.random(len(customer)) * EVENT_DAYS
    # interest per visit, by where it falls in the customer's life
    interest = np.full(len(customer), AFTER_SHARE)
    fading = np.zeros(len(customer), dtype=np.bool_)
    for start, end in (
        (people.activated[customer], people.first_dropout[customer]),
        (people.resurrected[customer], people.dropout[customer]),
    ):
        with np.errstate(invalid="ignore"):
            active = (time >= start) & (time < end)
            fading |= active & (time >= end - FADE_DAYS)
        interest[active] = 1.0
    interest[fading] = FADE_SHARE
    with np.errstate(invalid="ignore"):
        too_early = np.isnan(people.activated[customer]) & (time < people.joined[customer])
        too_early |= time < np.minimum(people.activated[customer], people.joined[customer])
    interest[too_early] = 0.0
    kept = rng.random(len(customer)) < interest
    customer, time = customer[kept], time[kept]
    second = np.floor(time).astype(np.int64) * DAY_SECONDS + rng.integers(7 * 3600, 23 * 3600, len(customer))
    channel = np.where(people.favourite_channel[customer] == 0, 0, 1)
    none = np.full(len(customer), -1, dtype=np.int64)
    searched = rng.random(len(customer)) < SEARCH_SHARE
    out = [_events(customer, second, _SEARCH, none, channel, searched)]
    n_views = 1 + np.minimum(rng.geometric(0.5, len(customer)) - 1, 4)
    visit = np.repeat(np.arange(len(customer)), n_views)
    step = np.arange(len(visit)) - np.repeat(np.cumsum(n_views) - n_views, n_views)
    day = second[visit] // DAY_SECONDS
    item = draw_products(demand, rng, people.segment[customer[visit]], day)
    moment = second[visit] + 30 + step * 120 + rng.integers(0, 90, len(visit))
    out.append(_events(customer[visit], moment, _VIEW, item, channel[visit]))
    left_cart = rng.random(len(customer)) < CART_SHARE
    last_view = np.cumsum(n_views) - 1
    last_moment, last_item = moment[last_view], item[last_view]
    out.append(_events(customer, last_moment + 40, _ADD, last_item, channel, left_cart))
    stopped = left_cart & (rng.random(len(customer)) < CHECKOUT_SHARE)
    out.append(_events(customer, last_moment + 100, _CHECKOUT, none, channel, stopped))
    return out


def _events(
    customer: Ints, second: Ints, event: int, item: Ints, channel: Ints, kept: NDArray[np.bool_] | None = None
) -> tuple[Ints, ...]:
    arrays = (customer, second, np.full(len(customer), event, dtype=np.int64), item, channel)
    return arrays if kept is None else tuple(a[kept] for a in arrays)
