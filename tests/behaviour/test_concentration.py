"""Lorenz curve, Gini and tops: by hand, naive formulas, leaving customers out, coverage on planted incomes."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from analytics.behaviour import measure_concentration
from analytics.behaviour.concentration import gini_coefficient, top_share
from analytics.errors import AnalysisError
from tests.behaviour.conftest import SIX, build, made


def naive_gini(x: np.ndarray) -> float:
    n = len(x)
    return float(np.abs(x[:, None] - x[None, :]).sum() / (2 * n * (n - 1) * x.mean()))


class TestByHand:
    def test_six_customers(self) -> None:
        result = measure_concentration(build())
        # amy 25, bob 40, cai 100, dee 4, eve 7 - 7 = 0. Fay comes later, the anonymous one is nobody.
        assert (result.n_customers, result.n_zero, result.n_negative, result.revenue) == (5, 1, 0, 169.0)
        assert result.gini == pytest.approx(naive_gini(np.array([25.0, 40, 100, 4, 0])))
        tops = {row["top"]: row for row in result.tops.to_dicts()}
        assert tops[0.2]["share"] == pytest.approx(100 / 169)
        assert tops[0.1]["share"] == pytest.approx(50 / 169)  # half of the largest customer
        assert result.curve.row(40, named=True)["revenue_share"] == pytest.approx(140 / 169)
        assert result.most_share == 0.4  # cai and bob bring 83 %
        assert result.gini_lo is None
        assert {item.code for item in result.caveats} == {"concentration_nothing_left", "concentration_few"}

    def test_negative_customers_bring_nothing_and_are_told(self) -> None:
        more = SIX.filter(pl.col("order_id") == "e2").with_columns(amount=pl.lit(-900, pl.Int64), order_id=pl.lit("e3"))
        result = measure_concentration(build(pl.concat([SIX, more])))
        assert (result.n_negative, result.negative, result.n_zero) == (1, -9.0, 0)
        assert result.revenue == 169.0
        assert result.curve["revenue_share"].is_between(0, 1).all()

    def test_all_alike_and_one_for_all(self) -> None:
        assert gini_coefficient(np.full(50, 3.0))[0] == pytest.approx(0, abs=1e-12)
        assert gini_coefficient(np.array([0.0] * 49 + [5.0]))[0] == pytest.approx(1)


def test_gini_and_its_error_are_those_of_naive_loops() -> None:
    rng = np.random.default_rng(1)
    x = np.sort(rng.lognormal(3, 1, 120))
    gini, error = gini_coefficient(x)
    assert gini == pytest.approx(naive_gini(x))
    left_out = np.array([naive_gini(np.delete(x, i)) for i in range(len(x))])
    n = len(x)
    assert error == pytest.approx(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()), rel=1e-9)


def test_tops_and_their_error_are_those_of_a_bootstrap() -> None:
    rng = np.random.default_rng(2)
    x = np.sort(rng.lognormal(3, 1, 400))
    share, error = top_share(x, 0.1)
    assert share == pytest.approx(x[-40:].sum() / x.sum())
    drawn = [top_share(np.sort(rng.choice(x, len(x))), 0.1)[0] for _ in range(600)]
    assert error == pytest.approx(np.std(drawn), rel=0.12)
    assert top_share(x, 0.0)[0] == pytest.approx(0)
    assert top_share(x, 1.0)[0] == pytest.approx(1)


@pytest.mark.parametrize(("sigma", "n", "least"), [(0.8, 500, 0.86), (1.2, 500, 0.80)])
def test_intervals_cover_the_planted_gini(sigma: float, n: int, least: float) -> None:
    """Measured over 1,000 log-normal samples each: Gini 93.4 % (sigma .8, n 500), 92.0 (1.2, 500), 93.4 (1.2, 3,000);
    top tenth 90.6, 90.4 and 94.1 %: the largest customers of a small sample are fewer than they are."""
    from scipy.special import ndtr, ndtri

    rng = np.random.default_rng(3)
    truth = 2 * ndtr(sigma / np.sqrt(2)) - 1
    top = 1 - ndtr(ndtri(0.9) - sigma)
    hits, hits_top = [], []
    for i in range(60):
        values = rng.lognormal(5, sigma, n)
        lines = pl.DataFrame(
            {
                "customer_id": [f"c{j}" for j in range(n)],
                "ordered_at": [datetime(2024, 1, 1 + i % 28)] * n,
                "amount": np.round(values * 100).astype(np.int64),
            }
        )
        result = measure_concentration(build(lines))
        assert result.gini_lo is not None
        assert result.gini_hi is not None
        hits.append(result.gini_lo <= truth <= result.gini_hi)
        row = result.tops.filter(top=0.1).row(0, named=True)
        hits_top.append(row["lo"] <= top <= row["hi"])
    assert np.mean(hits) >= least
    assert np.mean(hits_top) >= least - 0.03


class TestInvariance:
    def test_order_of_rows_ids_currency_and_later_rows_change_nothing(self) -> None:
        lines = made(300)
        result = measure_concentration(build(lines))
        reverse = lines.with_columns(customer_id=pl.col("customer_id").str.reverse())
        later = lines.with_columns(pl.col("ordered_at") + pl.duration(days=1000), order_id="l" + pl.col("order_id"))
        for other in (lines.sample(fraction=1, shuffle=True, seed=1), reverse, pl.concat([lines, later])):
            found = measure_concentration(build(other))
            for item in dataclasses.fields(result):
                mine, theirs = getattr(result, item.name), getattr(found, item.name)
                if item.name != "key":
                    assert mine.equals(theirs) if isinstance(mine, pl.DataFrame) else mine == theirs, item.name
        dear = measure_concentration(build(lines.with_columns(pl.col("amount") * 100)))
        assert dear.gini == pytest.approx(result.gini, rel=1e-12)
        assert dear.tops["share"].to_numpy() == pytest.approx(result.tops["share"].to_numpy())
        assert dear.revenue == pytest.approx(100 * result.revenue)

    def test_money_is_summed_exactly(self) -> None:
        lines = made(50).with_columns(amount=pl.lit(10, pl.Int64))
        assert measure_concentration(build(lines)).revenue == lines.height / 10


class TestBadInput:
    def test_no_amounts(self) -> None:
        with pytest.raises(AnalysisError, match="fields_missing"):
            measure_concentration(build(SIX.drop("amount")))

    def test_everything_was_returned(self) -> None:
        with pytest.raises(AnalysisError, match="concentration_nothing"):
            measure_concentration(build(SIX.filter(pl.col("customer_id") == "eve")))

    def test_one_customer(self) -> None:
        result = measure_concentration(build(SIX.filter(pl.col("customer_id") == "cai")))
        assert (result.gini, result.most_share) == (0.0, 1.0)
        assert result.gini_lo is None
