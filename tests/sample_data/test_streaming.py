"""The streaming world: the same each time, and what is planted is there."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sample_data import streaming
from sample_data.seasons import END
from sample_data.streaming import TABLES, TRUTH_TABLES, Streaming, generate, write
from sample_data.streaming_service import (
    CAUSES,
    DECLINE_DAYS,
    N_VOLUNTARY,
    PLANS,
    PRICE,
    START,
    Service,
    compute_intensities,
    compute_renewals,
    compute_use_factor,
    draw_service,
)

MONEY, MOMENT = pl.Decimal(12, 2), pl.Datetime("us")
SCHEMAS = {
    "customers": {
        "customer_id": pl.String, "gender": pl.String, "birth_year": pl.Int64, "city": pl.String, "country": pl.String,
        "joined_at": pl.Date, "left_at": pl.Date, "leaving_reason": pl.String, "tier": pl.String,
        "acquisition_channel": pl.String, "marketing_consent": pl.Boolean,
    },
    "events": {
        "customer_id": pl.String, "occurred_at": MOMENT, "event": pl.String, "item": pl.String,
        "channel": pl.String, "duration_s": pl.Int64,
    },
    "transactions": {
        "customer_id": pl.String, "order_id": pl.String, "ordered_at": MOMENT, "product_id": pl.String,
        "product": pl.String, "category": pl.String, "quantity": pl.Int64, "unit_price": MONEY,
        "discount_amount": MONEY, "amount": MONEY, "payment_method": pl.String,
    },
    "contacts": {
        "customer_id": pl.String, "contacted_at": MOMENT, "channel": pl.String, "reason": pl.String,
        "resolved": pl.Boolean, "wait_s": pl.Int64,
    },
}  # fmt: skip
LEFT = pl.col("leaves_on") <= END


@pytest.fixture(scope="module")
def world() -> Streaming:
    return generate(2000, 7)


@pytest.fixture(scope="module")
def large() -> Streaming:
    return generate(12_000, 11)


@pytest.fixture(scope="module")
def service() -> Service:
    return draw_service(11)


def digest(frames: dict[str, pl.DataFrame]) -> dict[str, list[int]]:
    return {name: frame.hash_rows(seed=0).to_list() for name, frame in frames.items()}


def test_same_seed_and_size_give_the_same_rows_and_another_seed_another_truth() -> None:
    first, second, other = generate(200, 5), generate(200, 5), generate(200, 6)
    assert digest(first.tables) == digest(second.tables)
    assert digest(first.truth) == digest(second.truth)
    assert first.parameters == second.parameters
    assert first.parameters["service"] != other.parameters["service"]
    assert not first.truth["hazards"].equals(other.truth["hazards"])
    assert generate(60, 5).parameters["service"] == first.parameters["service"]


def test_tables_have_their_columns_and_nothing_after_the_last_day(world: Streaming) -> None:
    assert {name: dict(frame.schema) for name, frame in world.tables.items()} == SCHEMAS
    for name, column in (("events", "occurred_at"), ("transactions", "ordered_at"), ("contacts", "contacted_at")):
        days = world.tables[name][column].dt.date()
        assert START <= days.min() <= days.max() <= END, name
        assert world.tables[name][column].is_sorted()
    assert world.tables["customers"]["left_at"].max() <= END


def test_the_committed_files_come_from_the_generator(world: Streaming, folder: Path) -> None:
    for name in TABLES:
        read = pl.read_parquet(folder / "streaming" / f"{name}.parquet")
        assert_frame_equal(read, world.tables[name], check_exact=True)
    for name in (*TRUTH_TABLES, "hazards"):
        read = pl.read_parquet(folder / "truth" / "streaming" / f"{name}.parquet")
        assert_frame_equal(read, world.truth[name], abs_tol=2e-6)
    text = (folder / "truth" / "streaming" / "truth.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(world.parameters))
    assert {p.name for p in (folder / "streaming").iterdir()} == {f"{name}.parquet" for name in TABLES}
    assert sum(p.stat().st_size for p in (folder / "streaming").iterdir()) < 1_600_000


def test_blocks_written_one_by_one_are_one_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "BLOCK_SIZE", 60)
    assert all(path.exists() for path in write(150, 3, tmp_path))
    assert {p.name for p in tmp_path.iterdir()} == {"streaming", "truth"}
    whole = generate(150, 3)
    for name in TABLES:
        assert_frame_equal(pl.read_parquet(tmp_path / "streaming" / f"{name}.parquet"), whole.tables[name])
    assert whole.tables["customers"]["customer_id"].n_unique() == 150


def test_fees_are_the_months_of_the_contract_and_add_up(large: Streaming) -> None:
    """Each month of the contract that began inside the world was paid once, on the day it began."""
    customers, fees = large.tables["customers"], large.tables["transactions"]
    paid = fees.group_by("customer_id").agg(pl.len().cast(pl.Int64).alias("n"))
    joined = np.array([(day - START).days for day in customers["joined_at"]])
    end = np.array([((day or END + timedelta(days=1)) - START).days for day in customers["left_at"]])
    expected = customers.select("customer_id").with_columns(n=(compute_renewals(joined, 30) < end[:, None]).sum(axis=1))
    assert_frame_equal(paid.sort("customer_id"), expected.sort("customer_id"), check_column_order=False)
    told = large.truth["subscribers"].filter(LEFT).select("customer_id", pl.col("months_paid").alias("n"))
    assert told.join(paid, on=["customer_id", "n"], how="anti").is_empty()
    assert fees.filter(pl.col("amount") != pl.col("unit_price") - pl.col("discount_amount")).is_empty()
    assert fees["order_id"].is_unique().all()
    first = fees.join(customers, on="customer_id").filter(pl.col("ordered_at").dt.date() == pl.col("joined_at"))
    assert first.height == customers.height
    assert first["amount"].cast(pl.Float64).unique().to_list() == [30.0]


def test_prices_rise_once_on_their_day(large: Streaming, service: Service) -> None:
    rise = pl.col("ordered_at").dt.date() >= service.price_rises_on
    prices = large.tables["transactions"].group_by("product", rise.alias("late")).agg(pl.col("unit_price").unique())
    for plan in service.plans:
        for late, cents in ((False, plan.price_before), (True, plan.price_after)):
            row = prices.filter(pl.col("product") == plan.name, pl.col("late") == late)
            assert [int(price * 100) for price in row["unit_price"].item()] == [cents]


def test_renewals_fall_on_the_day_of_joining_or_the_last_of_a_shorter_month() -> None:
    days = compute_renewals(np.array([(date(2024, 8, 31) - START).days]), 7)[0]
    told = [START + timedelta(days=int(day)) for day in days]
    assert told[:3] == [date(2024, 8, 31), date(2024, 9, 30), date(2024, 10, 31)]
    assert told[6:] == [date(2025, 2, 28), date(2025, 3, 31)]


def test_who_has_left_is_on_file_and_whoever_leaves_later_is_not(large: Streaming) -> None:
    both = large.tables["customers"].join(large.truth["subscribers"], on="customer_id")
    assert both.filter(LEFT).select((pl.col("left_at") == pl.col("leaves_on")).all()).item()
    assert both.filter(LEFT).select((pl.col("leaving_reason") == pl.col("cause")).all()).item()
    stayed = both.filter(~LEFT | pl.col("leaves_on").is_null())
    assert stayed["left_at"].is_null().all()
    assert 0.3 < 1 - stayed.height / both.height < 0.5  # most are censored
    last = large.tables["events"].group_by("customer_id").agg(pl.col("occurred_at").max().dt.date().alias("last"))
    seen = both.join(last, on="customer_id")
    assert seen.filter(pl.col("last") >= pl.col("left_at")).is_empty()


def test_hazards_by_renewal_and_cause_are_the_planted_ones(large: Streaming, service: Service) -> None:
    """Over everybody at risk, true frailty and use given: leavers as many as the chances add up to (4.5 sigma)."""
    truth, customers = large.truth["subscribers"], large.tables["customers"]
    plan = np.array([PLANS.index(name) for name in customers["tier"]])
    channel = np.array([streaming.CHANNELS.index(name) for name in customers["acquisition_channel"]])
    method = large.tables["transactions"].unique("customer_id").select("customer_id", "payment_method")
    methods = customers.join(method, on="customer_id", how="left", maintain_order="left")["payment_method"]
    payment = np.array([streaming.PAYMENTS.index(name) for name in methods])
    joined = np.array([(day - START).days for day in customers["joined_at"]])
    renewals = compute_renewals(joined, 24)
    parts = np.stack([compute_intensities(service, c, plan, channel, payment, renewals) for c in range(len(CAUSES))])
    own = truth["frailty"].to_numpy() * compute_use_factor(service, plan, truth["plays_per_week"].to_numpy())
    voluntary = parts[:N_VOLUNTARY].sum(axis=0)
    outside = parts[N_VOLUNTARY:].sum(axis=0)
    p_outside = 1 - np.exp(-outside)
    p_voluntary = np.exp(-outside) * (1 - np.exp(-own[:, None] * voluntary))
    end = truth["months_paid"].fill_null(10_000).to_numpy()
    cause = np.array([CAUSES.index(name) if name else -1 for name in truth["cause"]])
    for m in (1, 2, 3, 6, 12, 13, 24):
        at_risk = end >= m
        for c in range(len(CAUSES)):
            group, total = (p_voluntary, voluntary) if c < N_VOLUNTARY else (p_outside, outside)
            p = (group[:, m - 1] * parts[c, :, m - 1] / total[:, m - 1])[at_risk]
            n = ((end == m) & (cause == c)).sum()
            assert abs(n - p.sum()) < 4.5 * math.sqrt((p * (1 - p)).sum()) + 1, (m, CAUSES[c])


def test_most_leave_after_the_trial_after_the_promotion_and_on_the_anniversary(large: Streaming) -> None:
    both = large.truth["subscribers"].join(large.tables["customers"], on="customer_id")

    def hazard(frame: pl.DataFrame, month: int) -> float:
        at_risk = frame.filter(pl.col("months_paid").fill_null(999) >= month)
        return float((at_risk["months_paid"] == month).mean())

    assert hazard(both, 1) > 1.4 * hazard(both, 2)
    assert hazard(both, 12) > 1.5 * max(hazard(both, 11), hazard(both, 13))
    promoted = both.filter(pl.col("acquisition_channel") == "promotion")
    assert hazard(promoted, 3) > 1.6 * hazard(promoted, 4)
    # differences between people make ordinary months safer the longer a contract lasts, as in the sBG model
    early = np.mean([hazard(both, m) for m in (4, 5, 6)])
    assert np.mean([hazard(both, m) for m in (20, 21, 22)]) < 0.75 * early


def test_the_planted_share_of_leavers_declines(large: Streaming, service: Service) -> None:
    truth = large.truth["subscribers"].filter(pl.col("cause").is_not_null())
    for cause in service.causes:
        these = truth.filter(pl.col("cause") == cause.name)
        sd = math.sqrt(cause.decline_share * (1 - cause.decline_share) / these.height)
        assert abs(these["declines"].mean() - cause.decline_share) <= 4 * sd, cause.name
    onset = truth.filter("declines", pl.col("months_paid") > 3)
    ahead = onset.select((pl.col("leaves_on") - pl.col("decline_onset")).dt.total_days()).to_series()
    assert set(ahead) == set(DECLINE_DAYS)
    assert large.truth["subscribers"].filter(~pl.col("declines"))["decline_onset"].is_null().all()


def test_decliners_play_less_before_leaving_and_the_others_do_not(large: Streaming) -> None:
    truth = large.truth["subscribers"].filter(LEFT, pl.col("months_paid") > 4)
    plays = large.tables["events"].filter(pl.col("event") == "play").join(truth, on="customer_id")
    to_go = (pl.col("leaves_on") - pl.col("occurred_at").dt.date()).dt.total_days()
    rates = {}
    for declines in (True, False):
        of = plays.filter(pl.col("declines") == declines)
        late, early = (of.filter(to_go.is_between(*days)).height for days in ((1, 7), (80, 107)))
        rates[declines] = 4 * late / early
    assert rates[True] < 0.4  # the mean of the planted depths, less what the ramp and other lulls change
    assert 0.9 < rates[False] < 1.1


def test_lulls_come_to_everybody_and_pass(large: Streaming, service: Service) -> None:
    lulls = large.truth["lulls"]
    weeks = (lulls["ends_on"] - lulls["begins_on"]).dt.total_days() / 7
    assert weeks.max() > 6
    whole = lulls.join(large.tables["customers"], on="customer_id").filter(
        pl.col("begins_on") < date(2026, 1, 1), pl.col("left_at").is_null()
    )
    mean = (whole["ends_on"] - whole["begins_on"]).dt.total_days().mean() / 7
    assert abs(mean - 1 / service.lull_ends) < 0.15
    staying = large.truth["subscribers"].filter(~LEFT)["customer_id"]
    assert lulls["customer_id"].is_in(staying.implode()).mean() > 0.4


def test_contacts_come_before_leaving_for_their_cause_only(large: Streaming, service: Service) -> None:
    truth = large.truth["subscribers"].filter(LEFT, pl.col("months_paid") > 1)
    contacts = large.tables["contacts"].join(truth, on="customer_id")
    to_go = (pl.col("leaves_on") - pl.col("contacted_at").dt.date()).dt.total_days()
    near = contacts.filter(to_go.is_between(1, 28))
    for topic, share in zip(("price", "technical"), service.calls_before_leaving, strict=True):
        n = truth.filter(pl.col("cause") == topic).height
        calls = near.filter(pl.col("cause") == topic, pl.col("reason") == topic).height
        usual = service.contacts_per_year[streaming.TOPICS.index(topic)] * 28 / 365.25
        assert abs(calls / n - share - usual) < 0.08
        others = near.filter(pl.col("cause") == "content", pl.col("reason") == topic).height
        assert others / truth.filter(pl.col("cause") == "content").height < 3 * usual


def test_price_matters_less_to_premium_and_more_to_the_promoted(service: Service) -> None:
    renewals = compute_renewals(np.zeros(2, dtype=np.int64), 6)
    none = np.zeros(2, dtype=np.int64)
    by_plan = compute_intensities(service, PRICE, np.array([0, 2]), none, none, renewals)
    assert (by_plan[0] > 1.5 * by_plan[1]).all()
    by_channel = compute_intensities(service, PRICE, none, np.array([0, 1]), none, renewals)
    assert by_channel[1, 2] / by_channel[0, 2] == pytest.approx(1.4 * service.promotion_factor)
    assert by_channel[1, 3] / by_channel[0, 3] == pytest.approx(1.4)


def test_fewer_than_fifty_subscribers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 50"):
        generate(10, 1)
