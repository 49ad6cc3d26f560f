"""Words for the server's folder, databases and files that stream."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "progress.read_file": N_("Reading the file piece by piece"),
    "progress.fetch_table": N_("Fetching the table"),
    "progress.list_tables": N_("Asking the database for its tables"),
    "error.folder_unreadable": N_("The server's folder cannot be read"),
    "error.folder_unreadable.remedy": N_("Whoever runs this server has to check the folder in its configuration."),
    "error.not_in_folder": N_("There is no such file in the server's folder"),
    "error.not_in_folder.remedy": N_("Choose one of the files that are listed."),
    "error.file_gone": N_("{name} is no longer on the server"),
    "error.file_gone.remedy": N_("Choose it again, or another file."),
    "error.file_uneven": N_("{name} is too large to be repaired, and its lines do not add up"),
    "error.file_uneven.remedy": N_(
        "Some line has more cells than the heading, a quote that is never closed, or another encoding. "
        "Export the file again, as Parquet if possible, or split it into files under 64 MB, which are repaired."
    ),
    "caveat.cells_absent": N_("Some lines are shorter than the heading"),
    "caveat.cells_absent.body": N_("{n} cells at the ends of lines are absent and count as empty."),
    "error.database_unreachable": N_("The database of {name} does not answer"),
    "error.database_unreachable.remedy": N_("Try again later; if it stays so, tell whoever runs this server."),
    "error.database_refused": N_("The database of {name} refuses this server"),
    "error.database_refused.remedy": N_("Whoever runs this server has to check the connection's user and password."),
    "error.database_slow": N_("The database of {name} took too long and was stopped"),
    "error.database_slow.remedy": N_("Fetch a smaller table, or have a view made with the rows that are needed."),
    "error.database_forbidden": N_("The connection {name} may not read this table"),
    "error.database_forbidden.remedy": N_("Have its role granted the right to select from it."),
    "error.database_no_table": N_("The database of {name} has no such table"),
    "error.database_no_table.remedy": N_("Choose one of the tables that are listed."),
    "error.database_failed": N_("The database of {name} could not deliver the table"),
    "error.database_failed.remedy": N_("Try again; if it stays so, tell whoever runs this server."),
}
