"""What each customer's orders are made of, and how much of it is more than chance: empirical Bayes.

An order counts once for every value (category, brand, ...) in it. A customer's N counts are draws from shares of their
own, which are spread about those of all customers, p0, by a Dirichlet distribution of concentration a: the larger, the
more alike customers are. p0 is the pooled share, a maximises the Dirichlet-multinomial likelihood, and a customer's
share of one value then has the posterior Beta(n + a p0, N - n + a (1 - p0)), mean (n + a p0) / (N + a).

Sources: Mosimann (1962); Minka (2000) for the likelihood by counts; Morris (1983) for parametric empirical Bayes.
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
_LEAST = 1e-2
_LEARN_FROM = 30  # customers with two or more counts


class Counts(NamedTuple):
    """How often each known customer ordered each value.

    entries: customer, level (Int64, positions in ``ids`` and ``levels``), n (Int64, orders with it), amount (Int64,
    minor units of those lines); totals: customer, n_orders (orders with any known value), total (sum of n). Both are
    sorted.
    """

    entries: pl.DataFrame
    totals: pl.DataFrame
    ids: pl.Series
    levels: pl.Series

    @property
    def base(self) -> Numbers:
        """Each level's share of all counts, in the order of ``levels``."""
        sums = self.entries.group_by("level").agg(pl.col("n").sum())
        found = np.zeros(len(self.levels))
        found[sums["level"].to_numpy()] = sums["n"].to_numpy()
        return np.asarray(found / max(found.sum(), 1.0))


class Prior(NamedTuple):
    """shares: p0 by level; concentration: a (None: not learned, too few customers with two counts); p: of the test
    that customers differ at all (likelihood ratio; half chi-square, one degree)."""

    shares: Numbers
    concentration: float | None
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
    found = found.sort("customer", "level")
    total = found.group_by("customer").agg(total=pl.col("n").sum())
    return Counts(
        found,
        sums.join(total, on="customer").sort("customer"),
        ids,
        reductions.values(dataset, column),
    )


def learn_prior(counts: Counts) -> Prior:
    """p0 and the concentration of the customers' own shares about it."""
    from scipy.optimize import minimize_scalar
    from scipy.special import chdtrc, gammaln

    shares = counts.base
    if counts.totals.filter(pl.col("total") >= 2).height < _LEARN_FROM or (shares > 0).sum() < 2:
        return Prior(shares, None, None)
    # How often each count occurs is all that the likelihood needs.
    totals = counts.totals.group_by("total").agg(pl.len().alias("customers")).sort("total")
    cells = counts.entries.group_by("level", "n").agg(pl.len().alias("customers")).sort("level", "n")
    whole, many = totals["total"].to_numpy(), totals["customers"].to_numpy()
    n, times, p = cells["n"].to_numpy(), cells["customers"].to_numpy(), shares[cells["level"].to_numpy()]

    def loss(log_a: float) -> float:
        a = np.exp(log_a)
        gained = (times * (gammaln(a * p + n) - gammaln(a * p))).sum()
        return float((many * (gammaln(a + whole) - gammaln(a))).sum() - gained)

    bounds = (float(np.log(_LEAST)), float(np.log(ALIKE)))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    # Against customers who are all alike: the multinomial, the limit of a without bound.
    ratio = max(2 * (-float((times * n * np.log(p)).sum()) - float(found.fun)), 0.0)
    return Prior(shares, float(np.exp(found.x)), float(chdtrc(1, ratio)) / 2)


def posterior(entries: pl.DataFrame, prior: Prior, odds: float) -> pl.DataFrame:
    """``entries`` (customer, level, n, total) with share, lo, hi (95 %), base_share and probability.

    probability: that the customer's own odds of the level are more than ``odds`` times those of all. It is worked out
    once for every combination that occurs.
    """
    from scipy.special import betainc, betaincinv

    if prior.concentration is None:
        raise ValueError("without a concentration there is no posterior")
    keys = ["level", "n", "total"]
    each = entries.select(keys).unique()
    base = prior.shares[each["level"].to_numpy()]
    n, total = (each[name].to_numpy().astype(np.float64) for name in ("n", "total"))
    alpha = n + prior.concentration * base
    beta = np.maximum(total - n + prior.concentration * (1 - base), 1e-9)
    bar = odds * base / (1 - base + odds * base)
    found = each.with_columns(
        pl.Series("share", alpha / (alpha + beta)),
        pl.Series("lo", betaincinv(alpha, beta, 0.025)),
        pl.Series("hi", betaincinv(alpha, beta, 0.975)),
        pl.Series("base_share", base),
        pl.Series("probability", np.where(bar >= 1, 0.0, 1 - betainc(alpha, beta, np.minimum(bar, 1.0)))),
    )
    return entries.join(found, on=keys, how="left", maintain_order="left")
