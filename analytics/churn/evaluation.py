"""How good the warning was: models beside baselines, calibration, lift, and each cut-off looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.churn import measures
from analytics.churn.ledger import as_date
from analytics.churn.rolling import Learned, Prediction
from analytics.churn.spec import ChurnSpec
from analytics.churn.windows import Study
from analytics.contrasts import wilson
from analytics.progress import report

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DRAWS = 60  # of customers, for intervals
DRAWS_LARGE = 24  # beyond LARGE rows
LARGE = 300_000
SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
_CURVE = 60  # points of a curve


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One rule's scores at every test window; ``is_risk``: they are probabilities."""

    name: str
    kind: str
    is_risk: bool
    by_window: list[Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Frames as in ``ChurnResult``, and what its headline takes from them."""

    models: pl.DataFrame
    calibration: pl.DataFrame
    roc: pl.DataFrame
    lift: pl.DataFrame
    timeline: pl.DataFrame
    rules: list[Scores]
    flags: dict[str, list[Flags]]
    best_baseline: str
    gain: tuple[float, float, float]


def n_to_contact(n: int, spec: ChurnSpec) -> int:
    """How many of ``n`` customers there is time for."""
    wanted = spec.capacity if spec.capacity is not None else round(spec.capacity_share * n)
    return int(min(max(wanted, 1), n))


def evaluate(study: Study, learned: Learned, spec: ChurnSpec) -> Evaluation:
    """Everything over the test windows."""
    report(0.75, "churn_measuring")
    made = learned.predictions
    rules = [_chosen(made), *_candidates(made), *_baselines(study, made)]
    models, gain, best = _models(rules, made, learned, spec)
    flags = _flags(rules, made, spec)
    shown = [rules[0], *(rule for rule in rules if rule.name in {"recency", best} and rule.name != "base_rate")]
    return Evaluation(
        models=models,
        calibration=_calibration(made, spec),
        roc=_roc(shown, made),
        lift=_lift(shown, made, spec),
        timeline=_timeline(shown, flags, made),
        rules=rules,
        flags=flags,
        best_baseline=best,
        gain=gain,
    )


def _chosen(made: tuple[Prediction, ...]) -> Scores:
    return Scores("chosen", "model", True, [one.risk for one in made])


def _candidates(made: tuple[Prediction, ...]) -> list[Scores]:
    return [Scores(method, "model", True, [one.risks[method] for one in made]) for method in made[0].risks]


def _baselines(study: Study, made: tuple[Prediction, ...]) -> list[Scores]:
    """One number alone, the greater the likelier gone; unknown counts as the longest silence."""
    places = {column.feature: j for j, column in enumerate(study.columns) if not column.level}
    by_use = study.aim.target == "left" and "use_recency_days" in places
    wanted = {
        "recency": ("use_recency_days" if by_use else "order_recency_days", 1),
        "overdue": ("use_recency_ratio" if by_use else "order_overdue", 1),
        "p_alive": ("p_stayed", -1),
        "decline": ("use_decline_30" if "use_decline_30" in places else "orders_trend", -1),
    }
    found = []
    for name, (feature, sign) in wanted.items():
        if feature in places and not (name == "p_alive" and study.aim.target != "no_order"):
            numbers = [sign * one.window.values[:, places[feature]].astype(np.float64) for one in made]
            unknown = -1e9 if name == "decline" else 1e9
            scores = [np.nan_to_num(one, nan=unknown, posinf=1e9) for one in numbers]
            found.append(Scores(name, "baseline", False, scores))
    if study.aim.target == "given" and places:
        found.append(_single(places, made))
    base = [np.full(len(one.risk), one.window.gone.mean()) for one in made]
    return [*found, Scores("base_rate", "baseline", True, base)]


def _single(places: dict[str, int], made: tuple[Prediction, ...]) -> Scores:
    """The best single number, in its better direction."""
    best, area = None, 0.0
    for j in places.values():
        values = np.nan_to_num(made[0].window.values[:, j].astype(np.float64), nan=0.0)
        one = measures.auc(made[0].window.gone, values)
        if np.isfinite(one) and abs(one - 0.5) > area:
            best, area = (values if one >= 0.5 else -values), abs(one - 0.5)
    return Scores("single", "baseline", False, [np.zeros(len(made[0].risk)) if best is None else best])


def _models(
    rules: list[Scores], made: tuple[Prediction, ...], learned: Learned, spec: ChurnSpec
) -> tuple[pl.DataFrame, tuple[float, float, float], str]:
    gone = [one.window.gone for one in made]
    customers = np.concatenate([one.window.customers for one in made])
    n_rows = len(customers)
    n_draws = DRAWS if n_rows <= LARGE else DRAWS_LARGE
    # A measure over several windows: each ranks its own customers, then its pairs (or its gone) count.
    by_rule = {r.name: [_sorted(score, one) for score, one in zip(r.by_window, gone, strict=True)] for r in rules}
    areas: dict[str, list[float]] = {}
    precisions: dict[str, list[float]] = {}
    ends = np.cumsum([0, *(len(one) for one in gone)])
    for rule in rules:
        areas[rule.name], precisions[rule.name] = [], []
    for draw in range(n_draws + 1):
        weights = None
        if draw:
            weights = measures.customer_weights(customers, 1, spec.random_state + draw)[0]
        parts = None if weights is None else [weights[a:b] for a, b in pairwise(ends)]
        for rule in rules:
            area, precision = _ranked(by_rule[rule.name], gone, parts)
            areas[rule.name].append(area)
            precisions[rule.name].append(precision)
    z = _z(spec.level)
    rows = []
    together = np.concatenate(gone)
    for rule in rules:
        area, lo, hi = _around(areas[rule.name], z)
        precision, p_lo, p_hi = _around(precisions[rule.name], z)
        risk = np.concatenate(rule.by_window)
        rows.append(
            {
                "model": rule.name,
                "kind": rule.kind,
                "auc": area,
                "auc_lo": lo,
                "auc_hi": hi,
                "average_precision": precision,
                "ap_lo": p_lo,
                "ap_hi": p_hi,
                "brier": measures.brier(together, risk) if rule.is_risk else None,
                "log_loss": measures.log_loss(together, risk) if rule.is_risk else None,
                "calibration_error": measures.calibration_error(together, risk) if rule.is_risk else None,
                "chosen": rule.name == learned.chosen,
            }
        )
    baselines = [rule.name for rule in rules if rule.kind == "baseline"]
    best = max(baselines, key=lambda name: areas[name][0])
    difference = np.array(areas["chosen"]) - np.array(areas[best])
    deviation = float(difference[1:].std(ddof=1))
    gain = float(difference[0]), float(difference[0] - z * deviation), float(difference[0] + z * deviation)
    return pl.DataFrame(rows, schema=_MODELS), gain, best


def _sorted(score: Floats, gone: Ints) -> tuple[Ints, Ints]:
    """Rows from the greatest score down, and the last position of each run of equal scores."""
    order = np.argsort(-score, kind="stable")
    value = score[order]
    return order, np.flatnonzero(np.append(value[1:] != value[:-1], True))


def _ranked(by_window: list[tuple[Ints, Ints]], gone: list[Ints], weights: list[Floats] | None) -> tuple[float, float]:
    """AUC by pairs and average precision by gone, over windows."""
    pairs = won = found = steps = 0.0
    for i, ((order, ends), outcome) in enumerate(zip(by_window, gone, strict=True)):
        sorted_gone = outcome[order].astype(np.float64)
        weight = np.ones(len(order)) if weights is None else weights[i][order]
        yes = np.cumsum(sorted_gone * weight)[ends]
        everyone = np.cumsum(weight)[ends]
        no = everyone - yes
        yes_here, no_here = np.diff(yes, prepend=0), np.diff(no, prepend=0)
        pairs += yes[-1] * no[-1]
        won += float((yes_here * (no[-1] - no + no_here / 2)).sum())
        found += yes[-1]
        steps += float((yes_here * yes / np.maximum(everyone, 1e-12)).sum())
    return (won / pairs if pairs else float("nan")), (steps / found if found else float("nan"))


def _around(values: list[float], z: float) -> tuple[float, float, float]:
    """Estimate and interval from draws, on the logit scale."""
    from scipy.special import expit, logit

    inside = np.clip(values, 1e-6, 1 - 1e-6)
    at = logit(inside)
    deviation = float(at[1:].std(ddof=1))
    return float(values[0]), float(expit(at[0] - z * deviation)), float(expit(at[0] + z * deviation))


def _z(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + level) / 2))


def _calibration(made: tuple[Prediction, ...], spec: ChurnSpec) -> pl.DataFrame:
    from scipy.special import expit

    gone = np.concatenate([one.window.gone for one in made])
    rows = []
    for name, risk in (
        ("chosen", np.concatenate([one.risk for one in made])),
        ("uncalibrated", np.concatenate([expit(one.logits[one.chosen]) for one in made])),
    ):
        bins = measures.equal_bins(risk)
        for k in np.unique(bins):
            here = bins == k
            n = int(here.sum())
            observed = float(gone[here].mean())
            lo, hi = wilson_at(observed, n, spec.level)
            rows.append((name, int(k), n, float(risk[here].mean()), observed, lo, hi))
    return pl.DataFrame(rows, schema=_CALIBRATION, orient="row")


def wilson_at(share: float, n: int, level: float) -> tuple[float, float]:
    """Wilson's interval at any level."""
    if abs(level - 0.95) < 1e-9:
        return wilson(share, n)
    z = _z(level)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def curve(score: Floats, gone: Ints) -> tuple[Floats, Floats]:
    """False share and found share from the greatest score down, beginning at 0, 0."""
    order, ends = _sorted(score, gone)
    yes = np.concatenate([[0], np.cumsum(gone[order])[ends]])
    no = np.concatenate([[0], np.cumsum(1 - gone[order])[ends]])
    return no / max(no[-1], 1), yes / max(yes[-1], 1)


def _roc(rules: list[Scores], made: tuple[Prediction, ...]) -> pl.DataFrame:
    at = np.unique(np.concatenate([np.linspace(0, 0.2, 30), np.linspace(0.2, 1, _CURVE - 30)]))
    weight = np.array([one.window.gone.sum() for one in made], float)
    rows: list[tuple[str, float, float]] = []
    for rule in rules:
        curves = [curve(score, one.window.gone) for score, one in zip(rule.by_window, made, strict=True)]
        mean = np.average([np.interp(at, *one) for one in curves], axis=0, weights=weight)
        rows += [(rule.name, float(x), float(y)) for x, y in zip(at, mean, strict=True)]
    schema = {"model": pl.String, "false_share": pl.Float64, "found_share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _lift(rules: list[Scores], made: tuple[Prediction, ...], spec: ChurnSpec) -> pl.DataFrame:
    rows = []
    n_gone = sum(int(one.window.gone.sum()) for one in made)
    n_all = sum(len(one.risk) for one in made)
    capacity = sum(n_to_contact(len(one.risk), spec) for one in made) / n_all
    for rule in rules:
        for share in sorted({*SHARES, round(capacity, 6)}):
            at_capacity = share == round(capacity, 6)
            found = contacted = 0.0
            for score, one in zip(rule.by_window, made, strict=True):
                n = len(score)
                k = n_to_contact(n, spec) if at_capacity else max(1, round(share * n))
                found += _found(score, one.window.gone, k)
                contacted += k
            lo, hi = wilson_at(found / n_gone, n_gone, spec.level)
            precision = found / contacted
            rows.append(
                {
                    "model": rule.name,
                    "share": share,
                    "n_contacted": round(contacted / len(made)),
                    "found_share": found / n_gone,
                    "lo": lo,
                    "hi": hi,
                    "precision": precision,
                    "lift": precision / (n_gone / n_all),
                    "at_capacity": at_capacity,
                }
            )
    return pl.DataFrame(rows, schema=_LIFT)


def _found(score: Floats, gone: Ints, k: int) -> float:
    """Gone among the ``k`` greatest; among equal scores at the limit, as many as chance would find."""
    limit = np.partition(score, len(score) - k)[len(score) - k]
    above, equal = score > limit, score == limit
    return float(gone[above].sum() + gone[equal].mean() * (k - above.sum()))


def _flags(rules: list[Scores], made: tuple[Prediction, ...], spec: ChurnSpec) -> dict[str, list[Flags]]:
    """Whom each rule flags at each window: the chosen model its capacity, the others up to as many false alarms."""
    flags: dict[str, list[Flags]] = {}
    for rule in rules:
        flags[rule.name] = []
        for i, (score, one) in enumerate(zip(rule.by_window, made, strict=True)):
            order = np.argsort(-score, kind="stable")
            if rule.name == "chosen":
                k = n_to_contact(len(score), spec)
            else:
                allowed = int((flags["chosen"][i] & (one.window.gone == 0)).sum())
                false = np.cumsum(1 - one.window.gone[order])
                k = int(np.searchsorted(false, allowed, side="right"))
            flagged = np.zeros(len(score), bool)
            flagged[order[:k]] = True
            flags[rule.name].append(flagged)
    return flags


def _timeline(rules: list[Scores], flags: dict[str, list[Flags]], made: tuple[Prediction, ...]) -> pl.DataFrame:
    rows = []
    for i, one in enumerate(made):
        gone = one.window.gone
        for rule in rules:
            flagged = flags[rule.name][i]
            n_true = int((flagged & (gone == 1)).sum())
            rows.append(
                {
                    "cut_on": as_date(one.window.day),
                    "model": rule.name,
                    "n_customers": len(gone),
                    "n_gone": int(gone.sum()),
                    "n_flagged": int(flagged.sum()),
                    "n_true": n_true,
                    "n_false": int(flagged.sum()) - n_true,
                    "auc": measures.auc(gone, rule.by_window[i]),
                    "found_share": n_true / max(int(gone.sum()), 1),
                }
            )
    return pl.DataFrame(rows, schema=_TIMELINE)


_MODELS = {
    "model": pl.String,
    "kind": pl.String,
    **dict.fromkeys(
        ("auc", "auc_lo", "auc_hi", "average_precision", "ap_lo", "ap_hi", "brier", "log_loss", "calibration_error"),
        pl.Float64,
    ),
    "chosen": pl.Boolean,
}
_CALIBRATION = {
    "model": pl.String,
    "bin": pl.Int64,
    "n": pl.Int64,
    "predicted": pl.Float64,
    "observed": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
}
_LIFT = {
    "model": pl.String,
    "share": pl.Float64,
    "n_contacted": pl.Int64,
    **dict.fromkeys(("found_share", "lo", "hi", "precision", "lift"), pl.Float64),
    "at_capacity": pl.Boolean,
}
_TIMELINE = {
    "cut_on": pl.Date,
    "model": pl.String,
    **dict.fromkeys(("n_customers", "n_gone", "n_flagged", "n_true", "n_false"), pl.Int64),
    "auc": pl.Float64,
    "found_share": pl.Float64,
}
