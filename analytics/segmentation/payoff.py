"""What contacting segments brings: expected return, break-even response rate, and whom to contact under a budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.segmentation.result import SegmentationResult

FEW = 30  # customers; from fewer the interval of a mean of skewed values is too narrow


@dataclass(frozen=True, slots=True)
class SegmentAssumption:
    """What a person assumes of one segment, by its label; None: as for all."""

    label: str
    response_rate: float | None = None
    margin_share: float | None = None
    contact_cost: float | None = None

    def __post_init__(self) -> None:
        _check(self.response_rate, self.margin_share, self.contact_cost)


@dataclass(frozen=True, slots=True)
class PayoffSpec:
    """A person's assumptions about contacting customers once. None of them is measured.

    ``response_rate`` (0-1): the share of contacted customers who order because of it. ``margin_share`` (0-1): what is
    left of an order's value. ``contact_cost``: of one contact, in currency units. ``own``: what differs for single
    segments. ``budget``: for all contacts together, in currency units; None: no limit.

    Raises ``AnalysisError("payoff_share")``, ``("payoff_negative")``, ``("payoff_repeated")``.
    """

    response_rate: float = 0.05
    margin_share: float = 0.3
    contact_cost: float = 1.0
    own: tuple[SegmentAssumption, ...] = ()
    budget: float | None = None

    def __post_init__(self) -> None:
        _check(self.response_rate, self.margin_share, self.contact_cost)
        if self.budget is not None and not 0 <= self.budget < float("inf"):
            raise AnalysisError("payoff_negative", field="budget")
        labels = [item.label for item in self.own]
        if len(set(labels)) < len(labels):
            raise AnalysisError("payoff_repeated")


def with_assumption(spec: PayoffSpec, label: str, field: str, value: float | None) -> PayoffSpec:
    """``spec`` with one assumption of one segment; None takes it back, and a segment without any has no entry."""
    held = next((item for item in spec.own if item.label == label), SegmentAssumption(label))
    new: dict[str, Any] = {field: value}
    changed = dataclasses.replace(held, **new)
    others = tuple(item for item in spec.own if item.label != label)
    kept = () if changed == SegmentAssumption(label) else (changed,)
    return dataclasses.replace(spec, own=tuple(sorted((*others, *kept), key=lambda item: item.label)))


def _check(response_rate: float | None, margin_share: float | None, contact_cost: float | None) -> None:
    for field, share in (("response_rate", response_rate), ("margin_share", margin_share)):
        if share is not None and not 0 <= share <= 1:
            raise AnalysisError("payoff_share", field=field, value=share)
    if contact_cost is not None and not 0 <= contact_cost < float("inf"):
        raise AnalysisError("payoff_negative", field="contact_cost")


@dataclass(frozen=True, slots=True, eq=False)
class PayoffResult:
    """What contacting each segment once would bring, and whom to contact.

    Attributes
    ----------
    segments : label, name, n_customers, then measured: order_value (currency units: mean over the segment's customers
        of their own mean order value) with order_value_lo and order_value_hi (95 %); then assumed: response_rate,
        margin_share, contact_cost; then what follows: break_even_rate (the response rate at which a contact pays for
        itself, null where nothing does) with break_even_lo and break_even_hi, return_per_contact with return_lo and
        return_hi (currency units), pays (return_per_contact is above zero), n_contacted, contact_costs,
        expected_return, expected_lo, expected_hi (of those contacted). Segments with customers only, in display order.
    n_contacted, contact_costs, expected_return, expected_lo, expected_hi : all segments together.
    everybody_return, everybody_cost : if every customer were contacted, whatever the budget.
    Intervals cover the measured order value alone; what is assumed is taken as given.
    """

    spec: PayoffSpec
    currency: str
    segments: pl.DataFrame
    names: tuple[tuple[str, str], ...]
    n_customers: int
    n_contacted: int
    contact_costs: float
    expected_return: float
    expected_lo: float
    expected_hi: float
    everybody_return: float
    everybody_cost: float
    caveats: tuple[Caveat, ...]
    key: str


def expect_payoff(result: SegmentationResult, customers: CustomerTable, spec: PayoffSpec) -> PayoffResult:
    """Expected return of contacting segments: response rate x margin x order value, less the cost of the contact.

    Within a segment everybody is taken to respond alike, so an order is worth the mean over customers of their own
    mean order value; its interval is the mean's by the central limit theorem with Student's t. Under a budget the
    segments with the largest return for each unit of cost come first, the last one in part: nothing else brings more,
    but for less than the cost of one contact (Dantzig 1957). Segments that cost more than they bring are not contacted.

    ``customers`` is the table that ``result`` was cut from. Raises ``AnalysisError("payoff_no_order_value")``.
    """
    if "mean_order_value" not in customers.frame.columns or not customers.frame["mean_order_value"].count():
        raise AnalysisError("payoff_no_order_value")
    own = {item.label: item for item in spec.own}
    measured = result.members.select("customer_id", "label").join(
        customers.frame.select("customer_id", value=pl.col("mean_order_value").cast(pl.Float64)),
        on="customer_id",
        how="left",
    )
    figures = measured.group_by("label").agg(
        pl.len().alias("n"),
        pl.col("value").count().alias("n_known"),
        pl.col("value").mean(),
        pl.col("value").std().alias("sd"),
    )
    known = {row["label"]: row for row in figures.iter_rows(named=True)}
    rows = [_segment(label, code, known[label], own.get(label), spec) for label, code in result.names if label in known]
    contacted = _under_budget(rows, spec.budget)
    for row, n in zip(rows, contacted, strict=True):
        row["n_contacted"] = n
        row["contact_costs"] = n * row["contact_cost"]
        for name, each in (
            ("expected_return", "return_per_contact"),
            ("expected_lo", "return_lo"),
            ("expected_hi", "return_hi"),
        ):
            row[name] = n * (row[each] or 0.0)
    segments = pl.DataFrame([{name: row[name] for name in _SCHEMA} for row in rows], schema=_SCHEMA)
    expected = float(segments["expected_return"].sum())
    # The segments hold different customers, so the errors of their means are independent.
    below = float((segments["expected_return"] - segments["expected_lo"]).pow(2).sum()) ** 0.5
    above = float((segments["expected_hi"] - segments["expected_return"]).pow(2).sum()) ** 0.5
    few = segments.filter(pl.col("n_customers") < FEW)["label"].to_list()
    return PayoffResult(
        spec=spec,
        currency=customers.currency,
        segments=segments,
        names=result.names,
        n_customers=result.n_customers,
        n_contacted=int(segments["n_contacted"].sum()),
        contact_costs=float(segments["contact_costs"].sum()),
        expected_return=expected,
        expected_lo=expected - below,
        expected_hi=expected + above,
        everybody_return=float((segments["n_customers"] * segments["return_per_contact"]).sum()),
        everybody_cost=float((segments["n_customers"] * segments["contact_cost"]).sum()),
        caveats=(Caveat("payoff_few", "watch", {"labels": ", ".join(few), "n": FEW}),) if few else (),
        key=derive_key("expect_payoff", spec, result.key, customers.key),
    )


_SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "name": pl.String,
    "n_customers": pl.Int64,
    **dict.fromkeys(
        (
            "order_value",
            "order_value_lo",
            "order_value_hi",
            "response_rate",
            "margin_share",
            "contact_cost",
            "break_even_rate",
            "break_even_lo",
            "break_even_hi",
            "return_per_contact",
            "return_lo",
            "return_hi",
        ),
        pl.Float64,
    ),
    "pays": pl.Boolean,
    "n_contacted": pl.Int64,
    **dict.fromkeys(("contact_costs", "expected_return", "expected_lo", "expected_hi"), pl.Float64),
}


def _segment(
    label: str, code: str, known: dict[str, float], own: SegmentAssumption | None, spec: PayoffSpec
) -> dict[str, Any]:
    from scipy.stats import t

    rate, margin, cost = (
        getattr(spec, name) if own is None or getattr(own, name) is None else getattr(own, name)
        for name in ("response_rate", "margin_share", "contact_cost")
    )
    value, n = known["value"], int(known["n_known"])
    reach = float(t.ppf(0.975, n - 1)) * known["sd"] / n**0.5 if n > 1 else None
    row: dict[str, Any] = {"label": label, "name": code, "n_customers": int(known["n"])}
    row |= {"response_rate": rate, "margin_share": margin, "contact_cost": cost}
    low = None if value is None or reach is None else value - reach
    high = None if value is None or reach is None else value + reach
    for suffix, at in (("", value), ("_lo", low), ("_hi", high)):
        row[f"order_value{suffix}"] = at
    for name, at in (("return_per_contact", value), ("return_lo", low), ("return_hi", high)):
        row[name] = None if at is None else rate * margin * at - cost
    # A larger order value needs a smaller response rate: the ends change places.
    for name, at in (("break_even_rate", value), ("break_even_lo", high), ("break_even_hi", low)):
        row[name] = cost / (margin * at) if at is not None and margin * at > 0 else None
    row["pays"] = bool((row["return_per_contact"] or 0.0) > 0)
    return row


def _under_budget(rows: Sequence[dict[str, Any]], budget: float | None) -> list[int]:
    """How many customers of each segment to contact: the best return for each unit of cost first."""
    contacted, left = [0] * len(rows), budget

    def gain(i: int) -> float:
        cost = rows[i]["contact_cost"]
        return rows[i]["return_per_contact"] / cost if cost else float("inf")

    for i in sorted((i for i, row in enumerate(rows) if row["pays"]), key=gain, reverse=True):
        n, cost = rows[i]["n_customers"], rows[i]["contact_cost"]
        if left is not None and cost:
            n = min(n, int(left / cost + 1e-9))
            left -= n * cost
        contacted[i] = n
    return contacted


def tabulate_payoffs(names: tuple[str, ...], *payoffs: PayoffResult) -> pl.DataFrame:
    """Scenarios side by side: scenario, n_segments, n_customers, n_contacted, contact_costs, expected_return,
    expected_lo, expected_hi, everybody_return."""
    rows = [
        (
            name,
            item.segments.height,
            item.n_customers,
            item.n_contacted,
            item.contact_costs,
            item.expected_return,
            item.expected_lo,
            item.expected_hi,
            item.everybody_return,
        )
        for name, item in zip(names, payoffs, strict=True)
    ]
    counts = dict.fromkeys(("n_segments", "n_customers", "n_contacted"), pl.Int64)
    money = dict.fromkeys(
        ("contact_costs", "expected_return", "expected_lo", "expected_hi", "everybody_return"), pl.Float64
    )
    return pl.DataFrame(rows, schema={"scenario": pl.String, **counts, **money}, orient="row")
