"""The response of demand: planted truth found, guards that keep quiet, invariance, the solver against a library."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.calendar import CalendarSpec
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.forecasting.planning import ResponseSpec, learn_response, related_products
from analytics.forecasting.planning.arrow import Counts, deviance, fit, overdispersion
from analytics.forecasting.planning.cells import event_days, group_rows, hats
from sample_data.price_response import draw_priced_sales
from tests.forecasting.planted_prices import judge_seeds, learn_world, learned, related, to_drivers


def test_the_planted_response_is_found() -> None:
    """A small version of the proof below."""
    judged = judge_seeds(4, n_days=700)
    assert judged["covered"].sum() >= 3
    assert (judged["estimate"] - judged["truth"]).abs().max() < 0.6
    assert judged["lift_ratio"].is_between(0.8, 1.25).all()
    assert judged["lift_covered"].sum() >= 3


@pytest.mark.slow
def test_the_interval_holds_the_planted_elasticity_in_85_of_100_seeds() -> None:
    """100 seeds, 12 products, 910 days: the 90 percent interval held the group's elasticity in 91 (rmse .159, bias
    -.015; 96 told), the products' own in 94.7 percent, the lift of a promotion of a fifth in 97 (bias of its logarithm
    .001).
    """
    judged = judge_seeds(100)
    assert judged["covered"].sum() >= 85
    assert judged["products_covered"].mean() >= 0.85
    assert judged["lift_covered"].sum() >= 85


def test_prices_that_never_move_tell_nothing() -> None:
    sales = draw_priced_sales(3, n_products=4, n_days=400, n_price_moves=0, n_promotions=0)
    result = learned(sales)
    assert set(result.prices["told"]) == {"few_prices"}
    assert result.promotions.is_empty(), "no promotion was found where none was planted"
    assert result.occasions.is_empty()
    assert (result.prices["lowest_ratio"] == 1).all()
    assert (result.prices["highest_ratio"] == 1).all()


def test_a_price_that_moves_nothing_is_not_told() -> None:
    """No elasticity planted: over ten seeds the guard keeps quiet, or the interval holds zero."""
    told = []
    for seed in range(10):
        row = learned(draw_priced_sales(seed, n_products=5, n_days=500, elasticity=0.0)).prices.row(0, named=True)
        told.append(row["told"] == "" and not row["lo"] <= 0 <= row["hi"])
    assert sum(told) <= 2


def test_promotions_are_found_with_their_days_and_depths() -> None:
    sales = draw_priced_sales(8, n_products=6, n_days=600, n_promotions=6)
    found = learned(sales).occasions
    listed = sales.frame.with_columns(depth=1 - pl.col("paid") / (pl.col("list_price") * pl.col("quantity")))
    days = (
        listed.filter(~pl.col("day").is_in(sales.event_days), pl.col("quantity") >= 3)
        .group_by("day")
        .agg(n=(pl.col("depth") > 0.095).sum(), items=pl.col("quantity").sum())
    )
    planted = days.filter(pl.col("n") >= 2)["day"].to_list()
    inside = pl.DataFrame({"day": planted}).filter(
        pl.any_horizontal(pl.col("day").is_between(row["first"], row["last"]) for row in found.iter_rows(named=True))
    )
    assert inside.height >= 0.9 * len(planted)
    assert 4 <= found.height <= 7
    assert found["depth"].is_between(0.08, 0.33).all()


def test_an_occasional_coupon_is_no_promotion_and_an_event_keeps_its_own_sale() -> None:
    sales = draw_priced_sales(5, n_products=3, n_days=800, n_promotions=0)
    result = learned(sales)
    assert result.occasions.is_empty()
    event = result.events.filter(scope="all", event="double_11").row(0, named=True)
    assert event["n_seen"] == 2
    assert event["told"] == ""
    assert event["lo"] < np.exp(sales.event_effect) < event["hi"]
    once = learned(draw_priced_sales(5, n_products=3, n_days=400)).events.filter(scope="all", event="double_11")
    assert once["told"].to_list() == ["seen_once"]


def test_order_of_rows_names_and_currency_change_nothing() -> None:
    sales = draw_priced_sales(2, n_products=3, n_days=300)
    drivers = to_drivers(sales)
    base = learn_response(drivers, related(sales), CalendarSpec(), ResponseSpec())
    shuffled = dataclasses.replace(drivers, frame=drivers.frame.sample(fraction=1.0, shuffle=True, seed=1))
    assert learn_response(shuffled, related(sales), CalendarSpec(), ResponseSpec()).prices.equals(base.prices)
    money = drivers.frame.with_columns(pl.col("list_price", "paid_price") * 100)
    scaled = learn_response(dataclasses.replace(drivers, frame=money), related(sales), CalendarSpec(), ResponseSpec())
    assert np.allclose(scaled.prices["elasticity"], base.prices["elasticity"], rtol=1e-3)
    assert np.allclose(scaled.today["list_price"], base.today["list_price"] * 100, rtol=1e-3)
    named = {name: name.replace("A", "z") for name in sales.elasticities}
    renamed = drivers.frame.with_columns(pl.col("unique_id").replace(named))
    groups = related(sales).with_columns(pl.col("unit_id").replace(named))
    other = learn_response(dataclasses.replace(drivers, frame=renamed), groups, CalendarSpec(), ResponseSpec())
    assert np.allclose(other.prices["elasticity"], base.prices["elasticity"])


@pytest.mark.slow
def test_the_elasticities_and_promotions_of_the_sample_world() -> None:
    """Rare sales (half a unit a day), coupons, lives, seasons. The 90 percent intervals held 7 of 8 planted
    elasticities of categories (fashion, -1.433, lay .02 outside; three categories were withheld). A fifth off was found
    to sell 1.82 times as much (1.64 to 2.03), where promotions of this depth were planted with 1.91 on average. 28 of
    the 30 stretches found are planted ones, of which there are 28.
    """
    truth, result = learn_world()
    planted = truth["elasticities"]
    groups = result.prices.filter(scope="group")
    held = [row["lo"] <= planted[row["unit_id"]] <= row["hi"] for row in groups.iter_rows(named=True)]
    assert len(held) == len(planted)
    assert sum(held) >= 7
    lift = result.promotions.filter(scope="all").sort((pl.col("depth") - 0.2).abs()).row(0, named=True)
    assert lift["lo"] < 1.91 < lift["hi"]
    known = {
        (name, date.fromisoformat(item["first_day"]) - timedelta(days=1), date.fromisoformat(item["last_day"]))
        for item in truth["promotions"]
        for name in item["categories"]
    }
    found = [
        any(row["group"] == name and first <= row["first"] <= last for name, first, last in known)
        for row in result.occasions.iter_rows(named=True)
    ]
    assert len(found) <= len(known) + 3
    assert np.mean(found) >= 0.9


def test_scopes_fall_back_to_what_is_known() -> None:
    result = learned(draw_priced_sales(2, n_products=3, n_days=300))
    assert result.of("product", "A001") == ("product", "A001")
    assert result.of("group", "A") == ("group", "A")
    assert result.of("group", "elsewhere") == ("all", "")
    assert result.of("product", "unknown") == ("all", "")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"frequency": "week"}, "response_not_daily"),
        ({"frame": "short"}, "response_too_short"),
        ({"frame": "few"}, "response_few_sales"),
    ],
)
def test_too_little_is_refused(change: dict[str, Any], code: str) -> None:
    sales = draw_priced_sales(2, n_products=3, n_days=300)
    drivers = to_drivers(sales)
    if change.get("frame") == "short":
        change = {"frame": drivers.frame.filter(pl.col("ds") < drivers.frame["ds"].min() + pl.duration(days=100))}
    elif change.get("frame") == "few":
        change = {"frame": drivers.frame.with_columns(quantity=pl.col("quantity") * 0.001)}
    with pytest.raises(AnalysisError) as caught:
        learn_response(dataclasses.replace(drivers, **change), related(sales))
    assert caught.value.code == code


def test_a_products_group_is_its_most_frequent_category() -> None:
    lines = pl.DataFrame(
        {
            "product_id": ["a", "a", "a", "b", "c"],
            "category": ["toys", "toys", "food", None, "food"],
        }
    )
    dataset = Dataset.build({"transactions": lines}, as_of=date(2026, 1, 1))
    assert related_products(dataset).rows() == [("a", "toys"), ("c", "food")]


# ---- the solver --------------------------------------------------------------------------------------------------


def test_the_solver_equals_a_dense_solution() -> None:
    """Poisson regression with ridge by a general optimiser on one flat design: same maximum, same covariance."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(4)
    n, rows, k, p = 3, 40, 3, 2
    own, common = rng.normal(size=(n, rows, k)), rng.normal(size=(n, rows, p))
    offset, weight = rng.normal(0, 0.2, (n, rows)), (rng.random((n, rows)) > 0.1).astype(float)
    y = rng.poisson(np.exp(1 + 0.3 * own[..., 0] + common @ [0.4, -0.2])).astype(float)
    counts = Counts(y, offset, weight, own, common)
    own_precision, common_precision, dispersion = np.diag([1.0, 2.0, 3.0]), np.diag([0.5, 4.0]), 1.7
    found = fit(counts, own_precision, common_precision, dispersion)

    flat = np.zeros((n * rows, n * k + p))
    for i in range(n):
        flat[i * rows : (i + 1) * rows, i * k : (i + 1) * k] = own[i]
    flat[:, n * k :] = common.reshape(-1, p)
    precision = np.zeros((n * k + p, n * k + p))
    for i in range(n):
        precision[i * k : (i + 1) * k, i * k : (i + 1) * k] = own_precision
    precision[n * k :, n * k :] = common_precision

    def loss(beta: Any) -> Any:
        eta = offset.ravel() + flat @ beta
        inside = (weight.ravel() * (y.ravel() * eta - np.exp(eta))).sum() / dispersion
        return 0.5 * beta @ precision @ beta - inside

    best = minimize(loss, np.zeros(n * k + p), method="BFGS", options={"gtol": 1e-7})
    assert np.allclose(best.x[: n * k].reshape(n, k), found.a, atol=2e-3)
    assert np.allclose(best.x[n * k :], found.b, atol=2e-3)
    mu = (weight * np.exp(offset + (flat @ best.x).reshape(n, rows))).ravel() / dispersion
    cov = np.linalg.inv(flat.T @ (mu[:, None] * flat) + precision)
    assert np.allclose(cov[n * k :, n * k :], found.cov_b, rtol=1e-2, atol=1e-5)
    assert np.allclose(cov[:k, :k], found.cov_a[0], rtol=1e-2, atol=1e-5)
    assert np.allclose(cov[:k, n * k :], found.cov_ab[0], rtol=2e-2, atol=1e-5)
    _sign, det = np.linalg.slogdet(np.linalg.inv(cov))
    expected = -loss(best.x) + 0.5 * (np.linalg.slogdet(precision)[1] - det)
    assert abs(expected - found.log_marginal) < 0.01
    assert overdispersion(counts, found) >= 1
    assert np.allclose(deviance(counts, np.maximum(y, 1e-12)), 0, atol=1e-6)


def test_hats_add_up_to_one() -> None:
    basis = hats(np.linspace(0, 399, 57)[None], 400)
    assert np.allclose(basis.sum(axis=-1), 1)
    assert basis.shape == (1, 57, 11)


def test_days_that_are_alike_become_one_row_and_nothing_is_lost() -> None:
    sales = draw_priced_sales(6, n_products=3, n_days=280)
    drivers = to_drivers(sales)
    first, last = drivers.frame["ds"].min(), drivers.frame["ds"].max()
    group = group_rows(drivers.frame, event_days(CalendarSpec(), first, last))
    assert group.rows["quantity"].sum() == drivers.frame["quantity"].sum()
    assert abs(group.rows["exposure"].sum() / 3 - 280) < 5
    assert group.rows.height < drivers.frame.height / 3
    assert group.ids == ("A001", "A002", "A003")
