"""Words for tables, steps and errors that every page shares."""

from analytics.i18n.marks import N_

PHRASES = {
    "table.transactions": N_("Orders"),
    "table.customers": N_("Customers"),
    "table.events": N_("Browsing events"),
    "table.contacts": N_("Service contacts"),
    "table.feedback": N_("Feedback"),
    "table.survey": N_("Survey"),
    "table.campaigns": N_("Campaigns"),
    "table.series": N_("Ready-made series"),
    "country.CN": N_("China"),
    "country.GB": N_("United Kingdom"),
    "country.HK": N_("Hong Kong"),
    "country.TW": N_("Taiwan"),
    "country.US": N_("United States"),
    "channel.web": N_("Website"),
    "channel.app": N_("App"),
    "channel.store": N_("Store"),
    "channel.partner": N_("Partner"),
    "field.revenue_12m": N_("Revenue, 12 months"),
    "field.month": N_("Month"),
    "error.table_missing": N_("This step needs a table that is not there: {table}"),
    "error.table_missing.remedy": N_("Add a file with this table on the Upload page, or try the sample world."),
    "error.fields_missing": N_("This step needs columns that are not there: {fields}"),
    "error.fields_missing.remedy": N_("Say on the Upload page which columns hold them, or try the sample world."),
    "error.table_unknown": N_("{table} is not one of the tables that Regulars knows"),
    "error.table_unknown.remedy": N_("Choose one of the tables offered on the Upload page."),
    "error.unexpected": N_("This step stopped on something unforeseen"),
    "error.unexpected.remedy": N_(
        "Your data and choices are kept. Change a choice or try again in a minute; tell whoever runs this app "
        "the reference {reference}."
    ),
    "error.worker_died": N_("This step ran out of memory or was stopped from outside"),
    "error.worker_died.remedy": N_("Your data and choices are kept. Try a smaller population or fewer series."),
    "error.step_too_long": N_("This step took longer than {seconds} seconds and was stopped"),
    "error.step_too_long.remedy": N_("Your data and choices are kept. Try a smaller population or fewer series."),
    "error.step_cancelled": N_("You stopped this step"),
    "error.step_cancelled.remedy": N_("Nothing is lost. Change a choice, or run it again."),
    "error.link_unreadable": N_("This link cannot be read"),
    "error.link_unreadable.remedy": N_("Regulars starts with its own defaults instead. Ask for the link again."),
    "error.link_newer": N_("These choices were saved by a newer version of Regulars"),
    "error.link_newer.remedy": N_("They are left aside: what is chosen here stays."),
    "error.link_partial": N_("Some of the saved choices are no longer valid: {fields}"),
    "error.link_partial.remedy": N_("These use their defaults; all others hold as they were saved."),
    "error.world_unknown": N_("There is no sample world of this name: {world}"),
    "error.world_unknown.remedy": N_("Regulars shows its own sample world instead."),
    "error.source_gone": N_("The file {name} is no longer here"),
    "error.source_gone.remedy": N_(
        "Files leave with their session; choices stay. On Upload, drop it again, or another with the same headings."
    ),
    "error.world_missing": N_("This sample world is not on this server ({name})"),
    "error.world_missing.remedy": N_("On Upload, choose another one or your own files."),
    "error.nothing_loaded": N_("There are no data yet"),
    "error.nothing_loaded.remedy": N_("Drop a file on the Upload page, or try the sample world."),
    "error.work_unreadable": N_("This is not a file of saved choices"),
    "error.work_unreadable.remedy": N_("Choose a JSON file that was saved by Regulars."),
    "error.mappings_unreadable": N_("This is not a file of mappings"),
    "error.mappings_unreadable.remedy": N_("Choose a JSON file that Upload saved as mappings, or saved choices."),
    "error.mappings_partial": N_("Some mappings in this file cannot be used: {names}"),
    "error.mappings_partial.remedy": N_(
        "They were changed by hand or name what Regulars does not know. All others hold."
    ),
    "progress.queued": N_("Waiting for a free worker"),
    "progress.starting": N_("Starting"),
}
