from __future__ import annotations

from datetime import date, timedelta

import holidays
import numpy as np
import polars as pl
import pytest

from sample_data.marketplace import Marketplace
from sample_data.seasons import END, LUNAR_NEW_YEAR, N_DAYS, START, compute_holiday, draw_seasons, list_days


def ratio_without_holiday(large: Marketplace, sales: pl.DataFrame, days: list[date]) -> float:
    """Orders on some days per orders that trend, week and year alone would bring."""
    truth = large.truth["demand_by_day"].filter(pl.col("date").is_in(days))
    expected = truth.select(
        ((pl.col("expected_orders") + pl.col("expected_walk_in_orders")) / pl.col("holiday")).sum()
    ).item()
    return float(sales.filter(pl.col("date").is_in(days))["order_id"].n_unique() / expected)


def days_around_new_year(first: int, last: int) -> list[date]:
    out = [d + timedelta(days=k) for d in LUNAR_NEW_YEAR.values() for k in range(first, last + 1)]
    return [d for d in out if START <= d <= END]


def test_new_year_dates_agree_with_the_calendar() -> None:
    for year, first in LUNAR_NEW_YEAR.items():
        assert "Chinese New Year" in holidays.country_holidays("TW", years=year, language="en_US").get(first, "")
        eve = first - timedelta(days=1)
        assert "Eve" in holidays.country_holidays("TW", years=year, language="en_US").get(eve, "")


def test_lunar_new_year_shows(large: Marketplace, large_sales: pl.DataFrame) -> None:
    planted = large.parameters["seasons"]
    hole = ratio_without_holiday(large, large_sales, days_around_new_year(-1, 4))
    assert hole == pytest.approx(planted["new_year_hole"], rel=0.08)
    rush = ratio_without_holiday(large, large_sales, days_around_new_year(-3, -2))
    assert rush == pytest.approx(planted["new_year_rush"], rel=0.08)
    later = ratio_without_holiday(large, large_sales, days_around_new_year(5, 9))
    assert later == pytest.approx(planted["new_year_return"], rel=0.08)


def test_lunar_new_year_is_visible_without_any_truth(large_sales: pl.DataFrame) -> None:
    hole = large_sales.filter(pl.col("date").is_in(days_around_new_year(-1, 4)))["order_id"].n_unique() / 6
    before = large_sales.filter(pl.col("date").is_in(days_around_new_year(-9, -2)))["order_id"].n_unique() / 8
    after = large_sales.filter(pl.col("date").is_in(days_around_new_year(12, 25)))["order_id"].n_unique() / 14
    assert hole < 0.7 * after < 0.7 * before


@pytest.mark.parametrize(("month", "day", "name"), [(11, 11, "double_11"), (6, 18, "mid_year_618")])
def test_shopping_days_show(large: Marketplace, large_sales: pl.DataFrame, month: int, day: int, name: str) -> None:
    days = [d for d in list_days() if (d.month, d.day) == (month, day)]
    assert ratio_without_holiday(large, large_sales, days) == pytest.approx(large.parameters["seasons"][name], rel=0.1)


def test_christmas_week_shows(large: Marketplace, large_sales: pl.DataFrame) -> None:
    days = [d for d in list_days() if d.month == 12 and 18 <= d.day <= 25]
    planted = large.parameters["seasons"]["christmas_week"]
    assert ratio_without_holiday(large, large_sales, days) == pytest.approx(planted, rel=0.06)


def test_the_week_shows(large_sales: pl.DataFrame, large: Marketplace) -> None:
    ordinary = large.truth["demand_by_day"].filter(pl.col("holiday") == 1)["date"]
    counts = (
        large_sales.filter(pl.col("date").is_in(ordinary.implode()))
        .group_by("date").agg(pl.col("order_id").n_unique().alias("n"))
        .group_by(pl.col("date").dt.weekday()).agg(pl.col("n").mean()).sort("date")["n"].to_numpy()
    )  # fmt: skip
    assert np.abs(counts / counts.mean() - np.array(large.parameters["seasons"]["weekly"])).max() < 0.06


def test_factors_are_one_outside_the_windows() -> None:
    factor = compute_holiday(draw_seasons(1))
    assert len(factor) == N_DAYS == len(list_days())
    quiet = [i for i, d in enumerate(list_days()) if d.month in (4, 5, 7, 8, 9, 10)]
    assert (factor[quiet] == 1.0).all()


def test_weekly_factors_have_mean_one() -> None:
    for seed in range(5):
        assert np.mean(draw_seasons(seed).weekly) == pytest.approx(1, abs=1e-3)
