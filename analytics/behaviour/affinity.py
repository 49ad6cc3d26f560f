"""What each customer's orders hold, and how much of it is more than chance: empirical Bayes.

A customer has n of N orders with a value (a category, a brand). Their own share of orders with it is spread about that
of all customers, p0, by a Beta distribution of concentration a: the larger, the more alike customers are in it. p0 is
the share of all orders, a maximises the beta-binomial likelihood, value by value, and the customer's share then has the
posterior Beta(n + a p0, N - n + a (1 - p0)), mean (n + a p0) / (N + a).

Where an order holds one value, this is the margin of the Dirichlet-multinomial. Where it may hold several, that model
would take the values of one order for separate draws, find customers more even than chance allows, and shrink by one a
what is a matter of taste (electronics) and what is not (household goods).

Sources: Skellam (1948) for the beta-binomial; Minka (2000) for the likelihood by counts; Morris (1983) for parametric
empirical Bayes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics import reductions
from analytics.behaviour.orders import customer_ids, sale_lines
from analytics.dataset import Dataset

Numbers = npt.NDArray[np.float64]

ALIKE = 1e5  # a concentration at which customers cannot be told apart
_BOUNDS = (float(np.log(1e-2)), float(np.log(ALIKE)))
_LEARN_FROM = 30  # customers with two or more counts


class Counts(NamedTuple):
    """How often each known customer ordered each value.

    entries: customer, level (Int64, positions in ``ids`` and ``levels``), n (Int64, orders with it), amount (Int64,
    minor units of those lines); totals: customer, n_orders (orders with any known value). Both are sorted.
    """

    entries: pl.DataFrame
    totals: pl.DataFrame
    ids: pl.Series
    levels: pl.Series

    @property
    def base(self) -> Numbers:
        """Each level's share of all orders that hold it, in the order of ``levels``."""
        sums = self.entries.group_by("level").agg(pl.col("n").sum())
        found = np.zeros(len(self.levels))
        found[sums["level"].to_numpy()] = sums["n"].to_numpy()
        return np.asarray(found / max(int(self.totals["n_orders"].sum()), 1))


class Prior(NamedTuple):
    """shares: p0 by level; concentration: a by level (None: not learned, too few customers with two orders); p: the
    smallest, by Holm, of the tests that customers differ in a level at all (likelihood ratio; half chi-square)."""

    shares: Numbers
    concentration: Numbers | None
    p: float | None


def count_levels(dataset: Dataset, column: str) -> Counts:
    """The counts of one order-line column; raises ``AnalysisError``: table_missing, fields_missing."""
    dataset.table("transactions", "customer_id", "ordered_at", column)
    ids = customer_ids(dataset)
    lines = sale_lines(dataset, (column,), ids).filter(
        pl.col("customer_id").is_not_null(), pl.col(column).is_not_null()
    )
    each = (
        lines.group_by("customer_id", "order_id", column)
        .agg(pl.col("amount").sum())
        .rename({"customer_id": "customer", column: "level"})
    )
    entries = each.group_by("customer", "level").agg(pl.len().cast(pl.Int64).alias("n"), pl.col("amount").sum())
    totals = each.group_by("customer").agg(pl.col("order_id").n_unique().cast(pl.Int64).alias("n_orders"))
    found, sums = pl.collect_all([entries, totals])
    return Counts(
        found.sort("customer", "level"),
        sums.sort("customer"),
        ids,
        reductions.values(dataset, column),
    )


def learn_prior(counts: Counts) -> Prior:
    """p0 of each level and the concentration of the customers' own shares about it."""
    shares = counts.base
    if counts.totals.filter(pl.col("n_orders") >= 2).height < _LEARN_FROM or (shares > 0).sum() < 2:
        return Prior(shares, None, None)
    # How often each count occurs is all that the likelihood needs.
    whole = counts.totals.group_by("n_orders").agg(pl.len().alias("customers")).sort("n_orders")
    joined = counts.entries.join(counts.totals, on="customer")
    cells = joined.group_by("level", "n", "n_orders").agg(pl.len().alias("customers")).sort("level", "n", "n_orders")
    found, p_values = np.full(len(shares), ALIKE), np.ones(len(shares))
    for part in cells.partition_by("level"):
        level = int(part["level"][0])
        found[level], p_values[level] = _concentration(part, whole, float(shares[level]))
    return Prior(shares, found, float(min(1.0, p_values.min() * (shares > 0).sum())))


def _concentration(cells: pl.DataFrame, whole: pl.DataFrame, p: float) -> tuple[float, float]:
    """a of one level of share ``p``, and the p value of a test that customers differ in it.

    ``cells``: n, n_orders, customers (those who have it); ``whole``: n_orders, customers (all).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import chdtrc, gammaln

    if p >= 1:
        return ALIKE, 1.0
    n, total, times = (cells[name].to_numpy().astype(np.float64) for name in ("n", "n_orders", "customers"))
    orders, many = (whole[name].to_numpy().astype(np.float64) for name in ("n_orders", "customers"))

    def loss(log_a: float) -> float:
        a = float(np.exp(log_a))
        b = a * (1 - p)
        # Every customer as one without it, put right for those who have it.
        without = many @ (gammaln(b + orders) - gammaln(b))
        having = gammaln(a * p + n) - gammaln(a * p) + gammaln(b + total - n) - gammaln(b + total)
        return float(many @ (gammaln(a + orders) - gammaln(a)) - without - times @ having)

    best = minimize_scalar(loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-5})
    # Against customers who are all alike: the binomial, the limit of a without bound.
    alike = -float(many @ orders * np.log(1 - p) + (times @ n) * (np.log(p) - np.log(1 - p)))
    return float(np.exp(best.x)), float(chdtrc(1, max(2 * (alike - float(best.fun)), 0.0))) / 2


def posterior(entries: pl.DataFrame, prior: Prior, odds: float) -> pl.DataFrame:
    """``entries`` (customer, level, n, n_orders) with share, lo, hi (95 %), base_share and probability.

    probability: that the customer's own odds of the level are more than ``odds`` times those of all. It is worked out
    once for every combination that occurs.
    """
    from scipy.special import betainc, betaincinv

    if prior.concentration is None:
        raise ValueError("without a concentration there is no posterior")
    keys = ["level", "n", "n_orders"]
    each = entries.select(keys).unique()
    base, a = (values[each["level"].to_numpy()] for values in (prior.shares, prior.concentration))
    n, total = (each[name].to_numpy().astype(np.float64) for name in ("n", "n_orders"))
    alpha, beta = n + a * base, np.maximum(total - n + a * (1 - base), 1e-9)
    bar = odds * base / (1 - base + odds * base)
    found = each.with_columns(
        pl.Series("share", alpha / (alpha + beta)),
        pl.Series("lo", betaincinv(alpha, beta, 0.025)),
        pl.Series("hi", betaincinv(alpha, beta, 0.975)),
        pl.Series("base_share", base),
        pl.Series("probability", np.where(bar >= 1, 0.0, 1 - betainc(alpha, beta, np.minimum(bar, 1.0)))),
    )
    return entries.join(found, on=keys, how="left", maintain_order="left")
