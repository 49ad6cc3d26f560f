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
    "error.link_newer": N_("This link was made by a newer version of Regulars"),
    "error.link_newer.remedy": N_("Regulars starts with its own defaults instead."),
    "error.link_partial": N_("Some choices in this link are no longer valid: {fields}"),
    "error.link_partial.remedy": N_("These use their defaults; all others are as the link says."),
    "error.world_unknown": N_("There is no sample world of this name: {world}"),
    "error.world_unknown.remedy": N_("Regulars shows its own sample world instead."),
    "error.source_gone": N_("The file {name} is no longer here"),
    "error.source_gone.remedy": N_("The app was restarted since. Upload the file again: your choices are kept."),
    "error.nothing_loaded": N_("There are no data yet"),
    "error.nothing_loaded.remedy": N_("Drop a file on the Upload page, or try the sample world."),
    "error.work_unreadable": N_("This is not a file of saved choices"),
    "error.work_unreadable.remedy": N_("Choose a JSON file that was saved by Regulars."),
    "progress.queued": N_("Waiting for a free worker"),
    "progress.starting": N_("Starting"),
}
