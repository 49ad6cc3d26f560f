"""Words for private links: what a link gives, and why one does not open."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "role.view": N_("View"),
    "role.edit": N_("Edit"),
    "role.owner": N_("Owner"),
    "error.link_unknown": N_("No such link"),
    "error.link_unknown.remedy": N_("It was altered on its way, or its work was deleted. Ask for the link again."),
    "error.link_revoked": N_("This link was revoked"),
    "error.link_revoked.remedy": N_("Whoever shared it has closed it. Ask them for a new one."),
    "error.link_expired": N_("This link has ended"),
    "error.link_expired.remedy": N_("It was open until a date that has passed. Ask for a new one."),
    "error.link_role": N_("A link cannot give the role {role}"),
    "error.link_role.remedy": N_("Choose view or edit."),
    "error.link_until_past": N_("The end of the link lies in the past"),
    "error.link_until_past.remedy": N_("Choose a later day, or none."),
    "error.link_page": N_("This page cannot be shared"),
    "error.link_page.remedy": N_("Open another page and share from there."),
    "error.links_many": N_("This work already has {limit} open links"),
    "error.links_many.remedy": N_("Revoke some that nobody needs any more."),
    "error.not_allowed": N_("This link does not allow that"),
    "error.not_allowed.remedy": N_("Nothing was changed. Ask whoever shared the work for another link."),
}
