"""Words for the early warning."""

from analytics.i18n.marks import N_

PHRASES = {
    "error.churn_setting": N_("{field} cannot be {value}"),
    "error.churn_setting.remedy": N_("Choose a value between {low} and {high}."),
    "error.churn_choice": N_("{field} cannot be {value}"),
    "error.churn_choice.remedy": N_("Choose one of the values offered."),
    "error.churn_no_target": N_("Nothing here says who left"),
    "error.churn_no_target.remedy": N_(
        "Bring a leaving date, order lines with customers and dates, or a column of the customers table that says "
        "who left."
    ),
    "error.churn_no_leavings": N_("No customer has a leaving date"),
    "error.churn_no_leavings.remedy": N_(
        "At least {least} leavings are needed. Say on Upload which column holds the day of leaving, or predict "
        "silence in orders instead."
    ),
    "error.churn_no_orders": N_("There are no orders with customer and date"),
    "error.churn_no_orders.remedy": N_("Say on Upload which columns hold them, or choose another target."),
    "error.churn_no_repeat": N_("Too few customers ever ordered again"),
    "error.churn_no_repeat.remedy": N_(
        "Fewer than {least} of {n} customers have a second order: whether one stays away cannot be told from one "
        "purchase."
    ),
    "error.churn_no_column": N_("No column of the customers table tells gone from stayed"),
    "error.churn_no_column.remedy": N_("Bring a column with two values, such as yes and no."),
    "error.churn_column_unknown": N_("The column {column} cannot be the target"),
    "error.churn_column_unknown.remedy": N_("Choose one of the columns offered."),
    "error.churn_column_values": N_("{column} has {n} values: which of them means gone?"),
    "error.churn_column_values.remedy": N_("Choose the value that means gone."),
    "error.churn_few_gone": N_("Only {n} customers left"),
    "error.churn_few_gone.remedy": N_(
        "Below {least} nothing can be learned about who leaves. Choose a longer horizon, more history or another "
        "target."
    ),
    "error.churn_few_stayed": N_("Only {n} customers stayed"),
    "error.churn_few_stayed.remedy": N_(
        "Below {least} there is nobody to compare with. Choose a shorter horizon or another target."
    ),
    "error.churn_short_history": N_("The history is too short to learn from the past and test on what came after"),
    "error.churn_short_history.remedy": N_(
        "There are {days} days; a horizon of {horizon} days needs {needed}. Choose a shorter horizon or bring "
        "older data."
    ),
    "error.churn_no_test": N_("No cut-off could be predicted beforehand"),
    "error.churn_no_test.remedy": N_(
        "With {n} leavings over {n_cuts} cut-offs there were never 20 in windows that had ended. Bring more "
        "history or choose a shorter horizon."
    ),
    "error.churn_nobody_active": N_("Nobody is active on {as_of}"),
    "error.churn_nobody_active.remedy": N_(
        "Everybody has left or is silent beyond their own rhythm: choose an earlier as-of date."
    ),
    "error.churn_no_features": N_("Nothing is left to predict from"),
    "error.churn_no_features.remedy": N_("All features were left out, refused or the same for everybody."),
    "error.churn_target_defined": N_("The target is a rule about {feature}, not something to predict"),
    "error.churn_target_defined.remedy": N_(
        "It flips at {threshold} of the same moment ({agreement} percent agree). A model would only repeat the "
        "rule. Choose a target that lies after the cut-off, such as no order within the horizon."
    ),
    "error.churn_target_by_rule": N_("The leaving date is a rule about silence"),
    "error.churn_target_by_rule.remedy": N_(
        "{share} percent of {n} leavings lie {days} days after the last activity. Predicting them would repeat "
        "that rule: predict no order within the horizon instead."
    ),
    "caveat.churn_refused": N_("{n} features were refused: they know the outcome"),
    "caveat.churn_refused.body": N_(
        "{features}. The table of refusals gives the reason and its figures; everything below was made without them."
    ),
    "caveat.churn_baseline_as_good": N_("A simple rule is as good"),
    "caveat.churn_baseline_as_good.body": N_(
        "The model's AUC is {auc}; its gain over the best baseline is {gain}, within chance. Use the simpler rule."
    ),
    "caveat.churn_calibration": N_("Risks were off by {error} points on average"),
    "caveat.churn_calibration.body": N_(
        "More than 3 points between predicted and observed shares: use the order of customers rather than the "
        "size of a risk."
    ),
    "caveat.churn_few_tested": N_("Tested on {n} leavings only"),
    "caveat.churn_few_tested.body": N_("All figures of quality are rough: read their intervals."),
    "caveat.churn_as_of_file": N_("{column} carries no date"),
    "caveat.churn_as_of_file.body": N_(
        "Features and target are as of the file, so cross-validation can say how well they go together, but not "
        "how early anybody would have been warned."
    ),
    "caveat.churn_file_columns": N_("{n} columns of the customers table are used"),
    "caveat.churn_file_columns.body": N_(
        "{features}: they carry no date and are taken to have been the same at each cut-off. The guard found no "
        "sign of the contrary."
    ),
    "caveat.churn_few_cuts": N_("Only {n} cut-offs could be tested"),
    "caveat.churn_few_cuts.body": N_(
        "How early it warns may differ in other months: bring more history or choose a shorter horizon."
    ),
    "caveat.churn_audit": N_("{n} values changed when later rows were deleted"),
    "caveat.churn_audit.body": N_("A feature knows what came after its cut-off: do not trust these figures."),
    "progress.churn_reading": N_("Adding up rows by customer and day"),
    "progress.churn_features": N_("Describing customers at each cut-off"),
    "progress.churn_guard": N_("Looking for features that know the outcome"),
    "progress.churn_rolling": N_("Predicting past months from what was known then"),
    "progress.churn_folds": N_("Predicting each tenth from the others"),
    "progress.churn_today": N_("Learning the model of today"),
    "progress.churn_measuring": N_("Measuring against baselines"),
    "progress.churn_scoring": N_("Scoring active customers"),
    "progress.churn_listing": N_("Listing whom to save"),
    "option.target.auto": N_("As the data suggest"),
    "option.target.left": N_("Leaves (leaving date)"),
    "option.target.no_order": N_("No order within the horizon"),
    "option.target.given": N_("A column says so (as of the file)"),
    "option.method.logistic": N_("Logistic regression"),
    "option.method.boosting": N_("Gradient boosting"),
    "leak.target_defined": N_("The target is a threshold of it"),
    "leak.after_cut": N_("It holds what came after the cut-off"),
    "leak.only_gone": N_("One of its values is reserved for those who left"),
    "leak.id_like": N_("It names customers rather than describing them"),
    "leak.order_of_time": N_("It only counts customers in the order of joining"),
    "leak.near_perfect": N_("Alone, it all but knows the outcome"),
    "leak.near_perfect_group": N_("Together, they all but know the outcome"),
    "leak.as_of_file": N_("As of the file: it may have changed since"),
    "leak.left_out": N_("Left out by you"),
    "leak.constant": N_("The same for all, or nothing to count"),
    "baseline.recency": N_("Recency alone"),
    "baseline.overdue": N_("Overdue beyond own rhythm"),
    "baseline.p_alive": N_("P(still a customer)"),
    "baseline.decline": N_("Decline of use alone"),
    "baseline.single": N_("The best single feature"),
    "baseline.base_rate": N_("The same risk for all"),
    "baseline.chosen": N_("The warning"),
    "baseline.logistic": N_("Logistic regression"),
    "baseline.boosting": N_("Gradient boosting"),
    "save_group.save_first": N_("Save first"),
    "save_group.save_gently": N_("Save at little cost"),
    "save_group.keep_warm": N_("Keep warm"),
    "save_group.leave_alone": N_("Leave alone"),
    "field.order_recency_days": N_("Days since the last order"),
    "field.order_recency_ratio": N_("Days since the last order, in own gaps"),
    "field.order_gap_days": N_("Days between orders"),
    "field.order_overdue": N_("Silence, in what the own rhythm allows"),
    "field.p_stayed": N_("P(has not left), by rhythm of orders"),
    "field.orders_30": N_("Orders in 30 days"),
    "field.orders_90": N_("Orders in 90 days"),
    "field.orders_365": N_("Orders in a year"),
    "field.orders_ever": N_("Orders so far"),
    "field.orders_trend": N_("Orders in 90 days, against own past"),
    "field.value_90": N_("Value in 90 days"),
    "field.value_365": N_("Value in a year"),
    "field.last_amount": N_("Value of the last order day"),
    "field.mean_amount": N_("Value of an order day"),
    "field.amount_change": N_("Last order day against the one before"),
    "field.last_product": N_("Last product"),
    "field.last_payment_method": N_("Last payment method"),
    "field.last_channel": N_("Last channel"),
    "field.use_recency_days": N_("Days since last use"),
    "field.use_recency_ratio": N_("Days since last use, in own gaps"),
    "field.use_days_7": N_("Days of use in 7 days"),
    "field.use_days_14": N_("Days of use in 14 days"),
    "field.use_days_30": N_("Days of use in 30 days"),
    "field.use_days_60": N_("Days of use in 60 days"),
    "field.use_days_90": N_("Days of use in 90 days"),
    "field.use_days_change_14": N_("Days of use, 14 days against the 14 before"),
    "field.use_days_change_30": N_("Days of use, 30 days against the 30 before"),
    "field.use_days_against_usual_14": N_("Days of use, 14 days against usual"),
    "field.use_days_against_usual_30": N_("Days of use, 30 days against usual"),
    "field.use_decline_14": N_("Decline of use in 14 days, in standard errors"),
    "field.use_decline_30": N_("Decline of use in 30 days, in standard errors"),
    "field.use_events_30": N_("Events in 30 days"),
    "field.use_events_change_30": N_("Events, 30 days against the 30 before"),
    "field.use_events_against_usual_30": N_("Events, 30 days against usual"),
    "field.use_minutes_30": N_("Minutes of use in 30 days"),
    "field.use_minutes_change_30": N_("Minutes of use, 30 days against the 30 before"),
    "field.use_minutes_against_usual_30": N_("Minutes of use, 30 days against usual"),
    "field.use_usual": N_("Days of use in 30 days, usual"),
    "field.use_rate": N_("Days of use in 30 days, since joining"),
    "field.use_slope": N_("Trend of use over eight weeks"),
    "field.use_30_of": N_("In 30 days: {event}"),
    "field.contact_recency_days": N_("Days since the last service contact"),
    "field.contacts_30": N_("Service contacts in 30 days"),
    "field.contacts_90": N_("Service contacts in 90 days"),
    "field.contacts_365": N_("Service contacts in a year"),
    "field.contacts_30_of": N_("Contacts in 30 days: {reason}"),
    "field.contacts_unresolved_90": N_("Unresolved contacts in 90 days"),
    "field.contact_wait_minutes": N_("Minutes of waiting, mean of 180 days"),
    "field.feedbacks_365": N_("Ratings in a year"),
    "field.rating_mean": N_("Mean rating"),
    "field.rating_last": N_("Last rating"),
    "field.campaigns_90": N_("Campaigns in 90 days"),
    "field.campaigns_ever": N_("Campaigns so far"),
    "field.risk": N_("Risk of leaving"),
    "field.value_at_risk": N_("Value at risk"),
    "field.flagged": N_("Flagged"),
    "field.gone_on": N_("Gone on"),
    "field.first_flagged_on": N_("First flagged on"),
    "field.cut_on": N_("Cut-off"),
    "field.n_cuts": N_("Cut-offs at most"),
    "field.every_days": N_("Days between cut-offs"),
    "field.target": N_("What counts as gone"),
    "field.column": N_("Column"),
    "field.gone_value": N_("Value that means gone"),
    "field.capacity_share": N_("Share there is time for"),
    "field.capacity": N_("Customers there is time for"),
    "field.value_column": N_("Column of customer value"),
}
