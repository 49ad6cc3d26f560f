"""Words for tables, fields and errors that every page shares."""

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
    "error.table_missing": N_("This step needs a table that is not there: {table}"),
    "error.table_missing.remedy": N_("Add a file with this table on the Upload page, or try the sample world."),
    "error.fields_missing": N_("This step needs columns that are not there: {fields}"),
    "error.fields_missing.remedy": N_("Say on the Upload page which columns hold them, or try the sample world."),
    "error.table_unknown": N_("{table} is not one of the tables that Regulars knows"),
    "error.table_unknown.remedy": N_("Choose one of the tables offered on the Upload page."),
}
