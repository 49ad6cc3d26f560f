"""Words of who works together: people, names, colleagues and their roles."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.email_odd": N_("This does not look like an e-mail address."),
    "error.email_odd.remedy": N_("Write one address such as name@company.com, as your colleague signs in with it."),
    "error.member_is_owner": N_("The workspace belongs to this person already."),
    "error.member_is_owner.remedy": N_("Owners may do everything. Add another address."),
    "error.too_many_members": N_("A workspace has room for {limit} colleagues."),
    "error.too_many_members.remedy": N_("Remove somebody first, or share a view link with the whole room."),
    "sign_in.secrets_unreadable": N_("The file of secrets is there and cannot be read."),
    "sign_in.auth_absent": N_("This server asks for sign-in, and its secrets have no section [auth]."),
    "sign_in.auth_incomplete": N_("Missing in the section [auth] of the secrets: {about}"),
    "sign_in.auth_secret_short": N_("cookie_secret is too short: {about} random characters at least."),
    "sign_in.auth_redirect": N_(
        "redirect_uri must be this server's own address, with https, and end in /oauth2callback; it is: {about}"
    ),
    "sign_in.auth_provider_name": N_("The name of a provider must not contain an underscore: {about}"),
    "sign_in.auth_trusted_headers": N_("server.trustedUserHeaders must not say who somebody is where people sign in."),
    "sign_in.authlib_absent": N_("The package Authlib is not installed."),
}
