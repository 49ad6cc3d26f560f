"""``merge_customers``: one id per person in every table, with what each record was before."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import Caveat
from analytics.integration.matching import MatchResult
from analytics.keys import derive_key

_LEAVING = ("left_at", "leaving_reason")


@dataclass(frozen=True, slots=True, eq=False)
class MergeResult:
    """The data with one id per person.

    Attributes
    ----------
    dataset : the Dataset after the merge; the very Dataset that came in where nothing is merged.
    records : person (the id that stays), merged_from (id of the record as it came), n_records (UInt32), then the
        columns of the customers table as they came; every record of a merged person, the leading one first.
    changes : table, n_rows_before, n_rows_after, n_customers_before, n_customers_after, n_rows_moved (Int64): rows that
        now stand under another id.
    """

    dataset: Dataset
    records: pl.DataFrame
    changes: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str


def merge_customers(dataset: Dataset, matches: MatchResult) -> MergeResult:
    """Every record of a cluster under one id, the smallest of its ids.

    The leading record is the one that joined first (without joining dates: the smallest id); each attribute is the
    first that is given in that order. A person who left counts as gone only when every record did, on the last day.
    Undo is the same with a ``matches`` that lacks the pair: nothing is kept of a merge but the choice.
    """
    key = derive_key("merge_customers", None, dataset.key, matches.key)
    clusters = matches.clusters
    ids = dict(clusters.select("customer_id", "person").iter_rows())
    renamed = {name: _under_one_id(frame, ids) for name, frame in dataset.tables.items()}
    customers = dataset.tables.get("customers")
    records = _records(customers, clusters)
    changes = pl.DataFrame(
        [_change(name, frame, renamed[name], name == "customers") for name, frame in dataset.tables.items()],
        schema=_CHANGES,
    )
    if not ids or customers is None:
        return MergeResult(dataset, records, changes, (), key)
    renamed["customers"] = _one_row_each(customers, renamed["customers"], clusters)
    merged = Dataset.build(
        renamed,
        as_of=dataset.as_of,
        currency=dataset.currency,
        money_digits=dataset.money_digits,
        sources=dataset.sources,
    )
    return MergeResult(merged, records, changes, _arms_mixed(renamed.get("campaigns")), key)


_CHANGES = {
    "table": pl.String,
    "n_rows_before": pl.Int64,
    "n_rows_after": pl.Int64,
    "n_customers_before": pl.Int64,
    "n_customers_after": pl.Int64,
    "n_rows_moved": pl.Int64,
}


def _under_one_id(frame: pl.DataFrame, ids: dict[str, str]) -> pl.DataFrame:
    if "customer_id" not in frame.columns or not ids:
        return frame
    return frame.with_columns(pl.col("customer_id").replace(ids))


def _change(name: str, before: pl.DataFrame, after: pl.DataFrame, one_each: bool) -> dict[str, object]:
    if "customer_id" not in before.columns:
        return {"table": name, "n_rows_before": before.height, "n_rows_after": before.height, "n_rows_moved": 0}
    n_before, n_after = before["customer_id"].drop_nulls().n_unique(), after["customer_id"].drop_nulls().n_unique()
    gone = n_before - n_after if one_each else 0
    return {
        "table": name,
        "n_rows_before": before.height,
        "n_rows_after": before.height - gone,
        "n_customers_before": n_before,
        "n_customers_after": n_after,
        "n_rows_moved": int((before["customer_id"] != after["customer_id"]).sum() or 0),
    }


def _led(frame: pl.DataFrame) -> pl.DataFrame:
    """The leading record of each person first."""
    joined = [pl.col("joined_at")] if "joined_at" in frame.columns else []
    return frame.sort("person", *joined, "customer_id", nulls_last=True, maintain_order=True)


def _records(customers: pl.DataFrame | None, clusters: pl.DataFrame) -> pl.DataFrame:
    if customers is None or "customer_id" not in customers.columns:
        return clusters.select("person", pl.col("customer_id").alias("merged_from"), "n_records")
    records = _led(clusters.join(customers, on="customer_id", how="inner"))
    own = [name for name in customers.columns if name != "customer_id"]
    return records.select("person", pl.col("customer_id").alias("merged_from"), "n_records", *own)


def _one_row_each(before: pl.DataFrame, after: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The customers table with one row per merged person; every other row as it was."""
    touched = before.join(clusters.select("customer_id", "person"), on="customer_id", how="inner")
    firsts = [
        pl.col(name).drop_nulls().first() for name in before.columns if name != "customer_id" and name not in _LEAVING
    ]
    leaving = []
    if "left_at" in before.columns:
        everyone = pl.col("left_at").is_not_null().all()
        leaving.append(pl.when(everyone).then(pl.col("left_at").max()).alias("left_at"))
        if "leaving_reason" in before.columns:
            last = pl.col("leaving_reason").sort_by("left_at", nulls_last=False).drop_nulls().last()
            leaving.append(pl.when(everyone).then(last).alias("leaving_reason"))
    elif "leaving_reason" in before.columns:
        leaving.append(pl.col("leaving_reason").drop_nulls().first())
    persons = _led(touched).group_by("person", maintain_order=True).agg(*firsts, *leaving)
    persons = persons.rename({"person": "customer_id"}).select(before.columns)
    untouched = after.filter(~pl.col("customer_id").is_in(persons["customer_id"].implode()).fill_null(False))
    return pl.concat([untouched, persons])


def _arms_mixed(campaigns: pl.DataFrame | None) -> tuple[Caveat, ...]:
    """A person whose records were in both arms of one campaign was in neither."""
    if campaigns is None or not {"customer_id", "campaign", "arm"} <= set(campaigns.columns):
        return ()
    arms = (
        campaigns.drop_nulls(["customer_id", "arm"]).group_by("customer_id", "campaign").agg(pl.col("arm").n_unique())
    )
    n = arms.filter(pl.col("arm") > 1).height
    return (Caveat("merge_arms_mixed", "watch", {"n": n}),) if n else ()
