"""One customer: the place of each figure among all customers, the rhythm, habits, and the rows behind a figure.

``names``: label of a segment -> the name people read.
"""

from analytics.charts.portrait.card import headline
from analytics.charts.portrait.habits import (
    habits_bought,
    habits_bought_finding,
    habits_bought_note,
    habits_of,
    habits_ways,
    habits_ways_finding,
    habits_ways_note,
    has_habits,
)
from analytics.charts.portrait.places import figure_table, figures_of, has_places, places, places_finding, places_note
from analytics.charts.portrait.records import (
    campaign_table,
    campaigns_finding,
    list_labels,
    moments_of,
    person_rows,
    row_kinds,
    rows_note,
    text_rows,
    texts_finding,
)
from analytics.charts.portrait.rhythm import has_rhythm, rhythm, rhythm_finding, rhythm_note
from analytics.charts.portrait.wording import word

__all__ = [
    "campaign_table",
    "campaigns_finding",
    "figure_table",
    "figures_of",
    "habits_bought",
    "habits_bought_finding",
    "habits_bought_note",
    "habits_of",
    "habits_ways",
    "habits_ways_finding",
    "habits_ways_note",
    "has_habits",
    "has_places",
    "has_rhythm",
    "headline",
    "list_labels",
    "moments_of",
    "person_rows",
    "places",
    "places_finding",
    "places_note",
    "rhythm",
    "rhythm_finding",
    "rhythm_note",
    "row_kinds",
    "rows_note",
    "text_rows",
    "texts_finding",
    "word",
]
