"""Words for saved work: its database, its disk, its files."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.store_full": N_("The server's disk is full"),
    "error.store_full.remedy": N_(
        "{megabytes} MB are free. What was saved before is safe; this was not saved. "
        "Whoever runs this server has to make room; until then, download your work."
    ),
    "error.store_no_room": N_("The server has no room for more files"),
    "error.store_no_room.remedy": N_(
        "{megabytes} MB are free, and the last {reserve} MB are for choices, which are saved as before. "
        "Whoever runs this server has to make room for files."
    ),
    "error.store_database_full": N_("The database of saved work has no room left"),
    "error.store_database_full.remedy": N_(
        "What was saved before is safe; this was not saved. "
        "Whoever runs this server has to make room; until then, download your work."
    ),
    "error.store_busy": N_("Too many people are saving at this moment"),
    "error.store_busy.remedy": N_("Nothing is lost. Saving is tried again with your next step."),
    "error.store_unreachable": N_("The database of saved work does not answer"),
    "error.store_unreachable.remedy": N_(
        "Your work is still here and is saved once the database answers. If it stays so, tell whoever runs this server."
    ),
    "error.store_unwritable": N_("This server cannot write to its folder of saved work"),
    "error.store_unwritable.remedy": N_(
        "Whoever runs this server has to check the folder's disk and its permissions. Until then, download your work."
    ),
    "error.store_damaged": N_("The database of saved work is damaged"),
    "error.store_damaged.remedy": N_(
        "Whoever runs this server has to restore the last back-up. Download your work now."
    ),
    "error.store_failed": N_("Saving failed for a reason that this server does not know"),
    "error.store_failed.remedy": N_("Its log tells more. What was saved before is safe; download your work."),
    "error.store_newer": N_("The saved work was written by a newer version of Regulars"),
    "error.store_newer.remedy": N_("Start that version, or restore the back-up that was made before it."),
    "error.store_url": N_("The address of the database cannot be used"),
    "error.store_url.remedy": N_(
        "REGULARS_DATABASE takes postgresql://user:password@host/name, or sqlite:///path/of/a/file."
    ),
    "error.upload_gone": N_("A file of this work is no longer on the server"),
    "error.upload_gone.remedy": N_("Bring it again: its settings are still here."),
}
