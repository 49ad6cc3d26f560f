"""Words for one customer's portrait."""

from analytics.i18n.marks import N_

PHRASES = {
    "lane.orders": N_("Orders"),
    "lane.returns": N_("Returns"),
    "lane.visits": N_("Visits"),
    "lane.contacts": N_("Contacts"),
    "lane.feedback": N_("Feedback"),
    "lane.campaigns": N_("Campaigns"),
    "lane.survey": N_("Survey"),
    "moment.return": N_("return"),
    "moment.cancellation": N_("cancellation"),
    "moment.sale": N_("sale"),
    "moment.service": N_("service"),
    "rhythm.unknown": N_("no rhythm yet"),
    "rhythm.on_time": N_("on time"),
    "rhythm.late": N_("late"),
    "rhythm.overdue": N_("overdue"),
    "list.value": N_("Highest value"),
    "list.decline": N_("Lost most lately"),
    "list.border": N_("Between two segments"),
    "list.random": N_("At random"),
    "field.n_returned": N_("Return lines"),
    "field.n_contacts": N_("Service contacts"),
    "field.n_feedback": N_("Feedback"),
    "field.n_campaigns": N_("Campaigns"),
    "field.figure": N_("Figure"),
    "field.figure_value": N_("Value"),
    "field.below": N_("Customers with less"),
    "field.at_most": N_("Customers with no more"),
    "field.n_all": N_("Customers compared"),
    "field.n_rows": N_("Rows"),
    "field.lane": N_("Kind"),
    "field.at": N_("When"),
    "field.what": N_("Which"),
    "field.detail": N_("More"),
    "field.n_listed": N_("Customers listed"),
    "field.timeline_days": N_("Days shown"),
    "error.portrait_setting": N_("{field} cannot be {value}"),
    "error.portrait_setting.remedy": N_("Choose a value between {low} and {high}."),
    "error.customer_unknown": N_("There is no such customer in these data"),
    "error.customer_unknown.remedy": N_(
        "Nobody of this id is in the present population by the as-of date, or the customer was erased. Search for "
        "another id, pick one from a list, or choose a later date."
    ),
    "error.customer_not_chosen": N_("No customer is chosen"),
    "error.customer_not_chosen.remedy": N_("Search for an id, or pick a customer from another list."),
    "caveat.portrait_no_orders": N_("This customer has no order line"),
    "caveat.portrait_no_orders.body": N_("Figures of buying are empty; what the other tables know is shown."),
    "caveat.portrait_tables_missing": N_("{n} of {of} further tables are not there"),
    "caveat.portrait_tables_missing.body": N_(
        "Browsing events, service contacts, feedback and campaigns are shown where a file holds them."
    ),
}
