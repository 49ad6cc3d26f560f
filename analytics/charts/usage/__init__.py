"""Product usage: the funnel, paths, waits for a purchase, sessions by week, features and decline.

An event type has one colour on every chart here: types of the funnel first, in its order, then by how often they occur.
``names``: label of a segment -> the name people read.
"""

from analytics.charts.usage.card import headline
from analytics.charts.usage.decline import decline, decline_count, decline_groups_note, decline_method, decliners
from analytics.charts.usage.features import channel_table, features, features_finding, features_note
from analytics.charts.usage.funnel import funnel, funnel_finding, funnel_note, funnel_table
from analytics.charts.usage.paths import (
    path_table,
    paths_bought,
    paths_bought_finding,
    paths_bought_note,
    paths_left,
    paths_left_finding,
    paths_left_note,
)
from analytics.charts.usage.times import waits, waits_finding, waits_note, weeks, weeks_finding, weeks_note
from analytics.charts.usage.wording import event_name, has_funnel, step_name

__all__ = [
    "channel_table",
    "decline",
    "decline_count",
    "decline_groups_note",
    "decline_method",
    "decliners",
    "event_name",
    "features",
    "features_finding",
    "features_note",
    "funnel",
    "funnel_finding",
    "funnel_note",
    "funnel_table",
    "has_funnel",
    "headline",
    "path_table",
    "paths_bought",
    "paths_bought_finding",
    "paths_bought_note",
    "paths_left",
    "paths_left_finding",
    "paths_left_note",
    "step_name",
    "waits",
    "waits_finding",
    "waits_note",
    "weeks",
    "weeks_finding",
    "weeks_note",
]
