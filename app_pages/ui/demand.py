"""The cached steps of demand: what it can be split by, its series, the forecast of all of them, the one in sight."""

from __future__ import annotations

import dataclasses

from analytics.calendar import usual_calendar
from analytics.charts.demand_outlook import leaves, series_names
from analytics.demand import ADDITIVE, LABELLED, TOTAL, By, DemandPanel, DemandSpec, Measure, build_panel, panel_choices
from analytics.forecasting import ForecastResult, ForecastSpec, PanelForecast, forecast, forecast_all
from analytics.forecasting.view import name_interval
from analytics.i18n import Words
from app_pages.ui import session, walk
from app_pages.ui.compute import compute

MOST_OFFERED = 300  # in a list of series
MOST_SERIES = 1_000  # forecast at once
COLUMNS: dict[By, tuple[str, ...]] = {
    "category": ("transactions.category",),
    "product": ("transactions.product_id",),
    "channel": ("transactions.channel",),
    "country": ("transactions.country", "customers.country"),
    "city": ("transactions.city", "customers.city"),
    **dict.fromkeys(LABELLED, ("transactions.customer_id",)),
}


def is_ready_made() -> bool:
    """Whether demand is a ready-made series rather than order lines."""
    tables = walk.observed().tables
    return "transactions" not in tables and "series" in tables


def splits() -> tuple[By, ...]:
    """What these data let demand be split by; the total first."""
    data = walk.observed()
    return (TOTAL, *(by for by, places in COLUMNS.items() if any(data.has(place) for place in places)))


def outlook_by() -> By:
    """What all series are split by: as demand is; where it is the total, the first split there is."""
    by = session.workspace().demand.by
    return by if by != TOTAL else next((other for other in splits() if other != TOTAL), by)


def panel(measure: Measure | None = None) -> DemandPanel:
    """The series that the demand spec asks for, with their sums where values add up; in another measure if given.

    A series chosen to be looked at that is not among the largest stands alone.
    """
    spec, wanted = session.workspace().demand, session.workspace().forecast.unique_id
    spec = spec if measure is None or is_ready_made() else dataclasses.replace(spec, measure=measure)
    found = _panel(spec, spec.by)
    if not wanted or found.by == TOTAL or wanted in found.members:
        return found
    return compute(
        build_panel, walk.observed(), dataclasses.replace(spec, members=(wanted,)), *walk.demand_labels(spec.by)
    )


def outlook_panel() -> DemandPanel:
    """As ``panel``, but never the total alone."""
    return _panel(session.workspace().demand, outlook_by())


def _panel(spec: DemandSpec, by: By) -> DemandPanel:
    asked = dataclasses.replace(spec, by=by, parents=by != TOTAL and spec.measure in ADDITIVE)
    return compute(build_panel, walk.observed(), asked, *walk.demand_labels(by))


def n_series() -> int:
    """How many series there are to forecast; more than a thousand are not forecast at once."""
    by = outlook_by()
    return min(compute(panel_choices, walk.observed(), by, *walk.demand_labels(by)).height, MOST_SERIES)


def spec() -> ForecastSpec:
    """The choices of the forecast; as long as no calendar of one's own was chosen, that of the currency."""
    workspace = session.workspace()
    if not workspace.forecast_view.usual_days:
        return workspace.forecast
    return dataclasses.replace(workspace.forecast, calendar=usual_calendar(walk.observed().currency))


def forecasts(of: DemandPanel) -> PanelForecast:
    """Every series of a panel. Which one is in sight and which interval is named first cost nothing."""
    usual = ForecastSpec()
    asked = dataclasses.replace(spec(), unique_id=usual.unique_id, interval_width=usual.interval_width)
    return compute(forecast_all, of, asked, heavy=True)


def currency(of: DemandPanel) -> str:
    """The currency of a panel's values, "" for counts."""
    return of.unit if of.measure == "revenue" else ""


def in_sight(of: DemandPanel) -> ForecastResult:
    """The one series that is looked at in depth: the chosen one, else the largest that could be forecast."""
    asked, everything = spec(), forecasts(of)
    if asked.unique_id not in of.members:
        known = set(everything.choices["unique_id"])
        largest = next((one for one in leaves(of) if one in known), leaves(of)[0])
        asked = dataclasses.replace(asked, unique_id=largest)
    usual = ForecastSpec().interval_width
    result = compute(forecast, of, dataclasses.replace(asked, interval_width=usual), everything, heavy=True)
    return result if asked.interval_width == usual else compute(name_interval, result, asked.interval_width)


def names(of: DemandPanel, _: Words) -> dict[str, str]:
    """What the series of a panel are called."""
    called = walk.demand_names(outlook_by(), _) if of.by in LABELLED else {}
    return compute(series_names, of, called, _)


def members(_: Words) -> dict[str, str]:
    """What can be looked at by itself, the largest first: code -> label; "" is the largest."""
    by, wanted = session.workspace().demand.by, session.workspace().forecast.unique_id
    offered = compute(panel_choices, walk.observed(), by, *walk.demand_labels(by)).head(MOST_OFFERED)
    called = {**dict(offered.select("member", "name").iter_rows()), **walk.demand_names(by, _)}
    found = {"": _("the largest"), **{member: called.get(member, member) for member in offered["member"]}}
    if wanted not in found:  # what is left over of a category, say
        found[wanted] = names(panel(), _).get(wanted, wanted)
    return found
