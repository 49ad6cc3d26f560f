"""Words for how long customers stay and when they leave."""

from analytics.i18n.marks import N_

PHRASES = {
    "option.clock.membership": N_("Membership: joined to left"),
    "option.clock.tenure": N_("Tenure column and who left"),
    "option.clock.lapse": N_("First order to lapse"),
    "option.clock.second_order": N_("First to second order"),
    "option.clock.next_order": N_("Any order to the next"),
    "option.duration_unit.day": N_("Days"),
    "option.duration_unit.week": N_("Weeks"),
    "option.duration_unit.month": N_("Months"),
    "option.duration_unit.year": N_("Years"),
    "left_out.tells_tenure": N_("Repeats the tenure itself"),
    "left_out.tells_leaving": N_("Tells who left, by itself"),
    "left_out.collinear": N_("Follows from the others"),
    "left_out.one_value": N_("Has one value"),
    "left_out.nobody_left": N_("Nobody with it has left: these customers are not compared"),
    "left_out.separation": N_("Tells leavers from the others without exception"),
    "left_out.too_few_leavings": N_("Too few leavings for one more"),
    "leaving_reason.unknown": N_("No reason given"),
    "leaving_reason.other": N_("Other reasons"),
    "leaving_reason.price": N_("Price"),
    "leaving_reason.content": N_("Content"),
    "leaving_reason.technical": N_("Technical trouble"),
    "leaving_reason.moved": N_("Moved away"),
    "leaving_reason.payment_failed": N_("Payment failed"),
    "set_aside.no_customer": N_("No customer id"),
    "set_aside.repeated": N_("Customer repeated"),
    "set_aside.no_beginning": N_("No joining date"),
    "set_aside.begins_later": N_("Joined after the as-of date"),
    "set_aside.left_before_joining": N_("Left before joining"),
    "set_aside.left_before_data": N_("Left before the data begin"),
    "set_aside.began_before_data": N_("There before the orders begin"),
    "set_aside.no_tenure": N_("No tenure or no word whether they left"),
    "field.first_channel": N_("Channel of the first order"),
    "field.first_payment_method": N_("Payment of the first order"),
    "field.first_product": N_("Product of the first order"),
    "field.first_category": N_("Category of the first order"),
    "field.joined_in": N_("When they began"),
    "field.group_by": N_("Grouped by"),
    "field.duration_column": N_("Tenure column"),
    "field.event_column": N_("Column of who left"),
    "field.event_value": N_("Value that means left"),
    "field.duration_unit": N_("Unit of tenure"),
    "field.stratify": N_("Stratified by"),
    "field.penalty": N_("Penalty"),
    "field.outlook_days": N_("Outlook in days"),
    "field.lapse_quantile": N_("Share of returns before overdue"),
    "field.group_name": N_("Group"),
    "field.other_group": N_("Other group"),
    "field.tenure_time": N_("Tenure"),
    "field.share_there": N_("Share still there"),
    "field.share_left": N_("Share that has left"),
    "field.seen": N_("Seen at that time"),
    "field.n_over": N_("Ended"),
    "field.n_open": N_("Still open, last seen"),
    "field.median_time": N_("Median time"),
    "field.median_lo": N_("Median, from"),
    "field.median_hi": N_("Median, to"),
    "field.there_lo": N_("Share, from"),
    "field.there_hi": N_("Share, to"),
    "field.restricted_mean": N_("Mean time up to the horizon"),
    "field.mean_lo": N_("Mean, from"),
    "field.mean_hi": N_("Mean, to"),
    "field.test_statistic": N_("Chi-square"),
    "field.chance_alike": N_("Chance if alike"),
    "field.chance_holm": N_("The same, all comparisons counted"),
    "field.grouping": N_("Grouping"),
    "field.n_groups": N_("Groups"),
    "field.stays_longest": N_("Stay longest"),
    "field.longest_there": N_("Of them still there"),
    "field.leaves_soonest": N_("Leave soonest"),
    "field.soonest_there": N_("Of these still there"),
    "field.period": N_("Completed periods"),
    "field.hazard": N_("Leave in the period"),
    "field.hazard_lo": N_("Leave, from"),
    "field.hazard_hi": N_("Leave, to"),
    "field.expected_hazard": N_("Expected from its neighbours"),
    "field.peak": N_("Stands out"),
    "field.left_for": N_("Reason for leaving"),
    "field.covariate": N_("Attribute"),
    "field.attribute_value": N_("Value"),
    "field.reference": N_("Compared with"),
    "field.step_size": N_("For each"),
    "field.coefficient": N_("Coefficient"),
    "field.coefficient_lo": N_("Coefficient, from"),
    "field.coefficient_hi": N_("Coefficient, to"),
    "field.se": N_("Standard error"),
    "field.hazard_ratio": N_("Hazard ratio"),
    "field.ratio_from": N_("Ratio, from"),
    "field.ratio_to": N_("Ratio, to"),
    "field.changes": N_("Changes with tenure"),
    "field.ph_statistic": N_("Chi-square of the check"),
    "field.ph_p": N_("Chance if the ratio never changes"),
    "field.why_left_out": N_("Why left out"),
    "field.p_leave": N_("Probability of leaving"),
    "field.p_leave_lo": N_("Leaving, from"),
    "field.p_leave_hi": N_("Leaving, to"),
    "field.tenure_days_now": N_("Tenure so far"),
    "field.likely_from_days": N_("Days left, 10%"),
    "field.likely_days": N_("Days left, median"),
    "field.likely_until_days": N_("Days left, 90%"),
    "field.silence_days": N_("Days of silence"),
    "field.still_a_customer": N_("Probability of still being a customer"),
    "field.p_order": N_("Probability of an order"),
    "field.order_from_days": N_("Next order in days, 10%"),
    "field.order_days": N_("Next order in days, median"),
    "field.order_until_days": N_("Next order in days, 90%"),
    "field.overdue_on": N_("Overdue on"),
    "field.p_overdue": N_("Probability of getting overdue"),
    "progress.survival_spells": N_("Timing each customer"),
    "progress.survival_curves": N_("Drawing the curves"),
    "progress.survival_tests": N_("Comparing groups"),
    "progress.survival_hazard": N_("Looking at each month"),
    "progress.survival_choosing": N_("Choosing what may explain it"),
    "progress.survival_fitting": N_("Fitting hazard ratios"),
    "progress.survival_checking": N_("Checking whether the ratios hold all the time"),
    "progress.survival_outlook": N_("Looking ahead for each customer"),
    "error.survival_setting": N_("{field} cannot be {value}"),
    "error.survival_setting.remedy": N_("Choose a value between {low} and {high}."),
    "error.survival_no_clock": N_("Nothing here says how long customers stay"),
    "error.survival_no_clock.remedy": N_(
        "One of these is needed: customers with a joining and a leaving date; a number of months and a column that "
        "says who left; orders with customers and dates. Say on Upload which column is which."
    ),
    "error.survival_columns": N_("No tenure column or no column of who left was recognised"),
    "error.survival_columns.remedy": N_(
        "{durations} columns could be a tenure and {events} could say who left. Choose both below."
    ),
    "error.survival_column": N_("{field} cannot be used here"),
    "error.survival_column.remedy": N_(
        "A tenure is a number, never negative; a column of who left has exactly two values. Choose another column."
    ),
    "error.survival_value": N_("{field} has no value {value}"),
    "error.survival_value.remedy": N_("Choose which of its two values means left."),
    "error.survival_nothing": N_("None of {n} rows can be timed"),
    "error.survival_nothing.remedy": N_(
        "Each needs a customer, a beginning up to the as-of date, and no leaving before it."
    ),
    "error.survival_no_rhythm": N_("{n} customers ordered on two days: too few to learn a rhythm"),
    "error.survival_no_rhythm.remedy": N_(
        "At least 20 are needed to say when a silence is too long. Choose the time to the second order, or a later "
        "as-of date."
    ),
    "error.survival_too_few": N_("{n} customers are too few"),
    "error.survival_too_few.remedy": N_(
        "At least {fewest} are needed. Choose a larger population or a later as-of date."
    ),
    "error.survival_all_censored": N_("None of {n} customers has left so far"),
    "error.survival_all_censored.remedy": N_(
        "Without a single leaving nothing can be said about when they leave. Choose a later as-of date, another clock, "
        "or bring the customers who left: files often hold only those who are still there."
    ),
    "error.survival_none_returned": N_("None of {n} customers has ordered again so far"),
    "error.survival_none_returned.remedy": N_(
        "Without a single further order nothing can be said about when it comes. Choose a later as-of date or another "
        "clock."
    ),
    "error.survival_at_once": N_("All {n} customers left on the day they joined"),
    "error.survival_at_once.remedy": N_(
        "Joining and leaving dates are probably one column: look at the mapping on Upload."
    ),
    "error.survival_no_time": N_("No customer was seen for any time"),
    "error.survival_no_time.remedy": N_("All {n} began on the last day. Choose a later as-of date."),
    "error.survival_group_unknown": N_("Customers cannot be told apart by {field}"),
    "error.survival_group_unknown.remedy": N_(
        "It is not in these data, or not known at the beginning. Choose another."
    ),
    "error.survival_no_covariates": N_("Nothing known at the beginning can explain leaving"),
    "error.survival_no_covariates.remedy": N_(
        "{n} attributes or values were left out, each with its reason. Hazard ratios need attributes that differ "
        "between customers and do not just repeat the tenure or the leaving."
    ),
    "error.survival_few_ended_model": N_("{n} leavings with all attributes known are too few"),
    "error.survival_few_ended_model.remedy": N_(
        "At least {fewest} are needed. Take out attributes that are unknown for many customers."
    ),
    "error.survival_separation": N_("One attribute tells leavers from the others without exception"),
    "error.survival_separation.remedy": N_("Its ratio has no limit. Take it out, or set a penalty."),
    "error.survival_not_converged": N_("The hazard ratios could not be settled in {n} steps"),
    "error.survival_not_converged.remedy": N_("Take out an attribute, or set a penalty."),
    "error.survival_nobody_there": N_("All {n} customers have left"),
    "error.survival_nobody_there.remedy": N_("There is nobody to look ahead for. Choose an earlier as-of date."),
    "caveat.survival_left_before_joining": N_("{n} customers left before they joined"),
    "caveat.survival_left_before_joining.body": N_("They are set aside: one of their two dates is wrong."),
    "caveat.survival_began_before_data": N_("{n} customers were there before the orders begin"),
    "caveat.survival_began_before_data.body": N_("Their first order is not in the data, so they are not timed."),
    "caveat.survival_set_aside": N_("{n} of {rows} rows are not timed"),
    "caveat.survival_set_aside.body": N_(
        "They have no customer, no beginning up to the as-of date, or stand there twice."
    ),
    "caveat.survival_late_entry": N_("{n} customers were there before the data begin on {day}"),
    "caveat.survival_late_entry.body": N_(
        "Nobody who left before that day is in the file, so these count from that day on only: otherwise customers "
        "would seem to stay longer than they do."
    ),
    "caveat.survival_once": N_("{n} customers ordered once: all of them lapse after {days} days"),
    "caveat.survival_once.body": N_(
        "Where a customer has no rhythm of their own yet, that of all customers holds. So many lapses fall into one "
        "month by definition, and no month is told to stand out. To see when orders come, time the second order."
    ),
    "caveat.survival_one_day": N_("{percent}% of all leavings carry one date, {day}"),
    "caveat.survival_one_day.body": N_(
        "It is probably the day a list was made, not the day they left. The months that stand out may be an artefact."
    ),
    "caveat.survival_few_ended": N_("{n} leavings only"),
    "caveat.survival_few_ended.body": N_("All figures are rough; look at the intervals."),
    "caveat.survival_begins_late": N_("The curve begins at {months} months"),
    "caveat.survival_begins_late.body": N_(
        "Fewer than {n} customers were seen with a shorter tenure, so shares are of those who reached it."
    ),
    "caveat.survival_horizon_beyond": N_("No customer was seen for longer than {months} months"),
    "caveat.survival_horizon_beyond.body": N_("The horizon lies beyond it: shares there are not known."),
    "caveat.survival_small_groups": N_("{n} groups are too small to compare"),
    "caveat.survival_small_groups.body": N_(
        "{customers} customers are in groups of {field} with fewer than {fewest} people."
    ),
    "caveat.survival_unknown_group": N_("{n} customers are in no group"),
    "caveat.survival_unknown_group.body": N_("Their {field} is not known."),
    "caveat.survival_one_group": N_("There is one group to look at"),
    "caveat.survival_one_group.body": N_("By {field} nothing can be compared. Choose another grouping."),
    "caveat.survival_unknown_rows": N_("{n} of {total} customers are not in the hazard ratios"),
    "caveat.survival_unknown_rows.body": N_("One of the attributes is not known for them, or they are not comparable."),
    "caveat.survival_chosen": N_("{n} of {total} attributes were chosen because they go with leaving most"),
    "caveat.survival_chosen.body": N_(
        "Chosen by the same data, their intervals are a little too narrow. Choose your own."
    ),
    "caveat.survival_changes": N_("{n} of {total} attributes do not have one hazard ratio"),
    "caveat.survival_changes.body": N_(
        "Their effect changes with tenure: the ratio is an average over it. Look at the effect over tenure, or "
        "stratify by them: then each of their values has a curve of its own and no ratio."
    ),
    "caveat.survival_few_per_term": N_("{n} leavings for {terms} hazard ratios"),
    "caveat.survival_few_per_term.body": N_(
        "At least {per_term} for each are usual: ratios may look larger than they are."
    ),
    "caveat.survival_unchecked": N_("Whether the ratios hold all the time is not checked here"),
    "caveat.survival_unchecked.body": N_(
        "A customer's gaps go together. Choose the time to the second order to check it."
    ),
    "caveat.survival_beyond": N_("Nothing is said about {n} customers"),
    "caveat.survival_beyond.body": N_("They have been there so long that nobody was seen beyond: {months} months."),
}
