"""Words of who works together: people, names, colleagues and their roles."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.person_unknown": N_("Nobody is known under this number."),
    "error.person_unknown.remedy": N_("The person may have been erased. Load the list again."),
    "error.email_odd": N_("This does not look like an e-mail address."),
    "error.email_odd.remedy": N_("Write one address such as name@company.com, as your colleague signs in with it."),
    "error.member_is_owner": N_("The workspace belongs to this person already."),
    "error.member_is_owner.remedy": N_("Owners may do everything. Add another address."),
    "error.too_many_members": N_("A workspace has room for {limit} colleagues."),
    "error.too_many_members.remedy": N_("Remove somebody first, or share a view link with the whole room."),
}
