"""Twenty planted leaks of varied kinds are caught, each for its own reason; twenty clean setups pass.

The names say nothing: every feature is called a, b, c ... The slow test draws all of them many times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from analytics.churn.guard import Candidate, Time, check_features, single_auc
from analytics.churn.measures import auc

N = 2_000
Rng = np.random.Generator


@dataclass
class Setup:
    """Columns by name (numbers, or texts with None), who was gone, and what is known of time."""

    gone: np.ndarray
    columns: dict[str, np.ndarray | list[str | None]]
    time: Time | None = None


def look(setup: Setup) -> dict[str, str]:
    """Refused features by code."""
    candidates = []
    for name, values in setup.columns.items():
        if isinstance(values, list):
            candidates.append(Candidate(name, None, pl.Series(name, values, dtype=pl.String)))
        else:
            candidates.append(Candidate(name, values.astype(float)))
    refused, _ = check_features(candidates, setup.gone.astype(np.int64), time=setup.time)
    return {one.feature: one.code for one in refused}


def drawn(rng: Rng, logit: np.ndarray) -> np.ndarray:
    return (rng.random(len(logit)) < expit(logit)).astype(np.int64)


def ordinary(rng: Rng, n: int = N) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A risk of a quarter with three honest features of middling strength."""
    a, b, c = rng.normal(size=n), rng.gamma(2, 10, n), rng.poisson(2, n)
    return drawn(rng, -1.4 + 0.9 * a - 0.02 * (b - 20) + 0.2 * (c - 2)), {"a": a, "b": b, "c": c}


@dataclass
class Service:
    """Customers of a service with a cut-off on day 500 of 700: what happened before and after it."""

    joined: np.ndarray
    left: np.ndarray
    gone: np.ndarray
    before: np.ndarray
    after: np.ndarray
    own_rate: np.ndarray

    @property
    def time(self) -> Time:
        silent = 500 - np.maximum(self.joined, 0)
        before = np.stack([self.before, self.before / silent, silent], axis=1)
        return Time(self.joined, self.left, before, self.after[:, None])


def service(rng: Rng, n: int = N) -> Service:
    joined = rng.integers(0, 480, n).astype(float)
    rate = rng.gamma(2, 0.05, n)
    hazard = 0.0012 * np.exp(-6 * (rate - 0.1))
    left = 500 + rng.exponential(1 / hazard)
    left = np.where(left <= 700, np.ceil(left), np.nan)
    gone = np.isfinite(left).astype(np.int64)
    before = rng.poisson(rate * (500 - joined))
    after = rng.poisson(rate * (np.where(gone == 1, left, 700) - 500))
    return Service(joined, left, gone, before.astype(float), after.astype(float), rate)


# ---- leaks -----------------------------------------------------------------------------------------------------


def silent_too_long(rng: Rng) -> Setup:
    recency = rng.gamma(1.2, 60, N).round()
    return Setup((recency > 90).astype(int), {"x": recency, "b": rng.normal(size=N)})


def silent_too_long_with_errors(rng: Rng) -> Setup:
    recency = rng.gamma(1.2, 60, N)
    gone = np.where(rng.random(N) < 0.04, recency <= 90, recency > 90)
    return Setup(gone.astype(int), {"x": recency, "b": rng.normal(size=N)})


def silent_too_long_but_for_some(rng: Rng) -> Setup:
    recency, spared = rng.gamma(1.2, 60, N), rng.random(N) < 0.25
    return Setup(((recency > 90) & ~spared).astype(int), {"x": recency})


def too_few_visits(rng: Rng) -> Setup:
    visits = rng.gamma(3, 8, N)
    return Setup((visits < 12).astype(int), {"x": np.log(visits + 1), "b": rng.gamma(2, 1, N)})


def silent_beyond_own_gap(rng: Rng) -> Setup:
    gap = rng.gamma(3, 10, N)
    silence = rng.gamma(1.2, 45, N)
    return Setup((silence > 2 * gap).astype(int), {"x": silence, "y": gap, "b": rng.normal(size=N)})


def paid_less_than_due(rng: Rng) -> Setup:
    due = rng.integers(3, 60, N).astype(float)
    gone, honest = ordinary(rng)
    return Setup(gone, {"x": due, "y": due - gone, **honest})


def either_of_two(rng: Rng) -> Setup:
    x, gone = rng.integers(0, 2, N), rng.integers(0, 2, N)
    return Setup(gone, {"x": x.astype(float), "y": (x ^ gone).astype(float), "b": rng.normal(size=N)})


def asked_on_leaving(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    told = (gone == 1) & (rng.random(N) < 0.6)
    return Setup(gone, {"x": np.where(told, rng.integers(1, 6, N), np.nan), **honest})


def day_of_notice(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    told = (gone == 1) & (rng.random(N) < 0.3)
    return Setup(gone, {"x": np.where(told, rng.integers(19000, 19500, N), np.nan), **honest})


def reason_given(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    reasons = rng.choice(["price", "moved"], N)
    told = (gone == 1) & (rng.random(N) < 0.5)
    texts = [str(reason) if yes else "none" for reason, yes in zip(reasons, told, strict=True)]
    return Setup(gone, {"x": texts, **honest})


def money_back(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    paid = (gone == 1) & (rng.random(N) < 0.45)
    return Setup(gone, {"x": np.where(paid, rng.gamma(2, 20, N), 0.0), **honest})


def account_closed(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"x": ((gone == 1) & (rng.random(N) < 0.3)).astype(float), **honest})


def next_bill_missing(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"x": np.where(gone == 1, np.nan, rng.gamma(3, 20, N)), **honest})


def copied_with_errors(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    copied = np.where(rng.random(N) < 0.02, 1 - gone, gone)
    return Setup(gone, {"x": [("u", "v")[value] for value in copied], **honest})


def score_made_afterwards(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"x": rng.normal(size=N) + 3.2 * gone, **honest})


def counted_to_the_end(rng: Rng) -> Setup:
    world = service(rng)
    return Setup(world.gone, {"x": world.before + world.after, "b": rng.normal(size=N)}, world.time)


def last_seen(rng: Rng) -> Setup:
    world = service(rng)
    end = np.where(world.gone == 1, world.left, 700)
    return Setup(world.gone, {"x": end - rng.exponential(2, N)}, world.time)


def months_with_us(rng: Rng) -> Setup:
    world = service(rng)
    end = np.where(world.gone == 1, world.left, 700)
    return Setup(world.gone, {"x": (end - world.joined) / 30.4, "b": rng.normal(size=N)}, world.time)


def spent_afterwards(rng: Rng) -> Setup:
    world = service(rng)
    return Setup(world.gone, {"x": 10 * world.after + rng.normal(0, 3, N), "b": world.before}, world.time)


def numbered(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"x": rng.permutation(N) + 100_000.0, **honest})


def named(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"x": [f"{value:08x}" for value in rng.permutation(10 * N)[:N]], **honest})


def numbered_as_they_came(rng: Rng) -> Setup:
    world = service(rng)
    numbers = np.empty(N)
    numbers[np.argsort(world.joined, kind="stable")] = np.cumsum(rng.integers(1, 60, N))
    return Setup(world.gone, {"x": numbers, "b": rng.normal(size=N)}, world.time)


LEAKS: dict[Callable[[Rng], Setup], tuple[str, ...]] = {
    silent_too_long: ("target_defined",),
    silent_too_long_with_errors: ("target_defined",),
    silent_too_long_but_for_some: ("target_defined",),
    too_few_visits: ("target_defined",),
    silent_beyond_own_gap: ("near_perfect_group",),
    paid_less_than_due: ("near_perfect_group",),
    either_of_two: ("near_perfect_group",),
    asked_on_leaving: ("only_gone",),
    day_of_notice: ("only_gone",),
    reason_given: ("only_gone",),
    money_back: ("only_gone",),
    account_closed: ("only_gone",),
    next_bill_missing: ("only_gone",),
    copied_with_errors: ("only_gone", "near_perfect"),
    score_made_afterwards: ("near_perfect", "target_defined"),
    counted_to_the_end: ("after_cut",),
    last_seen: ("after_cut", "target_defined", "near_perfect"),
    months_with_us: ("after_cut",),
    spent_afterwards: ("after_cut",),
    numbered: ("id_like",),
    named: ("id_like",),
    numbered_as_they_came: ("order_of_time",),
}


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_a_planted_leak_is_refused_with_its_reason(leak: Callable[[Rng], Setup]) -> None:
    refused = look(leak(np.random.default_rng(1)))
    guilty = {name: code for name, code in refused.items() if "x" in name.split(" + ") or "y" in name.split(" + ")}
    assert guilty, refused
    assert set(guilty.values()) <= set(LEAKS[leak])
    assert set(refused) == set(guilty), "an honest feature beside it was refused"


# ---- clean -----------------------------------------------------------------------------------------------------


def strong(rng: Rng) -> Setup:
    gone = (rng.random(N) < 0.25).astype(int)
    return Setup(gone, {"a": rng.normal(size=N) + 1.81 * gone, "b": rng.normal(size=N)})


def strong_and_skewed(rng: Rng) -> Setup:
    gone = (rng.random(N) < 0.4).astype(int)
    return Setup(gone, {"a": np.exp(rng.normal(size=N) + 1.81 * gone)})


def strong_and_rare(rng: Rng) -> Setup:
    gone = (rng.random(4 * N) < 0.03).astype(int)
    return Setup(gone, {"a": rng.normal(size=4 * N) + 1.8 * gone, "b": rng.poisson(3, 4 * N)})


def two_strong_ones(rng: Rng) -> Setup:
    gone = (rng.random(N) < 0.3).astype(int)
    return Setup(gone, {"a": rng.normal(size=N) + 1.5 * gone, "b": rng.normal(size=N) - 1.4 * gone})


def strong_in_few(rng: Rng) -> Setup:
    gone = (rng.random(400) < 0.3).astype(int)
    return Setup(gone, {"a": rng.normal(size=400) + 1.7 * gone, "b": rng.normal(size=400)})


def contracts(rng: Rng) -> Setup:
    months = rng.choice([1, 12, 24], N, p=[0.55, 0.21, 0.24])
    gone = (rng.random(N) < np.select([months == 1, months == 12], [0.427, 0.113], 0.028)).astype(int)
    return Setup(gone, {"a": [f"{value}" for value in months], "b": months.astype(float), "c": rng.gamma(2, 30, N)})


def strong_category(rng: Rng) -> Setup:
    kind = rng.integers(0, 5, N)
    gone = (rng.random(N) < np.array([0.02, 0.05, 0.15, 0.6, 0.9])[kind]).astype(int)
    return Setup(gone, {"a": [f"k{value}" for value in kind], "b": rng.normal(size=N)})


def many_places(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"d": [f"place {value}" for value in rng.integers(0, 40, N)], **honest})


def honest_silence(rng: Rng) -> Setup:
    """Silence before the cut-off, and whether anything follows it: strong, but by degrees."""
    rate, alive = rng.gamma(1.5, 0.04, N), rng.random(N) < 0.6
    silence = np.where(alive, rng.exponential(1 / np.maximum(rate, 0.004)), rng.uniform(20, 300, N))
    gone = np.where(alive, rng.random(N) < np.exp(-60 * rate), True).astype(int)
    return Setup(gone, {"a": silence.round(), "b": rng.poisson(rate * 400).astype(float)})


def tenure(rng: Rng) -> Setup:
    world = service(rng)
    return Setup(world.gone, {"a": 500 - world.joined, "b": rng.normal(size=N)}, world.time)


def counted_before(rng: Rng) -> Setup:
    world = service(rng)
    return Setup(world.gone, {"a": world.before, "b": world.before / (501 - world.joined)}, world.time)


def lasting_trait(rng: Rng) -> Setup:
    """Known at joining, behind use and staying alike, and never counted."""
    world = service(rng)
    return Setup(
        world.gone, {"a": np.log(world.own_rate) + rng.normal(0, 0.5, N), "b": rng.integers(18, 80, N)}, world.time
    )


def age(rng: Rng) -> Setup:
    world = service(rng)
    return Setup(
        world.gone, {"a": rng.integers(18, 85, N), "b": [("f", "m")[v] for v in rng.integers(0, 2, N)]}, world.time
    )


def sums_in_whole_units(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {"d": np.floor(np.exp(rng.normal(10, 1.5, N))), **honest})


def unknown_by_chance(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {**honest, "a": np.where(rng.random(N) < 0.4, np.nan, honest["a"])})


def unknown_more_often(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    return Setup(gone, {**honest, "d": np.where(rng.random(N) < 0.2 + 0.5 * gone, np.nan, rng.normal(size=N))})


def complaints(rng: Rng) -> Setup:
    count = rng.poisson(rng.gamma(0.3, 1.5, N))
    return Setup(drawn(rng, -2.2 + 0.9 * count), {"a": count.astype(float), "b": rng.normal(size=N)})


def rare_level(rng: Rng) -> Setup:
    gone, honest = ordinary(rng)
    level = np.where(rng.random(N) < 0.01, "odd", "usual")
    return Setup(gone, {"d": [str(value) for value in level], **honest})


def none_leave_while_bound(rng: Rng) -> Setup:
    bound = rng.random(N) < 0.35
    gone = np.where(bound, 0, rng.random(N) < 0.4).astype(int)
    return Setup(gone, {"a": bound.astype(float), "b": rng.normal(size=N)})


def most_leave(rng: Rng) -> Setup:
    a = rng.normal(size=N)
    return Setup(drawn(rng, 1.7 + 1.2 * a), {"a": a, "b": rng.gamma(2, 3, N)})


def a_bend(rng: Rng) -> Setup:
    days = rng.uniform(0, 120, N)
    return Setup(drawn(rng, np.where(days > 30, 0.3, -2.2)), {"a": days, "b": rng.normal(size=N)})


CLEAN = (
    strong,
    strong_and_skewed,
    strong_and_rare,
    two_strong_ones,
    strong_in_few,
    contracts,
    strong_category,
    many_places,
    honest_silence,
    tenure,
    counted_before,
    lasting_trait,
    age,
    sums_in_whole_units,
    unknown_by_chance,
    unknown_more_often,
    complaints,
    rare_level,
    none_leave_while_bound,
    most_leave,
    a_bend,
)


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.__name__)
def test_a_clean_setup_passes(clean: Callable[[Rng], Setup]) -> None:
    assert look(clean(np.random.default_rng(2))) == {}


def test_the_strong_honest_features_are_strong() -> None:
    for clean in (strong, strong_and_skewed):
        setup = clean(np.random.default_rng(2))
        values = setup.columns["a"]
        assert isinstance(values, np.ndarray)
        assert 0.88 < auc(setup.gone, values) < 0.92
        area, lo, hi = single_auc(Candidate("a", values), setup.gone, 0.9, 0)
        assert area == pytest.approx(auc(setup.gone, values), abs=0.02)
        assert lo < area < hi


def rates(seeds: range) -> tuple[dict[str, float], dict[str, float]]:
    """Share of draws in which each leak is caught, and in which each clean setup passes."""
    caught = {
        leak.__name__: float(
            np.mean(
                [
                    any("x" in n.split(" + ") or "y" in n.split(" + ") for n in look(leak(np.random.default_rng(s))))
                    for s in seeds
                ]
            )
        )
        for leak in LEAKS
    }
    passed = {
        clean.__name__: float(np.mean([look(clean(np.random.default_rng(s))) == {} for s in seeds])) for clean in CLEAN
    }
    return caught, passed


def test_equal_counts_have_no_order_among_them() -> None:
    """Counts with many ties: the share gone next to a threshold is that of the whole run of equal values."""
    for seed in (100, 101):
        assert look(complaints(np.random.default_rng(seed))) == {}


@pytest.mark.slow
def test_leaks_are_caught_and_clean_setups_pass_in_many_draws() -> None:
    """Twenty draws of each. Not recorded yet."""
    caught, passed = rates(range(100, 120))
    assert min(caught.values()) >= 0.9, caught
    assert min(passed.values()) >= 0.9, passed
