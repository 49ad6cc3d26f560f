"""What was known of each customer at the end of a cut-off day, counted from rows up to that day and from no other.

Rates are compared with the customer's own past: half a count is added to both sides, and both are told for the days
they had, so that a customer of three weeks is not compared with three months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from analytics.churn.ledger import BEFORE_ALL, Floats, Ledger, Ledgers, as_date
from analytics.rhythm import Rhythm, learn_rhythm

Family = Literal["orders", "use", "contact", "feedback", "tenure", "attribute", "campaign"]
EVENT_TYPE = "use_30_of: "  # followed by the type of event
CONTACT_REASON = "contacts_30_of: "  # followed by the reason
_WEEKS = 8
_NEAR = 70  # days: an own past that lies before most declines


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the models' matrix: the feature it belongs to, and the level it marks ("" for a number)."""

    feature: str
    family: Family
    level: str = ""


Parts = dict[Column, Floats]


def rhythm_at(ledgers: Ledgers, day: int, quantile: float = 0.9) -> Rhythm | None:
    """The customers' rhythm of ordering as it could be learned on ``day``."""
    orders = ledgers.orders
    if orders is None:
        return None
    span = orders.last_day - orders.first_day + 2
    seen = orders.days <= day
    days = pl.DataFrame({"customer": (orders.keys // span)[seen], "day": orders.days[seen].astype(np.int32)})
    return learn_rhythm(days, as_date(day), quantile)


def describe_day(ledgers: Ledgers, day: int, rhythm: Rhythm | None) -> Parts:
    """Every feature that the tables allow, of all customers (by position) at the end of ``day``."""
    numbers: dict[Family, dict[str, Floats]] = {"tenure": _tenure(ledgers, day)}
    tenure = np.maximum(numbers["tenure"]["tenure_days"], 1.0)
    if ledgers.orders is not None:
        numbers["orders"] = _orders(ledgers, ledgers.orders, day, tenure, rhythm)
    if ledgers.events is not None:
        numbers["use"] = _use(ledgers, ledgers.events, day, tenure)
    if ledgers.contacts is not None:
        numbers["contact"] = _contact(ledgers.contacts, day)
    if ledgers.feedback is not None:
        numbers["feedback"] = _feedback(ledgers.feedback, day)
    if ledgers.campaigns is not None:
        numbers["campaign"] = _campaign(ledgers.campaigns, day)
    parts = {Column(name, family): values for family, held in numbers.items() for name, values in held.items()}
    for name in ledgers.orders.codes if ledgers.orders is not None else ():
        assert ledgers.orders is not None
        codes, levels = ledgers.orders.latest(name, day), ledgers.orders.codes[name][1]
        parts |= {Column(f"last_{name}", "orders", level): (codes == i) * 1.0 for i, level in enumerate(levels)}
    for ledger in ledgers.dated():
        ledger.forget()
    return parts


def log_ratio(recent: Floats, recent_days: Floats | float, past: Floats, past_days: Floats | float) -> Floats:
    """Logarithm of a recent rate against an own past rate, half a count added to each; NaN without a past."""
    past_days = np.asarray(past_days, float)
    with np.errstate(all="ignore"):
        ratio = np.log((recent + 0.5) / np.asarray(recent_days, float)) - np.log((past + 0.5) / past_days)
    return np.where(past_days >= 7, ratio, np.nan)


def decline(recent: Floats, recent_days: Floats | float, past: Floats, past_days: Floats | float) -> Floats:
    """Signed root of the likelihood ratio of two Poisson rates (negative: fewer than before), NaN without a past."""
    recent_days, past_days = np.broadcast_arrays(np.asarray(recent_days, float), np.asarray(past_days, float))
    with np.errstate(all="ignore"):
        together = recent + past
        expected = together * recent_days / (recent_days + past_days)
        expected_past = together - expected
        part = np.where(recent > 0, recent * np.log(recent / expected), 0.0)
        part = part + np.where(past > 0, past * np.log(past / expected_past), 0.0)
        signed = np.sign(recent - expected) * np.sqrt(2 * np.maximum(part, 0.0))
    return np.where(past_days >= 7, np.where(together > 0, signed, 0.0), np.nan)


def _tenure(ledgers: Ledgers, day: int) -> dict[str, Floats]:
    return {"tenure_days": day - ledgers.first_seen(day)}


def _orders(ledgers: Ledgers, orders: Ledger, day: int, tenure: Floats, rhythm: Rhythm | None) -> dict[str, Floats]:
    n_days = orders.ever("n_days", day)
    last, first = orders.last(day), orders.first(day)
    silence = day - last
    span = last - first
    found: dict[str, Floats] = {"order_recency_days": silence}
    with np.errstate(all="ignore"):
        # The mean gap of all customers stands in as one gap of each.
        typical = np.nansum(span) / max(float(np.nansum(np.maximum(n_days - 1, 0))), 1.0)
        gap = (np.where(np.isfinite(span), span, 0) + typical) / np.maximum(n_days, 1)
        found["order_recency_ratio"] = silence / np.maximum(gap, 1.0)
        found["order_gap_days"] = gap
    if rhythm is not None:
        n = np.maximum(n_days - 1, 0)
        known = n_days > 0
        asked = (np.where(known, n, 0).astype(np.int64), np.where(known, span, 0).astype(np.int64))
        found["order_overdue"] = np.where(known, silence / rhythm.lapsed_after_days(*asked), np.nan)
        found["p_stayed"] = np.where(known, rhythm.p_stayed(*asked, np.where(known, silence, 0)), np.nan)
    for days in (30, 90, 365):
        found[f"orders_{days}"] = orders.between("n_orders", day - days, day)
    found["orders_ever"] = orders.ever("n_orders", day)
    past_days = np.clip(tenure - 90, 0, 365)
    past = orders.between("n_orders", day - 455, day - 90)
    found["orders_trend"] = log_ratio(found["orders_90"], np.minimum(tenure, 90), past, past_days)
    if np.any(orders.totals["amount"]):
        scale = ledgers.money_scale
        found["value_90"] = orders.between("amount", day - 90, day) / scale
        found["value_365"] = orders.between("amount", day - 365, day) / scale
        latest, before = orders.on_last("amount", day) / scale, orders.on_last("amount", day, 1) / scale
        found["last_amount"] = latest
        with np.errstate(all="ignore"):
            mean = orders.ever("amount", day) / scale / np.maximum(n_days, 1)
            found["mean_amount"] = np.where(n_days > 0, mean, np.nan)
            found["amount_change"] = np.where((latest > 0) & (before > 0), np.log(latest / before), np.nan)
    return found


def _use(ledgers: Ledgers, events: Ledger, day: int, tenure: Floats) -> dict[str, Floats]:
    ever = events.ever("n_days", day)
    last = events.last(day)
    found: dict[str, Floats] = {"use_recency_days": np.where(np.isfinite(last), day - last, tenure)}
    observed = np.minimum(tenure, day - events.first_day + 1)
    found["use_recency_ratio"] = found["use_recency_days"] * (ever + 0.5) / (observed + 1)
    measures = {"n_days": "use_days", "n_events": "use_events", "seconds": "use_minutes"}
    for measure, name in measures.items():
        if measure not in events.totals:
            continue
        unit = 60.0 if measure == "seconds" else 1.0
        windows = (7, 14, 30, 60, 90) if measure == "n_days" else (30,)
        for days in windows:
            found[f"{name}_{days}"] = events.between(measure, day - days, day) / unit
        for near, far in ((14, 28), (30, 60)) if measure == "n_days" else ((30, 60),):
            # Against the days before, and against what was usual before any decline of the last weeks.
            over = np.minimum(observed, near).clip(1)
            recent = events.between(measure, day - near, day) / unit
            for past_name, begin, end in (("change", far, near), ("against_usual", 365, _NEAR)):
                past_days = np.clip(observed - end, 0, begin - end)
                past = events.between(measure, day - begin, day - end) / unit
                found[f"{name}_{past_name}_{near}"] = log_ratio(recent, over, past, past_days)
                if measure == "n_days" and past_name == "against_usual":
                    found[f"use_decline_{near}"] = decline(recent, over, past, past_days)
    past_days = np.clip(observed - _NEAR, 0, 365 - _NEAR)
    with np.errstate(all="ignore"):
        usual = events.between("n_days", day - 365, day - _NEAR) / past_days * 30
    found["use_usual"] = np.where(past_days >= 7, usual, np.nan)
    found["use_rate"] = ever / np.maximum(observed, 1) * 30
    weeks = np.stack([events.between("n_days", day - 7 * (i + 1), day - 7 * i) for i in range(_WEEKS)])
    x = np.arange(_WEEKS)[::-1] - (_WEEKS - 1) / 2
    found["use_slope"] = (weeks * x[:, None]).sum(0) / (x**2).sum() / (weeks.mean(0) + 0.5)
    for at, name in enumerate(ledgers.event_types):
        found[EVENT_TYPE + name] = events.between(f"type_{at}", day - 30, day)
    return found


def _contact(contacts: Ledger, day: int) -> dict[str, Floats]:
    last = contacts.last(day)
    found = {
        "contact_recency_days": day - last,
        "contacts_30": contacts.between("n", day - 30, day),
        "contacts_90": contacts.between("n", day - 90, day),
        "contacts_365": contacts.between("n", day - 365, day),
    }
    for name in contacts.totals:
        if name.startswith("of: "):
            found[CONTACT_REASON + name.removeprefix("of: ")] = contacts.between(name, day - 30, day)
    if "open" in contacts.totals:
        found["contacts_unresolved_90"] = contacts.between("open", day - 90, day)
    if "wait_s" in contacts.totals:
        with np.errstate(all="ignore"):
            wait = contacts.between("wait_s", day - 180, day) / 60 / contacts.between("n", day - 180, day)
        found["contact_wait_minutes"] = np.where(np.isfinite(wait), wait, np.nan)
    return found


def _feedback(feedback: Ledger, day: int) -> dict[str, Floats]:
    n = feedback.between("n", day - 365, day)
    with np.errstate(all="ignore"):
        mean = feedback.between("rating", day - 365, day) / n
        latest = feedback.on_last("rating", day) / feedback.on_last("n", day)
    return {"feedbacks_365": n, "rating_mean": np.where(n > 0, mean, np.nan), "rating_last": latest}


def _campaign(campaigns: Ledger, day: int) -> dict[str, Floats]:
    return {
        "campaigns_90": campaigns.between("n", day - 90, day),
        "campaigns_ever": campaigns.between("n", BEFORE_ALL, day),
    }
