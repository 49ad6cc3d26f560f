"""The headers of every answer, and what is not answered at all."""

from __future__ import annotations

from starlette.middleware import Middleware

MIDDLEWARE: list[Middleware] = []
