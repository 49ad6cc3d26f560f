"""Words for the early warning."""

from analytics.i18n.marks import N_

PHRASES = {
    "error.churn_setting": N_("{field} cannot be {value}"),
    "error.churn_setting.remedy": N_("Choose a value between {low} and {high}."),
    "error.churn_choice": N_("{field} cannot be {value}"),
    "error.churn_choice.remedy": N_("Choose one of the values offered."),
}
