"""The answer card of product usage."""

from __future__ import annotations

import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.usage.wording import has_funnel
from analytics.i18n import Words
from analytics.usage import UsageResult


def headline(result: UsageResult, _: Words) -> Headline:
    """How often a session ends in a purchase, how much is seen, and four figures."""
    bought = _bought(result)
    if bought:
        finding = _("{share} of sessions end in a purchase", share=_.percent(bought / result.n_sessions))
    else:
        finding = _("{n} sessions by {customers} customers", n=result.n_sessions, customers=result.n_customers)
    sentence = _(
        "{n} sessions by {customers} of {known} known customers since {day}.",
        n=result.n_sessions,
        customers=result.n_customers,
        known=result.n_known,
        day=result.first_day,
    )
    metrics = [
        Metric(
            _("Sessions"), _.number(result.n_sessions), _("{n} a customer", n=_.number(result.sessions_per_customer, 1))
        ),
        Metric(
            _("Minutes a session"),
            _.number(result.median_minutes, 1),
            _("{n} events on average", n=_.number(result.events_per_session, 1)),
        ),
    ]
    if has_funnel(result):
        last = result.funnel.filter(unit="customer").row(-1, named=True)
        metrics.append(
            Metric(_("Customers who got through"), _.percent(last["overall"]), _("{n} customers", n=last["n_reached"]))
        )
    if result.decline.height:
        note = _("{n} by chance alone", n=round(result.n_by_chance))
        metrics.append(Metric(_("Come less than before"), _.number(result.n_declining), note))
    return Headline(finding, sentence, tuple(metrics))


def _bought(result: UsageResult) -> int:
    """Sessions with a purchase."""
    total = result.channels.select((pl.col("purchase_share") * pl.col("n_sessions")).sum()).item()
    return round(total or 0)
