"""The Bayes risk is a probability: on draws whose truth is known it is calibrated, and more knowledge ranks better."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from sample_data.streaming import Streaming, generate
from tests.churn.attainable import attainable, auc

SEED = 23
CUT = date(2026, 3, 31)


KNOWING = {"all": (True, True), "plays": (True, False), "contract": (False, False)}


@pytest.fixture(scope="module")
def world() -> Streaming:
    return generate(2500, SEED)


@pytest.fixture(scope="module")
def found(world: Streaming) -> dict[str, pl.DataFrame]:
    """The risk within 30 days, by what is known."""
    return {
        name: attainable(world.tables, SEED, CUT, 30, plays=plays, contacts=contacts)
        for name, (plays, contacts) in KNOWING.items()
    }


def reliability(found: pl.DataFrame, n_groups: int) -> list[tuple[float, float, int]]:
    """Mean risk, share that left and number, by groups of equal size from low to high risk."""
    ranked = found.sort("risk", "customer_id")
    parts = np.array_split(np.arange(ranked.height), n_groups)
    return [(ranked["risk"][part].mean(), ranked["leaves"][part].mean(), len(part)) for part in parts]


def surprise(found: pl.DataFrame, n_groups: int) -> float:
    """Sum over groups of (observed - expected)^2 / variance: chi-squared with n_groups degrees if calibrated."""
    return sum(n * (left - risk) ** 2 / (risk * (1 - risk)) for risk, left, n in reliability(found, n_groups))


@pytest.mark.parametrize("known", list(KNOWING))
def test_the_risk_is_calibrated(found: dict[str, pl.DataFrame], known: str) -> None:
    risk = found[known]
    assert surprise(risk, 10) < 29.6  # the 99.9 percent point of chi-squared with 10 degrees
    assert abs(risk["leaves"].mean() - risk["risk"].mean()) < 0.012


def test_plays_tell_most_and_calls_a_little(found: dict[str, pl.DataFrame]) -> None:
    scores = {name: auc(risk["risk"].to_numpy(), risk["leaves"].to_numpy()) for name, risk in found.items()}
    assert scores["all"] > scores["plays"] > scores["contract"] + 0.04
    assert scores["all"] > 0.65


def test_a_longer_horizon_holds_the_shorter_one(world: Streaming) -> None:
    small = {name: frame.head(0) if name == "contacts" else frame for name, frame in world.tables.items()}
    small["customers"] = small["customers"].head(500)
    month, quarter = (attainable(small, SEED, CUT, days)["risk"].to_numpy() for days in (30, 90))
    assert (quarter >= month).all()
    assert quarter.mean() > 2 * month.mean()


def test_only_who_is_there_is_judged_and_nothing_after_the_cut_counts(world: Streaming) -> None:
    few = world.tables["customers"].head(400)
    tables = world.tables | {"customers": few}
    found = attainable(tables, SEED, CUT, 30)
    there = few.filter(pl.col("joined_at") <= CUT, pl.col("left_at").is_null() | (pl.col("left_at") > CUT))
    assert found["customer_id"].to_list() == sorted(there["customer_id"])
    cut_off = {
        "customers": few,
        "transactions": world.tables["transactions"].filter(pl.col("ordered_at").dt.date() <= CUT),
        "events": world.tables["events"].filter(pl.col("occurred_at").dt.date() <= CUT),
        "contacts": world.tables["contacts"].filter(pl.col("contacted_at").dt.date() <= CUT),
    }
    assert attainable(cut_off, SEED, CUT, 30).equals(found)
    told = there.select(
        pl.col("left_at").is_between(CUT + timedelta(days=1), CUT + timedelta(days=30)).fill_null(False)
    )
    assert found["leaves"].sum() == told.sum().item()


def test_ranks_are_compared_pair_by_pair() -> None:
    risk, leaves = np.array([0.1, 0.4, 0.4, 0.8, 0.2]), np.array([False, True, False, True, False])
    pairs = [(a > b) + 0.5 * (a == b) for a in risk[leaves] for b in risk[~leaves]]
    assert auc(risk, leaves) == pytest.approx(np.mean(pairs))


def measure(customers: int = 60_000, seed: int = SEED) -> dict[tuple[str, int], tuple[float, float, float]]:
    """By cut and horizon: surprise over 20 groups, attainable AUC, AUC without plays and calls."""
    world = generate(customers, seed)
    out = {}
    for cut, horizon in ((date(2025, 6, 30), 30), (date(2026, 3, 31), 30), (date(2026, 3, 31), 90)):
        found, alone = (
            attainable(world.tables, seed, cut, horizon, plays=known, contacts=known) for known in (True, False)
        )
        scores = [auc(f["risk"].to_numpy(), f["leaves"].to_numpy()) for f in (found, alone)]
        out[cut.isoformat(), horizon] = (round(surprise(found, 20), 1), round(scores[0], 4), round(scores[1], 4))
    return out


@pytest.mark.slow
def test_the_risk_is_calibrated_on_a_large_draw() -> None:
    """60,000 subscribers, seed 23. Chi-squared over 20 groups, attainable AUC, AUC by contract and calendar alone:

    cut 2025-06-30, 30 days: 13.9, .7357, .6062
    cut 2026-03-31, 30 days: 27.6, .7261, .6077
    cut 2026-03-31, 90 days: 14.2, .6479, .5957
    """
    for (cut, horizon), (surprised, score, alone) in measure().items():
        assert surprised < 45.3, (cut, horizon)  # the 99.9 percent point with 20 degrees
        assert score > alone
