"""The answer card of the lifecycle page."""

from __future__ import annotations

from analytics.charts.headline import Headline, Metric
from analytics.charts.lifecycle.parts import (
    BUYING,
    space,
    stage_row,
)
from analytics.i18n import Words
from analytics.lifecycle import LifecycleResult


def headline(result: LifecycleResult, _: Words) -> Headline:
    """Loyal customers and their value, the rules, and four figures."""
    loyal, lapsed = stage_row(result, "loyalty"), stage_row(result, "lapsed")
    if not loyal["n_customers"]:
        finding = _("No customer is loyal yet by these rules")
    elif loyal["revenue_share"] is None:
        finding = _("{share} of customers are loyal", share=_.percent(loyal["customer_share"]))
    else:
        finding = _(
            "{share} of customers are loyal and bring {revenue} of revenue",
            share=_.percent(loyal["customer_share"]),
            revenue=_.percent(loyal["revenue_share"]),
        )
    active = sum(stage_row(result, stage)["n_customers"] for stage in BUYING)
    metrics = [
        Metric(
            _("Active customers"),
            _.number(active),
            _("{share} of {n} known", share=_.percent(active / result.n_customers), n=result.n_customers),
        ),
        Metric(
            _("Loyal customers"),
            _.number(loyal["n_customers"]),
            "" if loyal["revenue_share"] is None else _("{share} of revenue", share=_.percent(loyal["revenue_share"])),
        ),
        Metric(
            _("Lapsed customers"),
            _.number(lapsed["n_customers"]),
            _("{share} of all known", share=_.percent(lapsed["customer_share"]))
            if lapsed["observable"]
            else _("not observable"),
        ),
    ]
    if result.movement.height:
        last = result.movement.row(-1, named=True)
        change = last["n_active"] - last["n_active_before"]
        note = _("active customers, {month}", month=_.month(last["month"]))
        metrics.append(Metric(_("Change in a month"), _.signed(change), note))
    return Headline(finding, _rules_sentence(result, _), tuple(metrics))


def _rules_sentence(result: LifecycleResult, _: Words) -> str:
    rules = result.rules
    if rules.kind == "subscription":
        loyal = _("Loyal: subscribed for at least {n} days.", n=rules.loyal_tenure_days)
        if rules.use_recorded:
            loyal = _(
                "Loyal: subscribed for at least {n} days, with use in the last {days}.",
                n=rules.loyal_tenure_days,
                days=rules.period_days,
            )
        return loyal + space(_) + _("Lapsed: the subscription has ended.")
    loyal = _("Loyal: at least {n} order days in {days} days.", n=rules.loyal_min_orders, days=rules.loyal_window_days)
    if rules.lapsed_source == "own":
        lapsed = _(
            "Lapsed: silent for longer than the customer's own rhythm allows; for most that is between {short} and "
            "{long} days.",
            short=rules.short_days,
            long=rules.long_days,
        )
    elif rules.lapsed_after_days is None:
        lapsed = _("Lapsed cannot be told from this data.")
    elif rules.lapsed_source == "given":
        lapsed = _("Lapsed: no order for more than {days} days.", days=rules.lapsed_after_days)
    else:
        lapsed = _(
            "Lapsed: no order for more than {days} days, learned from {n} gaps between orders.",
            days=rules.lapsed_after_days,
            n=rules.n_gaps,
        )
    return loyal + space(_) + lapsed
