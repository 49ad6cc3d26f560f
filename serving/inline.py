"""The one script that a page writes into its document, in the exact characters that the headers allow."""

from __future__ import annotations

LANGUAGE_TAGS = ("en", "zh-Hans-CN", "zh-Hant-TW")


def language_script(tag: str) -> str:
    """Names the document's language, by which Chinese glyphs and punctuation are chosen."""
    if tag not in LANGUAGE_TAGS:
        raise ValueError(f"no such language: {tag!r}")
    return f"document.documentElement.lang='{tag}'"
