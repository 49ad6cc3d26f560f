"""Words for scenarios, their comparison, payoff and migration."""

from analytics.i18n.marks import N_

PHRASES = {
    "field.median_a": N_("Median in A"),
    "field.median_b": N_("Median in B"),
    "field.z_a": N_("Distance from the median in A, sd"),
    "field.z_b": N_("Distance from the median in B, sd"),
    "field.change": N_("Change, sd"),
    "field.scenario": N_("Scenario"),
    "field.n_border": N_("Customers on a border"),
    "field.border_share": N_("Share on a border"),
    "field.border_revenue": N_("Revenue on a border"),
    "field.other_label": N_("Segment in the other scenario"),
    "error.scenario_name_long": N_("The name of a scenario is too long"),
    "error.scenario_name_long.remedy": N_("Use at most {most} characters."),
    "error.scenario_name_empty": N_("A scenario needs a name"),
    "error.scenario_name_empty.remedy": N_("Type a name for it; the old one stays until then."),
    "error.scenario_name_taken": N_("Another scenario is called {name}"),
    "error.scenario_name_taken.remedy": N_("Choose a name that tells the two apart."),
    "error.scenario_unknown": N_("There is no scenario {position}"),
    "error.scenario_unknown.remedy": N_("Choose one of the pinned scenarios, or the present cut."),
    "error.scenarios_full": N_("{most} scenarios are pinned already"),
    "error.scenarios_full.remedy": N_("Drop one of them first."),
    "error.payoff_share": N_("{value} is no share"),
    "error.payoff_share.remedy": N_("Response rate and margin lie between 0% and 100%."),
    "error.payoff_negative": N_("Costs and budget cannot be negative"),
    "error.payoff_negative.remedy": N_("Enter zero or more."),
    "error.payoff_repeated": N_("One segment has two sets of assumptions"),
    "error.payoff_repeated.remedy": N_("Keep one of them."),
}
