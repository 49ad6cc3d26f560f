"""Which segment of one cut is which of another: segments keep label, colour and name across runs, numbers and dates.

Segments are matched by the customers they share, by the Hungarian method (Kuhn 1955).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.keys import derive_key
from analytics.segmentation.result import SegmentationResult

LEAST_OVERLAP = 0.2  # of the customers of both together: with less in common, two segments are not the same
BY_RULE = frozenset({"rfm", "rules"})  # methods whose segments are what their names say, whoever is in them

Ints = npt.NDArray[np.int64]


def match_segments(shared: Ints) -> dict[int, int]:
    """Counterparts (row -> column) by ``shared``, how many customers segment i of one cut and j of another have in
    common. As many customers as can be keep their segment; pairs under ``LEAST_OVERLAP`` are none."""
    from scipy.optimize import linear_sum_assignment

    together = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    weights = np.where(shared >= LEAST_OVERLAP * np.maximum(together, 1), shared, 0)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if weights[i, j]}


def shared_customers(a: SegmentationResult, b: SegmentationResult) -> Ints:
    """How many customers label i of ``a`` and label j of ``b`` have in common."""
    rank_a, rank_b = ({label: i for i, (label, _) in enumerate(item.names)} for item in (a, b))
    both = a.members.select("customer_id", label_a="label").join(
        b.members.select("customer_id", label_b="label"), on="customer_id", how="inner"
    )
    counted = both.group_by("label_a", "label_b").len()
    table = np.zeros((len(rank_a), len(rank_b)), dtype=np.int64)
    for label_a, label_b, n in counted.iter_rows():
        table[rank_a[label_a], rank_b[label_b]] = n
    return table


def counterparts(a: SegmentationResult, b: SegmentationResult) -> dict[str, str]:
    """The label of ``b`` that is the same segment, for each label of ``a`` that has one.

    Two cuts by one rule-like method go by name; others by the customers they share.
    """
    if a.spec.method == b.spec.method and a.spec.method in BY_RULE:
        theirs = {code: label for label, code in b.names}
        return {label: theirs[code] for label, code in a.names if code in theirs}
    matched = match_segments(shared_customers(a, b))
    return {a.names[i][0]: b.names[j][0] for i, j in matched.items()}


def align_segments(result: SegmentationResult, reference: SegmentationResult) -> SegmentationResult:
    """``result`` with the labels of ``reference``, so that colours and names stay.

    A segment without a counterpart gets a new label behind those of the reference, in display order; a label that has
    gone stays, with no customers. Names follow the reference, save where a method names its segments by rule. With no
    customer in common, nothing is aligned.
    """
    mine, theirs = dict(result.names), dict(reference.names)
    found = counterparts(result, reference)
    if not found:
        return result
    free = (str(i) for i in range(1, len(mine) + len(theirs) + 1) if str(i) not in theirs)
    to = {label: found[label] if label in found else next(free) for label in mine}
    back = {new: old for old, new in to.items()}
    by_rule = {result.spec.method, reference.spec.method} & BY_RULE
    order = (*theirs, *(new for old, new in to.items() if old not in found))
    codes: dict[str, str] = {}
    for label in order:
        own = mine[back[label]] if label in back else None
        code = own if own is not None and (by_rule or label not in theirs) else theirs[label]
        codes[label] = "group" if label not in theirs and not by_rule and code in codes.values() else code
    changes: dict[str, Any] = {
        item.name: _relabelled(getattr(result, item.name), to, codes)
        for item in dataclasses.fields(result)
        if isinstance(getattr(result, item.name), pl.DataFrame)
    }
    changes["sizes"] = _with_empty(changes["sizes"], codes)
    changes["model"] = dataclasses.replace(result.model, labels=tuple(to[label] for label in result.model.labels))
    return dataclasses.replace(
        result,
        **changes,
        names=tuple(codes.items()),
        key=derive_key("align_segments", None, result.key, reference.key),
    )


def _relabelled(frame: pl.DataFrame, to: dict[str, str], codes: dict[str, str]) -> pl.DataFrame:
    """The frame under its new labels, in their order where it was in the order of labels."""
    held = [name for name in ("label", "label_a", "label_b") if name in frame.columns]
    if not held:
        return frame
    frame = frame.with_columns(pl.col(held).replace_strict(to, return_dtype=pl.String))
    if "name" in frame.columns:
        frame = frame.with_columns(name=pl.col("label").replace_strict(codes, return_dtype=pl.String))
    rank = {label: i for i, label in enumerate(codes)}
    if frame.columns[0] == "label":
        place = pl.col("label").replace_strict(rank, return_dtype=pl.Int64)
        frame = frame.sort(place, maintain_order=True)
    return frame


def _with_empty(sizes: pl.DataFrame, codes: dict[str, str]) -> pl.DataFrame:
    every = pl.DataFrame({"label": list(codes), "name": list(codes.values())}, schema_overrides={"name": pl.String})
    joined = every.join(sizes.drop("name"), on="label", how="left", maintain_order="left")
    counts: Sequence[str] = [name for name in ("n_customers", "customer_share") if name in sizes.columns]
    return joined.with_columns(pl.col(counts).fill_null(0)).select(sizes.columns)
