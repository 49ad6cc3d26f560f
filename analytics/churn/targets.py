"""What "gone" can mean in these data, who is active on a day, and which days can be cut-offs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from analytics.churn.features import rhythm_at
from analytics.churn.ledger import Ints, Ledgers, day_number
from analytics.churn.spec import ChurnSpec, Target
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.rhythm import Rhythm
from analytics.schema import CUSTOMERS

LEAST_GONE = 30  # customers gone (and customers who stayed) below which nothing is learned
LEAST_GONE_AT_ONCE = 5  # at a cut-off that is tested
HORIZON_QUANTILE = 0.75  # of returns, by their own rhythm, that come within the horizon of half the customers
MOST_DAYS = 120  # of a horizon that is learned
WARM_UP = 60  # days of history that the first cut-off needs; a quarter of the history where it is short

_WORDS = re.compile(
    r"churn|attrit|exited|cancel|(^|_| )left($|_| )|leav|lapsed|inactive|terminat|quit|unsubscri|"
    r"流失|离开|離開|退订|退訂|注销|註銷",
    re.IGNORECASE,
)
_STATUS = re.compile(r"status|active|状态|狀態|在网|在網", re.IGNORECASE)
_GONE = re.compile(
    r"^(yes|y|true|t|1|1\.0|churn(ed)?|left|gone|exited|cancel(l?ed)?|inactive|lapsed|closed|attrited.*|terminated|quit|"
    r"是|已?流失|已?离开|已?離開|已?退订|已?退訂|已?注销|已?註銷)$",
    re.IGNORECASE,
)
_NEVER = ("left_at", "leaving_reason", "joined_at", "customer_id")
_SCHEMA = {
    "target": pl.String,
    "column": pl.String,
    "gone_value": pl.String,
    "n_gone": pl.Int64,
    "possible": pl.Boolean,
    "code": pl.String,
    "proposed": pl.Boolean,
}


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """The target as settled: its kind, the column and value where it is given, and its window in days."""

    target: Target
    column: str
    gone_value: str
    horizon_days: int | None
    options: pl.DataFrame


def settle_target(dataset: Dataset, ledgers: Ledgers, spec: ChurnSpec) -> Aim:
    """The target that is asked for, or the first that the data allow.

    Raises ``AnalysisError``: churn_no_target (nothing can be predicted), churn_no_leavings, churn_no_orders,
    churn_no_column, churn_column_unknown, churn_column_values, churn_few_gone, churn_few_stayed.
    """
    options = list_targets(dataset, ledgers, spec)
    if spec.target == "auto":
        proposed = options.filter("proposed")
        if proposed.is_empty():
            _refuse_all(options)
        row = proposed.row(0, named=True)
        if row["target"] == "given" and (spec.column or spec.gone_value):
            return _given(dataset, spec, options)
    elif spec.target == "given":
        return _given(dataset, spec, options)
    else:
        row = next(one for one in options.iter_rows(named=True) if one["target"] == spec.target)
        if not row["possible"]:
            raise AnalysisError(row["code"], n=row["n_gone"], least=LEAST_GONE)
    target: Target = row["target"]
    if target == "given":
        return Aim("given", row["column"], row["gone_value"], None, options)
    return Aim(target, "", "", spec.horizon_days or _horizon(ledgers, target, dataset.as_of), options)


def list_targets(dataset: Dataset, ledgers: Ledgers, spec: ChurnSpec) -> pl.DataFrame:
    """What can be predicted: target, column, gone_value, n_gone, possible, code, proposed."""
    rows: list[tuple[str, str, str, int, bool, str | None]] = []
    n_left = int(np.isfinite(ledgers.left).sum())
    code = None if n_left >= LEAST_GONE else "churn_no_leavings" if not n_left else "churn_few_gone"
    rows.append(("left", "", "", n_left, code is None, code))
    code, n_silent = "churn_no_orders", 0
    if ledgers.orders is not None:
        n_days = ledgers.orders.ever("n_days", day_number(dataset.as_of))
        n_silent = int((n_days > 0).sum())
        code = None if (n_days > 1).sum() >= LEAST_GONE else "churn_no_repeat"
    rows.append(("no_order", "", "", n_silent, code is None, code))
    held = dataset.tables.get("customers")
    named: list[bool] = [True, True]
    if held is not None:
        for column, values in _two_valued(held):
            gone, is_named = _gone_value(column, values)
            n_gone = int((held[column].cast(pl.String) == gone).sum())
            least = min(n_gone, held[column].drop_nulls().len() - n_gone)
            code = None if least >= LEAST_GONE else "churn_few_gone" if n_gone < LEAST_GONE else "churn_few_stayed"
            rows.append(("given", column, gone, n_gone, code is None, code))
            named.append(is_named)
    # An ending with a date says most; a column that its own name calls so comes before mere silence.
    rank = {"left": 0, "given": 1, "no_order": 2}
    possible = [i for i, row in enumerate(rows) if row[4] and named[i]]
    chosen = min(possible, key=lambda i: (rank[rows[i][0]], i), default=None)
    return pl.DataFrame([(*row, i == chosen) for i, row in enumerate(rows)], schema=_SCHEMA, orient="row")


def given_labels(held: pl.DataFrame, aim: Aim) -> pl.Series:
    """1 gone, 0 stayed, null unknown, of the rows of the customers table."""
    return (held[aim.column].cast(pl.String) == aim.gone_value).cast(pl.Int64)


def active_at(ledgers: Ledgers, day: int, aim: Aim, rhythm: Rhythm | None) -> Ints:
    """Positions of the customers who are active at the end of ``day``.

    "left": joined (or first seen) by then and not left by then. "no_order": with an order, and not silent for longer
    than their own rhythm lets expect (without a rhythm: than two horizons).
    """
    if aim.target == "left":
        return np.flatnonzero(np.isfinite(ledgers.first_seen(day)) & ~(ledgers.left <= day))
    assert ledgers.orders is not None
    last = ledgers.orders.last(day)
    known = np.isfinite(last)
    silence = np.where(known, day - last, 0)
    if rhythm is None:
        return np.flatnonzero(known & (silence <= 2 * (aim.horizon_days or 90)))
    n_gaps = np.maximum(ledgers.orders.ever("n_days", day) - 1, 0).astype(np.int64)
    span = np.where(known, last - ledgers.orders.first(day), 0).astype(np.int64)
    return np.asarray(np.flatnonzero(known & (silence <= rhythm.lapsed_after_days(n_gaps, span))))


def labels_after(ledgers: Ledgers, day: int, aim: Aim, active: Ints) -> Ints:
    """1: gone within the days after ``day``, of the ``active`` customers."""
    assert aim.horizon_days is not None
    until = day + aim.horizon_days
    if aim.target == "left":
        left = ledgers.left[active]
        return ((left > day) & (left <= until)).astype(np.int64)
    assert ledgers.orders is not None
    silent = ledgers.orders.between("n_days", day, until)[active] == 0
    return np.asarray(silent.astype(np.int64))


def choose_cuts(ledgers: Ledgers, aim: Aim, as_of: date, spec: ChurnSpec) -> list[int]:
    """Cut-offs whose label windows have ended, ascending. Raises ``AnalysisError``: churn_short_history."""
    assert aim.horizon_days is not None
    end, first = day_number(as_of), ledgers.first_day
    every = spec.every_days or max(1, aim.horizon_days // 2)
    warm = min(WARM_UP, (end - first) // 4)
    latest = end - aim.horizon_days
    cuts = [latest - i * every for i in range(spec.n_cuts) if latest - i * every >= first + warm]
    # One cut-off to learn from, and one after its window has ended to see whether it holds.
    if len(cuts) < 2 or cuts[0] - cuts[-1] < aim.horizon_days:
        raise AnalysisError(
            "churn_short_history", days=end - first + 1, needed=2 * aim.horizon_days + warm, horizon=aim.horizon_days
        )
    return cuts[::-1]


def _horizon(ledgers: Ledgers, target: str, as_of: date) -> int:
    """Days, learned: 30 for leaving dates; for orders what three in four returns of a middling rhythm need."""
    span = day_number(as_of) - ledgers.first_day + 1
    if target == "left":
        return int(np.clip(30, 7, max(7, span // 5)))
    rhythm = rhythm_at(ledgers, day_number(as_of), HORIZON_QUANTILE)
    assert ledgers.orders is not None
    days = 90.0
    if rhythm is not None:
        day = day_number(as_of)
        last, n = ledgers.orders.last(day), ledgers.orders.ever("n_days", day)
        back = n > 1
        gaps = (n[back] - 1).astype(np.int64), (last - ledgers.orders.first(day))[back].astype(np.int64)
        days = float(np.median(rhythm.lapsed_after_days(*gaps)))
    rounded = 30 * round(days / 30) if days > 45 else 7 * max(1, round(days / 7))
    return int(np.clip(rounded, 7, max(7, min(MOST_DAYS, span // 5))))


def _two_valued(held: pl.DataFrame) -> list[tuple[str, list[str]]]:
    """Columns of the customers table that say one of two things."""
    found = []
    for name, dtype in held.schema.items():
        if name in _NEVER or (name in CUSTOMERS and CUSTOMERS[name].role not in ("category", "flag")):
            continue
        if dtype.is_temporal() or dtype.is_nested():
            continue
        given = held[name].drop_nulls()
        if given.len() and given.n_unique() == 2:
            found.append((name, sorted(given.cast(pl.String).unique().to_list())))
    return found


def _gone_value(column: str, values: list[str]) -> tuple[str, bool]:
    """Which of the values means gone, and whether column and value call it so themselves."""
    gone = [value for value in values if _GONE.match(value.strip())]
    named = bool(_WORDS.search(column)) or bool(_STATUS.search(column))
    if _STATUS.search(column) and not _WORDS.search(column):
        # "active: yes" means stayed.
        plain = [value for value in gone if not re.match(r"^(yes|y|true|t|1|1\.0|是)$", value.strip(), re.IGNORECASE)]
        if plain:
            return plain[0], True
        others = [value for value in values if value not in gone]
        return (others[0], True) if len(gone) == 1 else (values[0], False)
    return (gone[0], named) if len(gone) == 1 else (values[-1], False)


def _given(dataset: Dataset, spec: ChurnSpec, options: pl.DataFrame) -> Aim:
    given = options.filter(target="given")
    held = dataset.tables.get("customers")
    if held is None or given.is_empty():
        raise AnalysisError("churn_no_column")
    if spec.column:
        rows = given.filter(column=spec.column)
        if spec.column not in held.columns or spec.column in _NEVER:
            raise AnalysisError("churn_column_unknown", column=spec.column)
        if rows.is_empty() and not spec.gone_value:
            n_values = held[spec.column].drop_nulls().n_unique()
            raise AnalysisError("churn_column_values", column=spec.column, n=n_values)
        proposed = rows["gone_value"][0] if rows.height else ""
        column, value = spec.column, spec.gone_value or proposed
    else:
        row = given.sort(pl.col("proposed"), pl.col("possible"), descending=True, maintain_order=True).row(
            0, named=True
        )
        column, value = row["column"], spec.gone_value or row["gone_value"]
    told = held[column].cast(pl.String).drop_nulls()
    n_gone = int((told == value).sum())
    if n_gone < LEAST_GONE:
        raise AnalysisError("churn_few_gone", n=n_gone, least=LEAST_GONE)
    if told.len() - n_gone < LEAST_GONE:
        raise AnalysisError("churn_few_stayed", n=told.len() - n_gone, least=LEAST_GONE)
    return Aim("given", column, value, None, options)


def _refuse_all(options: pl.DataFrame) -> None:
    left = options.filter(target="left").row(0, named=True)
    if left["n_gone"]:
        raise AnalysisError("churn_few_gone", n=left["n_gone"], least=LEAST_GONE)
    orders = options.filter(target="no_order").row(0, named=True)
    if orders["n_gone"]:
        raise AnalysisError("churn_no_repeat", n=orders["n_gone"], least=LEAST_GONE)
    raise AnalysisError("churn_no_target")
