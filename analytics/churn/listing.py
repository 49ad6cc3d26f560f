"""The list of customers to save: risk with its interval, value at risk, reasons, and what to do with whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.churn.classifier import Calibration, Classifier, fit_classifier
from analytics.churn.evaluation import n_to_contact
from analytics.churn.measures import customer_weights
from analytics.churn.rolling import Learned, Window
from analytics.churn.spec import GROUPS, ChurnSpec
from analytics.churn.windows import Study, seen_dates
from analytics.progress import report

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WITH_REASONS = 20_000  # customers of the highest risk
LEAST_PUSH = 1.1  # times the odds, below which nothing is called a reason
_BAGS = 5
_BAG_ROWS = 8_000


@dataclass(frozen=True, slots=True, eq=False)
class Risks:
    """Of the customers of today, in the order of ``window``: risk, lo, hi, raw log odds."""

    window: Window
    risk: Floats
    lo: Floats
    hi: Floats
    logits: Floats
    expected: tuple[float, float, float]


def score_today(study: Study, learned: Learned, spec: ChurnSpec) -> Risks:
    """Calibrated risks; the interval comes from models of resampled customers and from the calibration."""
    from scipy.special import expit, logit
    from scipy.stats import norm

    report(0.85, "churn_scoring")
    line = learned.calibrations[learned.chosen]
    z = float(norm.ppf((1 + spec.level) / 2))
    if study.aim.target == "given":
        # Today's customers are those that were learned from: their risks are the ones from models that never saw them.
        # Who is gone already cannot be saved.
        held, stayed = study.today, np.flatnonzero(study.today.gone == 0)
        window = Window(held.day, held.customers[stayed], held.values[stayed], held.gone[stayed])
        risk = learned.predictions[0].risk[stayed]
        logits = np.asarray(logit(np.clip(risk, 1e-6, 1 - 1e-6)), float)
        raw = (logits - line.shift) / line.slope
    else:
        window = study.today
        raw = learned.classifiers[learned.chosen].logits(window.values)
        risk = line.risk(raw)
        logits = line.slope * raw + line.shift
    deviation = np.sqrt(_bagged(study, learned, window, line, spec) ** 2 + line.deviation(raw) ** 2)
    lo, hi = expit(logits - z * deviation), expit(logits + z * deviation)
    spread = risk * (1 - risk)
    chance = float(spread.sum())
    common = float((spread * line.deviation(raw)).sum())
    drift = _drift(learned) * float(risk.sum())
    half = z * float(np.sqrt(chance + common**2 + drift**2))
    total = float(risk.sum())
    expected = total, max(total - half, 0.0), min(total + half, float(len(risk)))
    return Risks(window, risk, np.asarray(lo), np.asarray(hi), raw, expected)


def _bagged(study: Study, learned: Learned, window: Window, line: Calibration, spec: ChurnSpec) -> Floats:
    """Standard deviation of a customer's log odds between models of resampled customers."""
    values = np.concatenate([one.values for one in study.windows])
    gone = np.concatenate([one.gone for one in study.windows])
    customers = np.concatenate([one.customers for one in study.windows])
    if len(gone) > _BAG_ROWS:
        chosen = np.sort(np.random.default_rng(spec.random_state).choice(len(gone), _BAG_ROWS, replace=False))
    else:
        chosen = np.arange(len(gone))
    weights = customer_weights(customers[chosen], _BAGS, spec.random_state + 7).astype(np.int64)
    found = []
    for i, weight in enumerate(weights):
        rows = np.repeat(chosen, weight)
        if gone[rows].min() == gone[rows].max():
            continue
        model = fit_classifier(learned.chosen, values[rows], gone[rows], spec.random_state + i)
        found.append(line.slope * model.logits(window.values))
    if len(found) < 2:
        return np.zeros(len(window.values))
    scale = np.sqrt(len(chosen) / len(gone))
    return np.asarray(np.std(found, axis=0, ddof=1) * scale, float)


def _drift(learned: Learned) -> float:
    """How far off, as a share, the number expected was at past cut-offs beyond chance."""
    if len(learned.predictions) < 3:
        return 0.0
    off = []
    for one in learned.predictions:
        expected, seen = float(one.risk.sum()), float(one.window.gone.sum())
        chance = float((one.risk * (1 - one.risk)).sum())
        off.append(((seen - expected) ** 2 - chance) / expected**2)
    return float(np.sqrt(max(float(np.mean(off)), 0.0)))


def expected_values(
    study: Study, value: pl.DataFrame | None, held: pl.DataFrame | None, spec: ChurnSpec
) -> tuple[Floats | None, str]:
    """What each customer (by position) is worth, and where that is from. ``value``: customer_id, value."""
    ids = pl.DataFrame({"customer_id": study.ledgers.ids})
    if value is not None:
        told = ids.join(value.select("customer_id", "value"), on="customer_id", how="left", maintain_order="left")
        return told["value"].cast(pl.Float64).fill_null(0.0).to_numpy(), "clv"
    column = spec.value_column
    if column and held is not None and column in held.columns and held[column].dtype.is_numeric():
        one = held.drop_nulls("customer_id").unique("customer_id", keep="first", maintain_order=True)
        told = ids.join(one.select("customer_id", column), on="customer_id", how="left", maintain_order="left")
        return told[column].cast(pl.Float64).fill_null(0.0).to_numpy(), "column"
    orders = study.ledgers.orders
    if orders is not None and np.any(orders.totals["amount"]):
        day = study.today.day
        return orders.between("amount", day - 365, day) / study.ledgers.money_scale, "last_year"
    return None, ""


def find_reasons(
    study: Study, model: Classifier, groups: Ints, slope: float, values: npt.NDArray[np.float32]
) -> list[list[tuple[str, float]]]:
    """Per row of ``values``, up to three features whose groups raise the risk most against a typical customer.

    A group's columns are put to their medians together; what the odds lose by that is what it pushes.
    """
    typical = _typical(study)
    base = model.logits(values)
    tables = []
    leads = []
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        changed = values.copy()
        changed[:, inside] = typical[inside]
        tables.append(slope * (base - model.logits(changed)))
        leads.append(inside)
    pushes = np.stack(tables, axis=1)
    names = _leading(study, leads, values, typical)
    best = np.argsort(-pushes, axis=1, kind="stable")[:, :3]
    found = []
    for i in range(len(values)):
        own = [(names[k][i], float(np.exp(pushes[i, k]))) for k in best[i] if np.exp(pushes[i, k]) >= LEAST_PUSH]
        found.append(own)
    return found


def _typical(study: Study) -> npt.NDArray[np.float32]:
    values = np.concatenate([window.values for window in study.windows[-3:]])
    middle = np.zeros(values.shape[1], np.float32)
    for j in range(values.shape[1]):
        known = values[:, j][np.isfinite(values[:, j])]
        middle[j] = np.median(known) if len(known) else np.nan
    return middle


def _leading(
    study: Study, leads: list[Ints], values: npt.NDArray[np.float32], typical: npt.NDArray[np.float32]
) -> list[list[str]]:
    """Of each group, the feature that is furthest from typical in each row (a level that holds goes with its name)."""
    from analytics.churn.classifier import Encoding

    encoding = Encoding.learn(np.concatenate([window.values for window in study.windows[-2:]]))
    k = values.shape[1]
    scaled = encoding.encode(values)[:, :k] - encoding.encode(typical[None, :])[:, :k]
    found = []
    for inside in leads:
        furthest = inside[np.argmax(np.abs(scaled[:, inside]), axis=1)]
        found.append([study.columns[j].feature for j in furthest])
    return found


def list_customers(
    study: Study, learned: Learned, risks: Risks, groups: Ints, value: Floats | None, spec: ChurnSpec
) -> pl.DataFrame:
    """As ``ChurnResult.customers``."""
    report(0.92, "churn_listing")
    window, n = risks.window, len(risks.risk)
    order = np.argsort(-risks.risk, kind="stable")
    flagged = np.zeros(n, bool)
    flagged[order[: n_to_contact(n, spec)]] = True
    worth = None if value is None else np.maximum(value[window.customers], 0.0)
    reasoned = order[:WITH_REASONS]
    line = learned.calibrations[learned.chosen]
    told = find_reasons(study, learned.classifiers[learned.chosen], groups, line.slope, window.values[reasoned])
    reasons: list[list[str | None]] = [[None] * n for _ in range(3)]
    pushes: list[list[float | None]] = [[None] * n for _ in range(3)]
    for row, own in zip(reasoned, told, strict=True):
        for i, (feature, push) in enumerate(own):
            reasons[i][row], pushes[i][row] = feature, push
    high = flagged | (risks.risk >= 2 * risks.risk.mean())
    rich = np.zeros(n, bool) if worth is None else worth > np.median(worth)
    if worth is None:
        group = np.where(high, GROUPS[0], GROUPS[3])
    else:
        group = np.select([high & rich, high, rich], GROUPS[:3], GROUPS[3])
    frame = pl.DataFrame(
        {
            "customer_id": study.ledgers.ids.gather(window.customers),
            "risk": risks.risk,
            "lo": np.minimum(risks.lo, risks.risk),
            "hi": np.maximum(risks.hi, risks.risk),
            "flagged": flagged,
            "expected_value": worth if worth is not None else pl.Series([None] * n, dtype=pl.Float64),
            "value_at_risk": worth * risks.risk if worth is not None else pl.Series([None] * n, dtype=pl.Float64),
            **{f"reason_{i + 1}": pl.Series(reasons[i], dtype=pl.String) for i in range(3)},
            **{f"push_{i + 1}": pl.Series(pushes[i], dtype=pl.Float64) for i in range(3)},
            "group": pl.Series(list(group), dtype=pl.String),
            "last_seen_on": seen_dates(study.ledgers.last_seen(study.today.day)[window.customers])
            if study.ledgers.dated()
            else pl.Series([None] * n, dtype=pl.Date),
        }
    )
    by = ["value_at_risk", "risk"] if worth is not None else ["risk"]
    frame = frame.sort(*by, "customer_id", descending=[True] * len(by) + [False])
    rank = pl.int_range(1, n + 1, dtype=pl.Int64).alias("rank")
    return frame.select("customer_id", "risk", "lo", "hi", rank, *frame.columns[4:])


def group_customers(customers: pl.DataFrame) -> pl.DataFrame:
    """As ``ChurnResult.groups``."""
    counted = customers.group_by("group").agg(
        n_customers=pl.len().cast(pl.Int64),
        mean_risk=pl.col("risk").mean(),
        expected_gone=pl.col("risk").sum(),
        expected_value=_total("expected_value"),
        value_at_risk=_total("value_at_risk"),
    )
    return pl.DataFrame({"group": GROUPS}).join(counted, on="group", how="inner", maintain_order="left")


def spread_risks(customers: pl.DataFrame) -> pl.DataFrame:
    """As ``ChurnResult.risks``: twenty bins between 0 and the greatest risk."""
    top = float(customers["risk"].max() or 1.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    width = max(top / 20, 1e-9)
    bins = (pl.col("risk") / width).floor().cast(pl.Int64).clip(0, 19)
    sums = {"n_customers": pl.len().cast(pl.Int64), "value_at_risk": _total("value_at_risk")}
    counted = customers.group_by(bin=bins).agg(**sums)
    every = pl.DataFrame({"bin": range(20)}, schema={"bin": pl.Int64})
    found = every.join(counted, on="bin", how="left", maintain_order="left")
    low, n_customers = pl.col("bin") * width, pl.col("n_customers").fill_null(0)
    return found.select(low=low, high=low + width, n_customers=n_customers, value_at_risk="value_at_risk")


def _total(column: str) -> pl.Expr:
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum())
