"""Repeat buying as the buy-till-you-die models say it is: pure draws, the truth beside them, nothing else.

For tests of recovery. Time is in whatever unit the parameters are in (weeks, usually) and begins for each customer at
the first purchase, which is no repeat. Every parameter may be one number or an array of one number per customer, so
that static covariates are drawn by handing over arrays (rates that differ: ``alpha / exp(g @ z)``).

* ``draw_bg_nbd(rng, observed, horizon=0, *, r, alpha, a, b)``: rates gamma(r, rate alpha), chances of dropping out
  beta(a, b); after each repeat purchase a customer drops out with that chance (Fader, Hardie & Lee 2005).
* ``draw_mbg_nbd(...)``: as before, and after the first purchase too (Batislam, Denizel & Filiztekin 2007).
* ``draw_pareto_nbd(rng, observed, horizon=0, *, r, alpha, s, beta)``: life is exponential with a gamma(s, rate beta)
  hazard (Schmittlein, Morrison & Colombo 1987).
* ``draw_values(rng, buying, *, p, q, gamma)``: gamma-gamma values of purchases (Fader & Hardie 2013).
* ``draw_sbg(rng, observed, *, alpha, beta)``: durations of contracts in periods (Fader & Hardie 2007).

``observed`` is T, one number per customer; what comes in the ``horizon`` after it is the holdout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Buying:
    """Repeat purchases of n customers: events, what an analyst sees of them at T, and the truth.

    ``customer`` and ``time`` are one entry per repeat purchase up to T + horizon, sorted by customer, then time.
    All other arrays have one entry per customer.
    """

    customer: Ints
    time: Floats
    T: Floats
    horizon: float
    rate: Floats  # lambda: purchases per unit of time while alive
    dropout: Floats  # p per purchase (BG/NBD, MBG/NBD) or mu per unit of time (Pareto/NBD)
    lifetime: Floats  # time of dropping out; BG and MBG: infinite where it comes after the last purchase drawn

    @property
    def x(self) -> Ints:
        """Repeat purchases in (0, T]."""
        return self._count(self.time <= self.T[self.customer])

    @property
    def t_x(self) -> Floats:
        """Time of the last purchase in [0, T]; 0 without a repeat."""
        last = np.zeros(len(self.T))
        seen = self.time <= self.T[self.customer]
        np.maximum.at(last, self.customer[seen], self.time[seen])
        return last

    @property
    def holdout(self) -> Ints:
        """Purchases in (T, T + horizon]."""
        return self._count(self.time > self.T[self.customer])

    @property
    def alive(self) -> Flags:
        """Who has not dropped out by T. (BG/NBD: dropping out happens at a purchase, and none is due after it.)"""
        return np.asarray(self.lifetime > self.T, dtype=np.bool_)

    def _count(self, kept: Flags) -> Ints:
        return np.bincount(self.customer[kept], minlength=len(self.T)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Money of purchases: one per event of the ``Buying`` it was drawn for, and the truth per customer."""

    first: Floats  # of the first purchase, one per customer
    repeat: Floats  # one per repeat purchase, in the order of Buying.time
    expected: Floats  # each customer's true mean value p / nu

    def mean_of_repeats(self, buying: Buying) -> Floats:
        """Mean value of the repeat purchases in (0, T]; NaN without one."""
        seen = buying.time <= buying.T[buying.customer]
        total = np.bincount(buying.customer[seen], weights=self.repeat[seen], minlength=len(buying.T))
        x = buying.x
        return np.where(x > 0, total / np.maximum(x, 1), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """Contracts renewed period by period. A contract that is left at its first renewal has duration 1."""

    duration: Ints  # min(true duration, observed periods)
    has_left: Flags  # whether the end lies within the observed periods; else the duration is censored
    true_duration: Ints
    chance: Floats  # theta: chance to leave at each renewal

    def survivors(self) -> Ints:
        """How many are left after 0, 1, 2, ... periods; only where everybody was observed as long."""
        longest = int(self.duration.max())
        ends = np.bincount(self.duration[self.has_left], minlength=longest + 1)
        return len(self.duration) - np.cumsum(ends)


def draw_spans(rng: np.random.Generator, n: int, longest: float, shortest: float = 0.0) -> Floats:
    """Draw T for n customers who came evenly over ``longest - shortest`` units of time."""
    return rng.uniform(shortest, longest, n)


def draw_bg_nbd(
    rng: np.random.Generator,
    observed: Floats,
    horizon: float = 0.0,
    *,
    r: ArrayLike,
    alpha: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
) -> Buying:
    """Draw BG/NBD histories."""
    rate, chance = _draw_rates(rng, observed, r, alpha), _draw_chances(rng, observed, a, b)
    return _stop_after(rng, observed, horizon, rate, chance, rng.geometric(chance))


def draw_mbg_nbd(
    rng: np.random.Generator,
    observed: Floats,
    horizon: float = 0.0,
    *,
    r: ArrayLike,
    alpha: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
) -> Buying:
    """Draw MBG/NBD histories: a customer may also drop out right after the first purchase."""
    rate, chance = _draw_rates(rng, observed, r, alpha), _draw_chances(rng, observed, a, b)
    return _stop_after(rng, observed, horizon, rate, chance, rng.geometric(chance) - 1)


def draw_pareto_nbd(
    rng: np.random.Generator,
    observed: Floats,
    horizon: float = 0.0,
    *,
    r: ArrayLike,
    alpha: ArrayLike,
    s: ArrayLike,
    beta: ArrayLike,
) -> Buying:
    """Draw Pareto/NBD histories."""
    rate, hazard = _draw_rates(rng, observed, r, alpha), _draw_rates(rng, observed, s, beta)
    lifetime = rng.exponential(1.0, len(observed)) / np.maximum(hazard, np.finfo(np.float64).tiny)
    customer, time = _draw_times(rng, rate, np.minimum(lifetime, observed + horizon))
    return Buying(customer, time, np.asarray(observed, dtype=np.float64), horizon, rate, hazard, lifetime)


def draw_values(rng: np.random.Generator, buying: Buying, *, p: float, q: float, gamma: float) -> Values:
    """Draw what each purchase is worth: gamma(p, rate nu), nu ~ gamma(q, rate gamma), independent of the buying."""
    nu = rng.gamma(q, 1.0, len(buying.T)) / gamma
    first = rng.gamma(p, 1.0, len(buying.T)) / nu
    repeat = rng.gamma(p, 1.0, len(buying.time)) / nu[buying.customer]
    return Values(first, repeat, p / nu)


def draw_sbg(rng: np.random.Generator, observed: Ints, *, alpha: float, beta: float) -> Durations:
    """Draw durations in whole periods, censored after ``observed`` periods (one number per customer, at least 1)."""
    chance = np.maximum(rng.beta(alpha, beta, len(observed)), 1e-12)
    true = rng.geometric(chance).astype(np.int64)
    return Durations(np.minimum(true, observed).astype(np.int64), np.asarray(true <= observed), true, chance)


def write_orders(buying: Buying, values: Values, end: date, unit_days: float = 7.0) -> pl.DataFrame:
    """Write the purchases as dated orders: customer_id, ordered_at (a time), amount, in_holdout.

    T ends with the day ``end``; purchases of the holdout come after it. Amounts have two digits, at least .01.
    """
    n = len(buying.T)
    customer = np.concatenate([np.arange(n), buying.customer])
    after = np.concatenate([np.zeros(n), buying.time])
    amount = np.concatenate([values.first, values.repeat])
    seconds = np.floor((after - buying.T[customer]) * unit_days * 86_400).astype(np.int64)
    midnight = (end.toordinal() - date(1970, 1, 1).toordinal() + 1) * 86_400
    width = len(str(max(n - 1, 1)))
    return pl.DataFrame(
        {
            "customer_id": pl.Series(customer).cast(pl.String).str.zfill(width),
            "ordered_at": pl.Series((seconds + midnight) * 1_000_000).cast(pl.Datetime("us")),
            "amount": np.maximum(np.round(amount, 2), 0.01),
            "in_holdout": after > buying.T[customer],
        }
    ).sort("ordered_at", "customer_id")


def _draw_rates(rng: np.random.Generator, observed: Floats, shape: ArrayLike, rate: ArrayLike) -> Floats:
    return np.asarray(rng.gamma(np.broadcast_to(shape, len(observed))) / np.asarray(rate), dtype=np.float64)


def _draw_chances(rng: np.random.Generator, observed: Floats, a: ArrayLike, b: ArrayLike) -> Floats:
    n = len(observed)
    drawn = rng.beta(np.broadcast_to(a, n), np.broadcast_to(b, n))
    return np.clip(np.nan_to_num(drawn, nan=0.5), 1e-15, 1.0)


def _draw_times(rng: np.random.Generator, rate: Floats, length: Floats) -> tuple[Ints, Floats]:
    """Draw Poisson events of each customer in [0, length], sorted by customer, then time."""
    customer = np.repeat(np.arange(len(rate)), rng.poisson(rate * length))
    time = rng.random(len(customer)) * length[customer]
    order = np.lexsort((time, customer))
    return customer, time[order]


def _stop_after(
    rng: np.random.Generator, observed: Floats, horizon: float, rate: Floats, chance: Floats, last: Ints
) -> Buying:
    """Draw purchases and keep each customer's first ``last`` ones; the customer drops out with the last of them."""
    customer, time = _draw_times(rng, rate, observed + horizon)
    n = np.bincount(customer, minlength=len(rate))
    number = np.arange(len(customer)) - np.repeat(np.cumsum(n) - n, n) + 1
    lifetime = np.where(last == 0, 0.0, np.inf)
    ends = number == last[customer]
    lifetime[customer[ends]] = time[ends]
    kept = number <= last[customer]
    return Buying(customer[kept], time[kept], np.asarray(observed, dtype=np.float64), horizon, rate, chance, lifetime)
