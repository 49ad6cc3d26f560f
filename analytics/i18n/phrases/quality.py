"""Words of the checks over whole tables: what was found, why it matters, and the thresholds."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.threshold_invalid": N_("That threshold is out of range"),
    "error.threshold_invalid.remedy": N_("{field} goes from {low} to {high}."),
    "issue.no_rows_left": N_("None of the rows can be used"),
    "issue.no_rows_left.body": N_(
        "All are set aside for the reasons shown. A column is probably mapped to the wrong field: check dates and "
        "amounts on the Upload page."
    ),
    "issue.overlapping_files": N_("Rows that two files both hold"),
    "issue.overlapping_files.body": N_(
        "Exports whose days overlap. A row counts once; what stands twice within one file stays twice."
    ),
    "issue.days_missing": N_("Days without any order"),
    "issue.days_missing.body": N_(
        "Their weekdays usually have orders, and no other year has such a gap then. Part of an export may be lost."
    ),
    "issue.days_closed": N_("Single days without orders"),
    "issue.days_closed.body": N_("Short, or at the same time every year: probably holidays."),
    "issue.reversals_matched": N_("Cancellations and returns with their order"),
    "issue.reversals_matched.body": N_("Their number names an order that is in the data."),
    "issue.reversals_of_purchases": N_("Cancellations and returns of known purchases"),
    "issue.reversals_of_purchases.body": N_(
        "Their numbers name no order, but the customer had bought at least as much of the product before."
    ),
    "issue.reversal_without_purchase": N_("Cancellations and returns of nothing bought"),
    "issue.reversal_without_purchase.body": N_(
        "The customer had not bought as much of the product, or is not known. Often bought before the data begin."
    ),
    "issue.category_renamed": N_("A category under a new name"),
    "issue.category_renamed.body": N_("One value ends and another with a like share begins at the same time."),
    "issue.category_appears": N_("A new value from one day on"),
    "issue.category_appears.body": N_("It is common from then on and was never there before."),
    "issue.category_vanishes": N_("A value that ends on one day"),
    "issue.category_vanishes.body": N_("It was common until then and is never there after."),
    "issue.category_sets_differ": N_("Files with other values of a category"),
    "issue.category_sets_differ.body": N_("They have no value in common with the first file: perhaps other names."),
    "issue.id_form_changes": N_("Ids that look different from one day on"),
    "issue.id_form_changes.body": N_("Another system may number anew, or add letters and zeros to the same number."),
    "issue.ids_written_otherwise": N_("Ids that only their numbers connect"),
    "issue.ids_written_otherwise.body": N_(
        "As they are written most are unknown; without letters and leading zeros they are known."
    ),
    "issue.column_type_differs": N_("A column of numbers in one file and text in another"),
    "issue.column_type_differs.body": N_("It is read as text in all files."),
    "issue.constant_column": N_("A column with one value"),
    "issue.constant_column.body": N_("Every filled cell says the same."),
    "issue.nearly_unique_column": N_("A column that hardly repeats"),
    "issue.nearly_unique_column.body": N_("Probably an id or a running number rather than a group."),
    "why.nothing": N_("No figure changes; every row is accounted for."),
    "why.no_rows": N_("Without rows nothing can be computed."),
    "why.cells_shifted": N_("Values stand under the wrong heading."),
    "why.counts_double": N_("Orders, revenue and demand would count twice."),
    "why.perhaps_double": N_("If they are repeats, orders and revenue count twice; if not, nothing is wrong."),
    "why.customers_split": N_("One customer would look like two, each with less."),
    "why.no_customer": N_("What is counted per customer leaves these rows out."),
    "why.cannot_join": N_("What is known about these customers does not reach their orders."),
    "why.never_bought": N_("They belong to no stage, and lower every share that counts them."),
    "why.not_a_sale": N_("They are no purchases: as such, orders and demand would be too high."),
    "why.split_in_time": N_("The same customer, order or product looks new from then on."),
    "why.no_time": N_("The rows cannot be placed in time."),
    "why.time_wrong": N_("Rows at a wrong time move customers to other stages and bend demand."),
    "why.demand_hole": N_("A forecast would learn that nobody wanted anything, and customers would seem silent."),
    "why.revenue_wrong": N_("Revenue and the value of customers would be too high or too low."),
    "why.taken_back": N_("It lowers revenue at the time when it is booked, not when it was bought."),
    "why.back_alone": N_("It lowers the revenue of a customer whose purchase is not counted."),
    "why.fewer_described": N_("The field describes fewer customers."),
    "why.groups_split": N_("One group would be counted as two."),
    "why.new_in_time": N_("A comparison over time mixes a change of the books with a change of behaviour."),
    "why.no_groups": N_("It tells no groups apart and adds nothing as a feature."),
    "why.own_group": N_("Every row would be a group of its own."),
    "option.overlaps.merge": N_("Merge"),
    "option.overlaps.keep": N_("Keep"),
    "field.overlaps": N_("Rows that two files both hold"),
    "field.outlier_times_usual": N_("Unusual quantity: times the usual"),
    "field.order_twice_minutes": N_("Submitted twice: within minutes"),
    "field.gap_open_share": N_("Usually open: share of weeks"),
    "field.gap_days": N_("Gap to look at: from so many days"),
    "field.drift_share": N_("Values watched for changes: share of rows"),
    "field.near_unique_share": N_("Hardly repeats: share of different values"),
    "field.n_days": N_("Days"),
}
