"""The model on trial: against the weeks it has not seen, by frequency and decile, and against rules of thumb."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.model import RepeatModel
from analytics.value.holdout import captured, rank_correlation
from analytics.value.purchases import Purchases, Seen, to_date
from analytics.value.spec import GRADES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_REPEATS = 7
YEAR_DAYS = 365
MOST_KINDS = 40  # different covariates of customers, followed week by week
N_NODES = 81
# criterion -> the worst value that still earns an A, a B, a C; below that it is a D
LIMITS = {
    "total_error": (0.05, 0.10, 0.20),
    "against_rules": (0.97, 1.00, 1.05),
    "coverage": (0.00, 0.05, 0.10),
    "calibration": (0.10, 0.20, 0.35),
}


def track(
    purchases: Purchases,
    places: Ints,
    seen: Seen,
    model: RepeatModel,
    until: int,
    common: float,
    z_score: float,
    z: Floats | None,
) -> pl.DataFrame:
    """Repeat purchases week by week of the customers known at the cut, and what the model expects of new customers.

    ``places`` : where the customers of ``seen`` are in ``purchases`` (-1: nowhere).

    A week's band is that of a Poisson sum widened by the calibration weeks' own dispersion; the cumulative band adds
    ``common`` (relative) for the days after the cut.
    """
    first_day = int(seen.first.min())
    ends = np.arange(first_day + 6, until + 1, 7)
    if not len(ends):
        return no_weeks()
    first = np.full(len(purchases.ids), np.iinfo(np.int64).max)
    first[places[places >= 0]] = seen.first[places >= 0]
    repeats = np.sort(purchases.day[purchases.day > first[purchases.row]])
    edges = np.concatenate([[first_day - 1], ends])
    actual = np.diff(np.searchsorted(repeats, edges, side="right"))
    expected = np.diff(_expected_by(seen, model, edges, z))
    held_out = ends > seen.until
    known = ~held_out & (expected > 0)
    # The week of the cut belongs to the holdout as far as it lies behind it.
    residual = (actual - expected)[known] ** 2 / expected[known]
    dispersion = max(1.0, float(residual.mean())) if len(residual) else 1.0
    half = z_score * np.sqrt(dispersion * expected)
    total, total_expected = np.cumsum(actual), np.cumsum(expected)
    after = np.cumsum(np.where(held_out, expected, 0.0))
    half_total = z_score * np.sqrt(dispersion * total_expected + (common * after) ** 2)
    return pl.DataFrame(
        {
            "week": [to_date(int(day)) for day in ends],
            "in_holdout": held_out,
            "n_actual": actual,
            "n_expected": expected,
            "lo": np.maximum(expected - half, 0),
            "hi": expected + half,
            "actual_cumulative": total,
            "expected_cumulative": total_expected,
            "lo_cumulative": np.maximum(total_expected - half_total, 0),
            "hi_cumulative": total_expected + half_total,
        },
        schema=_WEEKS,
    )


_WEEKS = pl.Schema(
    {
        "week": pl.Date,
        "in_holdout": pl.Boolean,
        "n_actual": pl.Int64,
        "n_expected": pl.Float64,
        "lo": pl.Float64,
        "hi": pl.Float64,
        "actual_cumulative": pl.Int64,
        "expected_cumulative": pl.Float64,
        "lo_cumulative": pl.Float64,
        "hi_cumulative": pl.Float64,
    }
)


def no_weeks() -> pl.DataFrame:
    return pl.DataFrame(schema=_WEEKS)


def _expected_by(seen: Seen, model: RepeatModel, days: Ints, z: Floats | None) -> Floats:
    """Expected repeat purchases of all customers from their beginning to the end of each of ``days``."""
    begun = seen.clock.at(seen.first)
    at = seen.clock.at(days)
    kinds, of = None, np.zeros(len(begun), dtype=np.int64)
    if z is not None:
        kinds, of = np.unique(z, axis=0, return_inverse=True)
        if len(kinds) > MOST_KINDS:
            # Every so-many-th kind stands for those beside it.
            chosen = np.linspace(0, len(kinds) - 1, MOST_KINDS).astype(np.int64)
            kinds, of = kinds[chosen], np.searchsorted(chosen, of, side="right") - 1
        of = of.ravel()
    curves = expected_from_new(model, float(at[-1] - begun.min()), kinds)
    totals = np.zeros(len(days))
    for kind, curve in enumerate(curves):
        starts, counts = np.unique(begun[of == kind], return_counts=True)
        totals += np.array([float(counts @ curve(np.maximum(now - starts, 0.0))) for now in at])
    return totals


def expected_from_new(model: RepeatModel, longest: float, z: Floats | None = None) -> list[Callable[[Floats], Floats]]:
    """E[X(t)] of a new customer up to ``longest`` units, one curve per row of ``z``: through N_NODES exact points.

    The curve is smooth and steepest at the beginning, where the points are closest; in between it is monotone cubic,
    within a ten-thousandth.
    """
    from scipy.interpolate import PchipInterpolator

    nodes = longest * np.linspace(0, 1, N_NODES) ** 2
    if z is None:
        return [PchipInterpolator(nodes, model.expected_purchases_new(nodes))]
    points = np.stack([model.expected_purchases_new(node, z) for node in nodes])
    return [PchipInterpolator(nodes, points[:, kind]) for kind in range(len(z))]


def by_frequency(x: Ints, actual: Ints, expected: Floats, variance: Floats, z_score: float) -> pl.DataFrame:
    """Mean purchases in the holdout by repeats before it; the band is where the mean would lie were the model right."""
    rows = []
    capped = np.minimum(x, MOST_REPEATS)
    for n_repeat in range(MOST_REPEATS + 1):
        mine = capped == n_repeat
        n = int(mine.sum())
        if n:
            mean, half = float(expected[mine].mean()), z_score * float(np.sqrt(variance[mine].sum())) / n
            rows.append((n_repeat, n, float(actual[mine].mean()), mean, max(mean - half, 0.0), mean + half))
    names = ("n_repeat", "n_customers", "actual", "expected", "lo", "hi")
    types = (pl.Int64, pl.Int64, *[pl.Float64] * 4)
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")


def in_deciles(
    expected: Floats, actual: Ints, ties: Sequence[Floats], expected_value: Floats | None, actual_value: Floats | None
) -> pl.DataFrame:
    """Customers in ten equal parts by falling expectation, and what each part then did."""
    n = len(expected)
    order = np.lexsort((*ties, -expected))
    total = max(float(actual.sum()), 1.0)
    rows = []
    run = 0.0
    for decile, part in enumerate(np.array_split(order, min(10, n)), start=1):
        run += float(actual[part].sum())
        money = [None if value is None else float(value[part].mean()) for value in (actual_value, expected_value)]
        rows.append((decile, len(part), float(actual[part].mean()), float(expected[part].mean()), *money, run / total))
    names = ("decile", "n_customers", "actual", "expected", "actual_value", "expected_value", "gain")
    types = (pl.Int64, pl.Int64, *[pl.Float64] * 5)
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")


def rules_of_thumb(purchases: Purchases, seen: Seen, days: int) -> dict[str, tuple[Floats, Floats | None]]:
    """What simple rules foretell for ``days`` after the cut: purchases and spending (None without amounts).

    - last_year: what was bought in the last 365 days (the whole history if shorter), per day, goes on.
    - frequency: all repeats per customer day so far go on, each customer's part proportional to their repeats.
    - constant: the same for everybody: all repeats per customer day so far.

    Spending: the last year's own, the others times the own (constant: the overall) mean value of a purchase day.
    """
    until = seen.until
    window = min(YEAR_DAYS, until - int(seen.first.min()) + 1)
    recent = purchases.between(until - window, until)[seen.row].astype(np.float64) * (days / window)
    lived = float((until - seen.first).sum())
    rate = float(seen.x.sum()) / lived * days if lived > 0 else 0.0
    mean_x = float(seen.x.mean())
    frequency: Floats = seen.x / mean_x * rate if mean_x > 0 else np.zeros(len(seen.x))
    constant = np.full(len(seen.x), rate)
    if purchases.amount is None:
        return {"last_year": (recent, None), "frequency": (frequency, None), "constant": (constant, None)}
    spent = purchases.spent(int(seen.first.min()) - 1, until)[seen.row]
    own = spent / (seen.x + 1)
    overall = float(spent.sum()) / float((seen.x + 1).sum())
    last = purchases.spent(until - window, until)[seen.row] * (days / window)
    return {
        "last_year": (recent, last),
        "frequency": (frequency, frequency * own),
        "constant": (constant, constant * overall),
    }


def compare_rules(
    foretold: dict[str, tuple[Floats, Floats | None]], actual: Ints, actual_value: Floats | None
) -> pl.DataFrame:
    """Errors of the model and of the rules on the holdout: see ``ValueResult.rules``."""
    rows = []
    for measure, position, truth in (("orders", 0, actual.astype(np.float64)), ("value", 1, actual_value)):
        for rule, words in foretold.items():
            said = words[position]
            if said is None or truth is None:
                continue
            total = float(truth.sum())
            rows.append(
                {
                    "rule": rule,
                    "measure": measure,
                    "mae": float(np.abs(said - truth).mean()),
                    "rmse": float(np.sqrt(((said - truth) ** 2).mean())),
                    "spearman": rank_correlation(said, truth),
                    "top_share_captured": captured(said, truth),
                    "best_share": captured(truth, truth),
                    "total_error": float(said.sum()) / total - 1 if total > 0 else None,
                }
            )
    schema = {"rule": pl.String, "measure": pl.String} | dict.fromkeys(
        ("mae", "rmse", "spearman", "top_share_captured", "best_share", "total_error"), pl.Float64
    )
    return pl.DataFrame(rows, schema=schema)


def grade(rules: pl.DataFrame, frequency: pl.DataFrame, coverage: float, level: float) -> tuple[str, pl.DataFrame]:
    """A to D, the weakest of four criteria, and the criteria.

    - total_error: purchases of all customers in the holdout, foretold to actual, less 1 (absolute).
    - against_rules: root mean squared error to that of the best simple rule.
    - coverage: how much smaller than ``level`` the share of customers inside their interval is (0 if it is not).
    - calibration: mean absolute gap of actual to expected purchases by frequency, in shares of what was expected.
    """
    orders = rules.filter(measure="orders")
    mine = orders.filter(rule="model").row(0, named=True)
    best = float(orders.filter(pl.col("rule") != "model")["rmse"].min())  # type: ignore[arg-type]  # a scalar: Polars types any literal
    weight = frequency["n_customers"]
    gap = float(((frequency["actual"] - frequency["expected"]).abs() * weight).sum())
    expected = float((frequency["expected"] * weight).sum())
    values = {
        "total_error": abs(mine["total_error"]) if mine["total_error"] is not None else float("inf"),
        "against_rules": mine["rmse"] / best if best > 0 else float("inf"),
        "coverage": max(0.0, level - coverage),
        "calibration": gap / expected if expected > 0 else float("inf"),
    }
    rows = []
    for criterion, value in values.items():
        limits = LIMITS[criterion]
        earned = next((letter for letter, limit in zip(GRADES, limits, strict=False) if value <= limit + 1e-9), "D")
        rows.append((criterion, value if np.isfinite(value) else None, *limits, earned))
    names = ("criterion", "value", "a_up_to", "b_up_to", "c_up_to", "grade")
    types = (pl.String, *[pl.Float64] * 4, pl.String)
    frame = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    return str(frame["grade"].max()), frame
