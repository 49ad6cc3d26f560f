"""Signing in and out, and the name that others see: the page before the door, and the place in the context bar."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import Words, escape_markdown
from app_pages.ui import languages, session, visitor
from serving import sign_in
from serving.sign_in import DEFAULT, SignIn
from store import people
from store.model import Person

SEAL = Path(__file__).parent / "brand" / "seal.svg"
WIDTH = 440


def is_asked() -> bool:
    """Whether nothing can be seen here before signing in."""
    return visitor.signs_in() and session.person() is None and session.access().role == "out"


def page(_: Words) -> None:
    """In the place of every page, for somebody signed out: how to sign in, or why nobody can."""
    settings = sign_in.configured() or SignIn()
    with (
        st.container(horizontal_alignment="center", key="sign-in"),
        st.container(width=WIDTH, gap="medium", border=True),
    ):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(SEAL, width=44)
            st.space("stretch")
            languages.choose(_)
        with st.container(gap="xxsmall"):
            st.title(_("Sign in"), anchor=False)
            if not settings.problems:
                st.markdown(_("Work on this server belongs to people who sign in. You then go on to where you wanted."))
        if settings.problems:
            _why_nobody_can(_, settings)
        else:
            _ways_in(_, settings)


def account(_: Words) -> None:
    """In the context bar: who one is to others; signing in and out."""
    person = session.person()
    if person is None:
        if visitor.signs_in() and not is_asked():
            with st.popover(_("Sign in"), icon=":material/login:", type="tertiary", key="account"):
                _ways_in(_, sign_in.configured() or SignIn())
        return
    label = visitor.called(_, person) if person.name or person.email else _("You")
    with st.popover(_short(label), icon=":material/account_circle:", type="tertiary", key="account"):
        if person.kind == "member":
            _signed_in(_, person)
        else:
            _own_name(_, person)


def _ways_in(_: Words, settings: SignIn) -> None:
    one = len(settings.providers) == 1
    for provider in settings.providers:
        named = provider.name != DEFAULT
        label = _("Sign in with {provider}", provider=escape_markdown(provider.name)) if named else _("Sign in")
        pressed = st.button(
            label,
            icon=":material/login:",
            type="primary" if one else "secondary",
            width="stretch",
            key=f"sign-in-{provider.name}",
        )
        if pressed:
            st.login(provider.name if named else None)


def _why_nobody_can(_: Words, settings: SignIn) -> None:
    st.error(_("Nobody can sign in yet: the sign-in of this server is not set up completely."), icon=":material/lock:")
    st.markdown(_("For whoever runs this server:"))
    listed = (_.phrase(f"sign_in.{problem.code}", about=problem.about) for problem in settings.problems)
    st.markdown("\n".join(f"- {escape_markdown(text)}" for text in listed))


def _signed_in(_: Words, person: Person) -> None:
    with st.container(gap="xxsmall"):
        st.markdown(f"**{visitor.called(_, person)}**")
        if person.email and person.name:
            st.text(person.email)  # in Markdown, an address becomes a link
    if not person.email:
        st.markdown(_("Your provider has not confirmed an e-mail address: work that is shared by address stays shut."))
    if st.button(_("Sign out"), icon=":material/logout:", width="stretch", key="sign-out"):
        visitor.end_sign_in()
        st.logout()


def _own_name(_: Words, person: Person) -> None:
    session.bind("own-name", person.name)
    st.text_input(
        _("Your name, as others see it"),
        key="own-name",
        max_chars=people.MAX_NAME,
        placeholder=_("No name yet"),
        on_change=_rename,
    )
    if person.kind == "local":
        told = _("Only this machine can open the app: all work here is yours.")
    else:
        told = _("Your work belongs to this browser, by a cookie. Without the cookie nobody finds it again.")
    st.markdown(f":small[:gray[{told}]]")


def _rename() -> None:
    person = session.person()
    if person is None or person.kind == "member" or not person.id:
        return
    try:
        session.known_as(people.set_name(session.store(), person, session.widget_value("own-name")))
    except AnalysisError as error:
        session.tell(error)


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23].rstrip("\\") + "…"
