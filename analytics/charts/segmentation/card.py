"""The answer card: which segment counts most, whether there is structure at all, and how far the cut can be trusted."""

from __future__ import annotations

from typing import Any, Literal

from analytics.charts.headline import Headline, Metric
from analytics.charts.segmentation.wording import segment_names
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult
from analytics.segmentation.evidence import EvidenceResult

STABLE = 0.7


def headline(result: SegmentationResult, evidence: EvidenceResult, _: Words) -> Headline:
    """The segment that counts most, whether the cut is more than a convenience, and four figures."""
    rows = [row for row in result.sizes.iter_rows(named=True) if row["n_customers"]]
    top = max(rows, key=lambda row: (row["revenue_share"] or 0.0) / row["customer_share"])
    metrics = [Metric(_("Customers"), _.number(result.n_customers))]
    if top["revenue_share"] is None:
        largest = max(rows, key=lambda row: row["n_customers"])
        share = _.percent(largest["customer_share"])
        finding = _("The largest of {n} segments holds {share} of customers", n=len(rows), share=share)
        metrics.append(Metric(_("Largest segment"), share, segment_names(result.names, _)[largest["label"]]))
    else:
        share, revenue_share = _.percent(top["customer_share"]), _.percent(top["revenue_share"])
        finding = _("{share} of customers bring {revenue} of revenue", share=share, revenue=revenue_share)
        metrics.append(Metric(_("Top segment's share"), revenue_share, segment_names(result.names, _)[top["label"]]))
    stability = _row(result, evidence).get("stability")
    if evidence.structure:
        metrics += [_structure(result, evidence, _), _stability(stability if isinstance(stability, float) else None, _)]
    else:
        metrics.append(Metric(_("Segments"), _.number(len(rows))))
        if top["revenue_share"] is not None:
            metrics.append(_revenue(result, _))
    return Headline(finding, trust(result, evidence, _), tuple(metrics))


def _row(result: SegmentationResult, evidence: EvidenceResult) -> dict[str, Any]:
    """The evidence of the cut that is shown; one by rule is weighed with all its segments, also the empty ones."""
    return evidence.row(len(result.names)) or evidence.row(result.n_segments)


def _revenue(result: SegmentationResult, _: Words) -> Metric:
    total = float(result.sizes["revenue"].sum())
    divisor, unit = _.compact_unit(total)
    if unit:
        return Metric(_("Revenue ({unit})", unit=unit), _.money(total / divisor, result.currency))
    return Metric(_("Revenue"), _.compact(total, result.currency))


def _structure(result: SegmentationResult, evidence: EvidenceResult, _: Words) -> Metric:
    """How far the segments lie apart, and whether that is more than data without clusters show."""
    value = _.number(_row(result, evidence).get("separation"), 2)
    if evidence.structure == "found":
        return Metric(_("Separation"), value, _("real: beyond chance"), "good")
    if evidence.structure == "none":
        return Metric(_("Separation"), value, _("no cluster structure"), "watch")
    return Metric(_("Separation"), value, _("too few customers"))


def _stability(stability: float | None, _: Words) -> Metric:
    if stability is None:
        return Metric(_("Stability"), "–", _("too few customers"))
    tone: Literal["good", "watch"] = "good" if stability >= STABLE else "watch"
    least = _.number(STABLE, 2)
    note = _("good: at least {least}", least=least) if tone == "good" else _("low: under {least}", least=least)
    return Metric(_("Stability"), _.number(stability, 2), note, tone)


def trust(result: SegmentationResult, evidence: EvidenceResult, _: Words) -> str:
    """Whether the cut is found in the data or made, in one sentence or two."""
    n = sum(size > 0 for size in result.sizes["n_customers"])
    if not evidence.structure:
        return _("{n} segments, cut by rule: they sort customers and claim nothing about natural groups.", n=n)
    stability = _row(result, evidence).get("stability")
    held = (
        _("They could not be resampled.")
        if not isinstance(stability, float)
        else _("They hold together when the data is resampled (stability {s}).", s=_.number(stability, 2))
        if stability >= STABLE
        else _("They do not hold together when the data is resampled (stability {s}).", s=_.number(stability, 2))
    )
    if evidence.structure == "none":
        claim = _("No cluster structure here: any cut is a convenience, and {n} segments are one.", n=n)
    elif evidence.structure == "too_few":
        claim = _("{n} segments; too few customers to say whether they are more than chance.", n=n)
    else:
        claim = _("{n} segments in data that fall into real groups.", n=n)
    return claim + (" " if _.language == "en" else "") + held
