"""The mark for translation, apart from ``words`` so that phrases can use it without a circle."""


def N_(text: str) -> str:
    """Mark ``text`` for translation without translating it."""
    return text
