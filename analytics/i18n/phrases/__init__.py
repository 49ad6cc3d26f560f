"""English source words for every code that analytics returns: one module per area, merged here.

Keys: ``error.<code>`` and ``error.<code>.remedy``; ``caveat.<code>`` and ``caveat.<code>.body``;
``issue.<code>`` ...; ``field.<name>``; ``table.<name>``; ``option.<spec field>.<value>``; ``progress.<step>``.
Each value is marked with ``N_`` so that it is extracted for translation.
"""

from __future__ import annotations

import importlib
import pkgutil


def load() -> dict[str, str]:
    """All phrases. A code defined in two modules is an error."""
    merged: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        phrases: dict[str, str] = importlib.import_module(f"{__name__}.{module.name}").PHRASES
        twice = merged.keys() & phrases.keys()
        if twice:
            raise ValueError(f"phrases defined twice: {sorted(twice)}")
        merged |= phrases
    return merged
