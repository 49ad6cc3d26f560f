"""The cached steps behind the behaviour page: whose data, which segments, and each section's result."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import Any

from analytics.behaviour import (
    ConcentrationResult,
    MethodsResult,
    PreferencesResult,
    SpendingResult,
    describe_methods,
    describe_preferences,
    describe_spending,
    measure_concentration,
    method_kinds,
    of_segment,
    preference_kinds,
)
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.i18n import Words
from app_pages.ui import session, walk
from app_pages.ui.compute import compute

HEAVY_LINES = 150_000  # beyond these a section takes longer than a moment


def names(_: Words) -> dict[str, str]:
    """The segments that can be looked at by themselves: label -> name; none where customers cannot be cut."""
    with suppress(AnalysisError):
        return walk.names(_)
    return {}


def dataset() -> Dataset:
    """The observed Dataset, of the chosen segment alone where one is chosen."""
    segment = session.workspace().behaviour.segment
    return compute(of_segment, walk.observed(), walk.labels(), segment) if segment else walk.observed()


def labels() -> CustomerLabels | None:
    """The segments to compare; none where one is looked at by itself or where customers cannot be cut."""
    if not session.workspace().behaviour.segment:
        with suppress(AnalysisError):
            return walk.labels()
    return None


def spending() -> SpendingResult:
    return _run(describe_spending)


def concentration() -> ConcentrationResult:
    return _run(measure_concentration)


def concentration_if_any() -> ConcentrationResult | None:
    """For the answer card, which stands without it too."""
    with suppress(AnalysisError):
        return concentration()
    return None


def preferences() -> PreferencesResult:
    """Of the chosen kind, else of the first; raises ``AnalysisError("fields_missing")`` where there is none."""
    spec, kinds = session.workspace().behaviour, preferred()
    if not kinds:
        fields = ", ".join(dataset().missing("transactions.customer_id", "transactions.category", "transactions.brand"))
        raise AnalysisError("fields_missing", table="transactions", fields=fields.replace("transactions.", ""))
    kind = spec.affinity_by if spec.affinity_by in kinds else kinds[0]
    return _run(describe_preferences, dataclasses.replace(spec, affinity_by=kind), labels())


def preferred() -> tuple[str, ...]:
    """What preferences can be told of."""
    return tuple(kind for kind in compute(preference_kinds, dataset()) if kind in ("category", "brand", "channel"))


def methods() -> MethodsResult:
    """Of payment or channel, whichever is chosen and there; raises ``AnalysisError("fields_missing")``."""
    spec, kinds = session.workspace().behaviour, used()
    if not kinds:
        raise AnalysisError("fields_missing", table="transactions", fields="payment_method, channel")
    kind = spec.method_by if spec.method_by in kinds else kinds[0]
    return _run(describe_methods, dataclasses.replace(spec, method_by=kind), labels())


def used() -> tuple[str, ...]:
    """What switching can be told of."""
    return compute(method_kinds, dataset())


def _run(verb: Any, *inputs: Any) -> Any:
    data = dataset()
    lines = data.tables.get("transactions")
    return compute(verb, data, *inputs, heavy=lines is not None and lines.height > HEAVY_LINES)
