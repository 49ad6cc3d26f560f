"""Words for the models of repeat buying: why data cannot tell them."""

from analytics.i18n.marks import N_

PHRASES = {
    "error.btyd_unit_out_of_range": N_("The unit of time must be a positive number of days"),
    "error.btyd_unit_out_of_range.remedy": N_("{unit_days} days were given. Weeks are 7."),
    "error.btyd_impossible_history": N_("Some purchase histories are impossible"),
    "error.btyd_impossible_history.remedy": N_(
        "{n_bad} customers have a purchase after the end of observation, a negative time or a missing number. Check "
        "the order dates."
    ),
    "error.btyd_too_few": N_("Too few customers for a model of repeat buying"),
    "error.btyd_too_few.remedy": N_("There are {n_customers} customers; at least {needed} are needed."),
    "error.btyd_no_repeat": N_("Almost nobody bought a second time"),
    "error.btyd_no_repeat.remedy": N_(
        "{n_repeat} of {n_customers} customers bought again on another day; at least {needed} are needed to tell how "
        "often people come back and when they stop."
    ),
    "error.btyd_no_time": N_("No time has passed between first purchase and end"),
    "error.btyd_no_time.remedy": N_(
        "All {n_customers} customers began on the last day observed, or all their purchases carry one time. Check the "
        "order dates and the as-of date."
    ),
    "error.btyd_too_short": N_("The history is too short for a model of repeat buying"),
    "error.btyd_too_short.remedy": N_(
        "The longest history is {days} days; at least {needed} are needed before silence can be told from a pause."
    ),
    "error.btyd_dominated": N_("One customer decides the model"),
    "error.btyd_dominated.remedy": N_(
        "One customer has {n_purchases} repeat purchases, {percent}% of all: the estimates would describe that one "
        "rather than your customers. Leave the account out under Validation."
    ),
    "error.btyd_covariates": N_("The customer attributes cannot be used in the model"),
    "error.btyd_covariates.remedy": N_(
        "Among {n_covariates} attributes one is the same for everybody, has missing values or repeats another. Choose "
        "fewer."
    ),
    "error.btyd_no_dropout": N_("There is no sign that customers leave"),
    "error.btyd_no_dropout.remedy": N_(
        "A model in which nobody ever leaves describes the data as well: leaving gains {gain} of log-likelihood, "
        "{needed} would be a sign. How long customers will stay cannot be told from these data; watch for longer."
    ),
    "error.btyd_boundary": N_("The data push the model to its edge"),
    "error.btyd_boundary.remedy": N_(
        "The best fit lies at no finite value of {parameters}: customers hardly differ there, or fall into two "
        "extremes. Any figure from it would be arbitrary. More customers or a longer history may help."
    ),
    "error.btyd_flat": N_("The data hardly tell the model's parameters"),
    "error.btyd_flat.remedy": N_(
        "{parameters} could be {factor} times larger or smaller. More customers or a longer history are needed."
    ),
    "error.btyd_not_converged": N_("The model did not settle"),
    "error.btyd_not_converged.remedy": N_("The search was stopped after {n_steps} steps without finding the best fit."),
    "error.btyd_no_values": N_("There are no amounts of repeat purchases"),
    "error.btyd_no_values.remedy": N_(
        "{n_customers} customers have a positive mean value of repeat purchases; at least {needed} are needed."
    ),
    "error.btyd_values_equal": N_("All customers spend the same per purchase"),
    "error.btyd_values_equal.remedy": N_(
        "The mean values of {n_customers} customers do not differ: there is nothing to model. Use the mean."
    ),
    "error.btyd_values_dominated": N_("One customer's spending decides the model of values"),
    "error.btyd_values_dominated.remedy": N_(
        "One customer spends {value} a purchase: the estimates would describe that one rather than your customers. "
        "Check the amounts, or leave the account out under Validation."
    ),
    "error.btyd_value_heavy_tail": N_("A few amounts are too large for a mean to be told"),
    "error.btyd_value_heavy_tail.remedy": N_(
        "The fitted spread of values between customers has no finite mean (q is {q}, above 1 is needed). Look for "
        "wrong amounts or wholesale accounts."
    ),
}
