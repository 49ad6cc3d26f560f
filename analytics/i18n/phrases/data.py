"""Words for reading files."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "progress.read": N_("Reading the file"),
}
