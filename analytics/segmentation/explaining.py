"""Why a customer is in a segment: what sets it apart, the short rule that describes it, typical and border customers.

The rule is a path of a shallow decision tree (CART: Breiman, Friedman, Olshen and Stone 1984) with its cuts rounded to
what a person would write; how well it describes is measured on customers that it was not made from. Differences are
those of ``analytics.contrasts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.contrasts import (
    PRIVACY_LIMIT,
    choose,
    comparable_fields,
    comparable_mixes,
    contrast_groups,
    judge,
    wilson,
)
from analytics.customers import CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.segmentation.encoding import encode
from analytics.segmentation.result import SegmentationResult

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

TREE_ROWS = 30_000  # customers that rules are made from and measured on; more change no cut that a person would see
HELD_OUT = 1 / 3
ROUNDED = 0.01  # of the customers may change sides when a cut is rounded
SHORTER = 0.01  # of F1 that a shorter rule may cost
GOOD, POOR = (
    0.8,
    0.5,
)  # a rule is good when precision and recall both reach the first, poor when one is under the second
SHOWN_FIELDS = 5


@dataclass(frozen=True, slots=True)
class ExplainSpec:
    """How segments are explained.

    Rules have at most ``max_depth`` conditions (1-3) and describe at least ``least_leaf`` customers (never under the
    privacy limit). ``n_traits`` differences are shown for each segment: Holm's p under ``alpha`` and at least
    ``min_effect`` standard deviations or ``min_points`` of share. ``n_examples`` typical and border customers are
    named; on the border is a margin under ``border_margin``. Raises ``AnalysisError("explain_choice_range")``.
    """

    max_depth: int = 3
    least_leaf: int = PRIVACY_LIMIT
    n_traits: int = 8
    n_examples: int = 3
    border_margin: float = 0.1
    alpha: float = 0.05
    min_effect: float = 0.2
    min_points: float = 0.05
    random_state: int = 0

    def __post_init__(self) -> None:
        sound = 1 <= self.max_depth <= 3 and self.least_leaf >= PRIVACY_LIMIT and 1 <= self.n_examples <= 10
        if not (sound and 1 <= self.n_traits <= 12 and 0 < self.border_margin < 1 and 0 < self.alpha < 1):
            raise AnalysisError("explain_choice_range", limit=PRIVACY_LIMIT)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What segments are like and how they can be told.

    Attributes
    ----------
    names : (label, name code), as the result has them.
    contrasts : every trait of each segment of at least ten customers against all others: the columns of
        ``analytics.contrasts.choose``.
    rules : label, n_conditions, base_share (of all customers, 0-1), precision (of those who meet the rule, how many
        are in the segment), precision_lo, precision_hi, recall (of the segment, how many meet it), recall_lo,
        recall_hi (95 %, Wilson), verdict ("good", "rough", "poor", "none": no rule found). Measured on held-out
        customers.
    conditions : label, field, level (null for numbers), kind ("number", "flag", "category", "counts"), lo
        (exclusive), hi (inclusive; null = open), whole (the number is whole), has (for levels and flags: must or must
        not; else null). All conditions of a label together are its rule; the order is that of their weight.
    accuracy, baseline : share of held-out customers whose segment one tree of the same depth tells, and the share that
        always naming the largest segment gets; null where there is one segment.
    typical : label, rank, customer_id, distance (to the centre, in the units of the segmentation), then ``fields``.
    border : label, near (the other segment), rank, customer_id, margin (0-1), then ``fields``.
    borders : label, near, n_customers on that border, share (of the segment, 0-1); null where 1-9 customers.
    fields : columns of the customer table shown with each example.
    n_fitted, n_held_out : customers that rules were made from, and measured on.
    """

    spec: ExplainSpec
    currency: str
    names: tuple[tuple[str, str], ...]
    contrasts: pl.DataFrame
    rules: pl.DataFrame
    conditions: pl.DataFrame
    accuracy: float | None
    baseline: float | None
    typical: pl.DataFrame
    border: pl.DataFrame
    borders: pl.DataFrame
    fields: tuple[str, ...]
    n_tests: int
    n_suppressed: int
    n_fitted: int
    n_held_out: int
    caveats: tuple[Caveat, ...]
    key: str


class Condition(NamedTuple):
    """One condition of a rule; see ``Explanation.conditions``."""

    field: str
    level: str | None
    kind: str
    lo: float | None
    hi: float | None
    whole: bool
    has: bool | None


class _Column(NamedTuple):
    """One column of the tree's table; ``kind`` is that of the trait."""

    field: str
    level: str | None
    kind: str
    values: Floats
    whole: bool


_CONDITIONS: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "field": pl.String,
    "level": pl.String,
    "kind": pl.String,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "whole": pl.Boolean,
    "has": pl.Boolean,
}
_MEASURED = ("precision", "precision_lo", "precision_hi", "recall", "recall_lo", "recall_hi")
_RULES: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "n_conditions": pl.Int64,
    "base_share": pl.Float64,
    **dict.fromkeys(_MEASURED, pl.Float64),
    "verdict": pl.String,
}


def explain_segments(customers: CustomerTable, result: SegmentationResult, spec: ExplainSpec) -> Explanation:
    """Say what sets each segment of ``result`` apart, how to tell it in a short rule, and who is typical for it.

    Neither the order of rows nor ids have any influence, but where customers are equal in everything. Raises
    ``AnalysisError("labels_unknown")``.
    """
    key = derive_key("explain_segments", spec, customers.key, result.key)
    report(0.0, "explain_traits")
    labels = [label for label, _ in result.names]
    kept = [name for name in ("customer_id", "label", "margin") if name in result.members.columns]
    frame = customers.frame.drop("label", "margin", strict=False)
    frame = frame.join(result.members.select(kept), on="customer_id", how="inner", maintain_order="left")
    if not frame.height:
        raise AnalysisError("labels_unknown", n=0)
    sizes = dict(frame.group_by("label").len().iter_rows())
    shown = [label for label in labels if sizes.get(label, 0) >= PRIVACY_LIMIT]
    features = result.features["feature"].to_list()

    numbers, categories, _ = comparable_fields(customers, frame)
    mixes = comparable_mixes(customers, frame)
    totals = {trait.name: trait.columns for trait in customers.traits if trait.kind == "counts"}
    found, scores, n_suppressed = contrast_groups(
        frame,
        shown,
        numbers,
        categories,
        lambda done: report(0.6 * done, "explain_traits"),
        mixes=mixes,
        totals=totals,
    )
    judged = judge(found, alpha=spec.alpha, min_effect=spec.min_effect, min_points=spec.min_points, built_from=features)
    contrasts = choose(judged, scores, shown, spec.n_traits)

    report(0.6, "explain_rules")
    rules, conditions, (accuracy, baseline), (n_fitted, n_held_out) = _rules(
        customers, frame, shown, numbers, categories, spec
    )
    report(0.9, "explain_examples")
    fields = _example_fields(customers, features, contrasts)
    typical, border, borders = _examples(customers, frame, result, labels, fields, spec)
    return Explanation(
        spec=spec,
        currency=result.currency,
        names=result.names,
        contrasts=contrasts,
        rules=rules,
        conditions=conditions,
        accuracy=accuracy,
        baseline=baseline,
        typical=typical,
        border=border,
        borders=borders,
        fields=fields,
        n_tests=contrasts.height,
        n_suppressed=n_suppressed,
        n_fitted=n_fitted,
        n_held_out=n_held_out,
        caveats=_caveats(rules, n_fitted + n_held_out, frame.height),
        key=key,
    )


def _caveats(rules: pl.DataFrame, n_seen: int, n: int) -> tuple[Caveat, ...]:
    poor = rules.filter(pl.col("verdict").is_in(["poor", "none"])).height
    said = [Caveat("rules_poor", "watch", {"n": poor, "k": rules.height})] if poor else []
    if n_seen and n_seen < n:
        said.append(Caveat("rules_from_sample", "note", {"n": n_seen, "all": n}))
    return tuple(said)


# ---- rules


def _rule_columns(
    frame: pl.DataFrame, numbers: Sequence[str], categories: dict[str, list[str]], customers: CustomerTable
) -> list[_Column]:
    """What a rule may speak of, one column each: numbers, shares of a person's own orders, levels and flags."""
    columns: list[_Column] = []
    for name in numbers:
        values = frame[name].cast(pl.Float64).to_numpy()
        known = np.isfinite(values)
        whole = frame.schema[name].is_integer() or bool((values[known] == np.floor(values[known])).all())
        columns.append(_Column(name, None, "number", values, whole))
    for name, levels in categories.items():
        text = frame[name].cast(pl.String)
        kind = "flag" if frame.schema[name] == pl.Boolean else "category"
        for level in levels:
            has = (text == level).fill_null(False).to_numpy()
            columns.append(_Column(name, None if kind == "flag" else level, kind, has.astype(np.float64), True))
    for trait in customers.traits:
        if trait.kind != "counts" or not set(trait.columns) <= set(frame.columns):
            continue
        whole_of = frame.select(pl.sum_horizontal(list(trait.columns))).to_series().to_numpy().astype(np.float64)
        for level, column in zip(trait.levels, trait.columns, strict=True):
            if level:
                shares = np.where(whole_of > 0, frame[column].to_numpy() / np.maximum(whole_of, 1), np.nan)
                columns.append(_Column(trait.name, level, "counts", shares, False))
    return columns


def _rules(
    customers: CustomerTable,
    frame: pl.DataFrame,
    labels: Sequence[str],
    numbers: Sequence[str],
    categories: dict[str, list[str]],
    spec: ExplainSpec,
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[float | None, float | None], tuple[int, int]]:
    from sklearn.tree import DecisionTreeClassifier

    nothing = pl.DataFrame(schema=_RULES), pl.DataFrame(schema=_CONDITIONS), (None, None), (0, 0)
    if len(labels) < 2 or not (numbers or categories):
        return nothing
    place = {label: code for code, label in enumerate(labels)}
    everybody = frame["label"].replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
    shares = np.bincount(everybody[everybody >= 0], minlength=len(labels)) / len(everybody)
    fitted, held_out = _split(frame, [*numbers, *categories], everybody, spec.random_state)
    if min(len(fitted), len(held_out)) < 3 * spec.least_leaf:
        return nothing
    seen = frame[np.concatenate([fitted, held_out])]
    columns = _rule_columns(seen, numbers, categories, customers)
    raw = np.column_stack([column.values for column in columns])
    group = everybody[np.concatenate([fitted, held_out])]
    mine, theirs = group[: len(fitted)], group[len(fitted) :]
    middle = np.array(
        [float(np.median(c[np.isfinite(c)])) if np.isfinite(c).any() else 0.0 for c in raw[: len(fitted)].T]
    )
    points = np.where(np.isfinite(raw), raw, middle)
    points, tests = points[: len(fitted)], points[len(fitted) :]
    rows, conditions = [], []
    for label, code in place.items():
        report(0.6 + 0.25 * code / len(labels), "explain_rules")
        here, truth = mine == code, theirs == code
        base = float(shares[code])
        rule: list[Condition] = []
        if here.sum() >= spec.least_leaf:
            tree = DecisionTreeClassifier(
                max_depth=spec.max_depth,
                min_samples_leaf=spec.least_leaf,
                class_weight="balanced",
                random_state=spec.random_state,
            ).fit(points, here)
            rule = _best_rule(tree.tree_, points, here, columns, spec.least_leaf)
        if not rule:
            rows.append((label, 0, base, *[None] * 6, "none"))
            continue
        meets = _meets(rule, columns, tests)
        both, n_meet, n_here = int((meets & truth).sum()), int(meets.sum()), int(truth.sum())
        precision, recall = both / max(n_meet, 1), both / max(n_here, 1)
        measured = (precision, *wilson(precision, max(n_meet, 1)), recall, *wilson(recall, max(n_here, 1)))
        good, poor = min(precision, recall) >= GOOD, min(precision, recall) < POOR
        rows.append((label, len(rule), base, *measured, "good" if good else "poor" if poor else "rough"))
        conditions += [(label, *condition) for condition in rule]
    whole = DecisionTreeClassifier(
        max_depth=spec.max_depth, min_samples_leaf=spec.least_leaf, random_state=spec.random_state
    ).fit(points, mine)
    largest = np.bincount(mine[mine >= 0]).argmax()
    scores = float((whole.predict(tests) == theirs).mean()), float((theirs == largest).mean())
    return (
        pl.DataFrame(rows, schema=_RULES, orient="row"),
        pl.DataFrame(conditions, schema=_CONDITIONS, orient="row"),
        scores,
        (len(fitted), len(held_out)),
    )


def _split(frame: pl.DataFrame, fields: Sequence[str], group: Ints, seed: int) -> tuple[Ints, Ints]:
    """Rows to make rules from and rows to measure them on: each segment alike in both, ids without a part in it."""
    order = frame.select(pl.arg_sort_by(["label", *fields], nulls_last=True).cast(pl.Int64)).to_series().to_numpy()
    order = order[group[order] >= 0]
    rng = np.random.default_rng(seed)
    if len(order) > TREE_ROWS:
        order = order[np.sort(rng.choice(len(order), TREE_ROWS, replace=False))]
    # Shuffled inside each segment: every third of a sorted segment would be no sample of it.
    shuffled = order[rng.permutation(len(order))]
    shuffled = shuffled[np.argsort(group[shuffled], kind="stable")]
    held = np.arange(len(shuffled)) % round(1 / HELD_OUT) == 0
    return shuffled[~held], shuffled[held]


def _best_rule(tree: object, points: Floats, here: Flags, columns: Sequence[_Column], least: int) -> list[Condition]:
    """The path from the root, of any length, that describes ``here`` best (F1), its cuts rounded, what adds nothing
    left out. Empty where no path does better than calling everybody a member."""
    best: tuple[float, list[Condition]] = (_f1(np.ones(len(here), dtype=bool), here), [])
    for path in _paths(tree):
        rule = _merged([_condition(*step, points, columns) for step in path], columns)
        meets = _meets(rule, columns, points)
        score = _f1(meets, here)
        if meets.sum() >= least and score > best[0] + 1e-9:
            best = score, rule
    score, rule = best
    for condition in list(rule):
        shorter = [other for other in rule if other != condition]
        if shorter and _f1(_meets(shorter, columns, points), here) >= score - SHORTER:
            rule = shorter
    # The condition that excludes most others first.
    return sorted(rule, key=lambda c: float(_meets([c], columns, points)[~here].mean()))


def _f1(meets: Flags, here: Flags) -> float:
    return float(2 * (meets & here).sum() / max(meets.sum() + here.sum(), 1))


def _paths(tree: object) -> list[list[tuple[int, float, bool]]]:
    """Every way from the root to a node: steps of (column, cut, above)."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]  # scikit-learn's tree has no types
    column, cut = tree.feature, tree.threshold  # type: ignore[attr-defined]  # scikit-learn's tree has no types
    found: list[list[tuple[int, float, bool]]] = []
    waiting: list[tuple[int, list[tuple[int, float, bool]]]] = [(0, [])]
    while waiting:
        node, path = waiting.pop()
        if path:
            found.append(path)
        if left[node] >= 0:
            for child, above in ((left[node], False), (right[node], True)):
                waiting.append((int(child), [*path, (int(column[node]), float(cut[node]), above)]))
    return found


def _condition(
    index: int, cut: float, above: bool, points: Floats, columns: Sequence[_Column]
) -> tuple[int, Condition]:
    column = columns[index]
    if column.kind in ("flag", "category"):
        return index, Condition(column.field, column.level, column.kind, None, None, True, above)
    cut = round_cut(cut, points[:, index], column.whole)
    lo, hi = (cut, None) if above else (None, cut)
    return index, Condition(column.field, column.level, column.kind, lo, hi, column.whole, None)


def round_cut(cut: float, values: Floats, whole: bool) -> float:
    """``cut`` with the fewest digits that move at most ``ROUNDED`` of ``values`` to its other side."""
    above = values > cut
    if whole:
        cut = float(np.floor(cut))
    for digits in range(1, 9):
        size = 0 if cut == 0 else int(np.floor(np.log10(abs(cut))))
        rounded = round(cut, digits - 1 - size)
        if float(((values > rounded) != above).mean()) <= ROUNDED:
            return float(np.floor(rounded)) if whole else float(rounded)
    return cut


def _merged(steps: Sequence[tuple[int, Condition]], columns: Sequence[_Column]) -> list[Condition]:
    """Two cuts in one field are one condition; of a category that must be one level, what it must not be is known."""
    by_column: dict[int, Condition] = {}
    for index, condition in steps:
        known = by_column.get(index)
        if known is None:
            by_column[index] = condition
            continue
        lo = max((c.lo for c in (known, condition) if c.lo is not None), default=None)
        hi = min((c.hi for c in (known, condition) if c.hi is not None), default=None)
        by_column[index] = condition._replace(lo=lo, hi=hi)
    must = {c.field for c in by_column.values() if c.kind == "category" and c.has}
    return [c for c in by_column.values() if not (c.kind == "category" and not c.has and c.field in must)]


def _meets(rule: Sequence[Condition], columns: Sequence[_Column], points: Floats) -> Flags:
    place = {(column.field, column.level): i for i, column in enumerate(columns)}
    meets = np.ones(len(points), dtype=bool)
    for condition in rule:
        values = points[:, place[condition.field, condition.level]]
        if condition.has is not None:
            meets &= (values > 0.5) == condition.has
        if condition.lo is not None:
            meets &= values > condition.lo
        if condition.hi is not None:
            meets &= values <= condition.hi
    return meets


# ---- examples


def _example_fields(customers: CustomerTable, features: Sequence[str], contrasts: pl.DataFrame) -> tuple[str, ...]:
    """Columns that stand beside an example: what built the segments, then what sets them apart."""
    single = {trait.name for trait in customers.traits if trait.kind != "counts"}
    strong = contrasts.filter(pl.col("verdict") == "different").sort("size", descending=True)["field"].to_list()
    usual = [name for name in ("recency_days", "n_orders", "mean_order_value", "revenue") if name in customers.measures]
    built = [name for name in features if name in single]
    return tuple(dict.fromkeys((*built[:SHOWN_FIELDS], *usual, *(f for f in strong if f in single))))[:SHOWN_FIELDS]


def _examples(
    customers: CustomerTable,
    frame: pl.DataFrame,
    result: SegmentationResult,
    labels: Sequence[str],
    fields: Sequence[str],
    spec: ExplainSpec,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Customers nearest the centre of their segment, and those nearly in another one."""
    encoded = encode(customers, tuple(result.features["feature"].to_list()), getattr(result.spec, "weights", ()))
    points = encoded.encoded.points
    ids = customers.frame["customer_id"].gather(encoded.rows)
    seen = pl.DataFrame({"customer_id": ids, "at": np.arange(len(points))}).join(
        frame, on="customer_id", how="inner", maintain_order="left"
    )
    points = points[seen["at"].to_numpy()]
    place = {label: code for code, label in enumerate(labels)}
    group = seen["label"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    n = np.bincount(group, minlength=len(labels))
    centres = np.full((len(labels), points.shape[1]), np.inf)
    for code in np.flatnonzero(n):
        centres[code] = points[group == code].mean(axis=0)
    squares = (points**2).sum(axis=1)
    distances = np.full((len(points), len(labels)), np.inf)
    for code in np.flatnonzero(n):
        square = squares - 2 * points @ centres[code] + float((centres[code] ** 2).sum())
        distances[:, code] = np.sqrt(np.maximum(square, 0.0))
    rows = np.arange(len(points))
    own = distances[rows, group]
    distances[rows, group] = np.inf
    near = distances.argmin(axis=1)
    other = distances[rows, near]
    if "margin" in seen.columns:
        margin = seen["margin"].to_numpy()
    else:
        with np.errstate(invalid="ignore"):
            margin = np.where(np.isfinite(other), np.clip((other - own) / np.maximum(other, 1e-12), 0, 1), 1.0)
    names = np.array(labels, dtype=object)
    found = seen.select("customer_id", "label", *fields).with_columns(
        pl.Series("near", names[near], dtype=pl.String),
        pl.Series("distance", own),
        pl.Series("margin", margin, dtype=pl.Float64),
        pl.Series("_order", group),
    )
    n_labels = int((n > 0).sum())
    on_border = found.filter((pl.col("margin") < spec.border_margin) & (n_labels > 1))
    typical = _first(found, ("distance", "margin"), spec.n_examples).select(
        "label", "rank", "customer_id", "distance", *fields
    )
    border = _first(on_border, ("margin", "distance"), spec.n_examples).select(
        "label", "near", "rank", "customer_id", "margin", *fields
    )
    sizes = found.group_by("label").agg(pl.len().alias("_size"))
    counted = pl.col("n_customers") >= PRIVACY_LIMIT
    borders = (
        on_border.group_by("_order", "label", "near")
        .agg(pl.len().cast(pl.Int64).alias("n_customers"))
        .join(sizes, on="label")
        .sort(["_order", "n_customers", "near"], descending=[False, True, False])
        .select(
            "label",
            "near",
            pl.when(counted).then("n_customers"),
            pl.when(counted).then(pl.col("n_customers") / pl.col("_size")).alias("share"),
        )
    )
    return typical, border, borders


def _first(found: pl.DataFrame, by: Sequence[str], n: int) -> pl.DataFrame:
    """The first ``n`` rows of each label; ids decide between customers that are equal in everything."""
    ranked = found.sort("_order", *by, "customer_id").with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("label").alias("rank")
    )
    return ranked.filter(pl.col("rank") <= n)
