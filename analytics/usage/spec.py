"""The choices of the usage analysis, the steps it recognises by itself, and its result."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.errors import AnalysisError, Caveat

MOST_STEPS = 8
# What the usual exports call the usual steps, written without signs and spaces.
_WORDS = {
    "browse": (
        "view viewitem productview pageview pageviewed pv detail viewproduct productviewed itemview impression browse "
        "click search viewsearchresults searched "
        "浏览 浏览商品 商品浏览 瀏覽 瀏覽商品 商品瀏覽 查看 檢視 搜索 搜尋 点击 點擊"
    ),
    "cart": (
        "addtocart cart addcart addedtocart atc basket addtobasket addtobag productadded "
        "加购 加购物车 加入购物车 加購 加購物車 加入購物車 放入購物車"
    ),
    "checkout": (
        "checkout begincheckout startcheckout initiatecheckout checkoutstarted proceedtocheckout "
        "结算 去结算 提交订单 結帳 結算 前往結帳 提交訂單"
    ),
    "purchase": (
        "purchase buy bought order ordered orderplaced placeorder ordercompleted transaction payment paid pay sale "
        "购买 下单 支付 付款 購買 下單 成交"
    ),
}
STANDARD_STEPS: dict[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class UsageSpec:
    """How browsing events are read.

    Attributes
    ----------
    gap_minutes : events of a customer further apart than this belong to different sessions.
    steps : the funnel, each step the event types that count as it; empty: the standard steps found in the data.
    period_days : only the last so many days up to as-of; None: all events.
    recent_days : the days at the end that are held against the customer's own rhythm before them.
    level : a customer counts as declining when so few visits would have at most this probability at an unchanged
        rhythm.
    """

    gap_minutes: int = 30
    steps: tuple[tuple[str, ...], ...] = ()
    period_days: int | None = None
    recent_days: int = 60
    level: float = 0.05

    def __post_init__(self) -> None:
        limits = (
            ("gap_minutes", self.gap_minutes, 1, 1440),
            ("period_days", self.period_days, 7, 3650),
            ("recent_days", self.recent_days, 7, 365),
            ("level", self.level, 0.001, 0.2),
        )
        for field, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise AnalysisError("usage_setting", field=field, value=value, low=low, high=high)
        if len(self.steps) == 1 or len(self.steps) > MOST_STEPS or any(not step for step in self.steps):
            raise AnalysisError("usage_steps", n=len(self.steps), most=MOST_STEPS)
        named = [event for step in self.steps for event in step]
        twice = next((event for event in named if named.count(event) > 1), None)
        if twice is not None:
            raise AnalysisError("usage_step_twice", event=twice)


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A step as applied: a code of ``STANDARD_STEPS`` ("" for a person's own) and the event types that count as it."""

    name: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class UsageResult:
    """What the events up to ``as_of`` say. Intervals (lo, hi) are of 95 %; shares are 0-1; Int64 counts.

    Attributes
    ----------
    as_of, first_day : the last day that is seen and the first day with an event in the period.
    steps : the funnel as applied. event_types : all types there are, most frequent first.
    n_events, n_sessions, n_customers : events in sessions, sessions, customers with any.
    n_known : customers whom any table names. n_anonymous, n_undated : events that could not be used.
    median_minutes, events_per_session, sessions_per_customer : of a session or a customer; minutes run from the first
        event to the last, its own duration included where it is given.
    weeks : week (its Monday), n_sessions, n_customers, complete (False: the period begins or ends inside it).
    channels : channel, n_sessions, n_customers, session_share, events_per_session, median_minutes, purchase_share, lo,
        hi. A session's channel is that of its first event. Intervals allow for several sessions of one customer.
    sizes : measure ("events", "minutes"), low, high (null: no limit), n_sessions, session_share.
    funnel : unit ("session", "customer"), step (position from 0), n_reached (passed all steps up to here, in order,
        within one session), n_any (has such an event, in whatever order), conversion (of those at the step before), lo,
        hi, overall (of those at the first step). A customer counts with their best session.
    paths : purchased (Boolean), rank, path (List of event types, repeats next to each other collapsed; "…" stands for
        the middle of a long one; up to the first purchase), n_sessions, n_customers, share (of sessions with that
        outcome). At most five of each outcome. n_paths : outcome -> how many different ones there are.
    waits : kind ("first", "next" purchase), n_spells, n_bought, median_sessions, median_days (null: fewer than half
        have bought), share_first_session.
    wait_curve : kind, unit ("sessions", "days"), value, n_at_risk, n_bought, share (bought by then), lo, hi: the
        product-limit estimate, spells still open are censored at the end.
    features : event, n_events, n_sessions, n_customers, share_known (of ``n_known``), share_active (of
        ``n_customers``), lo, hi, events_per_active, events_per_user.
    decline : customer_id, n_before, n_recent (sessions), days_before, days_recent, before_30, recent_30 (sessions in 30
        days), rate_ratio (recent to before), lo, hi, p_value, q_value, declines (p_value at most ``level``), sure
        (q_value at most .1). Customers who could show a decline at all; the strongest first.
    decline_groups : label, n_customers, n_declining, n_by_chance, share, lo, hi, rate_ratio, ratio_lo, ratio_hi; empty
        without labels. labels : their order.
    n_declining, n_by_chance, n_sure : customers who decline; how many would without any change; those who remain when
        at most one in ten of a list may be wrong.
    decline_ratio : visits of all of them in the recent days, against before.
    """

    spec: UsageSpec
    as_of: date
    first_day: date
    steps: tuple[FunnelStep, ...]
    event_types: tuple[str, ...]
    n_events: int
    n_sessions: int
    n_customers: int
    n_known: int
    n_anonymous: int
    n_undated: int
    median_minutes: float
    events_per_session: float
    sessions_per_customer: float
    weeks: pl.DataFrame
    channels: pl.DataFrame
    sizes: pl.DataFrame
    funnel: pl.DataFrame
    paths: pl.DataFrame
    n_paths: tuple[tuple[bool, int], ...]
    waits: pl.DataFrame
    wait_curve: pl.DataFrame
    features: pl.DataFrame
    decline: pl.DataFrame
    decline_groups: pl.DataFrame
    labels: tuple[str, ...]
    n_declining: int
    n_by_chance: float
    n_sure: int
    decline_ratio: float | None
    caveats: tuple[Caveat, ...]
    key: str


def recognise_steps(events: Iterable[str]) -> tuple[FunnelStep, ...]:
    """The standard steps that these event types hold, in order; a type that is none of them is left out."""
    held = {event: _SIGNS.sub("", event).lower() for event in events}
    found = {
        name: tuple(sorted(e for e, plain in held.items() if plain in known)) for name, known in STANDARD_STEPS.items()
    }
    return tuple(FunnelStep(name, types) for name, types in found.items() if types)
