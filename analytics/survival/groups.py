"""By what customers can be told apart at the beginning of their spell, and the groups that follow.

Only what is known at the beginning may explain how long somebody stays: sums and counts of later behaviour grow with
the time itself. Columns of the customers table are as of the file, which the page says; one that all but repeats the
time or the leaving is no explanation, and is found in the data, not by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl

from analytics.customers import CustomerLabels, summarise_customers
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.survival.kaplan_meier import Floats, Ints
from analytics.survival.spec import FEWEST, Spells

MOST_GROUPS = 8
MOST_FIELDS = 40
TELLS_TENURE = 0.8  # rank correlation with the time from which a number only repeats it
TELLS_LEAVING = 0.98  # share of customers whose leaving one column tells alone
KNOWN_SHARE = 0.95  # of customers with a first order at their beginning, from which it describes them
_FIRST = ("channel", "payment_method", "product", "category")
Repeats = Literal["tells_tenure", "tells_leaving"]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of each spell's customer at its beginning.

    ``frame``: one row per spell in the order of ``Spells.frame``, one column per field. ``fields``: those that may
    explain. ``repeats``: those that may not, and why.
    """

    frame: pl.DataFrame
    fields: tuple[str, ...]
    repeats: tuple[tuple[str, Repeats], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """``codes`` of each spell's group (-1: in none), ``labels`` in display order, customers without a value, and groups
    left out as too small with the customers in them."""

    codes: Ints
    labels: tuple[str, ...]
    n_unknown: int
    n_small: int
    n_in_small: int


def known_at_start(dataset: Dataset, spells: Spells) -> Known:
    """The attributes of the customers table and of the first order."""
    frame = spells.frame.select("customer_id")
    people = dataset.tables.get("customers")
    if people is not None and dataset.has("customers.customer_id"):
        alone = Dataset(
            {"customers": people}, dataset.as_of, dataset.currency, dataset.money_digits, dataset.sources, dataset.key
        )
        table = summarise_customers(alone)
        taken = [name for name in table.attributes if name not in {"joined_days", *spells.columns[:2]}]
        own = table.frame.select("customer_id", *taken[:MOST_FIELDS])
        frame = frame.join(own, on="customer_id", how="left", maintain_order="left")
    frame = frame.with_columns(_first_orders(dataset, spells, set(frame.columns)))
    fields, repeats = [], []
    time, ended = spells.frame["time"].to_numpy(), spells.frame["ended"].to_numpy()
    for name in frame.columns[1:]:
        if frame[name].drop_nulls().n_unique() < 2:
            continue
        why = _repeats(frame[name], time, ended)
        if why:
            repeats.append((name, why))
        else:
            fields.append(name)
    return Known(frame.drop("customer_id"), tuple(fields), tuple(repeats))


def _first_orders(dataset: Dataset, spells: Spells, taken: set[str]) -> list[pl.Series]:
    """What the first order was, where a spell begins with it: "first_channel", "first_payment_method", ..."""
    if spells.clock == "tenure" or not dataset.has("transactions.customer_id", "transactions.ordered_at"):
        return []
    lines = dataset.tables["transactions"]
    held = [name for name in _FIRST if dataset.has(f"transactions.{name}")]
    held = [name for name in held if 2 <= lines[name].n_unique() <= 30]
    if not held:
        return []
    begins = spells.frame.group_by("customer_id").agg(pl.col("start").min())
    sold = lines.lazy().filter(pl.col("kind") == "sale") if "kind" in lines.columns else lines.lazy()
    firsts = (
        sold.select("customer_id", *held, day=pl.col("ordered_at").cast(pl.Date))
        .join(begins.lazy(), on="customer_id")
        .filter((pl.col("day") >= pl.col("start")) & (pl.col("day") <= pl.col("start").dt.offset_by("1d")))
        .group_by("customer_id")
        .agg(pl.col(held).min())
        .collect()
    )
    joined = spells.frame.select("customer_id").join(firsts, on="customer_id", how="left", maintain_order="left")
    enough = [name for name in held if joined[name].null_count() <= (1 - KNOWN_SHARE) * joined.height]
    return [joined[name].alias(f"first_{name}") for name in enough if f"first_{name}" not in taken]


def _repeats(column: pl.Series, time: Floats, ended: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Repeats | None:
    known = column.is_not_null().to_numpy()
    values, inside, left = column.drop_nulls(), time[known], ended[known]
    if left.all() or not left.any():
        return None
    if column.dtype.is_numeric() and values.n_unique() > 2:
        ranks = values.rank("average").to_numpy()
        own = pl.Series(inside).rank("average").to_numpy()
        if abs(_correlation(ranks, own)) >= TELLS_TENURE:
            return "tells_tenure"
        n_left = int(left.sum())
        auc = (ranks[left].sum() - n_left * (n_left + 1) / 2) / (n_left * (len(left) - n_left))
        return "tells_leaving" if max(auc, 1 - auc) >= TELLS_LEAVING else None
    rates = (
        pl.DataFrame({"value": values.cast(pl.String), "left": left})
        .group_by("value")
        .agg(pl.col("left").mean(), n=pl.len())
    )
    told = rates.select((pl.max_horizontal("left", 1 - pl.col("left")) * pl.col("n")).sum() / pl.col("n").sum()).item()
    alone = max(left.mean(), 1 - left.mean())
    few = rates.height <= len(left) / 10
    return "tells_leaving" if few and told >= TELLS_LEAVING and told - alone > 0.5 * (1 - alone) else None


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0 else 0.0


def group_spells(spells: Spells, known: Known, field: str, labels: CustomerLabels | None) -> Grouped:
    """The groups of ``field``. Raises ``AnalysisError``: ``survival_group_unknown`` (field)."""
    frame = spells.frame
    if not field:
        return Grouped(np.zeros(frame.height, np.int64), ("",), 0, 0, 0)
    if field == "segment":
        if labels is None:
            raise AnalysisError("survival_group_unknown", field=field)
        held = frame.select("customer_id").join(
            labels.frame.select("customer_id", "label"), on="customer_id", how="left", maintain_order="left"
        )["label"]
        return _coded(frame, held, tuple(labels.labels))
    if field == "cohort":
        if frame["start"].null_count() == frame.height:
            raise AnalysisError("survival_group_unknown", field=field)
        cohorts = _cohorts(frame["start"])
        return _coded(frame, cohorts, tuple(cohorts.drop_nulls().unique().sort()))
    if field not in known.frame.columns:
        raise AnalysisError("survival_group_unknown", field=field)
    values = levels_of(known.frame[field])
    if known.frame[field].dtype.is_numeric():
        order = tuple(values.dtype.categories) if isinstance(values.dtype, pl.Enum) else ()
        return _coded(frame, values.cast(pl.String), order)
    counts = values.drop_nulls().value_counts().sort("count", values.name, descending=[True, False])
    return _coded(frame, values, tuple(counts[values.name].head(MOST_GROUPS)))


def levels_of(column: pl.Series) -> pl.Series:
    """A column as groups: texts as they are, numbers by their quartiles (as an Enum in ascending order)."""
    if not column.dtype.is_numeric():
        return column.cast(pl.String)
    distinct = column.drop_nulls().unique().sort()
    if len(distinct) <= 4:
        names = [_short(float(value)) for value in distinct]
        told = column.cast(pl.Float64).replace_strict(
            dict(zip(distinct.cast(pl.Float64).to_list(), names, strict=True)), default=None, return_dtype=pl.String
        )
        return told.cast(pl.Enum(list(dict.fromkeys(names))))
    values = column.cast(pl.Float64).to_numpy()
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, [0, 0.25, 0.5, 0.75, 1], method="lower"))
    names = [f"{_short(low)}–{_short(high)}" for low, high in pairwise(edges)]
    names = list(dict.fromkeys(names))
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(names) - 1)
    told = pl.Series(names, dtype=pl.Enum(names)).gather(place)
    return pl.select(pl.when(pl.Series(np.isfinite(values))).then(told)).to_series().alias(column.name)


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _cohorts(start: pl.Series) -> pl.Series:
    """The year of the beginning; its quarter where all began within two years."""
    days = start.drop_nulls().cast(pl.Int32).to_numpy()
    year = start.dt.year().cast(pl.String)
    if int(days.max() - days.min()) > 2 * 366:
        return year
    return pl.select(pl.format("{} Q{}", year, start.dt.quarter())).to_series()


def _coded(frame: pl.DataFrame, values: pl.Series, order: tuple[str, ...]) -> Grouped:
    told = pl.DataFrame({"customer_id": frame["customer_id"], "value": values.cast(pl.String)})
    counts = told.drop_nulls("value").group_by("value").agg(n=pl.col("customer_id").n_unique())
    sizes = dict(zip(counts["value"], counts["n"], strict=True))
    kept = [label for label in order if sizes.get(label, 0) >= FEWEST][: 2 * MOST_GROUPS]
    small = [label for label in sizes if label not in kept]
    codes = told["value"].replace_strict({label: i for i, label in enumerate(kept)}, default=-1, return_dtype=pl.Int64)
    unknown = told.filter(pl.col("value").is_null())["customer_id"].n_unique()
    return Grouped(
        codes.fill_null(-1).to_numpy(), tuple(kept), unknown, len(small), sum(sizes[label] for label in small)
    )
