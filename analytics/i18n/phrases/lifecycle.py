"""Words for the lifecycle analysis."""

from analytics.i18n.marks import N_

PHRASES = {
    "stage.acquaintance": N_("Acquaintance"),
    "stage.first_purchase": N_("First purchase"),
    "stage.active_use": N_("Active use"),
    "stage.loyalty": N_("Loyalty"),
    "stage.lapsed": N_("Lapsed"),
    "stage.outside": N_("Not yet known"),
    "movement.new": N_("New"),
    "movement.retained": N_("Stayed"),
    "movement.resurrected": N_("Came back"),
    "movement.lost": N_("Lost"),
    "option.cohort_by.month": N_("Month of the first order"),
    "option.cohort_by.quarter": N_("Quarter of the first order"),
    "field.stage": N_("Stage"),
    "field.from_stage": N_("From stage"),
    "field.to_stage": N_("To stage"),
    "field.observable": N_("Observable"),
    "field.lapse_observable": N_("Lapse observable"),
    "field.n_latest": N_("Customers, latest month"),
    "field.share_latest": N_("Share, latest month"),
    "field.n_mean": N_("Customers, monthly mean"),
    "field.share_mean": N_("Share, monthly mean"),
    "field.n_active_before": N_("Active a month earlier"),
    "field.n_new": N_("New"),
    "field.n_retained": N_("Stayed"),
    "field.n_resurrected": N_("Came back"),
    "field.n_lost": N_("Lost"),
    "field.n_active": N_("Active"),
    "field.cohort": N_("First order in"),
    "field.periods_since": N_("Periods since"),
    "field.n_cohorts": N_("Cohorts"),
    "field.retention": N_("Share who ordered"),
    "field.observed": N_("Period complete"),
    "field.enough": N_("Enough customers"),
    "field.revenue_per_customer": N_("Revenue in the period, per customer"),
    "field.value_per_customer": N_("Revenue so far, per customer"),
    "field.n_completed": N_("Spells ended"),
    "field.n_current": N_("Spells going on"),
    "field.months_p25": N_("Months until a quarter have left"),
    "field.months_p50": N_("Months until half have left"),
    "field.months_p75": N_("Months until three quarters have left"),
    "field.median_current_months": N_("Months so far (median)"),
    "field.n_unseen": N_("Begun before the data"),
    "field.lo_observed": N_("Observed, from"),
    "field.hi_observed": N_("Observed, to"),
    "field.projected": N_("Projected"),
    "field.held_out": N_("Held out"),
    "field.business": N_("Kind of business"),
    "field.n_subscribers": N_("Subscribers at risk"),
    "field.loyal_tenure_days": N_("Loyal after (days)"),
    "field.from_day": N_("From day"),
    "field.to_day": N_("To day"),
    "option.business.orders": N_("orders"),
    "option.business.subscription": N_("subscription"),
    "lifecycle_reason.chosen": N_("Orders or subscription: as chosen."),
    "lifecycle_reason.leaving_and_fees": N_(
        "Taken for subscriptions: customers have days of joining and leaving, and pay at regular intervals."
    ),
    "lifecycle_reason.leaving_and_no_orders": N_(
        "Taken for subscriptions: customers have days of joining and leaving, and there are no orders."
    ),
    "lifecycle_reason.no_leaving": N_("Taken for orders: there are no days of leaving, so silence has to tell."),
    "lifecycle_reason.orders_at_will": N_(
        "Taken for orders: there are days of leaving, but orders do not come at regular intervals."
    ),
    "field.lapsed_after_days": N_("Lapsed after (days)"),
    "field.loyal_min_orders": N_("Loyal from (order days)"),
    "field.loyal_window_days": N_("Loyal within (days)"),
    "field.lapsed_quantile": N_("Returns covered"),
    "field.loyal_quantile": N_("Repeat customers below"),
    "field.cohort_by": N_("Cohorts by"),
    "field.n_months": N_("Months of history"),
    "field.min_cohort_size": N_("Least customers in a cohort"),
    "progress.lifecycle_rules": N_("Learning the rhythm of orders"),
    "progress.lifecycle_history": N_("Placing customers month by month"),
    "progress.lifecycle_cohorts": N_("Following cohorts"),
    "error.lifecycle_setting": N_("{field} cannot be {value}"),
    "error.lifecycle_setting.remedy": N_("Choose a value between {low} and {high}."),
    "error.lifecycle_no_orders": N_("No customer has an order that stands by {as_of}"),
    "error.lifecycle_no_orders.remedy": N_(
        "Stages need order lines with a customer that were not cancelled or returned. Choose a later date, widen the "
        "population, or say on the Upload page which column names the customer."
    ),
    "caveat.acquaintance_not_observable": N_("Acquaintances cannot be seen in this data"),
    "caveat.acquaintance_not_observable.body": N_(
        "Only orders are here, so who is known without having bought is unknown, not zero. Add a customers table with "
        "the day of joining, or browsing events."
    ),
    "caveat.acquaintance_undated": N_("{n} customers have no joining date"),
    "caveat.acquaintance_undated.body": N_(
        "They count from their first event or order on, since nothing says when they became known."
    ),
    "caveat.lifecycle_anonymous": N_("{n} order lines name no customer"),
    "caveat.lifecycle_anonymous.body": N_("At {percent}% of the lines sold, they belong to no stage and no cohort."),
    "caveat.lifecycle_no_amounts": N_("No amounts, so no value by stage"),
    "caveat.lifecycle_no_amounts.body": N_("Counts and retention stand. Add an amount column to see revenue by stage."),
    "caveat.one_order_each": N_("No customer has ordered twice"),
    "caveat.one_order_each.body": N_(
        "All {n} buyers have one order day, so a rhythm cannot be learned and silence tells nothing. Check that the "
        "customer column names persons, not orders, or set the days after which a customer counts as lapsed."
    ),
    "error.flow_days": N_("The first day must lie before the second"),
    "error.flow_days.remedy": N_("{start} does not lie before {end}. Choose an earlier first day."),
    "caveat.nobody_left": N_("Nobody has left"),
    "caveat.nobody_left.body": N_(
        "No subscription has ended by this day, so how long subscribers stay cannot be told yet."
    ),
    "caveat.nobody_started": N_("No fee and no use is recorded"),
    "caveat.nobody_started.body": N_("Everybody who joined counts as known only. Add fees or events of use."),
    "caveat.lapse_not_learned": N_("Too few customers came back to learn when one has lapsed"),
    "caveat.lapse_not_learned.body": N_(
        "{n} customers ordered on a second day; {least} are needed. Until you set the days yourself, nobody counts as "
        "lapsed by silence."
    ),
    "caveat.short_history": N_("The history is short for this rhythm"),
    "caveat.short_history.body": N_(
        "The data covers {days} days and a customer lapses after {lapsed_after_days}. Nobody can lapse in the first "
        "{lapsed_after_days} days, so the lapsed stage is blank there and its share is still low after."
    ),
    "caveat.few_months": N_("Fewer than three complete months"),
    "caveat.few_months.body": N_(
        "The data covers {days} days with {n} complete months. Stages stand; movement and cohorts need more months."
    ),
    "caveat.orders_reversed": N_("{n} customers have no order that stands"),
    "caveat.orders_reversed.body": N_(
        "All they ordered was cancelled or returned, or their orders lie before the data. They are in no stage."
    ),
    "caveat.small_cohorts": N_("{n} of {of} cohorts are too small to read"),
    "caveat.small_cohorts.body": N_("They are gray in the chart and left out of the line for all cohorts."),
    "caveat.first_cohort_mixed": N_("The first cohort likely holds older customers"),
    "caveat.first_cohort_mixed.body": N_(
        "It has {n} customers against {median} in a usual cohort: those who first bought before the data begin look "
        "new in it, and they stay longer."
    ),
    "caveat.partial_month": N_("The last month is not complete"),
    "caveat.partial_month.body": N_(
        "The data end on {as_of}. Stages are as of that day; history, movement and cohorts stop at the last complete "
        "month."
    ),
}
