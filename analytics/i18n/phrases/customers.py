"""Words for the customer table, the population and the definitions."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.summarise_customers": N_("Summarising customers"),
    # The columns of the customer table that no file brings along.
    "field.first_order_on": N_("First order"),
    "field.last_order_on": N_("Last order"),
    "field.recency_days": N_("Days since last order"),
    "field.tenure_days": N_("Days since first order"),
    "field.n_orders": N_("Orders"),
    "field.n_order_days": N_("Days with an order"),
    "field.n_items": N_("Items"),
    "field.n_products": N_("Different products"),
    "field.n_categories": N_("Different categories"),
    "field.revenue": N_("Revenue"),
    "field.mean_order_value": N_("Average order value"),
    "field.mean_gap_days": N_("Days between orders"),
    "field.discount_share": N_("Average discount"),
    "field.return_share": N_("Share of revenue returned"),
    "field.top_category": N_("Favourite category"),
    "field.top_channel": N_("Usual channel"),
    "field.top_payment_method": N_("Usual payment method"),
    "field.joined_days": N_("Days since joining"),
    "field.n_customers": N_("Customers"),
    "field.n_lines": N_("Order lines"),
    # Population and definitions.
    "field.as_of": N_("As of"),
    "field.start": N_("From"),
    "field.countries": N_("Countries"),
    "field.channels": N_("Channels"),
    "field.leave_out": N_("Leave out"),
    "option.leave_out.wholesale": N_("Wholesale accounts"),
    "option.leave_out.test": N_("Test accounts"),
    "field.returns": N_("Returns"),
    "option.revenue.net": N_("After discounts"),
    "option.revenue.gross": N_("Before discounts"),
    "option.returns.subtract": N_("Subtract returns"),
    "option.returns.ignore": N_("Ignore returns"),
    "error.no_orders": N_("No customer has an order yet"),
    "error.no_orders.remedy": N_(
        "None of the {n_lines} order lines is a sale by a known customer. Choose a later as-of date or a wider "
        "population, or check on the Validation page how lines were recognised."
    ),
    "error.max_attribute_values_out_of_range": N_("{value} is no usable limit for the values of an attribute"),
    "error.max_attribute_values_out_of_range.remedy": N_("Choose a number from 2 to 1,000."),
    "error.as_of_too_early": N_("Nothing had happened yet on {as_of}"),
    "error.as_of_too_early.remedy": N_("The first row is from {first}. Choose a later as-of date."),
    "error.start_after_as_of": N_("The start ({start}) lies after the as-of date ({as_of})"),
    "error.start_after_as_of.remedy": N_("Choose an earlier start or a later as-of date."),
    "error.population_empty": N_("Nobody is left in this population"),
    "error.population_empty.remedy": N_(
        "No row up to {as_of} fits every choice. Take a country, a channel or the start back out."
    ),
    "error.account_type_unknown": N_("{account_type} is not an account type that can be left out"),
    "error.account_type_unknown.remedy": N_("Wholesale and test accounts can be left out."),
    "error.definition_unknown": N_("{value} is not a definition of revenue or returns"),
    "error.definition_unknown.remedy": N_("Choose one of the definitions offered."),
}
