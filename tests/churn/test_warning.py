"""The early warning as a whole: on the streaming world, on Telco, and where there is too little to learn from.

On the world of 20,000 subscribers (slow): see ``measure`` and docs/accuracy.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.churn import ChurnResult, ChurnSpec, warn
from analytics.churn.ledger import day_number, read_ledgers
from analytics.churn.measures import average_precision
from analytics.churn.rolling import roll
from analytics.churn.targets import settle_target
from analytics.churn.warning import Lessons, judge, learn_churn, learning
from analytics.churn.windows import build_study
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from sample_data.streaming import Streaming, generate
from tests.churn.attainable import attainable, auc
from tests.churn.worlds import to_dataset

SEED = 23
QUICK = ChurnSpec(method="logistic", n_cuts=7, every_days=20)


@pytest.fixture(scope="module")
def world() -> Streaming:
    return generate(1_500, SEED)


@pytest.fixture(scope="module")
def lessons(world: Streaming) -> Lessons:
    return learn_churn(to_dataset(world.tables), learning(QUICK))


@pytest.fixture(scope="module")
def warned(world: Streaming, lessons: Lessons) -> ChurnResult:
    return judge(to_dataset(world.tables), lessons, QUICK)


def test_leavers_are_flagged_before_they_leave_and_risks_are_what_they_say(
    world: Streaming, warned: ChurnResult
) -> None:
    assert (warned.target, warned.horizon_days, warned.validation) == ("left", 30, "cutoffs")
    early = {row["model"]: row for row in warned.early.iter_rows(named=True)}
    assert early["chosen"]["n_flagged_before"] > 0.3 * early["chosen"]["n_gone"]
    assert early["chosen"]["n_false"] >= early["recency"]["n_false"] - len(warned.timeline)  # the same false alarms
    assert early["chosen"]["flagged_share"] > early["recency"]["flagged_share"] - 0.05
    told = warned.warnings.drop_nulls("days_before")
    assert (told["days_before"] > 0).all()
    ahead = (told["gone_on"] - told["first_flagged_on"]).dt.total_days()
    assert ahead.to_list() == told["days_before"].to_list()
    left = world.tables["customers"].select("customer_id", "left_at")
    both = warned.warnings.join(left, on="customer_id")
    assert (both["gone_on"] == both["left_at"]).all()
    assert warned.calibration_error <= 0.03
    assert warned.guard.is_empty()
    assert warned.audit["n_changed"].to_list() == [0]


def test_everybody_active_is_scored_once_and_nobody_who_left(world: Streaming, warned: ChurnResult) -> None:
    active = world.tables["customers"].filter(pl.col("left_at").is_null())["customer_id"]
    assert sorted(warned.customers["customer_id"]) == sorted(active)
    assert warned.scores.frame["customer_id"].is_sorted()
    scores = warned.scores.frame
    assert (scores["lo"] <= scores["value"]).all()
    assert (scores["hi"] >= scores["value"]).all()
    assert warned.scores.unit == "risk"
    customers = warned.customers
    assert customers["rank"].to_list() == list(range(1, customers.height + 1))
    assert customers["value_at_risk"].is_sorted(descending=True)
    assert customers["value_at_risk"].to_list() == pytest.approx(customers["risk"] * customers["expected_value"])
    assert warned.n_flagged == round(0.1 * customers.height)
    assert customers.filter("flagged")["risk"].min() >= customers.filter(~pl.col("flagged"))["risk"].max()
    assert warned.groups["n_customers"].sum() == warned.n_scored
    assert warned.risks["n_customers"].sum() == warned.n_scored
    assert warned.expected_gone_lo < warned.expected_gone < warned.expected_gone_hi
    assert warned.expected_gone == pytest.approx(customers["risk"].sum())


def test_reasons_name_features_that_were_used(warned: ChurnResult) -> None:
    used = set(warned.features.filter("used")["feature"])
    told = {name for i in (1, 2, 3) for name in warned.customers[f"reason_{i}"].drop_nulls()}
    assert told
    assert told <= used
    assert (warned.customers["push_1"].drop_nulls() >= 1.1).all()
    assert {"left_at", "leaving_reason", "tier"} & used == set()


def test_figures_of_the_tables_agree(warned: ChurnResult) -> None:
    at = warned.lift.filter(pl.col("at_capacity") & (pl.col("model") == "chosen")).row(0, named=True)
    line = warned.timeline.filter(model="chosen")
    assert at["found_share"] == pytest.approx(line["n_true"].sum() / line["n_gone"].sum(), abs=0.02)
    tested = warned.cuts.filter(role="test")
    assert tested["n_gone"].to_list() == line["n_gone"].to_list()
    assert (warned.cuts.drop_nulls("until")["until"] <= warned.as_of).all()
    lead = warned.lead["flagged_share"].to_list()
    assert lead == sorted(lead, reverse=True)
    assert lead[0] == pytest.approx(warned.early.filter(model="chosen")["flagged_share"][0])


def test_neither_ids_nor_the_order_of_rows_change_a_risk(world: Streaming, warned: ChurnResult) -> None:
    ids = world.tables["customers"]["customer_id"]
    drawn = np.random.default_rng(5).permutation(len(ids))
    other = pl.DataFrame({"customer_id": ids, "other": [f"Z{number}" for number in drawn]})
    tables = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=3)
        .join(other, on="customer_id", maintain_order="left")
        .with_columns(customer_id="other")
        .drop("other")
        for name, frame in world.tables.items()
    }
    again = warn(to_dataset(tables), QUICK)
    both = warned.scores.frame.join(other, on="customer_id").join(
        again.scores.frame.rename({"customer_id": "other"}), on="other", suffix="_again"
    )
    assert both.height == warned.n_scored
    assert np.abs(both["value"] - both["value_again"]).max() < 1e-6
    assert again.auc == pytest.approx(warned.auc, abs=1e-6)


def telco(folder: Path) -> Dataset:
    """The file as it stands; a blank is no number."""
    path = folder / "Telco-Customer-Churn.csv"
    rows = pl.read_csv(path, schema_overrides={"TotalCharges": pl.String}).rename({"customerID": "customer_id"})
    numbers = pl.col("TotalCharges").str.strip_chars().cast(pl.Float64, strict=False)
    return Dataset.build({"customers": rows.with_columns(TotalCharges=numbers)}, as_of=date(1970, 1, 1))


def test_telco_is_as_hard_as_it_is(shared_data: Callable[[str], Path]) -> None:
    """Ten-fold AUC .8504 (logistic) and .8487 (boosting), expected calibration error .007; above .90 is leakage."""
    data = telco(shared_data("telco_churn"))
    found = warn(data, ChurnSpec(method="logistic"))
    assert (found.target, found.column, found.gone_value, found.validation) == ("given", "Churn", "Yes", "folds")
    assert 0.83 < found.auc < 0.86
    assert found.calibration_error <= 0.03
    assert found.guard.is_empty()
    assert found.cuts["n_gone"].to_list() == [1869]
    assert found.beats_baseline
    assert "churn_as_of_file" in {caveat.code for caveat in found.caveats}
    rng = np.random.default_rng(0)
    gone = data.tables["customers"]["Churn"] == "Yes"
    told = pl.Series([f"{i % 7}" if yes and rng.random() < 0.5 else None for i, yes in enumerate(gone)])
    leaking = data.tables["customers"].with_columns(a=told.cast(pl.Int64)).head(2_000)
    again = warn(Dataset.build({"customers": leaking}, as_of=data.as_of), ChurnSpec(method="logistic"))
    assert again.guard.select("feature", "code").rows() == [("a", "only_gone")]
    assert 0.8 < again.auc < 0.88


# ---- too little ------------------------------------------------------------------------------------------------


def shop(n: int, orders_each: int, days: int = 400) -> Dataset:
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(n), orders_each)
    day = rng.integers(0, days, len(who))
    end = date(2025, 12, 31)
    lines = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in who],
            "order_id": [f"o{i}" for i in range(len(who))],
            "ordered_at": [end - timedelta(days=int(i)) for i in day],
            "amount": rng.integers(100, 9000, len(who)),
            "kind": ["sale"] * len(who),
        }
    ).with_columns(pl.col("ordered_at").cast(pl.Datetime("us")))
    return Dataset.build({"transactions": lines}, as_of=end, currency="EUR")


def members(n_left: int, n: int = 300, days: int = 500) -> Dataset:
    rng = np.random.default_rng(2)
    end = date(2025, 12, 31)
    joined = [end - timedelta(days=int(i)) for i in rng.integers(1, days, n)]
    left = [
        min(day + timedelta(days=int(rng.integers(5, days))), end) if i < n_left else None
        for i, day in enumerate(joined)
    ]
    people = pl.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "joined_at": joined, "left_at": left})
    return Dataset.build({"customers": people.cast({"left_at": pl.Date})}, as_of=end)


def only(people: pl.DataFrame) -> Dataset:
    return Dataset.build({"customers": people}, as_of=date(1970, 1, 1))


@pytest.mark.parametrize(
    ("data", "spec", "code"),
    [
        (shop(5, 3), ChurnSpec(), "churn_no_repeat"),
        (shop(300, 1), ChurnSpec(), "churn_no_repeat"),
        (shop(300, 6, days=14), ChurnSpec(target="no_order", horizon_days=10), "churn_short_history"),
        (members(0), ChurnSpec(target="left"), "churn_no_leavings"),
        (members(12), ChurnSpec(target="left"), "churn_few_gone"),
        (members(0), ChurnSpec(target="given"), "churn_no_column"),
        (members(100), ChurnSpec(target="left", horizon_days=365), "churn_short_history"),
        (members(60), ChurnSpec(target="no_order"), "churn_no_orders"),
        (only(pl.DataFrame({"customer_id": ["a", "b"], "age": [30, 40]})), ChurnSpec(), "churn_no_target"),
        (only(pl.DataFrame({"customer_id": ["a", "b"]})), ChurnSpec(), "churn_no_target"),
        (
            only(pl.DataFrame({"customer_id": [f"{i}" for i in range(90)], "left": ["no"] * 89 + ["yes"]})),
            ChurnSpec(target="given"),
            "churn_few_gone",
        ),
    ],
)
def test_too_little_is_said(data: Dataset, spec: ChurnSpec, code: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        warn(data, spec)
    assert refused.value.code == code


def test_a_leaving_date_that_is_a_rule_about_silence_is_refused(world: Streaming) -> None:
    last = world.tables["events"].group_by("customer_id").agg(last=pl.col("occurred_at").dt.date().max())
    rule = pl.when(pl.col("last") < pl.date(2026, 5, 1)).then(pl.col("last") + pl.duration(days=45))
    people = world.tables["customers"].join(last, on="customer_id", how="left").with_columns(left_at=rule).drop("last")
    with pytest.raises(AnalysisError) as refused:
        warn(to_dataset({**world.tables, "customers": people}), QUICK)
    assert refused.value.code == "churn_target_by_rule"
    assert refused.value.params["days"] == 45


def test_a_flag_that_only_repeats_silence_is_refused() -> None:
    data = shop(600, 5)
    last = data.tables["transactions"].group_by("customer_id").agg(last=pl.col("ordered_at").max().dt.date())
    silent = (pl.lit(data.as_of) - pl.col("last")).dt.total_days() > 90
    people = last.select("customer_id", gone=pl.when(silent).then(pl.lit("yes")).otherwise(pl.lit("no")))
    with pytest.raises(AnalysisError) as refused:
        warn(
            Dataset.build({**data.tables, "customers": people}, as_of=data.as_of, currency="EUR"),
            ChurnSpec(target="given", column="gone", method="logistic"),
        )
    assert refused.value.code == "churn_target_defined"


# ---- the attainable score ----------------------------------------------------------------------------------------


def measure(customers: int = 20_000, seed: int = SEED) -> dict[str, float]:
    """Our AUC and average precision, the attainable ones, and what recency alone does, over test cut-offs."""
    world = generate(customers, seed)
    data = to_dataset(world.tables)
    spec = ChurnSpec()
    ledgers = read_ledgers(data)
    aim = settle_target(data, ledgers, spec)
    study = build_study(data, ledgers, aim, spec)
    assert aim.horizon_days is not None
    learned = roll(study.windows, aim.horizon_days, day_number(data.as_of), spec)
    found: dict[str, list[float]] = {}
    for one in learned.predictions[-1::-3]:
        cut = date(1970, 1, 1) + timedelta(days=one.window.day)
        ours = pl.DataFrame({"customer_id": ledgers.ids.gather(one.window.customers), "ours": one.risk})
        both = attainable(world.tables, seed, cut, aim.horizon_days).join(ours, on="customer_id")
        assert both.height == len(one.risk)
        leaves = both["leaves"].to_numpy()
        for name in ("ours", "risk"):
            risk = both[name].to_numpy()
            found.setdefault(f"auc_{name}", []).append(auc(risk, leaves))
            found.setdefault(f"precision_{name}", []).append(average_precision(leaves.astype(np.int64), risk))
    result = warn(data, spec)
    early = {row["model"]: row for row in result.early.iter_rows(named=True)}
    return {
        **{name: float(np.mean(values)) for name, values in found.items()},
        "calibration_error": result.calibration_error,
        "flagged_share": early["chosen"]["flagged_share"],
        "recency_flagged_share": early["recency"]["flagged_share"],
        "false_per_true": early["chosen"]["false_per_true"],
        "recency_false_per_true": early["recency"]["false_per_true"],
        "median_days_before": early["chosen"]["median_days_before"],
    }


@pytest.mark.slow
def test_the_attainable_score_is_all_but_reached() -> None:
    """20,000 subscribers, seed 23; the recorded result stands in docs/accuracy.md."""
    found = measure()
    assert found["auc_ours"] >= 0.95 * found["auc_risk"]
    assert found["calibration_error"] <= 0.03
    assert found["flagged_share"] > found["recency_flagged_share"]
    assert found["false_per_true"] < found["recency_false_per_true"]


def test_the_attainable_score_is_near_on_a_small_world(world: Streaming, warned: ChurnResult) -> None:
    """1,500 subscribers have a few dozen leavers at a cut-off: only that nothing beats what can be known."""
    cut = warned.cuts.filter(role="test")["cut_on"].max()
    best = attainable(world.tables, SEED, cut, 30)
    score = auc(best["risk"].to_numpy(), best["leaves"].to_numpy())
    ours = warned.timeline.filter(model="chosen", cut_on=cut)["auc"][0]
    assert score - 0.15 < ours < score + 0.08


def test_the_choice_of_capacity_changes_who_is_flagged_and_nothing_learned(
    world: Streaming, lessons: Lessons, warned: ChurnResult
) -> None:
    spec = dataclasses.replace(QUICK, capacity=40)
    assert learning(spec) == learning(QUICK)
    more = judge(to_dataset(world.tables), lessons, spec)
    assert more.n_flagged == 40
    assert more.scores.frame.equals(warned.scores.frame)
    assert more.auc == warned.auc
