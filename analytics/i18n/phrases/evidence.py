"""Words for the evidence on the number of segments."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "progress.segment_references": N_("Drawing customers without groups"),
    "number.best_excess": N_("{n} is recommended: it is the furthest beyond what customers without groups would show."),
    "field.needed": N_("Separation needed"),
    "field.between": N_("Density between segments"),
    "caveat.structure_not_tested": N_("Too few customers to tell groups from chance"),
    "caveat.structure_not_tested.body": N_(
        "There are {n}; from {needed} on, segments are compared with customers without groups."
    ),
}
