"""A spec's field as a widget. Each shows the stored value and stores a new one at once; options are stable codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from app_pages.ui import session


def select(section: str, field: str, label: str, options: Mapping[Any, str], **looks: Any) -> None:
    """One of ``options`` (code -> label)."""
    key, value = _bound(section, field)
    shown = _with_stale(options, [value])
    st.selectbox(
        label,
        list(shown),
        format_func=shown.__getitem__,
        key=key,
        on_change=_store,
        args=(section, field, key),
        **looks,
    )


def segmented(section: str, field: str, label: str, options: Mapping[Any, str], **looks: Any) -> None:
    """One of a few ``options``, all of them in sight."""
    key, value = _bound(section, field)
    shown = _with_stale(options, [value])
    st.segmented_control(
        label,
        list(shown),
        format_func=shown.__getitem__,
        key=key,
        required=True,
        on_change=_store,
        args=(section, field, key),
        **looks,
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
        **looks,
    )


def number(section: str, field: str, label: str, low: int, high: int, **looks: Any) -> None:
    """A whole number between ``low`` and ``high``."""
    key, value = _bound(section, field)
    session.bind(key, min(max(value, low), high))
    st.number_input(label, low, high, step=1, key=key, on_change=_store, args=(section, field, key), **looks)


def day(section: str, field: str, label: str, shown: date, first: date, last: date, **looks: Any) -> None:
    """A day between ``first`` and ``last``; ``shown`` stands for a stored None."""
    key, value = _bound(section, field)
    session.bind(key, min(max(value or shown, first), last))
    st.date_input(
        label,
        min_value=first,
        max_value=last,
        key=key,
        required=True,
        on_change=_store,
        args=(section, field, key),
        **looks,
    )


def _bound(section: str, field: str, convert: Callable[[Any], Any] = lambda value: value) -> tuple[str, Any]:
    """The widget's fixed key, and the stored value put under it."""
    holder = getattr(session.workspace(), section) if section else session.workspace()
    value = convert(getattr(holder, field))
    key = f"{section}.{field}"
    session.bind(key, value)
    return key, value


def _with_stale(options: Mapping[Any, str], values: Sequence[Any]) -> dict[Any, str]:
    """A stored value that is no longer on offer stays in sight, so that it can be seen and taken out."""
    return {**options, **{value: str(value) for value in values if value not in options}}


def _store(section: str, field: str, key: str, convert: Callable[[Any], Any] = lambda value: value) -> None:
    value = convert(session.widget_value(key))
    if section:
        session.change_spec(section, **{field: value})
    else:
        session.change(**{field: value})
