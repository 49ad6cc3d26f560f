"""How much of the revenue comes from how few customers: Lorenz curve, Gini coefficient, shares of the top.

Sources: Lorenz (1905); Gini (1914); Karagiannis & Kovacevic (2000, Oxford Bulletin of Economics and Statistics 62) for
the jackknife of the Gini coefficient in one pass; Beach & Davidson (1983) for the error of a Lorenz ordinate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.behaviour.orders import customer_ids, goods_lines
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report

Numbers = npt.NDArray[np.float64]

TOPS = (0.01, 0.05, 0.10, 0.20)
_MOST_OF_ALL = 0.8
_POINTS = 100
_LEAST = 10
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class ConcentrationResult:
    """Revenue (returns subtracted) of the known customers with an order, up to the as-of date.

    A customer whose returns exceed their purchases has negative revenue: they count as customers who bring nothing.

    Attributes
    ----------
    curve : customer_share (0-1, the largest customers first), revenue_share (0-1), at each hundredth.
    tops : top (share of customers), n (customers), revenue (whole currency units), share (0-1), lo, hi (95 %). A top
        that ends inside a customer takes that part of them.
    gini, gini_lo, gini_hi : 0 = all alike, near 1 = one brings all; unbiased (n / (n - 1)); null interval under 10.
    most_share : the smallest share of customers who bring 80 % of the revenue.
    n_customers, n_zero, n_negative : customers; those with no revenue; those with negative revenue.
    negative : their sum, whole currency units. revenue : of all customers as counted here (without the negative).
    """

    curve: pl.DataFrame
    tops: pl.DataFrame
    gini: float
    gini_lo: float | None
    gini_hi: float | None
    most_share: float
    n_customers: int
    n_zero: int
    n_negative: int
    negative: float
    revenue: float
    currency: str
    caveats: tuple[Caveat, ...]
    key: str


def measure_concentration(dataset: Dataset) -> ConcentrationResult:
    """The Lorenz curve of revenue by customer, and what is read off it.

    Raises ``AnalysisError``: table_missing, fields_missing (customer_id, ordered_at, amount), no_orders,
    concentration_nothing (no customer with revenue above zero).
    """
    lines = dataset.table("transactions", "customer_id", "ordered_at", "amount")
    report(0.0, "behaviour_concentration")
    amounts = _revenue(dataset)
    if not len(amounts):
        raise AnalysisError("no_orders", n_lines=lines.height)
    n_negative, n_zero = int((amounts < 0).sum()), int((amounts == 0).sum())
    scale = 10**dataset.money_digits
    counted = np.sort(np.maximum(amounts, 0))
    total = int(counted.sum())
    if total <= 0:
        raise AnalysisError("concentration_nothing", n=len(amounts))
    values = counted.astype(np.float64) / scale
    gini, error = gini_coefficient(values)
    enough = len(values) >= _LEAST
    caveats: list[Caveat] = []
    if n_negative or n_zero:
        params = {"n": n_zero + n_negative, "negative": n_negative, "total": len(values)}
        caveats.append(Caveat("concentration_nothing_left", "note", params))
    if not enough:
        caveats.append(Caveat("concentration_few", params={"n": len(values), "least": _LEAST}))
    lo, hi = _logit(gini, error) if enough else (None, None)
    at = np.linspace(0, 1, _POINTS + 1)
    return ConcentrationResult(
        curve=pl.DataFrame({"customer_share": at, "revenue_share": [top_share(values, float(top))[0] for top in at]}),
        tops=_tops(values, total / scale, enough),
        gini=gini,
        gini_lo=lo,
        gini_hi=hi,
        most_share=_most(counted, total),
        n_customers=len(values),
        n_zero=n_zero,
        n_negative=n_negative,
        negative=float(amounts[amounts < 0].sum()) / scale,
        revenue=total / scale,
        currency=dataset.currency,
        caveats=tuple(caveats),
        key=derive_key("measure_concentration", None, dataset.key),
    )


def _revenue(dataset: Dataset) -> npt.NDArray[np.int64]:
    """Revenue of each customer with an order, minor units."""
    known = goods_lines(dataset, (), customer_ids(dataset)).filter(pl.col("customer_id").is_not_null())
    sums = known.group_by("customer_id").agg(pl.col("amount").sum(), pl.col("is_sale").sum())
    return sums.filter(pl.col("is_sale") > 0).select("amount").collect()["amount"].to_numpy()


def gini_coefficient(ascending: Numbers) -> tuple[float, float]:
    """Unbiased Gini coefficient of values in ascending order, none negative, and its jackknife standard error."""
    n = len(ascending)
    if n < 2 or ascending[-1] <= 0:
        return 0.0, 0.0
    # In units of the largest, whatever the currency: sums of n squares stay in range.
    x = ascending / ascending[-1]
    weighted = (2 * np.arange(1, n + 1) - n - 1) * x
    total, spread = float(x.sum()), float(weighted.sum())
    gini = min(spread / ((n - 1) * total), 1.0)
    if n < 3:
        return gini, 0.0
    up_to = np.cumsum(x)
    # Without the i-th: everything below moves up by a rank, everything above down by one.
    without = spread - weighted + (up_to - x) - (total - up_to)
    rest = total - x
    left_out = np.divide(without, (n - 2) * rest, out=np.zeros(n), where=rest > 0)
    return gini, float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))


def top_share(ascending: Numbers, top: float) -> tuple[float, float]:
    """Share of the sum that the largest ``top`` (0-1) of the values hold, and its standard error (Beach & Davidson)."""
    n, total = len(ascending), float(ascending.sum())
    place = (1 - top) * n
    whole = min(int(place + 1e-9), n)
    part = place - whole if whole < n else 0.0
    below = float(ascending[:whole].sum()) + (part * float(ascending[whole]) if part > 1e-9 else 0.0)
    if n < 2 or not 0 < top < 1:
        return 1 - below / total, 0.0
    cut, mean, q = float(ascending[min(whole, n - 1)]), total / n, 1 - top
    ordinate = below / n
    influence = np.minimum(ascending - cut, 0.0) + q * cut - ordinate - below / total * (ascending - mean)
    return 1 - below / total, float(np.sqrt((influence**2).sum() / (n - 1) / n) / mean)


def _tops(values: Numbers, revenue: float, enough: bool) -> pl.DataFrame:
    rows = []
    for top in TOPS:
        share, error = top_share(values, top)
        lo, hi = _logit(share, error) if enough else (None, None)
        rows.append((top, round(top * len(values)), share * revenue, share, lo, hi))
    numbers = dict.fromkeys(("revenue", "share", "lo", "hi"), pl.Float64)
    return pl.DataFrame(rows, schema={"top": pl.Float64, "n": pl.Int64, **numbers}, orient="row")


def _most(ascending: npt.NDArray[np.int64], total: int) -> float:
    running = np.cumsum(ascending[::-1])
    return float((np.searchsorted(running, _MOST_OF_ALL * total) + 1) / len(ascending))


def _logit(value: float, error: float) -> tuple[float, float]:
    """An interval that stays between 0 and 1."""
    if not 0 < value < 1:
        return value, value
    logit, reach = np.log(value / (1 - value)), _Z * error / (value * (1 - value))
    return float(1 / (1 + np.exp(reach - logit))), float(1 / (1 + np.exp(-reach - logit)))
