"""The cookies around the page: which browser this is, and where a visitor wanted to go before they signed in.

A browser that nobody signed in with is known by 32 random bytes in a cookie that no script can read. One's own machine
needs no cookie and gets none; where people sign in, what tells who they are is the sign-in.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import sign_in
from serving.sign_in import is_loopback

LOG = logging.getLogger("regulars.serving")
COOKIE = "regulars_visitor"
# Behind TLS the browser itself sees to it that no neighbouring host has put the cookie there.
HOST_COOKIE = f"__Host-{COOKIE}"
RETURN_COOKIE = "regulars_return"
SIGNED_IN_COOKIE = "_streamlit_user"  # Streamlit's own
MAX_AGE = 400 * 24 * 3600  # as long as browsers keep one; each visit begins the days anew
RETURN_AGE = 15 * 60
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")
LANDING = re.compile(r"[a-z_]{1,40}\Z")
PARAMETERS = {  # of the URL, worth coming back to: a private link, a workspace, a world
    "k": re.compile(r"[A-Za-z0-9_-]{1,200}\Z"),
    "w": re.compile(r"[0-9a-f]{32}\Z"),
    "s": re.compile(r"[A-Za-z0-9_.~=-]{1,2000}\Z"),
}
# What a proxy adds. Whoever comes through one is not sitting at this machine.
FORWARDING = ("x-forwarded", "x-original", "x-envoy", "x-amz", "x-azure", "cf-", "fly-")
FORWARDED = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"})
NO_PAGE = frozenset({"_stcore", "auth", "component", "media", "static"})


class VisitorCookie:
    """ASGI middleware that sets the cookies on the page's document and leads back to where the sign-in began."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            tell_operator()
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        request = Headers(scope=scope)

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_cookies(scope, request, message)
            await send(message)

        await self.app(scope, receive, send_with_cookies)


def tell_operator() -> None:
    """What is wrong with the sign-in, in the log, once at the start. No secret is in it."""
    settings = sign_in.configured()
    for problem in settings.problems if settings else ():
        LOG.error("nobody can sign in: %s %s", problem.code, problem.about)


def token_of(cookies: Mapping[str, str]) -> str | None:
    """The token of a browser, if its cookie is one of ours."""
    for name in (HOST_COOKIE, COOKIE):
        if TOKEN.match(cookies.get(name, "")):
            return cookies[name]
    return None


def is_local(headers: Iterable[tuple[str, str]], address: str | None, *, peer_is_here: bool) -> bool:
    """Whether a request can only come from a browser on this machine that opened this app itself.

    Parameters
    ----------
    headers : of the request, lower or upper case, repeated ones repeated.
    address : where the server listens (``server.address``); only loopback will do.
    peer_is_here : whether the connection itself comes from this machine.

    A page of another site that gives its name this machine's address keeps its own name in ``Host``; a page of another
    port keeps its own in ``Origin``; a proxy says that it forwards. Where a proxy on this machine does not say so, set
    ``REGULARS_LOCAL=no``.
    """
    if os.environ.get("REGULARS_LOCAL", "").strip().lower() in {"0", "no", "false", "off"}:
        return False
    if not peer_is_here or not address or not is_loopback(address):
        return False
    pairs = [(name.lower(), value.strip()) for name, value in headers]
    if any(name in FORWARDED or name.startswith(FORWARDING) for name, _value in pairs):
        return False
    hosts = [value for name, value in pairs if name == "host"]
    origins = [value for name, value in pairs if name == "origin"]
    if len(hosts) != 1 or not is_loopback(_name_of(hosts[0])):
        return False
    return not origins or (len(origins) == 1 and origins[0] in (f"http://{hosts[0]}", f"https://{hosts[0]}"))


def landing(path: str, query: str) -> str:
    """What is worth coming back to of an address of ours: a page's name and the known parameters, else "".

    Whatever comes in, only a relative address of this app comes out: built anew from parts that passed, never copied.
    """
    last = path.rstrip("/").rpartition("/")[2]
    page = last if LANDING.match(last) and last not in NO_PAGE else ""
    pairs = dict(parse_qsl(query[:4000]))
    known = {name: pairs[name] for name, form in PARAMETERS.items() if form.match(pairs.get(name, ""))}
    return page + ("?" + urlencode(known) if known else "")


def _add_cookies(scope: Scope, request: Headers, message: Message) -> None:
    answer = MutableHeaders(scope=message)
    path = scope["path"]
    if path.endswith("/oauth2callback"):
        _lead_back(scope, request, message, answer)
    elif path.endswith("/auth/logout"):
        _forget_return(scope, request, answer)
    elif _is_page(path, request, message, answer):
        if sign_in.configured() is None:
            _know_again(scope, request, answer)
        else:
            wish = landing(path, scope["query_string"].decode("latin-1"))
            if wish:
                _set(scope, request, answer, RETURN_COOKIE, quote(wish, safe=""), RETURN_AGE)
            else:
                _forget_return(scope, request, answer)


def _is_page(path: str, request: Headers, message: Message, answer: MutableHeaders) -> bool:
    if NO_PAGE & set(path.split("/")):
        return False
    if message["status"] == 304:
        return "text/html" in request.get("accept", "")
    return message["status"] == 200 and answer.get("content-type", "").startswith("text/html")


def _know_again(scope: Scope, request: Headers, answer: MutableHeaders) -> None:
    client = scope.get("client")
    here = client is None or is_loopback(str(client[0]))
    if is_local(request.items(), st.get_option("server.address"), peer_is_here=here):
        return
    secure = _behind_tls(scope, request)
    name = HOST_COOKIE if secure and _root() == "/" else COOKIE
    sent = _cookies(request).get(name, "")
    token = sent if TOKEN.match(sent) else secrets.token_urlsafe(32)
    _set(scope, request, answer, name, token, MAX_AGE)


def _lead_back(scope: Scope, request: Headers, message: Message, answer: MutableHeaders) -> None:
    """After a sign-in that worked, to where the visitor wanted to go; the cookie's own words are never believed."""
    wish = unquote(_cookies(request).get(RETURN_COOKIE, ""))
    base = answer.get("location", "")
    signed_in = any(
        cookie.startswith(f"{SIGNED_IN_COOKIE}=") and "max-age=0" not in cookie.lower()
        for cookie in answer.getlist("set-cookie")
    )
    if not wish or not signed_in or message["status"] not in (302, 303, 307):
        return
    _forget_return(scope, request, answer)
    if base.startswith("/") and not base.startswith("//"):
        page, _mark, query = wish.partition("?")
        answer["location"] = base.rstrip("/") + "/" + landing("/" + page, query)


def _set(scope: Scope, request: Headers, answer: MutableHeaders, name: str, value: str, seconds: int) -> None:
    secure = "; Secure" if _behind_tls(scope, request) else ""
    cookie = f"{name}={value}; Max-Age={seconds}; Path={_root()}; HttpOnly; SameSite=Lax{secure}"
    answer.append("set-cookie", cookie)
    # A cache in between would hand this browser's cookie to the next one.
    answer["cache-control"] = "no-store"


def _forget_return(scope: Scope, request: Headers, answer: MutableHeaders) -> None:
    if RETURN_COOKIE in _cookies(request):
        _set(scope, request, answer, RETURN_COOKIE, "", 0)


def _behind_tls(scope: Scope, request: Headers) -> bool:
    """Whether the browser came by https. Anybody may claim it: it can only make their own cookie stricter."""
    return scope.get("scheme") == "https" or request.get("x-forwarded-proto", "").split(",")[0].strip() == "https"


def _cookies(request: Headers) -> Mapping[str, str]:
    return cookie_parser("; ".join(request.getlist("cookie")))


def _root() -> str:
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else "/"


def _name_of(host: str) -> str:
    """The host name of a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host
