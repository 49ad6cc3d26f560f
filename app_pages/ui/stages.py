"""The lifecycle page's widgets: rules of the stages, two days to compare, what is shown of cohorts."""

from __future__ import annotations

from analytics.charts import lifecycle as charts
from analytics.i18n import Words
from analytics.lifecycle import LifecycleResult
from app_pages.ui import session, walk, widgets

COLUMNS = {
    "stage": "text",
    "n_customers": "int",
    "customer_share": "bar",
    "revenue_12m": "money",
    "revenue_share": "bar",
}
LAPSED = (30, 60, 90, 120, 180, 270, 365, 540)
LOYAL = (2, 3, 4, 5, 6, 8, 10, 12, 24)
TENURES = (60, 90, 180, 365, 540, 730)
WINDOWS = (90, 180, 365, 730)


def rules(_: Words) -> None:
    """What makes a stage, for the kind of data at hand."""
    kind = walk.lifecycle_kind()
    named = {value: _.phrase(f"option.business.{value}") for value in ("orders", "subscription")}
    kinds = {"auto": _("{kind} (proposed)", kind=named[walk.lifecycle_proposal()]), **named}
    widgets.select("lifecycle", "business", _("Kind of business"), kinds, width=190)
    learned = {None: _("learned from the data")}
    if kind == "subscription":
        tenures = {**learned, **{n: _("{n} days", n=n) for n in TENURES}}
        widgets.select("lifecycle", "loyal_tenure_days", _("Loyal after"), tenures, width=200)
        return
    lapsed = {
        "own": _("each customer's own rhythm"),
        None: _("one for all, learned"),
        **{n: _("{n} days", n=n) for n in LAPSED},
    }
    widgets.select("lifecycle", "lapsed_after_days", _("Lapsed after"), lapsed, width=220)
    if session.workspace().lifecycle.lapsed_after_days in ("own", None):
        shares = {q: _("{share} of returns", share=_.percent(q)) for q in (0.8, 0.9, 0.95, 0.98)}
        widgets.select("lifecycle", "lapsed_quantile", _("Silence that covers"), shares, width=160)
    loyal = {**learned, **{n: _.ngettext("{n} order day", "{n} order days", n) for n in LOYAL}}
    widgets.select("lifecycle", "loyal_min_orders", _("Loyal from"), loyal, width=190)
    windows = {n: _("{n} days", n=n) for n in WINDOWS}
    widgets.select("lifecycle", "loyal_window_days", _("Within"), windows, width=120)


def flow_days(_: Words, result: LifecycleResult) -> None:
    """The two days to compare; a choice that lies outside the data is brought inside them by the analysis."""
    shown = walk.stage_flow(result.rules)
    first, last = shown.first_day, result.as_of
    widgets.day("stage_flow", "from_day", _("From"), shown.from_day, first, shown.to_day, width=160)
    widgets.day("stage_flow", "to_day", _("To"), shown.to_day, shown.from_day, last, width=160)


def cohort_view(_: Words, result: LifecycleResult) -> None:
    """By what cohorts are made, what is shown of them, and which are drawn as lines."""
    began = _("joining") if result.rules.kind == "subscription" else _("first order")
    periods = {"month": _("month of {began}", began=began), "quarter": _("quarter of {began}", began=began)}
    widgets.select("lifecycle", "cohort_by", _("Cohorts by"), periods, width=200)
    if result.cohorts["revenue"].count():
        widgets.segmented("cohort_view", "measure", _("Show"), measures(result, _))
    widgets.several("cohort_view", "rows", _("Cohorts as lines"), charts.cohort_names(result, _), width=320)


def measures(result: LifecycleResult, _: Words) -> dict[str, str]:
    """The measures of the cohort grid."""
    stayed = _("still subscribed") if result.rules.kind == "subscription" else _("ordered again")
    return {"retention": stayed, "revenue": _("revenue"), "value": _("cumulative value")}


def counted(result: LifecycleResult, _: Words) -> str:
    """How stages were counted, in a few sentences."""
    used = result.rules
    always = _("On every date each customer is in exactly one stage, by what was known on that date alone.")
    held = _("The rules are learned as of {day} and held for all earlier dates.", day=result.as_of)
    if used.kind == "subscription":
        said = _(
            "A subscriber is in the first period for {period} days after the first fee or use, loyal after {loyal} "
            "days, and lapsed from the day the subscription ended, unless they paid again.",
            period=used.period_days,
            loyal=used.loyal_tenure_days,
        )
    elif used.lapsed_source == "own":
        said = _(
            "An order counts unless all of it was returned or cancelled. A customer lapses when the silence is longer "
            "than {share} of next gaps would be, given that customer's own gaps so far: {short} to {long} days for "
            "most. Loyal: at least {loyal} order days within {window} days.",
            share=_.percent(used.rhythm.quantile if used.rhythm else 0),
            short=used.short_days,
            long=used.long_days,
            loyal=used.loyal_min_orders,
            window=used.loyal_window_days,
        )
    else:
        said = _(
            "An order counts unless all of it was returned or cancelled. A customer lapses after {lapsed} days of "
            "silence and is loyal with at least {loyal} order days within {window} days.",
            lapsed="–" if used.lapsed_after_days is None else used.lapsed_after_days,
            loyal=used.loyal_min_orders,
            window=used.loyal_window_days,
        )
    reason = _.phrase(f"lifecycle_reason.{result.kind_reason}")
    space = " " if _.language == "en" else ""
    return space.join((always, said, held, reason))
