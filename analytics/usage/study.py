"""The verb: everything the events say, in one result."""

from __future__ import annotations

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.privacy.pseudonyms import all_ids
from analytics.progress import report
from analytics.usage.decline import Decline, find_decline
from analytics.usage.funnel import count_funnel, count_paths
from analytics.usage.sessions import (
    Visits,
    describe_channels,
    describe_features,
    describe_sizes,
    describe_weeks,
    read_visits,
)
from analytics.usage.spec import UsageResult, UsageSpec
from analytics.usage.waits import count_waits

_MANY_TYPES = 40


def study_usage(dataset: Dataset, spec: UsageSpec, labels: CustomerLabels | None = None) -> UsageResult:
    """Sessions, funnel, paths, waits, feature use and decline of the customers' events up to ``dataset.as_of``.

    ``labels`` split the decline by group. Raises ``AnalysisError``: table_missing, fields_missing (events.customer_id,
    occurred_at, event), usage_no_events (none by a known customer in the period).
    """
    report(0.0, "usage_sessions")
    visits = read_visits(dataset, spec)
    n_known = len(all_ids(dataset))
    report(0.5, "usage_funnel")
    funnel = count_funnel(visits)
    paths, n_paths = count_paths(visits)
    waits, curve = count_waits(visits, dataset)
    report(0.8, "usage_decline")
    decline = find_decline(visits, dataset, spec, labels)
    sessions = visits.sessions
    return UsageResult(
        spec=spec,
        as_of=dataset.as_of,
        first_day=visits.first_day,
        steps=visits.steps,
        event_types=visits.types,
        n_events=visits.events.height,
        n_sessions=sessions.height,
        n_customers=len(visits.ids),
        n_known=n_known,
        n_anonymous=visits.n_anonymous,
        n_undated=visits.n_undated,
        median_minutes=float(sessions["minutes"].median()),  # type: ignore[arg-type]  # a scalar: Polars types any literal
        events_per_session=visits.events.height / sessions.height,
        sessions_per_customer=sessions.height / len(visits.ids),
        weeks=describe_weeks(visits, dataset.as_of),
        channels=describe_channels(visits),
        sizes=describe_sizes(visits),
        funnel=funnel,
        paths=paths,
        n_paths=n_paths,
        waits=waits,
        wait_curve=curve,
        features=describe_features(visits, n_known),
        decline=decline.customers,
        decline_groups=decline.groups,
        labels=() if labels is None else labels.labels,
        n_declining=decline.n_declining,
        n_by_chance=decline.n_by_chance,
        n_sure=decline.n_sure,
        decline_ratio=decline.ratio,
        caveats=tuple(_caveats(visits, decline, spec, dataset)),
        key=derive_key("study_usage", spec, dataset.key, *(() if labels is None else (labels.key,))),
    )


def _caveats(visits: Visits, decline: Decline, spec: UsageSpec, dataset: Dataset) -> list[Caveat]:
    said = []
    n_days = (dataset.as_of - visits.first_day).days + 1
    if visits.days_only:
        said.append(Caveat("usage_days_only"))
    if len(visits.steps) < 2:
        said.append(Caveat("usage_no_funnel", params={"n": len(visits.types)}))
    elif not visits.purchases:
        said.append(Caveat("usage_no_purchase", "note"))
    if visits.n_anonymous:
        all_events = visits.n_anonymous + visits.events.height
        share = round(100 * visits.n_anonymous / all_events)
        said.append(Caveat("usage_anonymous", "note", {"n": visits.n_anonymous, "percent": share}))
    if visits.n_undated:
        said.append(Caveat("usage_undated", "note", {"n": visits.n_undated}))
    if decline.customers.is_empty():
        said.append(Caveat("usage_decline_unknown", "note", {"days": n_days, "recent": spec.recent_days}))
    if len(visits.types) > _MANY_TYPES:
        said.append(Caveat("usage_many_types", "note", {"n": len(visits.types)}))
    return said
