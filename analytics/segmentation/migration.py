"""From one day to another: who moved because they changed, and who because the definition of the segments did."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.customers import CustomerLabels
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.segmentation.result import SegmentationResult

WAYS = ("stayed", "people", "definition", "both", "back")


@dataclass(frozen=True, slots=True, eq=False)
class MigrationResult:
    """Moves between an earlier and a later day, in two parts.

    *People*: the earlier definition on the earlier data, against the same definition on the later data. *Definition*:
    the earlier definition against the later one, both on the later data.

    Attributes
    ----------
    ways : way, n_customers, share (0-1, of those of both days), revenue (currency units, on the later day). "stayed":
        moved in neither part; "people" and "definition": in that part alone; "both": in both, to another segment than
        at first; "back": in both, and back to the first one.
    moves : part ("people", "definition" or "net"), label_from, label_to, n_customers, revenue; pairs with customers,
        those who stay included.
    balance : label, n_earlier, n_left, people_out, people_in, definition_out, definition_in, n_new, n_now: for each
        segment n_earlier - n_left - people_out + people_in - definition_out + definition_in + n_new = n_now.
    n_common, n_new, n_left : customers of both days, of the later and of the earlier only.
    """

    currency: str
    ways: pl.DataFrame
    moves: pl.DataFrame
    balance: pl.DataFrame
    names: tuple[tuple[str, str], ...]
    n_common: int
    n_new: int
    n_left: int
    caveats: tuple[Caveat, ...]
    key: str


def migrate(before: SegmentationResult, held: CustomerLabels, after: SegmentationResult) -> MigrationResult:
    """Split the moves from ``before`` to ``after`` into those of people and those of the definition.

    Parameters
    ----------
    before, after : the segments cut on the earlier and on the later day; equal labels are the same segment (see
        ``align_segments``).
    held : the definition of ``before`` applied to the customers of the later day.
    """
    first = before.members.select("customer_id", label_0="label")
    last = after.members.select("customer_id", "revenue", label_2="label")
    common = first.join(held.frame.select("customer_id", label_1="label"), on="customer_id").join(
        last, on="customer_id"
    )
    left, new = (frame.join(common, on="customer_id", how="anti") for frame in (first, last))
    names = dict(after.names) | {label: code for label, code in before.names if label not in dict(after.names)}
    labels = list(names)
    caveats = (Caveat("no_common_customers", "watch", {"n_a": first.height, "n_b": last.height}),)
    return MigrationResult(
        currency=after.currency,
        ways=_ways(common),
        moves=pl.concat([_moves(common, *part, labels) for part in _PARTS]),
        balance=_balance(first, left, common, new, last, labels),
        names=tuple(names.items()),
        n_common=common.height,
        n_new=new.height,
        n_left=left.height,
        caveats=() if common.height else caveats,
        key=derive_key("migrate", None, before.key, held.key, after.key),
    )


_PARTS = (("people", "label_0", "label_1"), ("definition", "label_1", "label_2"), ("net", "label_0", "label_2"))


def _ways(common: pl.DataFrame) -> pl.DataFrame:
    people = pl.col("label_0") != pl.col("label_1")
    definition = pl.col("label_1") != pl.col("label_2")
    way = (
        pl.when(people & definition)
        .then(pl.when(pl.col("label_0") == pl.col("label_2")).then(pl.lit("back")).otherwise(pl.lit("both")))
        .when(people)
        .then(pl.lit("people"))
        .when(definition)
        .then(pl.lit("definition"))
        .otherwise(pl.lit("stayed"))
    )
    counted = common.group_by(way.alias("way")).agg(pl.len().cast(pl.Int64).alias("n_customers"), _revenue())
    every = pl.DataFrame({"way": list(WAYS)}).join(counted, on="way", how="left", maintain_order="left")
    n = pl.col("n_customers").fill_null(0)
    return every.select("way", n, pl.when(n.sum() > 0).then(n / n.sum()).alias("share"), "revenue")


def _moves(common: pl.DataFrame, part: str, source: str, target: str, labels: list[str]) -> pl.DataFrame:
    rank = {label: i for i, label in enumerate(labels)}
    counted = common.group_by(label_from=pl.col(source), label_to=pl.col(target)).agg(
        pl.len().cast(pl.Int64).alias("n_customers"), _revenue()
    )
    return counted.sort(
        pl.col("label_from").replace_strict(rank, return_dtype=pl.Int64),
        pl.col("label_to").replace_strict(rank, return_dtype=pl.Int64),
    ).select(pl.lit(part).alias("part"), "label_from", "label_to", "n_customers", "revenue")


def _revenue() -> pl.Expr:
    return pl.when(pl.col("revenue").count() > 0).then(pl.col("revenue").sum()).alias("revenue")


def _balance(
    first: pl.DataFrame,
    left: pl.DataFrame,
    common: pl.DataFrame,
    new: pl.DataFrame,
    last: pl.DataFrame,
    labels: list[str],
) -> pl.DataFrame:
    people = common.filter(pl.col("label_0") != pl.col("label_1"))
    definition = common.filter(pl.col("label_1") != pl.col("label_2"))
    counts = (
        ("n_earlier", first, "label_0"),
        ("n_left", left, "label_0"),
        ("people_out", people, "label_0"),
        ("people_in", people, "label_1"),
        ("definition_out", definition, "label_1"),
        ("definition_in", definition, "label_2"),
        ("n_new", new, "label_2"),
        ("n_now", last, "label_2"),
    )
    balance = pl.DataFrame({"label": labels}, schema={"label": pl.String})
    for name, frame, column in counts:
        counted = frame.group_by(label=pl.col(column)).agg(pl.len().cast(pl.Int64).alias(name))
        balance = balance.join(counted, on="label", how="left", maintain_order="left")
    return balance.with_columns(pl.col(pl.Int64).fill_null(0))
