"""Stages of products: by hand, against a plain filter, invariances, planted lives."""

from __future__ import annotations

import pickle
from datetime import date, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.demand import DemandPanel
from analytics.errors import AnalysisError
from analytics.product_life import STAGES, Goods, ProductLifeResult, ProductLifeSpec, trace_products
from analytics.product_life.calendar_index import grain_of, season_of, shapes_of, trend_of
from analytics.product_life.filtering import grid_levels, likelihood, read_lives
from analytics.product_life.regimes import MOVES, N_LEVELS, build_grid
from analytics.product_life.trace import lay_out
from sample_data.product_lives import MONTH_DAYS, draw_product_lives
from tests.product_life import attainable as bound
from tests.product_life.planted import AS_OF, REPORTED, markets, shops, told, trace

MONDAY = date(2023, 1, 2)
WEEKS = 156
OWN = ProductLifeSpec(against="own")


def panel_of(series: dict[str, list[float] | np.ndarray], unit: str = "items", key: str = "k") -> DemandPanel:
    """A weekly panel in which each series begins with its first sale and ends with the last week."""
    frames = []
    for name, values in series.items():
        y = np.asarray(values, dtype=float)
        first = int(np.flatnonzero(y > 0)[0])
        ds = [MONDAY + timedelta(weeks=i) for i in range(first, len(y))]
        frames.append(pl.DataFrame({"unique_id": [name] * len(ds), "ds": ds, "y": y[first:]}))
    frame = pl.concat(frames).sort("unique_id", "ds")
    measure = {"items": "quantity", "TWD": "revenue"}[unit]
    until = MONDAY + timedelta(weeks=max(len(v) for v in series.values())) - timedelta(days=1)
    return DemandPanel(frame, "week", measure, unit, until, 0, 0, 0, key, "product", tuple(series))


def plain(scale: float = 1.0) -> dict[str, np.ndarray]:
    """Six products whose lives are plain to see, without any noise."""
    week = np.arange(WEEKS)
    rise = np.where(week < 60, 2.0, 2.0 * np.exp(0.1 / 4.348 * (week - 60)))
    fall = np.where(week < 110, 40.0, 40.0 * np.exp(-0.12 / 4.348 * (week - 110)))
    lives = {
        "steady": np.full(WEEKS, 25.0),
        "rising": rise,
        "falling": fall,
        "gone": np.where(week < 130, 12.0, 0.0),
        "new": np.where(week < 148, 0.0, 4.0),
        "rare": np.where(np.isin(week, [20, 77]), 1.0, 0.0),
    }
    return {name: np.round(values) * scale for name, values in lives.items()}


def row(result: ProductLifeResult, name: str) -> dict[str, object]:
    return result.products.filter(unique_id=name).row(0, named=True)


@pytest.fixture(scope="module")
def result() -> ProductLifeResult:
    return trace_products(panel_of(plain()), OWN)


class TestByHand:
    def test_each_plain_life_is_told_with_its_reason(self, result: ProductLifeResult) -> None:
        stages = dict(zip(result.products["unique_id"], result.products["stage"], strict=True))
        reasons = dict(zip(result.products["unique_id"], result.products["reason"], strict=True))
        assert stages == {
            "steady": "maturity",
            "rising": "growth",
            "falling": "decline",
            "gone": "discontinued",
            "new": "introduction",
            "rare": None,
        }
        assert reasons["steady"] in ("steady", "no_direction")
        assert {reasons[name] for name in ("rising", "falling", "gone", "new", "rare")} == {
            "rising",
            "falling",
            "nothing_sold",
            "new",
            "few_sales",
        }

    def test_pace_level_and_silence_are_what_was_put_in(self, result: ProductLifeResult) -> None:
        rising, falling, gone, new = (row(result, name) for name in ("rising", "falling", "gone", "new"))
        assert rising["change_lo"] < np.expm1(0.1) < rising["change_hi"]
        assert falling["change_lo"] < np.expm1(-0.12) < falling["change_hi"] < 0
        steady = row(result, "steady")
        assert steady["rate_monthly"] == pytest.approx(25 * MONTH_DAYS / 7, rel=0.05)
        assert steady["rate_lo"] < 25 * MONTH_DAYS / 7 < steady["rate_hi"]
        assert falling["peak_share"] == pytest.approx(np.exp(-0.12 / 4.348 * 44), abs=0.1)
        # 26 weeks without a sale where 12 a week were usual; the last sale is in a period that ends with week 131.
        assert gone["silent_months"] == pytest.approx(24 * 7 / MONTH_DAYS, abs=0.01)
        assert gone["expected_since"] == pytest.approx(12 * 24, rel=0.15)
        assert gone["change_monthly"] is None
        assert gone["rate_monthly"] == gone["peak_share"] == 0
        assert new["first_sale_on"] == MONDAY + timedelta(weeks=148)
        assert new["age_months"] == pytest.approx(8 * 7 / MONTH_DAYS)
        assert new["stage_before"] == "not_launched"
        assert steady["first_sale_on"] is steady["age_months"] is None, "sold from the beginning: its launch is unknown"

    def test_frames_hang_together(self, result: ProductLifeResult) -> None:
        assert result.products["sales_share"].sum() == pytest.approx(1)
        assert result.stages["stage"].to_list() == list(STAGES)
        assert result.stages["n_products"].sum() == 5
        assert result.moves["n_products"].sum() == 5
        assert result.history.height == 6 * result.n_periods == 6 * 39
        assert result.history["y"].sum() == sum(values.sum() for values in plain().values())
        chances = result.chances.group_by("unique_id").agg(pl.col("chance").sum())
        assert np.allclose(chances["chance"], 1)
        assert result.over_time.group_by("ds").agg(n=pl.len())["n"].unique().to_list() == [5]
        shown = result.over_time["y"].sum()
        assert shown == pytest.approx(result.history.filter(pl.col("stage") != "not_launched")["y"].sum())
        recent = dict(zip(result.products["unique_id"], result.products["recent_year"], strict=True))
        assert recent["steady"] == 25 * 52
        assert {caveat.code for caveat in result.caveats} >= {"product_life_few_sales"}
        assert (result.hindsight["kept"] <= result.hindsight["n"]).all()
        assert pickle.loads(pickle.dumps(result)).key == result.key

    def test_a_sparkline_ends_with_the_last_quarter(self, result: ProductLifeResult) -> None:
        lines = dict(zip(result.products["unique_id"], result.products["line"], strict=True))
        assert lines["steady"].to_list() == [25 * 12] * 12
        assert lines["gone"][-1] == 0

    def test_a_turn_is_dated_where_it_is(self, result: ProductLifeResult) -> None:
        turned = row(result, "rising")["since"]
        assert abs((turned - (MONDAY + timedelta(weeks=60))).days) <= 70
        assert row(result, "falling")["stage_before"] in ("maturity", "decline")


def test_shares_are_of_revenue_where_it_is_known() -> None:
    worth = plain()
    worth["steady"] = worth["steady"] * 9
    result = trace_products(panel_of(plain()), OWN, None, panel_of(worth, "TWD"))
    assert result.currency == "TWD"
    recent = {name: values[-52:].sum() for name, values in worth.items()}
    assert row(result, "steady")["sales_share"] == pytest.approx(recent["steady"] / sum(recent.values()))
    assert result.products["unique_id"][0] == "steady"


def test_names_and_kinds_come_from_the_goods() -> None:
    frame = pl.DataFrame({"unique_id": ["steady"], "product": ["Green tea"], "category": ["tea"]})
    result = trace_products(panel_of(plain()), OWN, Goods(frame, "g"))
    assert row(result, "steady")["product"] == "Green tea"
    assert row(result, "steady")["category"] == "tea"
    assert row(result, "gone")["product"] == "gone"


def test_months_are_periods_of_a_monthly_panel() -> None:
    months = pl.date_range(date(2022, 1, 1), date(2024, 12, 1), "1mo", eager=True)
    y = np.round(30 * np.exp(0.08 * np.maximum(np.arange(36) - 20, 0)))
    frame = pl.DataFrame({"unique_id": ["a"] * 36, "ds": months, "y": y})
    panel = DemandPanel(frame, "month", "quantity", "items", date(2024, 12, 31), 0, 0, 0, "k", "product", ("a",))
    result = trace_products(panel, OWN)
    assert result.n_periods == 36
    assert result.period_months == 1
    assert result.has_season
    assert row(result, "a")["stage"] == "growth"
    assert lay_out(panel).days[0, :3].tolist() == [31, 28, 31]


def test_what_is_missing_is_not_zero() -> None:
    series = plain()
    frame = panel_of(series).frame.with_columns(
        y=pl.when((pl.col("unique_id") == "steady") & (pl.col("ds") >= MONDAY + timedelta(weeks=140)))
        .then(None)
        .otherwise("y")
    )
    whole = panel_of(series)
    panel = DemandPanel(frame, "week", "quantity", "items", whole.as_of, 0, 0, 0, "m", "product", whole.members)
    assert row(trace_products(panel, OWN), "steady")["stage"] == "maturity"
    assert lay_out(panel).days[0, -4:].sum() == 0


def test_too_short_is_refused_and_two_years_are_needed_for_a_season() -> None:
    with pytest.raises(AnalysisError) as error:
        trace_products(panel_of({"a": np.full(20, 5.0)}))
    assert error.value.code == "product_life_too_short"
    result = trace_products(panel_of({"a": np.full(60, 5.0)}))
    assert not result.has_season
    assert result.typical_yearly is None
    assert "product_life_no_season" in {caveat.code for caveat in result.caveats}


@pytest.mark.parametrize("bad", [{"n_products": 0}, {"steady_within": 0.5}, {"compare_months": 13}, {"sure_from": 0.1}])
def test_choices_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(AnalysisError, match="product_life_option"):
        ProductLifeSpec(**bad)


def test_choices_survive_json() -> None:
    spec = ProductLifeSpec(by="category", measure="revenue", steady_within=0.04, product="P1")
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), ProductLifeSpec, strict=True) == spec
    with pytest.raises(AnalysisError, match="product_life_choice"):
        ProductLifeSpec(measure="weight")


# ---- invariance --------------------------------------------------------------------------------------------------


def same(left: ProductLifeResult, right: ProductLifeResult) -> bool:
    columns = ("stage", "probability", "change_monthly", "peak_share", "sales_share")
    a, b = (r.products.sort("product").select(columns) for r in (left, right))
    return a["stage"].equals(b["stage"]) and all(
        np.allclose(a[name].fill_null(0), b[name].fill_null(0), atol=1e-5) for name in columns[1:]
    )


def test_order_of_products_and_their_ids_change_nothing() -> None:
    lives = plain()
    whole = trace_products(panel_of(lives), OWN)
    assert same(whole, trace_products(panel_of(dict(reversed(lives.items()))), OWN))
    renamed = trace_products(panel_of({f"x{i}": values for i, values in enumerate(lives.values())}), OWN)
    names = dict(zip([f"x{i}" for i in range(6)], lives, strict=True))
    back = renamed.products.with_columns(pl.col("product").replace(names)).sort("product")
    assert back["stage"].equals(whole.products.sort("product")["stage"])


def test_the_currency_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    money = {name: rng.poisson(values) * 35.0 for name, values in plain().items() if name != "rare"}
    cents = {name: values * 100 for name, values in money.items()}
    assert same(trace_products(panel_of(money, "TWD"), OWN), trace_products(panel_of(cents, "TWD"), OWN))


def test_a_product_is_read_by_itself_but_for_what_all_have_in_common() -> None:
    lives = plain()
    alone = trace_products(panel_of({"falling": lives["falling"][:90]}), OWN)
    beside = trace_products(panel_of({name: values[:90] for name, values in lives.items() if name != "new"}), OWN)
    assert row(alone, "falling")["stage"] == row(beside, "falling")["stage"] == "maturity"


# ---- the filter against a plain one ------------------------------------------------------------------------------


def test_every_row_of_chances_is_whole() -> None:
    for months in (0.92, 1.0):
        grid = build_grid(months, 0.025)
        assert np.allclose(grid.follows.sum(axis=1), 1)
        assert (grid.follows >= 0).all()
        assert np.allclose(grid.moves.sum(axis=2), 1)
        assert grid.begins.sum() == pytest.approx(1)
        assert set(np.unique(grid.stage)) == {-1, 0, 1, 2, 3, 4}
        assert (grid.reach[:, 0] < grid.reach[:, 1]).all()
    leaving = {kind: 1 - (1 - sum(to.values())) for kind, to in MOVES.items()}
    assert all(0 < share < 0.6 for share in leaving.values())


def test_filter_and_smoother_equal_the_plain_recursions_on_one_product() -> None:
    """Forward and backward recursions of a hidden Markov chain over all 2,552 states, as the textbook writes them."""
    grid = build_grid(0.92, 0.025)
    y, exposure, shape = np.array([[0.0, 3, 5, 9, 0, 14]]), np.full((1, 6), 0.9), np.array([8.0])
    exposure[0, 4] = 0.0
    reading = read_lives(y, exposure, shape, grid)
    levels = grid_levels(y, exposure)
    n_states = len(grid.pace) * N_LEVELS
    step = np.einsum("rs,slm->rlsm", grid.follows, grid.moves).reshape(n_states, n_states)
    stage_of = np.repeat(grid.stage, N_LEVELS)
    weights = []
    for t in range(6):
        on_sale, early, gone = likelihood(y[:, t], exposure[:, t], levels, shape, y[:, : t + 1].any(axis=1))
        by = {-1: np.full(N_LEVELS, early[0]), 4: np.full(N_LEVELS, gone[0])}
        weights.append(np.concatenate([by.get(int(stage), on_sale[0]) for stage in grid.stage]))
    forward = [np.repeat(grid.begins, N_LEVELS) / N_LEVELS * weights[0]]
    for t in range(1, 6):
        forward.append(forward[-1] @ step * weights[t])
    backward = [np.ones(n_states)]
    for t in range(5, 0, -1):
        backward.insert(0, step @ (weights[t] * backward[0]))
    for t in range(6):
        then = np.array([forward[t][stage_of == s].sum() for s in range(-1, 5)])
        both = forward[t] * backward[t]
        by_now = np.array([both[stage_of == s].sum() for s in range(-1, 5)])
        assert np.allclose(reading.then[0, t], then / then.sum(), atol=1e-5)
        assert np.allclose(reading.by_now[0, t], by_now / by_now.sum(), atol=1e-5)
        on_sale = np.isin(stage_of, [0, 1, 2, 3])
        mean = (both * np.tile(levels[0], len(grid.pace)))[on_sale].sum() / both[on_sale].sum()
        assert reading.level[0, t] == pytest.approx(mean, abs=1e-3)


def test_later_sales_change_nothing_of_what_was_known_then() -> None:
    grid, rng = build_grid(0.92, 0.025), np.random.default_rng(0)
    y = rng.poisson(20, (3, 20)).astype(float)
    y[:, 0] = 60  # the grid of levels follows the best of the past
    exposure, shape = np.ones((3, 20)), np.full(3, 20.0)
    early, late = read_lives(y[:, :12], exposure[:, :12], shape, grid), read_lives(y, exposure, shape, grid)
    assert np.allclose(early.then, late.then[:, :12], atol=1e-6)


# ---- what all have in common -------------------------------------------------------------------------------------


def test_a_season_is_found_and_growth_is_none() -> None:
    rng, position = np.random.default_rng(1), (np.arange(52) - 52) % 13
    true = 1 + 0.4 * np.sin(2 * np.pi * position / 13)
    growth = np.exp(np.linspace(0, 1.2, 52))
    sales = rng.poisson(80 * true * growth * np.ones((20, 1))).astype(float)
    found = season_of(sales, np.full((20, 52), 28.0), ["a"] * 20, 13)
    assert found is not None
    assert np.abs(found[0] - true / true[:13].mean()).max() < 0.06
    assert season_of(sales[:, :25], np.full((20, 25), 28.0), ["a"] * 20, 13) is None
    even = season_of(rng.poisson(50, (10, 36)).astype(float), np.full((10, 36), 30.0), ["a"] * 10, 12)
    assert even is not None
    assert np.abs(even - 1).max() < 0.1


def test_the_trend_of_the_typical_product_is_the_median_of_years() -> None:
    rng, t = np.random.default_rng(2), np.arange(52)
    common = np.exp(0.3 * t / 13)
    sales = rng.poisson(200 * common * np.ones((15, 1))).astype(float)
    sales[:3] = rng.poisson(400 * np.exp(-0.5 * t / 13) * np.ones((3, 1)))  # a few that fall
    found = trend_of(sales, np.full((15, 52), 28.0), 13)
    assert found is not None
    assert found[-1] == 0
    assert found[-1] - found[-14] == pytest.approx(0.3, abs=0.03)
    assert found[-1] - found[0] == pytest.approx(0.3 * 51 / 13, abs=0.1)
    assert trend_of(sales[:5], np.full((5, 52), 28.0), 13) is None


def test_shapes_and_grain_tell_noise() -> None:
    rng = np.random.default_rng(3)
    exposure = np.ones((200, 45))
    wild = rng.poisson(60 * rng.gamma(1 / 0.09, 0.09, (200, 45))).astype(float)
    calm = rng.poisson(60, (200, 45)).astype(float)
    assert 1 / np.median(shapes_of(wild, exposure)) == pytest.approx(0.09, rel=0.15)
    assert 1 / np.median(shapes_of(calm, exposure)) < 0.01
    money = 35.0 * rng.poisson(8, (200, 45))
    assert np.median(grain_of(money, exposure)) == pytest.approx(35, rel=0.25)


# ---- planted lives -----------------------------------------------------------------------------------------------


def test_planted_lives_are_told_small() -> None:
    """A small version of the proof below, on a shop that nobody tuned on."""
    lives = draw_product_lives(150, 11)
    result = trace(lives)
    marks = bound.score(told(lives, result), lives)
    naive = bound.score(bound.naive(lives), lives)
    assert marks["accuracy"] >= 0.78
    assert marks["accuracy"] > naive["accuracy"] + 0.1
    assert marks["away"] >= 0.85
    assert marks["growth"] >= 0.6
    assert pace_coverage(lives, result) >= 0.85


def test_the_marketplace_is_told_small() -> None:
    held = markets(AS_OF[-1:])
    assert held["method"]["accuracy"] >= 0.78
    assert held["method"]["accuracy"] > held["naive"]["accuracy"] + 0.2


def pace_coverage(lives, result) -> float:
    """Share of products on sale whose 95 percent interval holds the pace of their life over the last four weeks."""
    from sample_data.product_lives import compute_weights

    months = np.array([bound.NOW - 0.46, bound.NOW + 0.46])
    weight = compute_weights(lives.boundaries, lives.curved, months)
    pace = np.expm1(np.log(np.maximum(weight[:, 1], 1e-9) / np.maximum(weight[:, 0], 1e-9)) / 0.92)
    held = {
        unique_id: (lo, hi)
        for unique_id, lo, hi in result.products.select("unique_id", "change_lo", "change_hi").iter_rows()
    }
    inside = [
        lo <= pace[i] <= hi
        for i in range(lives.n)
        if (weight[i] > 0).all()
        and (lo := held.get(f"P{i:04d}", (None, None))[0]) is not None
        and (hi := held[f"P{i:04d}"][1]) is not None
    ]
    return float(np.mean(inside))


@pytest.mark.slow
def test_planted_lives_are_told() -> None:
    """Four drawn shops of 300 products, seven as-of dates of the marketplace (``docs/accuracy.md``).

    Last result: drawn .850 (away from boundaries .925, growth .881), attainable .908, ratio .599; marketplace .840
    (.893, .870), ratio .433.
    """
    drawn, world = shops(REPORTED, 300), markets()
    assert drawn["method"]["accuracy"] >= 0.80
    assert drawn["method"]["away"] >= 0.85
    assert drawn["method"]["growth"] >= 0.6
    assert world["method"]["accuracy"] >= 0.80
    assert world["method"]["away"] >= 0.85
    assert world["method"]["growth"] >= 0.6


@pytest.mark.slow
@pytest.mark.xfail(reason="found .850 of .908: introductions and first falls are told late", strict=True)
def test_planted_lives_are_told_nearly_as_well_as_can_be() -> None:
    drawn = shops(REPORTED, 300)
    assert drawn["method"]["accuracy"] >= 0.95 * drawn["attainable"]["accuracy"]
