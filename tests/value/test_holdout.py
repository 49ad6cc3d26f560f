"""The holdout proofs: randomised PIT uniform, segment totals covered, customers inside their intervals.

Stated before they were run. PIT: Kolmogorov-Smirnov at 1 % on draws from the models themselves; on real data, whose
truth is no such model, the largest distance to the uniform distribution is reported and at most .10. Totals of segments
(ten dealt at random, up to nine by recency and frequency cut at random places, per cut date) on the worlds and CDNOW:
80 +- 5 percent of them inside their 80 % intervals. Customers: at least 80 percent inside theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.value import ValueSpec, estimate_value
from analytics.value.choosing import fit
from analytics.value.clock import Clock
from analytics.value.holdout import Foretold, foretell
from analytics.value.purchases import Seen, look, read_purchases, to_day
from sample_data.marketplace import generate
from sample_data.repeat_buying import draw_spans
from tests.value.proofs import END, PARAMETERS, drawn, read_cdnow, read_world, segment_totals

SPEC = ValueSpec(horizon_days=182, discount_rate_yearly=0.0)


def distance(told: Foretold, seed: int = 0) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance of the randomised PIT to the uniform distribution, and its p-value."""
    from scipy.stats import kstest

    tested = kstest(told.pit(np.random.default_rng(seed)), "uniform")
    return float(tested.statistic), float(tested.pvalue)


def foretold_draws(kind: str, n: int, seed: int) -> Foretold:
    """A model fitted on its own draws, and the 26 weeks after them."""
    rng = np.random.default_rng(seed)
    draw, parameters = PARAMETERS[kind]
    buying = draw(rng, draw_spans(rng, n, 78, 26), 26.0, **parameters)
    nothing = np.zeros(n, dtype=np.int64)
    seen = Seen(nothing, nothing, nothing, buying.x, None, buying.t_x, buying.T, 0, Clock(7.0))
    return foretell(fit(kind, seen), seen, 26.0, buying.holdout)


def foretold_cdnow(dataset: Dataset, name: str) -> Foretold:
    """Fitted on the first 39 weeks, the 39 weeks after them."""
    purchases, cut = read_purchases(dataset, dataset.as_of), to_day(date(1997, 9, 30))
    seen = look(purchases, cut, Clock(7.0))
    actual = purchases.between(cut, to_day(dataset.as_of))[seen.row]
    return foretell(fit(name, seen), seen, 39.0, actual)


@pytest.mark.parametrize("kind", PARAMETERS)
def test_pit_of_the_models_own_draws_is_uniform(kind: str) -> None:
    told = foretold_draws(kind, 4000, 1)
    assert distance(told)[1] > 0.01
    assert told.covered(0.8).mean() >= 0.8
    assert told.expected.sum() == pytest.approx(told.actual.sum(), rel=0.05)


def test_pit_would_notice_rates_half_as_high_again() -> None:
    rng = np.random.default_rng(1)
    draw, parameters = PARAMETERS["bg_nbd"]
    buying = draw(rng, draw_spans(rng, 4000, 78, 26), 26.0, **parameters)
    nothing = np.zeros(4000, dtype=np.int64)
    seen = Seen(nothing, nothing, nothing, buying.x, None, buying.t_x, buying.T, 0, Clock(7.0))
    model = fit("bg_nbd", seen)
    wrong = model.with_parameters(model.parameters * [1.5, 1, 1, 1])
    assert distance(foretell(wrong, seen, 26.0, buying.holdout))[1] < 0.01


def test_a_common_factor_widens_and_a_log_score_is_proper() -> None:
    told = foretold_draws("bg_nbd", 1000, 3)
    assert np.allclose(told.below + told.at, np.clip(told.below + told.at, 0, 1))
    rng = np.random.default_rng(3)
    draw, parameters = PARAMETERS["bg_nbd"]
    buying = draw(rng, draw_spans(rng, 1000, 78, 26), 26.0, **parameters)
    nothing = np.zeros(1000, dtype=np.int64)
    seen = Seen(nothing, nothing, nothing, buying.x, None, buying.t_x, buying.T, 0, Clock(7.0))
    model = fit("bg_nbd", seen)
    plain = foretell(model, seen, 26.0, buying.holdout)
    assert plain.log_score.mean() == pytest.approx(told.log_score.mean())
    wrong = foretell(model.with_parameters(model.parameters * [1.3, 1, 1, 1]), seen, 26.0, buying.holdout)
    assert wrong.log_score.mean() < plain.log_score.mean()
    wide = foretell(model, seen, 26.0, buying.holdout, common=0.3)
    assert wide.covered(0.8).mean() >= plain.covered(0.8).mean() - 0.01
    assert wide.expected.tolist() == plain.expected.tolist()


@pytest.mark.parametrize("name", ["bg_nbd", "pareto_nbd"])
def test_cdnow_sample_holdout(name: str, shared_data: Callable[[str], Path]) -> None:
    """PIT distance .031 (BG/NBD, p .023) and .055 (Pareto/NBD; MBG/NBD .048); customers inside 93, 89 (93) percent."""
    told = foretold_cdnow(read_cdnow(shared_data("cdnow"), "sample"), name)
    assert distance(told)[0] <= 0.10
    assert told.covered(0.8).mean() >= 0.8


def test_cdnow_by_the_verb(shared_data: Callable[[str], Path]) -> None:
    """As of 30 June 1998 with the literature's 39 weeks held out: the published fit is among the models compared."""
    dataset = read_cdnow(shared_data("cdnow"), "sample")
    told = estimate_value(dataset, dataclasses.replace(SPEC, holdout_days=273, n_draws=50))
    likelihoods = dict(told.models.select("model", "log_likelihood").iter_rows())
    assert likelihoods["bg_nbd"] == pytest.approx(-9582.4292, abs=1e-4)
    assert likelihoods["pareto_nbd"] == pytest.approx(-9594.9762, abs=1e-4)
    assert told.by_frequency.select((pl.col("actual") * pl.col("n_customers")).sum()).item() == pytest.approx(1882)
    assert told.calibration_until == date(1997, 9, 30)
    # The autumn of 1997 brought more than any of the models foretells: that is what the grade is for.
    assert told.grade == "C"
    assert dict(told.grade_rule.select("criterion", "grade").iter_rows())["against_rules"] == "A"
    rules = told.rules.filter(measure="orders")
    assert rules.filter(rule="model")["rmse"][0] < rules.filter(pl.col("rule") != "model")["rmse"].min()


def covered(frame: pl.DataFrame) -> dict[str, float]:
    """Shares of segments inside their intervals (of purchases and of value), and the least share of customers.

    "large": segments of which at least 20 purchases are expected. A smaller one's interval has few whole numbers to end
    on, and covers more than its level, as a customer's does.
    """
    kinds = frame.filter(pl.col("kind") != "all")
    large = kinds.filter(pl.col("expected") >= 20)
    return {
        "orders": float(kinds["covered"].mean()),
        "value": float(kinds["value_covered"].mean()),
        "large": float(large["covered"].mean()),
        "random": float(kinds.filter(kind="random")["covered"].mean()),
        "rfm": float(kinds.filter(kind="rfm")["covered"].mean()),
        "customers": float(frame["customers_covered"].min()),
    }


def on_draws(n_sets: int, n: int) -> pl.DataFrame:
    """Segment totals over data sets drawn from all three models, one cut each."""
    frames = []
    for i in range(n_sets):
        kind = list(PARAMETERS)[i % 3]
        data = drawn(kind, n, 104, 26, 100 + i)
        frames.append(segment_totals(data, [END], dataclasses.replace(SPEC, n_draws=50), first_seed=100 * i))
    return pl.concat(frames)


def on_marketplaces(seeds: tuple[int, ...], n: int) -> pl.DataFrame:
    """Segment totals over worlds of other truths, each at four cut dates."""
    days = [date(2024, 9, 30), date(2025, 3, 31), date(2025, 8, 31), date(2025, 12, 30)]
    frames = []
    for seed in seeds:
        world = generate(n, seed)
        data = read_world({name: world.tables[name] for name in ("transactions", "customers")})
        frames.append(segment_totals(data, days, dataclasses.replace(SPEC, n_draws=50), first_seed=10 * seed))
    return pl.concat(frames)


def on_cdnow(folder: Path) -> pl.DataFrame:
    """Segment totals of both files at four cut dates each."""
    days = [date(1997, 7, 15), date(1997, 8, 31), date(1997, 10, 31), date(1997, 12, 30)]
    spec = dataclasses.replace(SPEC, n_draws=50)
    return pl.concat([segment_totals(read_cdnow(folder, which), days, spec) for which in ("sample", "master")])


def test_segment_totals_of_draws_are_covered() -> None:
    """Three sets of 1,500 customers: too few to tell 80 from 90 percent, enough to notice a factor."""
    told = covered(on_draws(3, 1500))
    assert told["customers"] >= 0.8
    assert 0.6 <= told["orders"] <= 0.98
    assert 0.6 <= told["value"] <= 0.98


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True, reason="a little too wide where the model is right: straying is estimated, none is there"
)
def test_segment_totals_over_many_draws() -> None:
    """522 segments of 30 sets: 86.4 % of purchases (random 87.3, by recency and frequency 85.1) covered, 85.8 %
    of value; customers 92.5 % or more at each cut."""
    told = covered(on_draws(30, 1500))
    assert told["customers"] >= 0.8
    assert 0.75 <= told["orders"] <= 0.85
    assert 0.75 <= told["value"] <= 0.85


@pytest.mark.slow
def test_segment_totals_of_the_worlds() -> None:
    """225 segments of 3 worlds at 4 cuts: 76.0 % of purchases (random 73.3, by recency and frequency 79.0), 75.1 % of
    value; customers 87.9 % or more."""
    told = covered(on_marketplaces((3, 11, 21), 4000))
    assert 0.75 <= told["orders"] <= 0.85
    assert 0.75 <= told["value"] <= 0.85
    assert told["customers"] >= 0.8


@pytest.mark.slow
def test_segment_totals_of_cdnow(shared_data: Callable[[str], Path]) -> None:
    """142 segments of 2 files at 4 cuts: 83.8 % of purchases (random 96.3, by recency and frequency 67.7), 79.6 % of
    value; customers 91.1 % or more."""
    told = covered(on_cdnow(shared_data("cdnow")))
    assert 0.75 <= told["orders"] <= 0.85
    assert 0.75 <= told["value"] <= 0.85
    assert told["customers"] >= 0.8


def test_a_cut_sees_nothing_of_what_comes_after() -> None:
    whole = drawn("bg_nbd", 400, 78, 26, 7)
    spec = dataclasses.replace(SPEC, n_draws=50)
    lines = whole.tables["transactions"].filter(pl.col("ordered_at").dt.date() <= END)
    alone = Dataset.build({"transactions": lines}, as_of=END, currency="USD")
    from analytics.population import PopulationSpec, observe

    assert END + timedelta(days=180) <= whole.as_of
    one, other = estimate_value(observe(whole, PopulationSpec(as_of=END)), spec), estimate_value(alone, spec)
    assert one.customers.equals(other.customers)
    assert one.tracking.equals(other.tracking)
