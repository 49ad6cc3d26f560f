"""The headers of every answer, and what is not answered at all.

Streamlit sends none of these headers by itself and answers more addresses than this app needs. Both are set right here,
around the whole server, so that they hold with and without a proxy in front.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.inline import LANGUAGE_TAGS, language_script
from serving.logs import RequestLog
from serving.visitors import VisitorCookie

MB = 2**20
DENIED = (  # what a browser may do for this page: copying to the clipboard and full screen, nothing else
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
PERMISSIONS = ", ".join([*(f"{name}=()" for name in DENIED), "clipboard-write=(self)", "fullscreen=(self)"])
ANCESTOR = re.compile(r"'self'|https?://(\*\.)?[A-Za-z0-9.-]+(:\d+)?")
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)

# All that the app's own pages ask for. Everything else that Streamlit would answer (its interface for programs, custom
# components, static files of the app, a health check that runs a whole page) is closed.
GET = frozenset({"GET", "HEAD"})
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+")
OPEN: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"/(?!_stcore)[^/]*"), GET),  # the page's document, one step per page; its icon; sign-in's way back
    (re.compile(r"/static/.+"), GET),
    (re.compile(r"/media/[^/]+"), GET),
    (re.compile(r"/auth/(login|logout)"), GET),
    (re.compile(r"/_stcore/(health|host-config)"), GET),
    (UPLOAD, frozenset({"PUT", "DELETE", "OPTIONS"})),
)
STREAM = "/_stcore/stream"
METRICS = "/_stcore/metrics"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says about serving."""

    base_path: str = ""  # server.baseUrlPath, with a leading and no closing slash
    frame_ancestors: tuple[str, ...] = ()  # pages that may embed this app; none
    metrics_token: str = field(default="", repr=False)  # who shows it may read /_stcore/metrics; "": nobody
    session_upload_bytes: int = 800 * MB  # what Streamlit holds of one session's uploads while it lives
    upload_bytes: int = 2000 * MB  # the same over all sessions
    log_requests: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """From ``REGULARS_FRAME_ANCESTORS``, ``REGULARS_METRICS_TOKEN``, ``REGULARS_SESSION_UPLOAD_MB``,
        ``REGULARS_UPLOAD_MB`` and ``REGULARS_LOG_REQUESTS``; raises ValueError on what cannot be meant."""
        from streamlit import config

        ancestors = tuple(environment.get("REGULARS_FRAME_ANCESTORS", "").split())
        for ancestor in ancestors:
            if not ANCESTOR.fullmatch(ancestor):
                raise ValueError(f"REGULARS_FRAME_ANCESTORS: {ancestor!r} is neither 'self' nor https://host")
        token = environment.get("REGULARS_METRICS_TOKEN", "")
        if token and len(token) < 16:
            raise ValueError("REGULARS_METRICS_TOKEN needs at least 16 characters")
        base = str(config.get_option("server.baseUrlPath") or "").strip("/")
        return cls(
            base_path=f"/{base}" if base else "",
            frame_ancestors=ancestors,
            metrics_token=token,
            session_upload_bytes=int(environment.get("REGULARS_SESSION_UPLOAD_MB", "800")) * MB,
            upload_bytes=int(environment.get("REGULARS_UPLOAD_MB", "2000")) * MB,
            log_requests=environment.get("REGULARS_LOG_REQUESTS", "") == "1",
        )


def inline_hashes(document: str) -> tuple[str, ...]:
    """CSP sources of the scripts that stand in a document, of no others."""
    return tuple(_hash(script) for script in INLINE.findall(document))


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def content_security_policy(frame_ancestors: tuple[str, ...] = ()) -> str:
    """The policy: everything from this server alone.

    Scripts are this server's files, the one line in Streamlit's document and the line that names the page's language;
    neither ``unsafe-inline`` nor ``unsafe-eval`` (Streamlit interprets Vega's expressions, it does not compile them).
    WebAssembly is what its message decoder counts with; it cannot reach the page.
    Styles must be allowed inline: Streamlit writes its theme as style elements while it runs.
    """
    from streamlit import file_util

    document = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    scripts = [*inline_hashes(document), *(_hash(language_script(tag)) for tag in LANGUAGE_TAGS)]
    parts = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "'wasm-unsafe-eval'", *scripts]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "frame-src": "'none'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(frame_ancestors) or "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in parts.items())


class SecurityHeaders:
    """Sets the headers of every answer, refusals included.

    An address may carry the token of a private link: none is passed on (Referrer-Policy), and only the fingerprinted
    files of Streamlit's own are kept by browsers and proxies (Cache-Control).
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.static = f"{settings.base_path}/static/"
        self.always = {
            "Content-Security-Policy": content_security_policy(settings.frame_ancestors),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": PERMISSIONS,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Robots-Tag": "noindex, nofollow",
        }
        if not settings.frame_ancestors:
            self.always["X-Frame-Options"] = "DENY"  # cannot name other pages: left out where some may embed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.always.items():
                    headers[name] = value
                if scope.get("scheme") == "https":  # as the trusted proxy says
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                    message["headers"] = [_secure(name, value) for name, value in message["headers"]]
                    headers = MutableHeaders(scope=message)
                if not (scope["path"].startswith(self.static) and message["status"] in {200, 206, 304}):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, with_headers)


def _secure(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A cookie that is set over TLS comes back over TLS only; Streamlit, behind a proxy, does not know that it is."""
    if name.lower() == b"set-cookie" and b"; secure" not in value.lower():
        value += b"; Secure"
    return name, value


class ClosedRoutes:
    """Answers 404 to whatever the pages do not need, and bounds the uploads that live sessions hold in memory.

    ``/_stcore/metrics`` is open to who shows the token; without a token set, to nobody.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, waiting: Callable[[], Mapping[str, int]] | None = None
    ) -> None:
        self.app = app
        self.settings = settings
        self.waiting = waiting or _waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])
        inside = path.startswith(self.settings.base_path + "/")
        local = path[len(self.settings.base_path) :] if inside else ("/" if path == self.settings.base_path else "")
        if scope["type"] == "websocket":
            if local == STREAM:
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client sees 403
            return
        refusal = self._refusal(scope, local)
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope, path: str) -> PlainTextResponse | None:
        method, headers = scope["method"], Headers(scope=scope)
        if path == METRICS:
            known = self.settings.metrics_token
            shown = headers.get("authorization", "").removeprefix("Bearer ")
            allowed = bool(known) and method == "GET" and hmac.compare_digest(shown.encode(), known.encode())
            return None if allowed else PlainTextResponse("Not Found", 404)
        methods = next((methods for pattern, methods in OPEN if pattern.fullmatch(path)), None)
        if methods is None:
            return PlainTextResponse("Not Found", 404)
        if method not in methods:
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": ", ".join(sorted(methods))})
        upload = UPLOAD.fullmatch(path) if method == "PUT" else None
        return self._too_much(upload[1], headers) if upload else None

    def _too_much(self, session_id: str, headers: Headers) -> PlainTextResponse | None:
        length = headers.get("content-length", "")
        if not length.isdecimal():  # every browser tells; a body of unknown length cannot be bounded beforehand
            return PlainTextResponse("Length Required", 411)
        waiting = self.waiting()
        if waiting.get(session_id, 0) + int(length) > self.settings.session_upload_bytes:
            return PlainTextResponse("This session holds too many uploads", 413)
        if sum(waiting.values()) + int(length) > self.settings.upload_bytes:
            return PlainTextResponse("This server holds too many uploads", 503, {"Retry-After": "30"})
        return None


def _waiting() -> dict[str, int]:
    """Bytes of the uploads that each session still holds in memory, as Streamlit keeps them."""
    from streamlit import runtime

    if not runtime.exists():
        return {}
    kept: Any = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {session: sum(len(file.data) for file in list(files.values())) for session, files in list(kept.items())}


def middleware(settings: Settings | None = None) -> list[Middleware]:
    """What stands around Streamlit, from the outside in: refusals carry the headers too."""
    settings = settings or Settings.read()
    around = [
        Middleware(SecurityHeaders, settings=settings),
        Middleware(ClosedRoutes, settings=settings),
        Middleware(VisitorCookie),
    ]
    return [Middleware(RequestLog), *around] if settings.log_requests else around


MIDDLEWARE: list[Middleware] = middleware()
