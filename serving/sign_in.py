"""What the secrets say about signing in, checked before anybody tries: half a configuration signs nobody in.

No sign-in is the default, on one's own machine. As soon as the secrets have a section ``[auth]``, or the environment
says ``REGULARS_SIGN_IN=required``, everybody must sign in, and what is wrong with the section locks the door instead
of leaving it open.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

DEFAULT = "default"
SHARED = ("redirect_uri", "cookie_secret")
OF_A_PROVIDER = ("client_id", "client_secret", "server_metadata_url")
MIN_SECRET = 32  # characters; who guesses the secret signs in as anybody
CLAIMS = frozenset({"iss", "sub", "aud", "iat", "email", "email_verified", "name", "provider", "is_logged_in"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps sign-in from working: a code with words in ``phrases/people.py``, and what it is about."""

    code: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider: its section in the secrets (``default`` for ``[auth]`` itself), our name with it."""

    name: str
    client_id: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """Sign-in as configured. With any problem nobody is signed in."""

    providers: tuple[Provider, ...] = ()
    problems: tuple[Problem, ...] = ()

    def provider(self, name: object) -> Provider | None:
        return next((found for found in self.providers if found.name == name), None)


def configured() -> SignIn | None:
    """Sign-in as the secrets of this server tell it; None where nobody signs in."""
    required = os.environ.get("REGULARS_SIGN_IN", "").strip().lower() == "required"
    try:
        section = st.secrets["auth"]
    except KeyError:
        section = None
    except FileNotFoundError:  # also where a file is there and cannot be read as TOML
        unreadable = [path for path in st.get_option("secrets.files") if Path(path).exists()]
        if unreadable:
            return SignIn(problems=(Problem("secrets_unreadable"),))
        section = None
    except (OSError, UnicodeDecodeError):
        return SignIn(problems=(Problem("secrets_unreadable"),))
    if section is None:
        return SignIn(problems=(Problem("auth_absent"),)) if required else None
    if not isinstance(section, Mapping):
        return SignIn(problems=(Problem("auth_incomplete", "[auth]"),))
    return checked(section)


def checked(section: Mapping[str, Any]) -> SignIn:
    """The section ``[auth]`` and all that is wrong with it."""
    problems = [Problem("auth_incomplete", name) for name in SHARED if not _text(section.get(name))]
    if _text(section.get("cookie_secret")) and len(str(section["cookie_secret"])) < MIN_SECRET:
        problems.append(Problem("auth_secret_short", str(MIN_SECRET)))
    if _text(section.get("redirect_uri")) and not _leads_back(str(section["redirect_uri"])):
        problems.append(Problem("auth_redirect", str(section["redirect_uri"])))
    named = {name: part for name, part in section.items() if isinstance(part, Mapping) and name != "client_kwargs"}
    if any(section.get(name) for name in OF_A_PROVIDER) or not named:
        named = {DEFAULT: section, **named}
    providers = []
    for name, part in named.items():
        absent = [key for key in OF_A_PROVIDER if not _text(part.get(key))]
        where = "" if part is section else f"auth.{name}: "
        problems += [Problem("auth_incomplete", where + key) for key in absent]
        if "_" in name:  # Streamlit tells providers apart by this letter
            problems.append(Problem("auth_provider_name", name))
        if not absent:
            providers.append(Provider(name, str(part["client_id"])))
    if not _has_authlib():
        problems.append(Problem("authlib_absent"))
    mapped = st.get_option("server.trustedUserHeaders")
    if isinstance(mapped, Mapping) and CLAIMS & set(mapped.values()):
        problems.append(Problem("auth_trusted_headers"))  # a header would stand above what the provider signed
    return SignIn(tuple(providers), tuple(problems))


def owners() -> frozenset[str]:
    """The e-mails of ``REGULARS_OWNERS``, who may operate where a provider vouches for them."""
    listed = os.environ.get("REGULARS_OWNERS", "").split(",")
    return frozenset(email.strip().lower() for email in listed if email.strip())


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    bare = host.removeprefix("[").removesuffix("]")
    if bare.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _leads_back(redirect_uri: str) -> bool:
    """Whether it is our own address of return, behind TLS unless it is this machine."""
    try:
        parts = urlsplit(redirect_uri.replace("{port}", "8501"))
        host = parts.hostname or ""
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return safe and bool(host) and parts.path.endswith("/oauth2callback") and not parts.query and not parts.fragment


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _has_authlib() -> bool:
    from streamlit.auth_util import is_authlib_installed

    return is_authlib_installed()
