"""Words for the projection of retention (shifted-beta-geometric)."""

from analytics.i18n.marks import N_

PHRASES = {
    "error.sbg_too_few": N_("Too few customers to project retention"),
    "error.sbg_too_few.remedy": N_(
        "{n_customers} customers, {n_left} of whom have left; {needed} and {needed_left} are needed. "
        "Choose a longer period or fewer groups."
    ),
    "error.sbg_nobody_leaves": N_("Nobody has left"),
    "error.sbg_nobody_leaves.remedy": N_(
        "None of {n_customers} customers has left while observed, so how long they will stay cannot be projected. "
        "Check that the leaving date is mapped, or watch for longer."
    ),
    "error.sbg_one_period": N_("Only one period to learn from"),
    "error.sbg_one_period.remedy": N_(
        "Of {n_customers} customers {n_left} left, and nobody is seen in a second period, so how retention changes "
        "with time cannot be told. Choose shorter periods or watch for longer."
    ),
    "error.sbg_alike": N_("Retention does not rise with time"),
    "error.sbg_alike.remedy": N_(
        "In each period about {percent}% leave, long-standing customers as many as new ones. The model explains rising "
        "retention, of which there is none here: use the constant share."
    ),
    "error.sbg_two_kinds": N_("Some leave at once, the others never"),
    "error.sbg_two_kinds.remedy": N_(
        "{percent}% left in the first period and hardly anybody since. Project the two kinds of customers apart."
    ),
    "error.sbg_not_falling": N_("Survivors increase"),
    "error.sbg_not_falling.remedy": N_(
        "The number of customers still there rises in one of {n_periods} periods; count one cohort, without new ones."
    ),
}
