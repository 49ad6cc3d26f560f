"""What was done to make regular series of a person's rows, in their language."""

from __future__ import annotations

from analytics.demand import ADDITIVE, TOTAL, DemandPanel
from analytics.i18n import Words


def panel_facts(panel: DemandPanel, _: Words) -> tuple[str, ...]:
    """What was left out, filled in, taken off: one short phrase each, nothing where nothing was done."""
    facts = []
    if panel.n_returns and panel.measure in ADDITIVE:
        amount = _.money(panel.returned, panel.unit) if panel.measure == "revenue" else _.number(panel.returned)
        off = _.ngettext(
            "Returns taken off: {n} line, {amount}",
            "Returns taken off: {n} lines, {amount}",
            panel.n_returns,
            amount=amount,
        )
        facts.append(off)
    elif panel.n_returns:
        facts.append(_("Returns do not count, nor does an order of which all came back"))
    if panel.closed_weekdays:
        days = _.listing(_.phrase(f"weekday.{day - 1}") for day in panel.closed_weekdays)
        facts.append(_("Never open on: {days}", days=days))
    n = panel.n_dropped_partial
    if n:
        facts.append(_.ngettext("{n} incomplete period left out", "{n} incomplete periods left out", n))
    n = panel.n_filled
    if n:
        facts.append(
            _.ngettext("{n} value without a sale counts as zero", "{n} values without a sale count as zero", n)
        )
    n = panel.n_missing
    if n:
        facts.append(_.ngettext("{n} value is not known", "{n} values are not known", n))
    n = panel.n_clipped
    if n:
        facts.append(_.ngettext("{n} value below zero set to zero", "{n} values below zero set to zero", n))
    n = panel.n_without_member
    if n and panel.by != TOTAL:
        what = _.label("option.by", panel.by).lower()
        without = _.ngettext("{n} order line names no {what}", "{n} order lines name no {what}", n, what=what)
        facts.append(without)
    n = panel.n_service_lines
    if n:
        facts.append(_.ngettext("{n} line of postage or fees left out", "{n} lines of postage or fees left out", n))
    return tuple(facts)
