"""Words for what stands in the way of a session: no cookie, no sign-in, somebody who saved first."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.nobody_uploads": N_("{name} was not taken: this browser keeps no cookie"),
    "error.nobody_uploads.remedy": N_(
        "Without one nobody could find the file again or delete it. Allow cookies for this site and load it again; "
        "sample data work without."
    ),
    "error.sign_in_first": N_("This link is for people who sign in"),
    "error.sign_in_first.remedy": N_("Sign in, and open the link again."),
    "error.saved_meanwhile": N_("Somebody else saved this work a moment ago"),
    "error.saved_meanwhile.remedy": N_("Nothing was changed. Look at their state first, then try again."),
}
