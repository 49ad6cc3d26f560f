"""Order values, baskets, gaps, week and season: by hand, against naive loops, under renaming, on planted data."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.behaviour import SpendingResult, describe_spending
from analytics.behaviour.calendar import season_of
from analytics.errors import AnalysisError
from tests.behaviour.conftest import SIX, build, made


def summary(result: SpendingResult) -> dict[str, dict[str, Any]]:
    return {row["measure"]: row for row in result.summary.iter_rows(named=True)}


def same(left: Any, right: Any, but: tuple[str, ...] = ()) -> None:
    for item in dataclasses.fields(left):
        mine, theirs = getattr(left, item.name), getattr(right, item.name)
        if item.name in ("key", *but):
            continue
        assert mine.equals(theirs) if isinstance(mine, pl.DataFrame) else mine == theirs, item.name


class TestByHand:
    def test_order_values_and_baskets(self) -> None:
        result = describe_spending(build())
        found = summary(result)
        # a1 15, a2 5, a3 5, b1 20, b2 20, c1 100, d1 4, e1 7, x1 6: nine orders, the anonymous one among them.
        assert result.n_orders == found["order_value"]["n_values"] == 9
        assert found["order_value"]["p50"] == 7.0
        assert found["order_value"]["mean"] == pytest.approx(182 / 9)
        assert (found["order_value"]["p25"], found["order_value"]["p75"], found["order_value"]["largest"]) == (
            5,
            20,
            100,
        )
        assert found["order_items"]["mean"] == pytest.approx(13 / 9)
        assert found["order_lines"]["mean"] == pytest.approx(10 / 9)

    def test_gaps_are_each_customers_own_and_who_has_none_is_counted(self) -> None:
        result = describe_spending(build())
        gap = summary(result)["gap_days"]
        assert (gap["n_values"], gap["p50"], gap["mean"]) == (2, 22.5, 22.5)  # amy: median of 10 and 20; bob: 30
        assert (result.n_customers, result.n_one_day) == (5, 3)
        said = {item.code: dict(item.params) for item in result.caveats}
        assert said["behaviour_gaps"] == {"n": 3, "percent": 60}
        assert said["behaviour_anonymous"] == {"n": 1, "percent": 11, "revenue_percent": 3}
        assert said["season_too_short"] == {"n": 12}

    def test_the_week(self) -> None:
        result = describe_spending(build())
        assert result.has_times
        assert result.week.height == 7 * 24
        cells = {
            (row["weekday"], row["hour"]): row["n_orders"]
            for row in result.week.filter(pl.col("n_orders") > 0).to_dicts()
        }
        # Mondays: a1, b1, x1 at nine; Thursdays: a2 at twenty, c1, d1, e1 at nine; Wednesday: a3, b2.
        assert cells == {(1, 9): 3, (4, 20): 1, (4, 9): 3, (3, 20): 1, (3, 9): 1}
        assert result.week["share"].sum() == pytest.approx(1)

    def test_months(self) -> None:
        result = describe_spending(build())
        assert result.months["n_orders"].to_list() == [5, 4] + [0] * 10
        assert result.months["whole"].all()
        assert result.season.is_empty()
        assert result.season_p is None

    def test_only_days(self) -> None:
        result = describe_spending(build(SIX.with_columns(pl.col("ordered_at").dt.truncate("1d"))))
        assert not result.has_times
        assert result.week["hour"].null_count() == 7
        assert result.week["n_orders"].to_list() == [3, 0, 2, 4, 0, 0, 0]

    def test_without_amounts_baskets_still_work(self) -> None:
        result = describe_spending(build(SIX.drop("amount")))
        assert set(summary(result)) == {"order_items", "order_lines", "gap_days"}
        assert "behaviour_no_amounts" in {item.code for item in result.caveats}


def test_returning_is_kaplan_meier_by_a_naive_loop() -> None:
    lines = made(300, seed=4)
    result = describe_spending(build(lines))
    days: dict[str, list[int]] = {}
    for who, at in lines.select("customer_id", "ordered_at").iter_rows():
        days.setdefault(who, []).append((at.date() - date(1970, 1, 1)).days)
    as_of = (date(2024, 12, 31) - date(1970, 1, 1)).days
    events, durations = [], []
    for values in days.values():
        distinct = sorted(set(values))
        events.append(len(distinct) > 1)
        durations.append((distinct[1] if len(distinct) > 1 else as_of) - distinct[0])
    for day in (5, 30, 100, 300):
        left = 1.0
        for t in range(day + 1):
            at_risk = sum(d >= t for d in durations)
            left *= 1 - sum(d == t and e for d, e in zip(durations, events, strict=True)) / at_risk
        row = result.returning.row(day, named=True)
        assert row["share"] == pytest.approx(1 - left, abs=1e-12)
        assert row["lo"] <= row["share"] <= row["hi"]
    gaps = sorted(float(np.median(np.diff(sorted(set(v))))) for v in days.values() if len(set(v)) > 1)
    assert summary(result)["gap_days"]["p50"] == pytest.approx(float(np.median(gaps)))


class TestInvariance:
    def test_order_of_rows_ids_and_currency_change_nothing(self) -> None:
        lines = made(200, seed=2)
        result = describe_spending(build(lines))
        same(result, describe_spending(build(lines.sample(fraction=1, shuffle=True, seed=3))))
        renamed = lines.with_columns(customer_id="z" + pl.col("customer_id").str.reverse())
        same(result, describe_spending(build(renamed)))
        hundred = describe_spending(build(lines.with_columns(pl.col("amount") * 100)))
        same(result, hundred, but=("summary", "distribution"))
        mine, theirs = summary(result), summary(hundred)
        assert theirs["order_value"]["p50"] == pytest.approx(100 * mine["order_value"]["p50"])
        assert hundred.distribution["n_values"].equals(result.distribution["n_values"])

    def test_what_comes_after_the_as_of_date_changes_nothing(self) -> None:
        lines, day = made(200), date(2024, 3, 15)
        held = lines.filter(pl.col("ordered_at") < datetime(2024, 3, 16))
        assert held.height < lines.height
        same(describe_spending(build(lines, day)), describe_spending(build(held, day)))

    def test_every_order_stands_in_one_bin(self) -> None:
        result = describe_spending(build(made(300)))
        assert result.is_log
        counted = dict(result.distribution.group_by("measure").agg(pl.col("n_values").sum()).iter_rows())
        assert counted == {row["measure"]: row["n_values"] for row in result.summary.to_dicts()}
        for part in result.distribution.partition_by("measure"):
            assert part["share"].sum() == pytest.approx(1)
            assert part["high"].to_list()[:-1] == part["low"].to_list()[1:]


class TestSeason:
    @staticmethod
    def days(rng: np.random.Generator, index: np.ndarray, n_months: int, noise: float) -> pl.Series:
        days = []
        for i in range(n_months):
            first = date(2020 + i // 12, i % 12 + 1, 1)
            length = ((first + timedelta(days=32)).replace(day=1) - first).days
            mean = 20 * np.exp(0.02 * i) * index[i % 12] * np.exp(rng.normal(0, noise)) * length
            days += [(first - date(1970, 1, 1)).days + int(d) for d in rng.integers(0, length, rng.poisson(mean))]
        return pl.Series("day", days, dtype=pl.Int32)

    def test_planted_seasons_are_covered(self) -> None:
        """Measured over 200 worlds each, noise of 10 % between months: 95.0 % (36 months), 95.1 % (24 months)."""
        rng = np.random.default_rng(7)
        index = np.exp(rng.normal(0, 0.3, 12))
        index /= np.exp(np.log(index).mean())
        hits = []
        for _ in range(25):
            found = season_of(self.days(rng, index, 36, 0.1), date(2022, 12, 31))
            assert found.p is not None
            assert found.p < 0.001
            hits += ((found.by_month["lo"].to_numpy() <= index) & (index <= found.by_month["hi"].to_numpy())).tolist()
        assert 0.90 <= np.mean(hits) <= 0.99

    def test_without_a_season_the_test_stays_quiet(self) -> None:
        rng = np.random.default_rng(8)
        p = [season_of(self.days(rng, np.ones(12), 24, 0.1), date(2021, 12, 31)).p for _ in range(40)]
        assert sum(value is not None and value < 0.05 for value in p) <= 6

    def test_two_years_are_needed(self) -> None:
        rng = np.random.default_rng(9)
        found = season_of(self.days(rng, np.ones(12), 23, 0.1), date(2021, 11, 30))
        assert found.n_whole == 23
        assert found.by_month.is_empty()


class TestBadInput:
    def test_nothing_bought(self) -> None:
        with pytest.raises(AnalysisError, match="no_orders"):
            describe_spending(build(SIX.filter(pl.col("kind") == "return")))
        with pytest.raises(AnalysisError, match="no_orders"):
            describe_spending(build(SIX, date(2023, 1, 1)))

    def test_one_customer_with_one_order(self) -> None:
        result = describe_spending(build(SIX.filter(pl.col("customer_id") == "cai")))
        assert summary(result)["order_value"]["p50"] == 100
        assert "gap_days" not in summary(result)
        assert result.returning.is_empty()

    def test_all_orders_alike(self) -> None:
        lines = made(60).with_columns(amount=pl.lit(500, pl.Int64), quantity=pl.lit(1, pl.Int64))
        result = describe_spending(build(lines))
        assert not result.is_log
        assert result.distribution.filter(measure="order_value")["n_values"].to_list() == [lines.height]

    def test_nobody_is_known(self) -> None:
        result = describe_spending(build(SIX.drop("customer_id")))
        assert (result.n_orders, result.n_customers) == (9, 0)
        assert result.returning.is_empty()
