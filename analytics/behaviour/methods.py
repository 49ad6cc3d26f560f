"""How customers pay, or where they order: shares, staying with a method, segments, and those who use several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.behaviour.association import Association, associate
from analytics.behaviour.orders import Orders, anonymous, read_orders
from analytics.behaviour.spec import BehaviourSpec, Kind
from analytics.contrasts import PRIVACY_LIMIT, share_contrast
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.progress import report

Numbers = npt.NDArray[np.float64]

MOST_METHODS = 8
_Z = 1.959963984540054
_STRATA = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50)  # orders of a customer; the last is open
_LEAST_EACH = 5  # customers on either side of a stratum


class Estimate(NamedTuple):
    """A figure with its 95 % interval; customers are the independent units."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True, eq=False)
class MethodsResult:
    """One method (payment or channel) per order, by the value on most of its amount. Up to the as-of date.

    Attributes
    ----------
    by : "payment_method" or "channel" (or another column of one value an order).
    shares : method (null: all others together), n_orders, share, lo, hi (0-1, of orders with a known method; 95 %,
        known customers and anonymous orders as independent units), revenue (before returns, whole units) and
        revenue_share (null without amounts), n (customers who ever used it), n_main (whose usual method it is).
    switching : from_method, to_method (null: others), n_steps (from one order to the next of a customer), n
        (customers who made it), share (of the steps from there), chance (share of all steps that lead there).
    stay, chance, kappa : Estimates over all steps: the share that stays with the method, the share that would if the
        next method had nothing to do with the present one, and (stay - chance) / (1 - chance). None without steps.
    by_label : label, method, n (customers whose usual method it is), n_label (customers of the label), share,
        difference (against all other customers), lo, hi (95 %; null where a cell would tell of one to nine people).
    association : labels against usual methods, each customer once; None without labels.
    several : n_methods (1, 2, 3: three or more) of customers with at least two orders: n (customers), share,
        mean_orders, mean_revenue, median_revenue (before returns).
    matched : Estimate: revenue of those with several methods against those with one, at equal numbers of orders; None
        without both. An association, not an effect.
    n_orders, n_unknown, n_steps, n_same_time : orders, those without a known method; steps between orders; steps left
        out because both orders carry the same time.
    """

    by: str
    shares: pl.DataFrame
    switching: pl.DataFrame
    stay: Estimate | None
    chance: Estimate | None
    kappa: Estimate | None
    by_label: pl.DataFrame
    labels: tuple[str, ...]
    association: Association | None
    several: pl.DataFrame
    matched: Estimate | None
    n_orders: int
    n_unknown: int
    n_steps: int
    n_same_time: int
    currency: str
    caveats: tuple[Caveat, ...]
    key: str


def method_kinds(dataset: Dataset) -> tuple[Kind, ...]:
    """Which of payment method and channel the order lines hold."""
    kinds: tuple[Kind, ...] = ("payment_method", "channel")
    return tuple(kind for kind in kinds if dataset.has(f"transactions.{kind}"))


def describe_methods(dataset: Dataset, spec: BehaviourSpec, labels: CustomerLabels | None = None) -> MethodsResult:
    """Shares, switching, segments and several methods for ``spec.method_by``.

    Raises ``AnalysisError``: table_missing, fields_missing (ordered_at and the column), no_orders.
    """
    by = spec.method_by
    report(0.0, "behaviour_orders")
    orders = read_orders(dataset, (by,))
    report(0.6, "behaviour_methods")
    scale = 10**dataset.money_digits
    known = orders.frame.rename({by: "method"}).filter(pl.col("method").is_not_null())
    n_unknown = orders.frame.height - known.height
    kept = _kept(known, min(spec.n_levels, MOST_METHODS))
    names = orders.levels[by]
    usual = _usual(known)
    steps, n_same = _steps(known)
    stay, chance, kappa = _staying(steps)
    caveats = list(anonymous(orders, scale))
    if n_unknown:
        params = {"n": n_unknown, "percent": round(100 * n_unknown / orders.frame.height), "field": by}
        caveats.append(Caveat("methods_unknown", "note", params))
    if orders.n_mixed[by]:
        caveats.append(Caveat("methods_mixed", "note", {"n": orders.n_mixed[by], "field": by}))
    if n_same:
        caveats.append(Caveat("methods_same_time", "note", {"n": n_same}))
    if not orders.has_amounts:
        caveats.append(Caveat("behaviour_no_amounts"))
    by_label, association = _by_label(usual, kept, names, orders, labels, spec)
    several, matched = _several(known, orders.has_amounts, scale)
    return MethodsResult(
        by=by,
        shares=_shares(known, usual, kept, names, orders.has_amounts, scale),
        switching=_switching(steps, kept, names),
        stay=stay,
        chance=chance,
        kappa=kappa,
        by_label=by_label,
        labels=labels.labels if labels is not None else (),
        association=association,
        several=several,
        matched=matched,
        n_orders=orders.frame.height,
        n_unknown=n_unknown,
        n_steps=steps.height,
        n_same_time=n_same,
        currency=dataset.currency,
        caveats=tuple(caveats),
        key=derive_key("describe_methods", spec, dataset.key, labels.key if labels is not None else ""),
    )


def _kept(known: pl.DataFrame, n: int) -> list[int]:
    counted = known.group_by("method").agg(pl.len().alias("n")).sort("n", "method", descending=[True, False])
    return counted["method"].head(n).to_list()


def _usual(known: pl.DataFrame) -> pl.DataFrame:
    """customer, method: the method on most orders of each known customer, ties by the latest use, then by name."""
    used = known.filter(pl.col("customer").is_not_null()).group_by("customer", "method")
    ranked = used.agg(pl.len().alias("n"), pl.col("minute").max()).sort(
        "customer", "n", "minute", "method", descending=[False, True, True, False]
    )
    return ranked.unique("customer", keep="first", maintain_order=True).select("customer", "method")


def _folded(column: str, kept: list[int]) -> pl.Expr:
    return pl.when(pl.col(column).is_in(kept)).then(pl.col(column)).alias(column)


def _named(frame: pl.DataFrame, column: str, names: pl.Series) -> pl.Series:
    return names.gather(frame[column]).alias(column)


def _in_order(column: str, kept: list[int]) -> pl.Expr:
    return pl.col(column).replace_strict(
        {method: i for i, method in enumerate(kept)}, default=len(kept), return_dtype=pl.Int64
    )


def _shares(
    known: pl.DataFrame, usual: pl.DataFrame, kept: list[int], names: pl.Series, priced: bool, scale: int
) -> pl.DataFrame:
    folded = known.with_columns(_folded("method", kept))
    sums = folded.group_by("method").agg(
        pl.len().cast(pl.Int64).alias("n_orders"),
        pl.col("amount").sum(),
        pl.col("customer").drop_nulls().n_unique().cast(pl.Int64).alias("n"),
    )
    main = usual.with_columns(_folded("method", kept)).group_by("method").agg(n_main=pl.len().cast(pl.Int64))
    frame = sums.join(main, on="method", how="left", nulls_equal=True).sort(_in_order("method", kept))
    error = _share_errors(folded, frame)
    share = frame["n_orders"].to_numpy() / max(known.height, 1)
    lo, hi = _logit_interval(share, error)
    total = int(frame["amount"].sum())
    with_revenue = priced and total > 0
    return frame.select(
        _named(frame, "method", names),
        "n_orders",
        pl.Series("share", share),
        pl.Series("lo", lo),
        pl.Series("hi", hi),
        revenue=pl.col("amount") / scale if priced else pl.lit(None, pl.Float64),
        revenue_share=pl.col("amount") / total if with_revenue else pl.lit(None, pl.Float64),
        n="n",
        n_main=pl.col("n_main").fill_null(0),
    )


def _share_errors(folded: pl.DataFrame, frame: pl.DataFrame) -> Numbers:
    """Standard errors of shares of orders, customers being drawn whole (linearised ratio; Cochran 1977, ch. 6)."""
    nobody = folded["customer"].null_count()
    theirs = folded.filter(pl.col("customer").is_not_null())
    each = theirs.group_by("customer", "method").agg(pl.len().cast(pl.Float64).alias("n"))
    totals = theirs.group_by("customer").agg(pl.len().cast(pl.Float64).alias("total"))
    units, n = totals.height + nobody, folded.height
    if units < 2:
        return np.zeros(frame.height)
    squares = float((totals["total"] ** 2).sum()) + nobody
    cross = each.join(totals, on="customer").group_by("method")
    sums = cross.agg((pl.col("n") ** 2).sum().alias("nn"), (pl.col("n") * pl.col("total")).sum().alias("nt"))
    alone = folded.filter(pl.col("customer").is_null()).group_by("method").agg(pl.len().alias("alone"))
    joined = frame.select("method", "n_orders").join(
        sums, on="method", how="left", nulls_equal=True, maintain_order="left"
    )
    joined = joined.join(alone, on="method", how="left", nulls_equal=True, maintain_order="left").fill_null(0)
    share = joined["n_orders"].to_numpy() / n
    nn, nt = (joined[name].to_numpy() + joined["alone"].to_numpy() for name in ("nn", "nt"))
    spread = np.maximum(nn - 2 * share * nt + share**2 * squares, 0.0) * units / (units - 1)
    return np.asarray(np.sqrt(spread) / n)


def _logit_interval(share: Numbers, error: Numbers) -> tuple[Numbers, Numbers]:
    with np.errstate(divide="ignore", invalid="ignore"):
        logit, reach = np.log(share / (1 - share)), _Z * error / (share * (1 - share))
        low, high = (1 / (1 + np.exp(-(logit + sign * reach))) for sign in (-1, 1))
    inside = (share > 0) & (share < 1)
    return np.where(inside, low, share), np.where(inside, high, share)


def _steps(known: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """customer, method, next: from each order to the customer's next; and how many have no order in time."""
    # One number to sort by; orders of one time lie by method, so that nothing depends on the order of rows.
    place = pl.col("customer") * (1 << 32) + pl.col("minute")
    theirs = known.filter(pl.col("customer").is_not_null())
    ordered = theirs.select("customer", "minute", "method", place=place).sort("place", "method")
    following = ordered.select(
        "customer",
        "method",
        next=pl.col("method").shift(-1),
        later=pl.col("minute").shift(-1) > pl.col("minute"),
        same=pl.col("customer").shift(-1) == pl.col("customer"),
    ).filter(pl.col("same").fill_null(False))
    timed = following.filter("later")
    return timed.select("customer", "method", "next"), following.height - timed.height


def _switching(steps: pl.DataFrame, kept: list[int], names: pl.Series) -> pl.DataFrame:
    folded = steps.with_columns(_folded("method", kept), _folded("next", kept))
    counted = folded.group_by("method", "next").agg(
        pl.len().cast(pl.Int64).alias("n_steps"), pl.col("customer").n_unique().cast(pl.Int64).alias("n")
    )
    seen = folded["method"].append(folded["next"]).unique()
    ways = pl.DataFrame({"method": seen}, schema={"method": pl.Int64})
    grid = ways.join(ways.rename({"method": "next"}), how="cross").sort(
        _in_order("method", kept), _in_order("next", kept)
    )
    frame = grid.join(counted, on=["method", "next"], how="left", nulls_equal=True, maintain_order="left")
    frame = frame.with_columns(pl.col("n_steps", "n").fill_null(0))
    there = pl.col("n_steps").sum().over("method")
    return frame.select(
        _named(frame, "method", names).alias("from_method"),
        _named(frame, "next", names).alias("to_method"),
        "n_steps",
        "n",
        share=pl.when(there > 0).then(pl.col("n_steps") / there),
        chance=pl.col("n_steps").sum().over("next") / max(steps.height, 1),
    )


def _staying(steps: pl.DataFrame) -> tuple[Estimate | None, Estimate | None, Estimate | None]:
    """Stay rate, chance and kappa, each with the interval of a linearised statistic of whole customers."""
    n_customers = steps["customer"].n_unique()
    if n_customers < 2:
        return None, None, None
    n = float(steps.height)
    leaves = steps.group_by("method").agg(pl.len().alias("n"))
    arrives = steps.group_by("next").agg(pl.len().alias("n"))
    size = int(max(steps["method"].max(), steps["next"].max())) + 1  # type: ignore[type-var, arg-type]  # a scalar: Polars types any literal
    origin, target = np.zeros(size), np.zeros(size)
    origin[leaves["method"].to_numpy()] = leaves["n"].to_numpy() / n
    target[arrives["next"].to_numpy()] = arrives["n"].to_numpy() / n
    start, end = steps["method"].to_numpy(), steps["next"].to_numpy()
    stays = (start == end).astype(np.float64)
    stay, chance = float(stays.mean()), float((origin * target).sum())
    # What each step adds to each statistic; summed by customer, their spread is the variance.
    to_stay = stays - stay
    to_chance = target[start] + origin[end] - 2 * chance
    first, second = (_estimate(value, influence, steps) for value, influence in ((stay, to_stay), (chance, to_chance)))
    if chance >= 1 - 1e-12:
        return first, second, None
    to_kappa = to_stay / (1 - chance) - to_chance * (1 - stay) / (1 - chance) ** 2
    return first, second, _estimate((stay - chance) / (1 - chance), to_kappa, steps)


def _estimate(value: float, influence: Numbers, steps: pl.DataFrame) -> Estimate:
    which = np.unique(steps["customer"].to_numpy(), return_inverse=True)[1]
    each = np.sort(np.bincount(which, influence) / len(influence))
    reach = _Z * float(np.sqrt((each**2).sum() * len(each) / (len(each) - 1)))
    return Estimate(value, max(value - reach, -1.0), min(value + reach, 1.0))


def _by_label(
    usual: pl.DataFrame,
    kept: list[int],
    names: pl.Series,
    orders: Orders,
    labels: CustomerLabels | None,
    spec: BehaviourSpec,
) -> tuple[pl.DataFrame, Association | None]:
    schema = {"label": pl.String, "method": pl.String, "n": pl.Int64, "n_label": pl.Int64}
    schema |= dict.fromkeys(("share", "difference", "lo", "hi"), pl.Float64)
    if labels is None:
        return pl.DataFrame(schema=schema), None
    theirs = usual.with_columns(_folded("method", kept), customer_id=orders.ids.gather(usual["customer"]))
    counted = theirs.join(labels.frame, on="customer_id").group_by("label", "method").agg(pl.len().alias("n"))
    methods: list[int | None] = [*kept, None] if counted["method"].null_count() else [*kept]
    table = np.zeros((len(labels.labels), len(methods)), dtype=np.int64)
    for label, method, n in counted.iter_rows():
        table[labels.labels.index(label), methods.index(method)] = n
    rows = []
    sizes, uses = table.sum(axis=1), table.sum(axis=0)
    for i, label in enumerate(labels.labels):
        for j, method in enumerate(methods):
            n, size = int(table[i, j]), int(sizes[i])
            if size < PRIVACY_LIMIT:
                continue
            name = None if method is None else names[method]
            found = share_contrast(label, spec.method_by, name, n, size, int(uses[j]) - n, int(sizes.sum()) - size)
            told = (found.effect, found.lo, found.hi) if found else (None, None, None)
            rows.append((label, name, n, size, n / size, *told))
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame, associate(table, spec.n_resamples, spec.random_state)


def _several(known: pl.DataFrame, priced: bool, scale: int) -> tuple[pl.DataFrame, Estimate | None]:
    each = (
        known.filter(pl.col("customer").is_not_null())
        .group_by("customer")
        .agg(
            pl.len().cast(pl.Int64).alias("n_orders"),
            pl.col("method").n_unique().alias("several"),
            pl.col("amount").sum(),
        )
        .filter(pl.col("n_orders") >= 2)
        .with_columns(n_methods=pl.col("several").clip(upper_bound=3).cast(pl.Int64))
    )
    none = pl.lit(None, pl.Float64)
    frame = each.group_by("n_methods").agg(
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("n_orders").sum() / pl.len(),
        (pl.col("amount").sum() / pl.len() / scale if priced else none).alias("mean_revenue"),
        (pl.col("amount").median() / scale if priced else none).alias("median_revenue"),
    )
    frame = frame.sort("n_methods").select(
        "n_methods",
        "n",
        share=pl.col("n") / max(each.height, 1),
        mean_orders="n_orders",
        mean_revenue="mean_revenue",
        median_revenue="median_revenue",
    )
    return frame, _matched(each) if priced else None


def _matched(each: pl.DataFrame) -> Estimate | None:
    """Ratio of mean revenue, several methods to one, both with the order counts of those with several."""
    stratum = np.searchsorted(_STRATA, each["n_orders"].to_numpy(), side="right")
    several = each["n_methods"].to_numpy() > 1
    amount = each["amount"].to_numpy().astype(np.float64)
    sums = {True: 0.0, False: 0.0}
    variances = {True: 0.0, False: 0.0}
    used = []
    for s in np.unique(stratum):
        here = stratum == s
        if min(int((here & several).sum()), int((here & ~several).sum())) >= _LEAST_EACH:
            used.append(s)
    weight_of_all = int((np.isin(stratum, used) & several).sum())
    for s in used:
        weight = int(((stratum == s) & several).sum()) / weight_of_all
        for side in (True, False):
            part = np.sort(amount[(stratum == s) & (several == side)])
            sums[side] += weight * float(part.mean())
            variances[side] += weight**2 * float(part.var(ddof=1)) / len(part)
    if not used or min(sums.values()) <= 0:
        return None
    ratio = sums[True] / sums[False]
    reach = _Z * float(np.sqrt(sum(variances[side] / sums[side] ** 2 for side in (True, False))))
    return Estimate(ratio, ratio * float(np.exp(-reach)), ratio * float(np.exp(reach)))
