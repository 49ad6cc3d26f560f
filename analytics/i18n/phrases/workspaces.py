"""Words of saved work: what a save, a name, an older version or a file of work can say."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.workspace_unknown": N_("No such workspace"),
    "error.workspace_unknown.remedy": N_(
        "It was deleted, or it is not shared with you. Your own workspaces are in the list on Workspaces."
    ),
    "error.version_unknown": N_("Version {number} is not there any more"),
    "error.version_unknown.remedy": N_(
        "Of older saves one an hour and then one a day is kept, those with a name always. Choose one from the list."
    ),
    "error.name_empty": N_("A workspace needs a name"),
    "error.name_empty.remedy": N_("Type a name for it; the old one stays until then."),
    "error.name_too_long": N_("This name is too long: {n} characters"),
    "error.name_too_long.remedy": N_("A name has at most {limit} characters."),
    "error.name_unreadable": N_("This name holds characters that cannot be seen"),
    "error.name_unreadable.remedy": N_("Type it anew instead of pasting it."),
    "error.note_too_long": N_("This note is too long: {n} characters"),
    "error.note_too_long.remedy": N_("The name of a version has at most {limit} characters."),
    "error.note_unreadable": N_("This note holds characters that cannot be seen"),
    "error.note_unreadable.remedy": N_("Type it anew instead of pasting it."),
    "error.work_too_large": N_("These choices are too large to be saved: {megabytes} MB"),
    "error.work_too_large.remedy": N_(
        "At most {limit} MB. Shorten what was written on persona cards, or forget remembered mappings."
    ),
    "error.exchange_unreadable": N_("This is not a file of saved work"),
    "error.exchange_unreadable.remedy": N_(
        "Choose a file that Regulars exported: its name ends in .regulars, or in .json for choices alone."
    ),
    "error.exchange_too_large": N_("This file of saved work is too large: {megabytes} MB once unpacked"),
    "error.exchange_too_large.remedy": N_(
        "At most {limit} MB in one part. Export the choices alone, and bring the data as files."
    ),
    "error.exchange_protected": N_("This file of saved work has a password"),
    "error.exchange_protected.remedy": N_("Regulars sets none. Ask for the file as it was exported."),
    "error.exchange_unsafe": N_("This file of saved work holds something that does not belong there: {name}"),
    "error.exchange_unsafe.remedy": N_("Nothing of it was taken. Ask for the file as it was exported."),
    "note.restored": N_("Restored from version {number}"),
    "note.older_app": N_("As an older version of Regulars saved it"),
    "deed.renamed": N_("Renamed a workspace"),
    "deed.copied": N_("Copied a workspace"),
    "deed.deleted": N_("Deleted a workspace"),
    "deed.undeleted": N_("Had a deleted workspace back"),
    "deed.restored": N_("Went back to an older version"),
    "deed.erased": N_("Erased a customer"),
}
