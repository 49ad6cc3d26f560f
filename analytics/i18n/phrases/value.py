"""Words for customer value."""

from analytics.i18n.marks import N_

PHRASES = {
    "error.value_setting": N_("A setting of customer value is out of range"),
    "error.value_setting.remedy": N_("{field} is {value}; it must lie between {low} and {high}."),
    "error.value_choice": N_("A setting of customer value is not known"),
    "error.value_choice.remedy": N_("{field} cannot be “{value}”. Choose one of the options on the page."),
    "error.value_covariates": N_("Too many attributes, or one of them twice"),
    "error.value_covariates.remedy": N_("{n} were chosen; at most {most} different ones can enter the model."),
    "error.value_covariate_unknown": N_("An attribute cannot be used"),
    "error.value_covariate_unknown.remedy": N_(
        "“{column}” is not in the customers table, or it may hold what became known only after the first purchase."
    ),
    "error.value_too_short": N_("The history is too short to hold anything out"),
    "error.value_too_short.remedy": N_(
        "First and last day lie {days} days apart. At least four weeks before the holdout and one week in it are "
        "needed."
    ),
    "error.value_subscription": N_("These customers pay at a fixed rhythm"),
    "error.value_subscription.remedy": N_(
        "Payments come every {period_days} days and leaving is dated: a contract, not a habit of buying."
    ),
    "error.value_no_amounts": N_("There are no amounts"),
    "error.value_no_amounts.remedy": N_(
        "Without amounts purchases can be foretold, but not their value. Map the amount under Upload."
    ),
    "error.value_no_purchase": N_("None of this customer’s rows is a purchase"),
    "error.value_no_purchase.remedy": N_(
        "{n_rows} rows name the customer: returns, services or orders taken back in full."
    ),
    "caveat.value_subscription": N_("A subscription: no model of repeat buying"),
    "caveat.value_subscription.body": N_(
        "Payments come every {period_days} days and leaving is dated. The figures are fees to come: the "
        "customer’s own fee times the renewals that customers of this tenure still make (shifted-beta-geometric)."
    ),
    "caveat.value_rule": N_("A simple rule stands in for the model"),
    "caveat.value_rule.body": N_(
        "No model of repeat buying can be told from these data. Of the simple rules the one that was least wrong "
        "in the holdout is used; intervals show how far off it was there. It cannot tell who has left."
    ),
    "caveat.value_no_amounts": N_("There are no amounts: purchases instead of value"),
    "caveat.value_no_amounts.body": N_(
        "Shares, groups and rankings count expected purchases. Map the amount under Upload to see value."
    ),
    "caveat.value_flat_orders": N_("All orders are taken to be worth the same"),
    "caveat.value_flat_orders.body": N_(
        "The model of order values cannot be told from these data, so every purchase counts as {mean}, the mean of all."
    ),
    "caveat.value_dependence": N_("Who buys more often spends otherwise per order"),
    "caveat.value_dependence.body": N_(
        "The number of repeats and their mean value go together (rank correlation {correlation}; from {limit} it "
        "is doubtful). The model takes them for independent, so the value of the most and the least frequent "
        "customers may be off."
    ),
    "caveat.value_beaten": N_("A simple rule does as well"),
    "caveat.value_beaten.body": N_(
        "In the holdout the model’s error was {percent}% of the best simple rule’s. For single customers the rule"
        " is as good a guide."
    ),
    "caveat.value_total_high": N_("The model foretold too much"),
    "caveat.value_total_high.body": N_(
        "In the holdout it expected {percent}% more purchases than came. Seasons, campaigns or a changed range "
        "are not in it; totals carry a wider interval for that."
    ),
    "caveat.value_total_low": N_("The model foretold too little"),
    "caveat.value_total_low.body": N_(
        "In the holdout it expected {percent}% fewer purchases than came. Seasons, campaigns or a changed range "
        "are not in it; totals carry a wider interval for that."
    ),
    "caveat.value_once_alive": N_("Who bought once counts as active"),
    "caveat.value_once_alive.body": N_(
        "In the BG/NBD model nobody leaves before a repeat purchase, so {n} customers with a single purchase have"
        " a probability of 1, however long ago it was. Judge them by their expected orders."
    ),
    "caveat.value_few_periods": N_("Little past to learn from how far periods stray"),
    "caveat.value_few_periods.body": N_(
        "Only {n} earlier cuts of this history could be foretold and checked. Intervals of totals may be too narrow."
    ),
    "caveat.value_far": N_("The horizon is longer than the history"),
    "caveat.value_far.body": N_(
        "{horizon_days} days ahead are foretold from {days} days of history. What the model says beyond them has "
        "not been seen anywhere."
    ),
    "caveat.value_covariates_dropped": N_("The attributes do not help"),
    "caveat.value_covariates_dropped.body": N_(
        "{n} attributes were tried; with them the holdout is not foretold clearly better, so the model goes without."
    ),
    "option.model.auto": N_("The one that foretells best"),
    "option.model.bg_nbd": N_("BG/NBD"),
    "option.model.mbg_nbd": N_("MBG/NBD"),
    "option.model.pareto_nbd": N_("Pareto/NBD"),
    "option.model.sbg": N_("Shifted-beta-geometric"),
    "option.choice.best": N_("It foretold the holdout clearly best"),
    "option.choice.simplest": N_("As good as the best in the holdout, and simpler"),
    "option.choice.asked": N_("You asked for it"),
    "option.choice.only": N_("The only one that could be fitted"),
    "option.rule.model": N_("Model"),
    "option.rule.last_year": N_("Last year goes on"),
    "option.rule.frequency": N_("In proportion to repeats"),
    "option.rule.constant": N_("The same for everybody"),
    "option.group.protect": N_("Protect"),
    "option.group.grow": N_("Grow"),
    "option.group.win_back": N_("Win back"),
    "option.group.let_go": N_("Let go"),
    "option.calendar.auto": N_("If it foretells better"),
    "option.calendar.on": N_("Always"),
    "option.calendar.off": N_("Never"),
    "option.use_covariates.auto": N_("If they foretell better"),
    "option.use_covariates.always": N_("Always"),
    "progress.value_read": N_("Reading purchase histories"),
    "progress.value_compare": N_("Fitting models and comparing them on the holdout"),
    "progress.value_checks": N_("Checking the chosen model"),
    "progress.value_fit": N_("Fitting it on the whole history"),
    "progress.value_draws": N_("Drawing futures for intervals"),
    "progress.value_totals": N_("Adding up groups and cohorts"),
    "field.n_purchases": N_("Purchase days"),
    "field.repeats_x": N_("Repeat purchases (x)"),
    "field.t_x_weeks": N_("Weeks from first to last purchase (t_x)"),
    "field.T_weeks": N_("Weeks since the first purchase (T)"),
    "field.first_purchase_on": N_("First purchase"),
    "field.last_purchase_on": N_("Last purchase"),
    "field.mean_repeat_value": N_("Mean value of repeats (m)"),
    "field.p_alive": N_("Probability of being active"),
    "field.expected_orders": N_("Expected orders"),
    "field.expected_orders_lo": N_("Expected orders, low"),
    "field.expected_orders_hi": N_("Expected orders, high"),
    "field.expected_order_value": N_("Expected order value"),
    "field.clv": N_("Customer value (CLV)"),
    "field.clv_lo": N_("Customer value, low"),
    "field.clv_hi": N_("Customer value, high"),
    "field.clv_mean": N_("Customer value, mean"),
    "field.clv_total": N_("Customer value, total"),
    "field.clv_share": N_("Share of all value"),
    "field.worth_if_active": N_("Value if still active"),
    "field.value_last_year": N_("Revenue of the last 365 days"),
    "field.group": N_("Group"),
    "field.parameter": N_("Parameter"),
    "field.estimate": N_("Estimate"),
    "field.se_log": N_("Standard error of the logarithm"),
    "field.log_likelihood": N_("Log-likelihood"),
    "field.aic": N_("AIC"),
    "field.holdout_mae": N_("Mean absolute error, holdout"),
    "field.holdout_rmse": N_("Root mean squared error, holdout"),
    "field.holdout_log_score": N_("Mean log score, holdout"),
    "field.log_score_se": N_("Standard error of its difference to the best"),
    "field.total_error": N_("Error of the total"),
    "field.chosen": N_("Chosen"),
    "field.failed": N_("Why not fitted"),
    "field.in_holdout": N_("In the holdout"),
    "field.n_actual": N_("Purchases"),
    "field.n_expected": N_("Expected purchases"),
    "field.actual_cumulative": N_("Purchases, cumulative"),
    "field.expected_cumulative": N_("Expected purchases, cumulative"),
    "field.lo_cumulative": N_("Cumulative, low"),
    "field.hi_cumulative": N_("Cumulative, high"),
    "field.n_repeat": N_("Repeat purchases before"),
    "field.actual": N_("Actual"),
    "field.expected": N_("Expected"),
    "field.decile": N_("Tenth of customers"),
    "field.actual_value": N_("Actual revenue"),
    "field.expected_value": N_("Expected revenue"),
    "field.gain": N_("Share of all purchases so far"),
    "field.mae": N_("Mean absolute error"),
    "field.rmse": N_("Root mean squared error"),
    "field.spearman": N_("Rank correlation"),
    "field.top_share_captured": N_("Held by the top 20%"),
    "field.best_share": N_("At best"),
    "field.value_share": N_("Share of value"),
    "field.recency_group": N_("Recency group"),
    "field.frequency_group": N_("Frequency group"),
    "field.recency_from_days": N_("Days since last purchase, from"),
    "field.recency_to_days": N_("Days since last purchase, to"),
    "field.frequency_from": N_("Purchases, from"),
    "field.frequency_to": N_("Purchases, to"),
    "field.criterion": N_("Criterion"),
    "field.value": N_("Value"),
    "field.a_up_to": N_("A up to"),
    "field.b_up_to": N_("B up to"),
    "field.c_up_to": N_("C up to"),
    "field.grade": N_("Grade"),
    "field.role": N_("Counts as"),
    "field.counted": N_("Counted"),
    "field.weeks": N_("Weeks since the first"),
    "field.unit_days": N_("Days in a unit of time"),
    "field.horizon_days": N_("Days ahead"),
    "field.discount_rate_yearly": N_("Discount rate a year"),
    "field.holdout_days": N_("Days held out"),
    "field.covariates": N_("Attributes in the model"),
    "field.use_covariates": N_("Use attributes"),
    "field.calendar": N_("Clock of seasons and demand"),
    "field.p_alive_threshold": N_("Active from a probability of"),
    "field.n_draws": N_("Futures drawn"),
}
