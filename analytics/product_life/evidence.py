"""Turns and odd weeks of products, and what coincides with them.

An *odd stretch* is one to four weeks in which a product sold far more or far less than its own level, the season and
the whole shop of those weeks together let expect. The chance of each stretch is negative binomial; all stretches of all
products share one list of which about one in twenty is false (Benjamini & Hochberg 1995). A *turn* is the period
from which a product's stage, seen from the end, is another. What coincides is named and no more: days without any
sale, one large order, goods sold at a discount, another price, a special day on which the product was odd before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from analytics.calendar import CalendarSpec, special_days
from analytics.dataset import Dataset
from analytics.demand import DemandPanel, DriverPanel
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.product_life.spec import ProductLifeResult
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LONGEST = 4  # weeks of an odd stretch
FALSE_SHARE = 0.05
LEAST_GAP = 8.0  # sales more or fewer than expected
LEAST_RATIO = 1.5
PROMOTED_MORE = 0.15  # share of items sold at a discount, above the product's usual share
PRICE_STEP = 0.03
TURN_WEEKS = 8  # before and after a turn, over which prices and discounts are compared
EVENT_RATIO = 1.25  # how much more (or less) than expected the same event brought the product at other times
LEAST_MISSED = 5.0  # sales to be expected in days without any, for these to be told
NO_DAYS = CalendarSpec()
CAUSES = ("no_sale", "one_order", "promotion", "price_down", "price_up", "event", "unexplained")

_TOLD = {"promoted_share": pl.Float64, "usual_promoted": pl.Float64, "price_change": pl.Float64, "cause": pl.String}
_FOUND = {
    "unique_id": pl.String, "first_on": pl.Date, "last_on": pl.Date, "direction": pl.String, "sold": pl.Float64,
    "expected": pl.Float64, "ratio": pl.Float64, "p_value": pl.Float64, "q_value": pl.Float64,
}  # fmt: skip
ODD = _FOUND | _TOLD | {
    "event": pl.String, "event_ratio": pl.Float64, "order_share": pl.Float64, "none_from": pl.Date,
    "none_until": pl.Date,
}  # fmt: skip
TURNS = {
    "unique_id": pl.String, "turn_on": pl.Date, "stage_before": pl.String, "stage": pl.String, "chance": pl.Float64,
} | _TOLD  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceResult:
    """What stands out in the lives of products.

    Attributes
    ----------
    odd : unique_id, first_on, last_on (Dates, both included), direction ("high", "low"), sold, expected, ratio,
        p_value, q_value (false share of the list up to here), promoted_share and usual_promoted (shares of items at a
        discount, in the stretch and at all times), price_change (mean list price against the 8 weeks before, share;
        these three null where prices are not known), cause (of ``CAUSES``, the first that fits), event (code of a
        special day in the stretch, "" if none), event_ratio (sold over expected at the other occurrences of that event;
        null where there were none), order_share (of the items sold, the largest order; null where orders are counted),
        none_from and none_until (the longest run of days without any sale, where much was to be expected in it). The
        least likely first.
    turns : unique_id, turn_on (first day of the period), stage_before, stage, chance (of the new stage at its surest,
        seen from the end), promoted_share, usual_promoted, price_change (8 weeks after against 8 before), cause.
    has_prices : whether prices and discounts are known.
    n_looked_at : stretches that were compared.
    """

    odd: pl.DataFrame
    turns: pl.DataFrame
    has_prices: bool
    n_looked_at: int
    key: str
    caveats: tuple[Caveat, ...] = field(default=())


def find_evidence(
    result: ProductLifeResult,
    panel: DemandPanel,
    calendar: CalendarSpec = NO_DAYS,
    drivers: DriverPanel | None = None,
    dataset: Dataset | None = None,
) -> EvidenceResult:
    """Odd stretches and turns of the products of ``result``.

    Parameters
    ----------
    panel : the weekly panel that ``result`` was traced from (of a monthly one only turns are told).
    calendar : which special days are named. drivers : prices and discounts of the same products and weeks.
    dataset : the order lines behind them, for single orders and days without a sale.
    """
    key = derive_key(
        "find_evidence", calendar, result.key, panel.key, drivers.key if drivers else "", dataset.key if dataset else ""
    )
    report(0.0, "product_life_evidence")
    prices = None if drivers is None else _prices(drivers)
    odd, n = pl.DataFrame(schema=ODD), 0
    if panel.frequency == "week":
        weekly = expected_weekly(result, panel)
        found, n = _odd(weekly)
        by_item, events = panel.measure == "quantity", _events(calendar, panel)
        odd = _with_causes(found, weekly, events, prices, _lines(dataset, found), by_item=by_item)
    turns = _turns(result, prices)
    report(1.0, "product_life_evidence")
    return EvidenceResult(odd, turns, prices is not None, n, key)


# ---- weeks -------------------------------------------------------------------------------------------------------


def expected_weekly(result: ProductLifeResult, panel: DemandPanel) -> pl.DataFrame:
    """unique_id, ds, y, expected: what level, season and the whole shop of that week let expect of each product.

    The shop's week is the sum of all other products over the sum of what was expected of them.
    """
    rates = result.history.select("unique_id", at=pl.col("ds") + timedelta(days=14), rate=pl.col("rate") / 4).sort("at")
    weeks = panel.frame.filter(pl.col("y").is_not_null()).select("unique_id", "ds", "y")
    joined = weeks.with_columns(at=pl.col("ds") + timedelta(days=3)).sort("at")
    sides: tuple[tuple[str, Literal["backward", "forward"]], ...] = (("before", "backward"), ("after", "forward"))
    for name, strategy in sides:
        side = rates.select("unique_id", "at", pl.col("rate").alias(name), pl.col("at").alias(f"at_{name}"))
        joined = joined.join_asof(side, on="at", by="unique_id", strategy=strategy, check_sortedness=False)
    # Straight in time between the middles of two periods; level beyond the first and the last.
    span = (pl.col("at_after") - pl.col("at_before")).dt.total_days()
    part = ((pl.col("at") - pl.col("at_before")).dt.total_days() / span).fill_nan(0.0).clip(0.0, 1.0)
    both = pl.col("before") + (pl.col("after") - pl.col("before")) * part
    mean = pl.when(span > 0).then(both).otherwise(pl.coalesce("before", "after"))
    held = joined.select("unique_id", "ds", "y", mean=mean.fill_null(0.0))
    shop = held.filter(pl.col("mean") > 0).group_by("ds").agg(all_y=pl.col("y").sum(), all_mean=pl.col("mean").sum())
    held = held.join(shop, on="ds", how="left")
    rest_y, rest_mean = pl.col("all_y") - pl.col("y"), pl.col("all_mean") - pl.col("mean")
    week = pl.when((pl.col("mean") > 0) & (rest_mean > 20)).then(rest_y / rest_mean).otherwise(1.0)
    return held.select("unique_id", "ds", "y", expected=pl.col("mean") * week.clip(0.05, 20.0)).sort("unique_id", "ds")


def _odd(weekly: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The odd stretches, least likely first, and how many stretches were compared."""
    import numpy as np
    from scipy.stats import nbinom

    ids, days, y, mean = (weekly[name].to_numpy() for name in ("unique_id", "ds", "y", "expected"))
    bounds = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1], True]) if len(ids) else np.array([0])
    shapes = _shapes(y, mean, bounds)
    found: list[tuple[int, int, float, float, float]] = []  # first row, weeks, sold, expected, p
    n = 0.0  # stretches of one length that do not overlap are one comparison each
    for i, (a, b) in enumerate(pairwise(bounds.tolist())):
        sums = [np.cumsum(np.r_[0.0, values[a:b]]) for values in (y, mean)]
        for weeks in range(1, min(LONGEST, b - a) + 1):
            sold, expected = (s[weeks:] - s[:-weeks] for s in sums)
            k = shapes[i] * weeks
            lively = expected > 1
            n += float(lively.sum()) / weeks
            share = k / (k + np.maximum(expected, 1e-9))
            low, high = nbinom.cdf(sold, k, share), nbinom.sf(sold - 1, k, share)
            p = np.minimum(2 * np.minimum(low, high), 1.0)
            kept = lively & (p < FALSE_SHARE) & (np.abs(sold - expected) >= LEAST_GAP)
            ratio = np.maximum((sold + 1) / (expected + 1), (expected + 1) / (sold + 1))
            for at in np.flatnonzero(kept & (ratio >= LEAST_RATIO)):
                found.append((a + int(at), weeks, float(sold[at]), float(expected[at]), float(p[at])))
        report(0.1 + 0.8 * (i + 1) / max(len(bounds) - 1, 1), "product_life_evidence")
    found.sort(key=lambda row: (row[4], -abs(row[2] - row[3]), row[0], row[1]))
    rows, taken = [], np.zeros(len(ids), dtype=bool)
    for rank, (start, length, sold_here, expected_here, chance) in enumerate(found, start=1):
        q = chance * n / rank
        if q > FALSE_SHARE:
            break
        if taken[start : start + length].any():
            continue
        # A neighbour of an odd stretch is mostly its edge.
        taken[max(start - 1, 0) : start + length + 1] = True
        first = days[start].astype("datetime64[D]").item()
        rows.append(
            {
                "unique_id": ids[start],
                "first_on": first,
                "last_on": first + timedelta(days=7 * length - 1),
                "direction": "high" if sold_here > expected_here else "low",
                "sold": sold_here,
                "expected": expected_here,
                "ratio": sold_here / max(expected_here, 1e-9),
                "p_value": chance,
                "q_value": min(q, 1.0),
            }
        )
    return pl.DataFrame(rows, schema=_FOUND), round(n)


def _shapes(y: Floats, mean: Floats, bounds: npt.NDArray[np.int64]) -> Floats:
    """Shape of each product's weeks; the largest twentieth of its deviations, which are looked for, left out."""
    import numpy as np

    excess, weight = np.zeros(len(bounds) - 1), np.zeros(len(bounds) - 1)
    for i, (a, b) in enumerate(pairwise(bounds.tolist())):
        m, d = mean[a:b], y[a:b] - mean[a:b]
        told = m > 1
        if told.sum() < 10:
            continue
        m, square = m[told], d[told] ** 2 / (m[told] + 0.05 * m[told] ** 2)
        usual = square <= np.quantile(square, 0.95)
        # Cutting a twentieth off takes about a quarter of the variance with it.
        excess[i] = 1.3 * (square * (m + 0.05 * m**2))[usual].sum() - m[usual].sum()
        weight[i] = (m[usual] ** 2).sum()
    known = weight > 0
    raw = np.where(known, np.clip(excess / np.maximum(weight, 1e-9), 0.0, 2.0), np.nan)
    common = float(np.nanmedian(raw)) if known.any() else 0.1
    held = np.where(known, np.maximum(raw, common * 0.5), common)
    return np.asarray(1 / np.maximum(held, 0.02), dtype=np.float64)


# ---- what coincides ----------------------------------------------------------------------------------------------


def _events(calendar: CalendarSpec, panel: DemandPanel) -> pl.DataFrame:
    """ds (Monday of a week), event, rank: festivals and feasts on the day before their run-up and aftermath."""
    first, last = panel.frame["ds"].min(), panel.frame["ds"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    listed = special_days(calendar, "week", first.year, last.year)
    aside = ("_before", "_after", "_eve")
    rows = [(event.ds, event.code, int(event.code.endswith(aside))) for event in listed]
    return pl.DataFrame(rows, schema={"ds": pl.Date, "event": pl.String, "rank": pl.Int64}, orient="row")


def _prices(drivers: DriverPanel) -> dict[str, pl.DataFrame] | None:
    """ds, quantity, list_price, promoted_share of each product; None where no price is known."""
    frame = drivers.frame.select("unique_id", "ds", "quantity", "list_price", "promoted_share")
    if frame["list_price"].null_count() == frame.height:
        return None
    return {str(key[0]): part for key, part in frame.sort("ds").partition_by("unique_id", as_dict=True).items()}


def _lines(dataset: Dataset | None, found: pl.DataFrame) -> dict[str, pl.DataFrame] | None:
    """day, order_id (null where unknown), quantity of the sales of each product that has an odd stretch."""
    if dataset is None or not dataset.has("transactions.product_id", "transactions.quantity"):
        return None
    lines = dataset.tables["transactions"].lazy().rename({"product_id": "unique_id"})
    held = lines.collect_schema().names()
    order = pl.col("order_id") if "order_id" in held else pl.lit(None, dtype=pl.String).alias("order_id")
    sold = lines.filter(pl.col("unique_id").is_in(found["unique_id"].unique().implode()), pl.col("quantity") > 0)
    days = sold.select("unique_id", order, day=pl.col("ordered_at").cast(pl.Date), quantity=pl.col("quantity"))
    frame = days.sort("day").collect()
    return {str(key[0]): part for key, part in frame.partition_by("unique_id", as_dict=True).items()}


def _with_causes(
    found: pl.DataFrame,
    weekly: pl.DataFrame,
    events: pl.DataFrame,
    prices: dict[str, pl.DataFrame] | None,
    lines: dict[str, pl.DataFrame] | None,
    *,
    by_item: bool,
) -> pl.DataFrame:
    """Each stretch with what coincides with it; the cause is the first of ``CAUSES`` that fits."""
    weeks = {str(key[0]): part for key, part in weekly.partition_by("unique_id", as_dict=True).items()}
    rows = []
    for row in found.iter_rows(named=True):
        name, first, last = row["unique_id"], row["first_on"], row["last_on"]
        change, promoted, usual = _compared((prices or {}).get(name), first, last)
        event = _event_in(events, first, last)
        row |= {
            "promoted_share": promoted,
            "usual_promoted": usual,
            "price_change": change,
            "event": event,
            "event_ratio": _at_other_times(weeks[name], events, event, first, last) if event else None,
            "order_share": None,
            "none_from": None,
            "none_until": None,
        }
        if lines is not None and name in lines:
            row["order_share"] = _largest_order(lines[name], first, last) if by_item else None
            row |= _silence(lines[name], row)
        row["cause"] = _cause(row)
        rows.append(row)
    return pl.DataFrame(rows, schema=ODD)


def _cause(row: dict[str, Any]) -> str:
    high = row["direction"] == "high"
    if not high and (row["sold"] <= 0 or row["none_from"] is not None):
        return "no_sale"
    excess = row["sold"] - row["expected"]
    if high and row["order_share"] is not None and row["order_share"] * row["sold"] >= 0.5 * excess:
        return "one_order"
    more = 0.0 if row["promoted_share"] is None else row["promoted_share"] - row["usual_promoted"]
    if high and more >= PROMOTED_MORE:
        return "promotion"
    change = row["price_change"]
    if change is not None and abs(change) >= PRICE_STEP and (change < 0) == high:
        return "price_down" if change < 0 else "price_up"
    ratio = row["event_ratio"]
    if ratio is not None and (ratio >= EVENT_RATIO if high else ratio <= 1 / EVENT_RATIO):
        return "event"
    return "unexplained"


def _event_in(events: pl.DataFrame, first: date, last: date) -> str:
    held = events.filter(pl.col("ds").is_between(first, last)).sort("rank", "ds", "event")
    return str(held["event"][0]) if held.height else ""


def _at_other_times(weeks: pl.DataFrame, events: pl.DataFrame, event: str, first: date, last: date) -> float | None:
    """Sold over expected in the other weeks of an event; None where too little was to be expected."""
    days = events.filter(event=event)["ds"]
    other = weeks.filter(pl.col("ds").is_in(days.implode()) & ~pl.col("ds").is_between(first, last))
    expected = float(other["expected"].sum())
    return float(other["y"].sum()) / expected if expected >= LEAST_MISSED else None


def _largest_order(lines: pl.DataFrame, first: date, last: date) -> float | None:
    inside = lines.filter(pl.col("day").is_between(first, last))
    if inside.is_empty() or inside["order_id"].null_count():
        return None
    by_order = inside.group_by("order_id").agg(pl.col("quantity").cast(pl.Float64).sum())["quantity"].sort()
    return float(by_order[-1]) / float(by_order.sum())


def _silence(lines: pl.DataFrame, row: dict[str, Any]) -> dict[str, date]:
    """The longest run of days without a sale that touches a low stretch, where much was to be expected in it."""
    if row["direction"] != "low":
        return {}
    first, last = row["first_on"], row["last_on"]
    day, aside = timedelta(days=1), timedelta(days=7)
    sold = lines.filter(pl.col("day").is_between(first - aside, last + aside))["day"].unique().sort().to_list()
    edges = [first - aside - day, *sold, last + aside + day]
    longest = max(pairwise(edges), key=lambda pair: (pair[1] - pair[0]).days)
    n_days = (longest[1] - longest[0]).days - 1
    missed = row["expected"] * n_days / ((last - first).days + 1)
    touches = longest[0] + day <= last and longest[1] - day >= first
    # It must account for most of what is missing: two quiet days in a poor month are no stock-out.
    told = touches and missed >= max(LEAST_MISSED, (row["expected"] - row["sold"]) / 2)
    return {"none_from": longest[0] + day, "none_until": longest[1] - day} if told else {}


def _compared(prices: pl.DataFrame | None, first: date, last: date) -> tuple[float | None, float | None, float | None]:
    """Change of the list price against the weeks before, share of items at a discount then and in the weeks before."""
    if prices is None:
        return None, None, None
    before = prices.filter(pl.col("ds").is_between(first - timedelta(weeks=TURN_WEEKS), first - timedelta(days=1)))
    during = prices.filter(pl.col("ds").is_between(first - timedelta(days=6), last))
    then, now = (_weighted(part, "list_price") for part in (before, during))
    change = None if then is None or now is None or then <= 0 else now / then - 1
    return change, _weighted(during, "promoted_share"), _weighted(prices, "promoted_share")


def _weighted(part: pl.DataFrame, column: str) -> float | None:
    told = part.filter(pl.col(column).is_not_null() & (pl.col("quantity") > 0))
    total = float(told["quantity"].sum())
    return float((told[column] * told["quantity"]).sum()) / total if total > 0 else None


# ---- turns -------------------------------------------------------------------------------------------------------


def _turns(result: ProductLifeResult, prices: dict[str, pl.DataFrame] | None) -> pl.DataFrame:
    """Changes of stage that last two periods, seen from the end."""
    told = result.products.drop_nulls("stage").select("unique_id")
    path = result.history.join(told, on="unique_id", how="semi").sort("unique_id", "ds")
    path = path.with_columns(
        stage_before=pl.col("stage").shift(1).over("unique_id"),
        stage_after=pl.col("stage").shift(-1).over("unique_id"),
        run=pl.col("stage").rle_id().over("unique_id"),
    ).with_columns(surest=pl.col("chance").max().over("unique_id", "run"))
    lasting = pl.col("stage_after").is_null() | (pl.col("stage_after") == pl.col("stage"))
    turned = path.filter((pl.col("stage") != pl.col("stage_before")) & lasting)
    rows = []
    for row in turned.filter(pl.col("stage_before") != "not_launched").iter_rows(named=True):
        first, up = row["ds"], {"growth": True, "decline": False}.get(row["stage"])
        last = first + timedelta(weeks=TURN_WEEKS, days=-1)
        change, promoted, usual = _compared((prices or {}).get(row["unique_id"]), first, last)
        cause = "unexplained"
        if change is not None and abs(change) >= PRICE_STEP and up is not None and (change < 0) == up:
            cause = "price_down" if change < 0 else "price_up"
        elif up and promoted is not None and usual is not None and promoted - usual >= PROMOTED_MORE:
            cause = "promotion"
        rows.append(
            {
                "unique_id": row["unique_id"],
                "turn_on": first,
                "stage_before": row["stage_before"],
                "stage": row["stage"],
                "chance": row["surest"],
                "promoted_share": promoted,
                "usual_promoted": usual,
                "price_change": change,
                "cause": cause,
            }
        )
    return pl.DataFrame(rows, schema=TURNS).sort("turn_on", "unique_id", descending=[True, False])
