"""Words for the demand panel."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.build_panel": N_("Adding up demand"),
    "field.measure": N_("Measure"),
    "option.measure.revenue": N_("Revenue"),
    "option.measure.quantity": N_("Items sold"),
    "option.measure.orders": N_("Orders"),
    "option.measure.customers": N_("Customers"),
    "option.measure.value": N_("Value"),
    "field.by": N_("Split by"),
    "option.by.total": N_("Total"),
    "option.by.category": N_("Category"),
    "option.by.product": N_("Product"),
    "option.by.channel": N_("Channel"),
    "option.by.country": N_("Country"),
    "option.by.city": N_("City"),
    "option.by.segment": N_("Segment"),
    "option.by.series": N_("Series"),
    "field.member": N_("Series"),
    "field.members": N_("Series"),
    "field.n_series": N_("Number of series"),
    "field.frequency": N_("How often"),
    "option.frequency.day": N_("Daily"),
    "option.frequency.week": N_("Weekly"),
    "option.frequency.month": N_("Monthly"),
    "error.panel_empty": N_("Nothing was sold in these series"),
    "error.panel_empty.remedy": N_("Choose other series, a wider population or a later as-of date."),
    "error.panel_too_short": N_("The history is too short: {n} whole periods"),
    "error.panel_too_short.remedy": N_(
        "At least {needed} whole periods are needed. Choose a shorter period, a wider population or a later as-of date."
    ),
    "error.labels_missing": N_("There are no segments to split demand by"),
    "error.labels_missing.remedy": N_("Make segments on the Segmentation page first, or split by something else."),
    "error.demand_option_unknown": N_("{value} is not a choice for demand"),
    "error.demand_option_unknown.remedy": N_("Choose one of the options offered."),
    "error.n_series_out_of_range": N_("{n} is no usable number of series"),
    "error.n_series_out_of_range.remedy": N_("Choose a number from 1 to 1,000."),
    "caveat.panel_quiet_end": N_("The end of the data is quiet"),
    "caveat.panel_quiet_end.body": N_(
        "Nothing was sold in the last {n} periods, longer than ever before. If the data simply end there, choose an "
        "earlier as-of date; otherwise these zeros are part of the forecast."
    ),
    "caveat.panel_sparse": N_("Some series are mostly zeros"),
    "caveat.panel_sparse.body": N_(
        "In {n} of {n_series} series more than half of the periods have no sale. A longer period makes them easier to "
        "forecast."
    ),
    "caveat.members_absent": N_("Some series chosen are not there"),
    "caveat.members_absent.body": N_(
        "{n} of the series chosen have no order line in this population up to the as-of date; they are left out."
    ),
    "caveat.frequency_coarser": N_("These series are reported less often than asked for"),
    "caveat.frequency_coarser.body": N_("They are kept at their own frequency: it cannot be made finer."),
    "progress.build_drivers": N_("Adding up prices and promotions"),
    "option.by.persona": N_("Persona"),
    "option.by.stage": N_("Lifecycle stage"),
    "field.list_price": N_("Price before discount"),
    "field.paid_price": N_("Price paid"),
    "field.promoted_share": N_("Share sold at a discount"),
    "error.parents_not_additive": N_("Orders and customers do not add up"),
    "error.parents_not_additive.remedy": N_(
        "One order can hold several categories. Choose revenue or items sold to see sums."
    ),
    "error.series_repeated": N_("Some rows repeat a period of their series"),
    "error.series_repeated.remedy": N_(
        "Rows too many: {count}; series concerned: {n_series}; for example: {examples}. Keep one row per series and "
        "period, or ask for them to be added up."
    ),
    "caveat.series_gaps": N_("Some periods have no value"),
    "caveat.series_gaps.body": N_(
        "{n} of {n_values} values ({percent}%) are not there. They are left out, not counted as zero; say so if "
        "nothing was sold then."
    ),
    "caveat.series_gaps_zero": N_("Periods without a row count as zero"),
    "caveat.series_gaps_zero.body": N_(
        "{n} of {n_values} values ({percent}%) had no row and were set to zero, as was asked."
    ),
    "caveat.dates_snapped": N_("Some dates were moved to the grid that the others keep"),
    "caveat.dates_snapped.body": N_(
        "{n} of {n_values} values lay a few days off; each counts in the period nearest to it."
    ),
    "caveat.dates_irregular": N_("The dates keep no regular grid"),
    "caveat.dates_irregular.body": N_("The values are added up by the next coarser period."),
    "caveat.repeated_summed": N_("Repeated rows were added up"),
    "caveat.repeated_summed.body": N_(
        "Rows with the series and period of another: {n}. Their values are summed, as was asked."
    ),
    "caveat.discounts_unknown": N_("Discounts are not in the data"),
    "caveat.discounts_unknown.body": N_(
        "The price paid stands for the price before discount, so promotions cannot be told from price changes."
    ),
    "field.repeated": N_("Repeated rows"),
    "option.repeated.refuse": N_("Stop and show them"),
    "option.repeated.sum": N_("Add them up"),
    "field.gaps": N_("Periods without a row"),
    "option.gaps.missing": N_("Not known"),
    "option.gaps.zero": N_("Nothing sold: zero"),
    "field.negative": N_("Values below zero"),
    "option.negative.clip": N_("Set to zero"),
    "option.negative.keep": N_("Keep"),
    "caveat.last_day_cut": N_("The last day is not complete"),
    "caveat.last_day_cut.body": N_(
        "The rows break off at {time}, over an hour earlier than on any of the 28 days before. That day is left out."
    ),
}
