"""A spec's field as a widget. Each shows the stored value and stores a new one at once; options are stable codes.

``section`` is the spec's path in the Workspace: "demand", "segmentation.rfm", "scenarios.0.population".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, get_args, get_type_hints

import streamlit as st

from analytics.i18n import Words
from app_pages.ui import session

Resets = Mapping[str, Mapping[str, Any]]
AUTOMATIC = "auto"  # stands for a stored None: a select box shows None as nothing chosen


def _same(value: Any) -> Any:
    return value


def _shown(stored: Any) -> Any:
    return AUTOMATIC if stored is None else stored


def _decided(shown: Any) -> Any:
    return None if shown == AUTOMATIC else shown


def select(
    section: str, field: str, label: str, options: Mapping[Any, str], *, resets: Resets | None = None, **looks: Any
) -> None:
    """One of ``options`` (code -> label); the code None means that the analysis decides.

    ``resets`` are fields of other specs that a change here makes meaningless: section -> field -> value.
    """
    _one_of(st.selectbox, section, field, label, options, resets, **looks)


def segmented(
    section: str, field: str, label: str, options: Mapping[Any, str], *, resets: Resets | None = None, **looks: Any
) -> None:
    """One of a few ``options``, all of them in sight."""
    _one_of(st.segmented_control, section, field, label, options, resets, required=True, **looks)


def slider(section: str, field: str, label: str, options: Mapping[Any, str], **looks: Any) -> None:
    """One of a few ordered ``options`` (code -> label), chosen by sliding."""
    _one_of(st.select_slider, section, field, label, options, None, **looks)


def _one_of(
    drawn: Callable[..., Any],
    section: str,
    field: str,
    label: str,
    options: Mapping[Any, str],
    resets: Resets | None,
    **looks: Any,
) -> None:
    key, value = _bound(section, field, _shown)
    shown = _with_stale({_shown(code): text for code, text in options.items()}, [value])
    drawn(
        label,
        list(shown),
        format_func=shown.__getitem__,
        key=key,
        on_change=_store,
        args=(section, field, key, _decided, resets),
        **_courteous(section, field, looks),
    )


def several(section: str, field: str, label: str, options: Mapping[Any, str], **looks: Any) -> None:
    """Any number of ``options``, stored as a tuple in the options' order."""
    key, value = _bound(section, field, list)
    shown = _with_stale(options, value)

    def in_order(chosen: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(option for option in shown if option in chosen)

    st.multiselect(
        label,
        list(shown),
        format_func=shown.__getitem__,
        key=key,
        on_change=_store,
        args=(section, field, key, in_order),
        # Streamlit's own invitation is in English whatever the person reads.
        **{"placeholder": "–", **_courteous(section, field, looks)},
    )


def number(section: str, field: str, label: str, low: float, high: float, **looks: Any) -> None:
    """A number between ``low`` and ``high``; whole where both are ``int``."""
    key, value = _bound(section, field)
    session.bind(key, min(max(value, low), high))
    step = 1 if isinstance(low, int) and isinstance(high, int) else 0.01 if high <= 1 else 1.0
    looks = _courteous(section, field, looks)
    st.number_input(label, low, high, step=step, key=key, on_change=_store, args=(section, field, key), **looks)


def day(section: str, field: str, label: str, shown: date, first: date, last: date, **looks: Any) -> None:
    """A day between ``first`` and ``last``; ``shown`` stands for a stored None."""
    key, value = _bound(section, field)
    there = min(max(value or shown, first), last)
    session.bind(key, there)

    def kept(chosen: date | None) -> date:
        """An emptied field keeps its day; ``required`` would say so in English."""
        return chosen or there

    st.date_input(
        label,
        min_value=first,
        max_value=last,
        key=key,
        on_change=_store,
        args=(section, field, key, kept),
        **_courteous(section, field, looks),
    )


_hints = cache(get_type_hints)  # evaluating them takes longer than drawing the widget


def options(section: str, field: str, _: Words) -> dict[Any, str]:
    """The values that a spec's field allows (its ``Literal``), with their words ``option.<field>.<value>``."""
    allowed = get_args(_hints(type(session.spec(section)))[field])
    return {value: _.phrase(f"option.{field}.{value}") for value in allowed}


def is_locked(section: str, field: str = "") -> bool:
    """Whether this visitor may only look at a choice. The session refuses the change itself; this is courtesy."""
    return not (session.is_looked_at(section, field) or session.may("change"))


def _courteous(section: str, field: str, looks: dict[str, Any]) -> dict[str, Any]:
    return {**looks, "disabled": looks.get("disabled", False) or is_locked(section, field)}


def _bound(section: str, field: str, convert: Callable[[Any], Any] = _same) -> tuple[str, Any]:
    """The widget's fixed key, and the stored value put under it."""
    value = convert(getattr(session.spec(section), field))
    key = f"{section}.{field}"
    session.bind(key, value)
    return key, value


def _with_stale(options: Mapping[Any, str], values: Sequence[Any]) -> dict[Any, str]:
    """A stored value that is no longer on offer stays in sight, so that it can be seen and taken out."""
    return {**options, **{value: str(value) for value in values if value not in options}}


def _store(
    section: str,
    field: str,
    key: str,
    convert: Callable[[Any], Any] = _same,
    resets: Resets | None = None,
) -> None:
    value = convert(session.widget_value(key))
    session.change_specs({section: {field: value}, **(resets or {})})
