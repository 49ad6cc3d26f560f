"""Words for archives, JSON, baskets and series, and for what a server refuses to take."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    # what stops it
    "error.archive_unreadable": N_("The archive cannot be unpacked"),
    "error.archive_unreadable.remedy": N_("Pack the files again as a plain ZIP, or upload them one by one."),
    "error.archive_protected": N_("The archive is protected by a password"),
    "error.archive_protected.remedy": N_("Unpack it and upload the files in it."),
    "error.archive_too_large": N_("The archive unpacks to {megabytes} MB in {n} files"),
    "error.archive_too_large.remedy": N_(
        "At most {limit} MB in {entry_limit} files can be read, and none that unpacks to 200 times its size."
    ),
    "error.nested_archive": N_("{name} is an archive or a workbook inside an archive"),
    "error.nested_archive.remedy": N_("Unpack the outer one first and upload what is in it."),
    "error.json_unreadable": N_("The JSON holds no table"),
    "error.json_unreadable.remedy": N_("Write one object per line, or one array of objects with the same keys."),
    "error.file_unreadable": N_("The file is damaged"),
    "error.file_unreadable.remedy": N_("Export it again, if possible as CSV."),
    "error.memory_short": N_("The file needs more memory than this server gives to one step"),
    "error.memory_short.remedy": N_("Keep only the columns and the period that are needed, or upload Parquet."),
    "error.reading_failed": N_("Reading the file ran out of memory or broke off"),
    "error.reading_failed.remedy": N_(
        "Other work is not touched. Save the table as CSV, or keep fewer columns or rows."
    ),
    "error.reading_too_long": N_("Reading this file took longer than {seconds} seconds and was stopped"),
    "error.reading_too_long.remedy": N_(
        "A file of its size takes far less, so something in it keeps the reader busy. Save it as CSV or Parquet and "
        "try again."
    ),
    "error.session_full": N_("{name} does not fit: this session holds {megabytes} of {limit} MB"),
    "error.session_full.remedy": N_("Remove a file that is no longer needed, or compress this one as ZIP or Parquet."),
    # what is worth knowing
    "caveat.files_together": N_("Files of one shape were put together"),
    "caveat.files_together.body": N_("{n} files with the same headings are one table of {n_rows} rows."),
    "caveat.one_shape_of_many": N_("One of {n} kinds of files was read"),
    "caveat.one_shape_of_many.body": N_(
        "It is {sheet}. The others have other headings: take them in where the sheets are chosen."
    ),
    "caveat.archive_skipped": N_("Some files in the archive hold no table"),
    "caveat.archive_skipped.body": N_("{n} of {n_files} files were left out: they are empty or no tables."),
    "caveat.archive_repeats": N_("Some files in the archive are the same"),
    "caveat.archive_repeats.body": N_("{n} files repeat another byte by byte; their rows are there twice."),
    "caveat.records_broken": N_("Some lines are no JSON"),
    "caveat.records_broken.body": N_("{n} lines cannot be read: they are set aside as they stand."),
    "caveat.baskets_split": N_("Every line was read as one basket"),
    "caveat.baskets_split.body": N_(
        "{n_lines} lines became {n_rows} rows, one per product; the order number is the number of the line. "
        "If the lines are rows of a table, choose so where the way of reading is shown."
    ),
    "caveat.series_split": N_("Every line was read as one series"),
    "caveat.series_split.body": N_(
        "{n_lines} lines became {n_rows} rows, one per value. If the lines are rows of a table, choose so where the "
        "way of reading is shown."
    ),
    "caveat.series_undated_day": N_("The series have no dates"),
    "caveat.series_undated_day.body": N_(
        "By convention they are daily and all end on {last}: only the order of the values counts. "
        "Choose another step if they are not daily."
    ),
    "caveat.series_undated_week": N_("The series have no dates"),
    "caveat.series_undated_week.body": N_(
        "By convention they are weekly and all end on {last}: only the order of the values counts. "
        "Choose another step if they are not weekly."
    ),
    "caveat.series_undated_month": N_("The series have no dates"),
    "caveat.series_undated_month.body": N_(
        "By convention they are monthly and all end on {last}: only the order of the values counts. "
        "Choose another step if they are not monthly."
    ),
    "caveat.series_undated_quarter": N_("The series have no dates"),
    "caveat.series_undated_quarter.body": N_(
        "By convention they are quarterly and all end on {last}: only the order of the values counts. "
        "Choose another step if they are not quarterly."
    ),
    "caveat.series_undated_year": N_("The series have no dates"),
    "caveat.series_undated_year.body": N_(
        "By convention they are yearly and all end on {last}: only the order of the values counts. "
        "Choose another step if they are not yearly."
    ),
    # choices
    "field.layout": N_("What a line is"),
    "field.series_step": N_("Step between values"),
    "field.position": N_("Position in the series"),
    "option.format.json": N_("JSON"),
    "option.layout.auto": N_("Recognise"),
    "option.layout.table": N_("A row of a table"),
    "option.layout.baskets": N_("A basket: the products of one order"),
    "option.layout.wide_series": N_("A series: one value after the other"),
    "option.series_step.auto": N_("By the file's name"),
    "option.series_step.day": N_("Day"),
    "option.series_step.week": N_("Week"),
    "option.series_step.month": N_("Month"),
    "option.series_step.quarter": N_("Quarter"),
    "option.series_step.year": N_("Year"),
}
