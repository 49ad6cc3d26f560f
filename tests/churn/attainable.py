"""How well anybody could know who leaves the streaming world within the next days: the Bayes risk.

    attainable(tables, seed, cut, horizon_days, *, plays=True, contacts=True) -> DataFrame

* ``tables``: the served tables of the world (``customers``, ``transactions``, ``events``, ``contacts``) as frames with
  the columns of ``sample_data``; rows after ``cut`` are not looked at (``left_at`` tells who is still there at the end
  of the day ``cut``, and what became of them in the column ``leaves``, nothing else).
* ``seed``: the world's seed; the planted parameters follow from it.
* The frame: ``customer_id``, ``risk`` = P(cut < left_at <= cut + horizon_days | everything on file up to ``cut``) for
  everybody who is with the service at the end of ``cut``, ``leaves`` = whether they did (as far as ``left_at`` is
  known: take ``cut + horizon_days`` no later than the world's last day). Sorted by ``customer_id``.

Nothing that ranks by less than this knowledge can be expected to do better: ``risk`` is the probability itself, so its
AUC, lift and log score are the attainable ones. With ``plays=False, contacts=False`` it is what tenure, plan, channel,
payment method and calendar alone tell.

How. What is not on file is integrated out: plays per week on a grid of 56 points around what was seen, frailty in
closed form (gamma: P(no voluntary end) = (1 + A / k) ** -k), lulls by the forward algorithm over weeks, and every way
of leaving: renewal x cause x decline or not x onset x depth. A way's likelihood of the plays differs from that of
staying only from its onset on, so the forward pass is taken up there. A call of a leaver's own adds to the Poisson
calls of everybody: likelihood ratio 1 - q + q (share of its days not seen + sum over calls seen of (1 / 28) / rate).
Nothing here is shared with ``analytics``; of the generator only the planted parameters and the calendar are taken.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.streaming_service import (
    CALL_DAYS,
    CAUSES,
    CHANNELS,
    DECLINE_DAYS,
    DECLINE_DEPTHS,
    FIRST_DECLINE_DAY,
    N_VOLUNTARY,
    PAYMENTS,
    PLANS,
    PRICE,
    RAMP_DAYS,
    START,
    TECHNICAL,
    TOPICS,
    Service,
    compute_calendar,
    compute_intensities,
    compute_renewals,
    draw_service,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID = 56
CHUNK = 400
WINDOW_WEEKS = 12  # from the week of an onset to the cut: an onset lies at most 70 days back
LEAST_PLAYS = 0.02  # per week: the generator's floor


def attainable(
    tables: dict[str, pl.DataFrame],
    seed: int,
    cut: date,
    horizon_days: int,
    *,
    plays: bool = True,
    contacts: bool = True,
) -> pl.DataFrame:
    """Compute the Bayes risk of leaving within ``horizon_days`` after ``cut``; see the top of this file."""
    service = draw_service(seed)
    left = pl.col("left_at")
    method = tables["transactions"].unique("customer_id").select("customer_id", "payment_method")
    people = (
        tables["customers"]
        .filter(pl.col("joined_at") <= cut, left.is_null() | (left > cut))
        .join(method, on="customer_id", how="left")
        .sort("customer_id")
        .with_row_index("who")
    )
    at = (cut - START).days
    days = {}
    for name, column, kept in (
        ("events", "occurred_at", pl.col("event") == "play"),
        ("contacts", "contacted_at", pl.lit(True)),
    ):
        days[name] = (
            tables[name]
            .filter(kept, pl.col(column).dt.date() <= cut)
            .join(people.select("customer_id", "who"), on="customer_id")
            .with_columns((pl.col(column).dt.date() - START).dt.total_days().alias("day"))
        )
    counts = np.zeros((people.height, at + 1), dtype=np.int64)  # plays by customer and day of the world
    np.add.at(counts, (days["events"]["who"].to_numpy(), days["events"]["day"].to_numpy()), 1)
    risks = []
    for start in range(0, people.height, CHUNK):
        part = people.slice(start, CHUNK)
        called = days["contacts"].filter(pl.col("who").is_between(start, start + CHUNK - 1))
        called = called.with_columns(pl.col("who") - start)
        seen = counts[start : start + CHUNK]
        risks.append(_risk(part, seen, called, service, at, horizon_days, plays, contacts))
    leaves = people.select((left <= cut + timedelta(days=horizon_days)).fill_null(False)).to_series()
    return pl.DataFrame({"customer_id": people["customer_id"], "risk": np.concatenate(risks), "leaves": leaves})


def auc(risk: Floats, leaves: NDArray[np.bool_]) -> float:
    """P(a leaver's risk is above a stayer's), ties counted half."""
    rank = pl.Series(risk).rank("average").to_numpy()
    n = leaves.sum()
    return float((rank[leaves].sum() - n * (n + 1) / 2) / (n * (len(leaves) - n)))


def _risk(
    people: pl.DataFrame,
    seen: Ints,
    called: pl.DataFrame,
    service: Service,
    at: int,
    horizon: int,
    plays: bool,
    contacts: bool,
) -> Floats:
    plan = np.array([PLANS.index(name) for name in people["tier"]])
    channel = np.array([CHANNELS.index(name) for name in people["acquisition_channel"]])
    payment = np.array([PAYMENTS.index(name) for name in people["payment_method"]])
    joined = np.array([(day - START).days for day in people["joined_at"]])
    n_ahead = max(3, horizon // 28 + 2)
    renewals = compute_renewals(joined, (at - int(joined.min())) // 28 + n_ahead + 2)
    intensity = np.stack(
        [compute_intensities(service, c, plan, channel, payment, renewals) for c in range(len(CAUSES))]
    )
    usual = np.array([p.plays_per_week for p in service.plans])[plan]
    process = _Plays(service, joined, seen, at)

    # grid of plays per week, evenly in log: weights are prior density x step
    shape, rate = service.use_shape, service.use_shape / usual
    total, exposure = process.total, process.exposure / 7
    if plays:
        spread = 1 / np.sqrt(total + shape)
        centre = np.log((total + shape) / (exposure + rate))
        low, high = centre - 6 * spread, centre + 6 * spread + 1.1  # lulls hide plays, so the truth may be higher
    else:
        low, high = np.log(shape / rate) - 6 / np.sqrt(shape), np.log(shape / rate) + 2.5
    log_own = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, GRID)
    own = np.exp(log_own)
    log_prior = shape * log_own - rate[:, None] * own
    per_week = own + LEAST_PLAYS
    stay = process.look(per_week) if plays else np.zeros_like(per_week)

    # survival of renewals by the grid's use: voluntary with the frailty integrated out, outside as it is
    use = (per_week / usual[:, None]) ** -service.use_protects
    voluntary, outside = intensity[:N_VOLUNTARY].sum(axis=0), intensity[N_VOLUNTARY:].sum(axis=0)
    a = np.pad(np.cumsum(voluntary, axis=1), ((0, 0), (1, 0)))
    b = np.pad(np.cumsum(outside, axis=1), ((0, 0), (1, 0)))
    rows = np.arange(len(plan))
    survived = (renewals[:, 1:] <= at).sum(axis=1)  # renewals behind

    def chosen(m: Ints) -> Floats:
        """P(no voluntary end up to renewal m), by customer and grid."""
        return (1 + use * a[rows, m][:, None] / service.frailty_shape) ** -service.frailty_shape

    leaving, staying = np.zeros_like(per_week), np.zeros_like(per_week)
    for ahead in range(n_ahead):
        m = survived + ahead + 1
        day = renewals[rows, m]
        ends_by_choice = (chosen(m - 1) - chosen(m)) * np.exp(-b[rows, m])[:, None]
        ends_outside = chosen(m - 1) * (np.exp(-b[rows, m - 1]) - np.exp(-b[rows, m]))[:, None]
        decline = process.mean_ratio(day, per_week) if plays and ahead < 3 else np.ones_like(per_week)
        weight = np.zeros_like(per_week)
        for c, cause in enumerate(service.causes):
            group, ends = (voluntary, ends_by_choice) if c < N_VOLUNTARY else (outside, ends_outside)
            p = ends * (intensity[c][rows, m - 1] / group[rows, m - 1])[:, None]
            heard = _hear(service, c, day, joined, at, called) if contacts else np.ones(len(plan))
            weight += p * heard[:, None] * (1 - cause.decline_share + cause.decline_share * decline)
        within = (day <= at + horizon)[:, None]
        leaving += np.where(within, weight, 0)
        staying += np.where(within, 0, weight)
    last = survived + n_ahead
    staying += chosen(last) * np.exp(-b[rows, last])[:, None]
    log_weight = log_prior + stay
    scale = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    gone, there = (scale * leaving).sum(axis=1), (scale * staying).sum(axis=1)
    return np.asarray(gone / (gone + there), dtype=np.float64)


def _hear(service: Service, cause: int, day: Ints, joined: Ints, at: int, called: pl.DataFrame) -> Floats:
    """Likelihood ratio of the calls seen if the contract ends on ``day`` for ``cause``, against no such end."""
    if cause not in (PRICE, TECHNICAL):
        return np.ones(len(day))
    q = service.calls_before_leaving[(PRICE, TECHNICAL).index(cause)]
    topic = CAUSES[cause]
    per_day = service.contacts_per_year[TOPICS.index(topic)] / 365.25
    n_seen = np.clip(np.minimum(at, day - 1) - np.maximum(day - CALL_DAYS, joined) + 1, 0, CALL_DAYS)
    of = called.filter(pl.col("reason") == topic)
    who, when = of["who"].to_numpy(), of["day"].to_numpy()
    inside = (when >= day[who] - CALL_DAYS) & (when < day[who])
    n_calls = np.bincount(who[inside], minlength=len(day))
    return np.asarray(1 - q + q * (1 - n_seen / CALL_DAYS + n_calls / CALL_DAYS / per_day), dtype=np.float64)


class _Plays:
    """Likelihood of the plays seen, for given plays per week: of staying, and relative to it of each decline."""

    def __init__(self, service: Service, joined: Ints, seen: Ints, at: int) -> None:
        self.service, self.joined, self.at = service, joined, at
        self.n_weeks = -(-(at - int(joined.min()) + 1) // 7)
        length = 7 * (self.n_weeks + WINDOW_WEEKS)
        day = joined[:, None] + np.arange(length)
        inside = day <= at
        calendar = compute_calendar(service)
        known = np.minimum(day, at)
        self.counts = np.where(inside, np.take_along_axis(seen, known, axis=1), 0)
        self.exposures = np.where(inside, calendar[known], 0.0)
        self.total, self.exposure = self.counts.sum(axis=1), self.exposures.sum(axis=1)
        self.levels = np.array([1.0, service.lull_depth])
        begins, ends = service.lull_begins, service.lull_ends
        self.moves = np.array([[1 - begins, begins], [ends, 1 - ends]])

    def look(self, per_week: Floats) -> Floats:
        """Log-likelihood of staying by customer and grid, up to what all ways of leaving share."""
        n = len(self.joined)
        counts = self.counts[:, : 7 * self.n_weeks].reshape(n, -1, 7).sum(axis=2)
        exposures = self.exposures[:, : 7 * self.n_weeks].reshape(n, -1, 7).sum(axis=2)
        state = np.zeros((*per_week.shape, 2))
        state[:, :, 0] = 1.0  # a contract does not begin with a lull
        log = np.zeros_like(per_week)
        self.before_state = np.zeros((self.n_weeks, *state.shape))
        self.before_log = np.zeros((self.n_weeks, *log.shape))
        for week in range(self.n_weeks):
            if week:
                state = state @ self.moves
            self.before_state[week], self.before_log[week] = state, log
            state, log = self._see(state, log, per_week, counts[:, week], exposures[:, week], 0.0)
        self.stay = log
        return log

    def mean_ratio(self, day: Ints, per_week: Floats) -> Floats:
        """Likelihood of a decline before leaving on ``day`` relative to none, mean over onsets and depths."""
        out = np.zeros_like(per_week)
        for ahead in DECLINE_DAYS:
            onset = np.maximum(day - ahead, self.joined + FIRST_DECLINE_DAY)
            visible = np.flatnonzero(onset <= self.at)
            ratio = np.ones_like(per_week)
            for depth in DECLINE_DEPTHS:
                if len(visible):
                    ratio[visible] = self._decline(visible, onset[visible], depth, per_week[visible])
                out += ratio
        return out / (len(DECLINE_DAYS) * len(DECLINE_DEPTHS))

    def _decline(self, rows: Ints, onset: Ints, depth: float, per_week: Floats) -> Floats:
        first = (onset - self.joined[rows]) // 7
        day = 7 * first[:, None] + np.arange(7 * WINDOW_WEEKS)
        counts, exposures = self.counts[rows[:, None], day], self.exposures[rows[:, None], day]
        since = self.joined[rows][:, None] + day - onset[:, None]
        level = 1 - (1 - depth) * np.clip(since / RAMP_DAYS, 0.0, 1.0)
        by_week = (len(rows), WINDOW_WEEKS, 7)
        told = (counts * np.log(level)).reshape(by_week).sum(axis=2)
        exposed = (exposures * level).reshape(by_week).sum(axis=2)
        n_plays = counts.reshape(by_week).sum(axis=2)
        state, log = self.before_state[first, rows], self.before_log[first, rows]
        n_weeks = int((self.at - self.joined[rows]).max()) // 7 + 1
        for step in range(min(WINDOW_WEEKS, n_weeks - int(first.min()))):
            if step:
                state = state @ self.moves  # beyond the cut nothing is seen, and moves change no sum
            state, log = self._see(state, log, per_week, n_plays[:, step], exposed[:, step], told[:, step])
        return np.asarray(np.exp(np.clip(log - self.stay[rows], -700, 700)), dtype=np.float64)

    def _see(
        self, state: Floats, log: Floats, per_week: Floats, n: Ints, exposure: Floats, told: Floats | float
    ) -> tuple[Floats, Floats]:
        """Weigh the states by one week of plays; the sum goes into ``log``."""
        mean = per_week / 7
        chance = n[:, None] * np.log(mean) - mean * exposure[:, None]  # in the ordinary state
        in_lull = n[:, None] * np.log(self.levels[1]) + mean * exposure[:, None] * (1 - self.levels[1])
        state = np.stack([state[:, :, 0], state[:, :, 1] * np.exp(np.minimum(in_lull, 600))], axis=2)
        total = state.sum(axis=2)
        return state / total[:, :, None], log + np.log(total) + chance + np.broadcast_to(told, n.shape)[:, None]
