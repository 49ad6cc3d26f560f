"""The answer card of the behaviour page."""

from __future__ import annotations

from analytics.behaviour import ConcentrationResult, SpendingResult
from analytics.charts.behaviour.parts import space
from analytics.charts.headline import Headline, Metric
from analytics.i18n import Words


def headline(spending: SpendingResult, concentration: ConcentrationResult | None, _: Words) -> Headline:
    """The usual order, the usual gap, who returns, and how much few customers bring."""
    summary = {row["measure"]: row for row in spending.summary.iter_rows(named=True)}
    value, gap = summary.get("order_value"), summary.get("gap_days")
    metrics: list[Metric] = []
    if value is not None:
        spread = _.span(_.money(value["p25"], spending.currency, 0), _.number(value["p75"]))
        metrics.append(
            Metric(
                _("Usual order value"),
                _.money(value["p50"], spending.currency, 0),
                _("middle half: {span}", span=spread),
            )
        )
    basket = summary.get("order_items", summary["order_lines"])
    named = _("Usual items per order") if "order_items" in summary else _("Usual lines per order")
    metrics.append(
        Metric(
            named,
            _.number(basket["p50"]),
            _("middle half: {span}", span=_.span(_.number(basket["p25"]), _.number(basket["p75"]))),
        )
    )
    if gap is not None:
        note = _.ngettext("{n} returning customer", "{n} returning customers", gap["n_values"])
        metrics.append(Metric(_("Usual gap, days"), _.number(gap["p50"]), note))
    if concentration is not None:
        top = concentration.tops.row(-1, named=True)
        gini = _("Gini {gini}", gini=_.number(concentration.gini, 2))
        metrics.append(Metric(_("Top 20% bring"), _.percent(top["share"]), gini))
    return Headline(_finding(spending, concentration, _), _sentence(spending, _), tuple(metrics[:4]))


def _finding(spending: SpendingResult, concentration: ConcentrationResult | None, _: Words) -> str:
    gap = spending.summary.filter(measure="gap_days")
    if concentration is not None:
        share = _.percent(concentration.tops.row(-1, named=True)["share"])
        if gap.is_empty():
            return _("A fifth of customers bring {share} of revenue", share=share)
        return _(
            "Customers return every {days} days; a fifth of them bring {share} of revenue",
            days=_.number(gap["p50"][0]),
            share=share,
        )
    if gap.is_empty():
        return _.ngettext(
            "{n} order, and nobody ordered twice", "{n} orders, and nobody ordered twice", spending.n_orders
        )
    return _("Customers who return do so every {days} days", days=_.number(gap["p50"][0]))


def _sentence(spending: SpendingResult, _: Words) -> str:
    told = _(
        "{orders} orders, {customers} known customers; {one} of them ordered on one day only.",
        orders=spending.n_orders,
        customers=spending.n_customers,
        one=spending.n_one_day,
    )
    half = spending.returning.filter(spending.returning["share"] >= 0.5)
    if half.is_empty():
        return told
    return (
        told + space(_) + _("Half of all customers order again within {days} days of their first.", days=half["day"][0])
    )
