"""Survival as a whole: six customers by hand, Telco's published numbers, the streaming world's planted truth, choices,
refusals, late entry, invariance, and the outlook against what really happened."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.i18n import LANGUAGES, words_for
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.population import PopulationSpec, observe
from analytics.quality import QualitySpec, validate
from analytics.reading import read
from analytics.survival import (
    ClockSpec,
    SurvivalSpec,
    available_clocks,
    find_spells,
    fit_hazards,
    foresee,
    propose_columns,
    study_survival,
)
from analytics.survival.hazard import hazard_by_period
from analytics.survival.kaplan_meier import Durations, estimate
from analytics.survival.spells import calendar_months, durations
from sample_data.streaming import Streaming, generate

AS_OF = date(2026, 6, 30)
DEFAULT = SurvivalSpec()


def people(*rows: tuple[str, date | None, date | None], **more: list[Any]) -> Dataset:
    ids, joined, left = (list(column) for column in zip(*rows, strict=True))
    schema = {"customer_id": pl.String, "joined_at": pl.Date, "left_at": pl.Date}
    frame = pl.DataFrame({"customer_id": ids, "joined_at": joined, "left_at": left}, schema=schema)
    return Dataset.build({"customers": frame.with_columns(**{k: pl.Series(v) for k, v in more.items()})}, as_of=AS_OF)


def studied(data: Dataset, spec: SurvivalSpec = DEFAULT, labels: Any = None) -> Any:
    return study_survival(find_spells(data, spec.clock), data, spec, labels)


def many(n: int = 60, seed: int = 1) -> Dataset:
    """Customers who join over two years and leave at random, the group "b" twice as fast."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    joined = [AS_OF - timedelta(days=int(day)) for day in rng.integers(30, 700, n)]
    stay = rng.exponential(np.where(group, 200, 400)).astype(int)
    left = [day + timedelta(days=int(days)) for day, days in zip(joined, stay, strict=True)]
    rows = [(f"c{i:03d}", joined[i], left[i] if left[i] <= AS_OF else None) for i in range(n)]
    reasons = ["price" if i % 3 else "moved" for i in range(n)]
    return people(*rows, tier=["ab"[one] for one in group], leaving_reason=reasons)


@cache
def world(customers: int = 3_000) -> Streaming:
    return generate(customers, 7)


def served(made: Streaming) -> Dataset:
    tables = {name: made.tables[name] for name in ("customers",)}
    return Dataset.build(tables, as_of=AS_OF)


# ---- spells


def test_spells_by_hand() -> None:
    data = people(
        ("a", date(2026, 1, 31), date(2026, 2, 28)),  # a month: its last day stands for the 31st
        ("b", date(2026, 5, 30), None),  # there: censored at as-of, not at anything earlier
        ("c", date(2026, 3, 1), date(2026, 2, 1)),  # left before joining
        ("d", None, date(2026, 2, 1)),
        ("e", date(2026, 3, 10), date(2026, 3, 10)),  # left on the first day
        ("f", date(2026, 6, 1), date(2026, 7, 15)),  # leaves after as-of: there
        ("g", date(2026, 7, 1), None),  # not yet a customer
    )
    spells = find_spells(data, ClockSpec())
    assert spells.frame["customer_id"].to_list() == ["a", "b", "e", "f"]
    assert spells.frame["time"].to_list() == [28, 31, 0, 29]
    assert spells.frame["ended"].to_list() == [True, False, True, False]
    assert spells.frame["months"].to_list() == pytest.approx([1, 1 + 0 / 30 + 0 / 30, 0, 29 / 30], abs=0.04)
    assert dict(spells.set_aside.iter_rows()) == {"no_beginning": 1, "begins_later": 1, "left_before_joining": 1}
    assert [item.code for item in spells.caveats] == [
        "survival_left_before_joining",
        "survival_set_aside",
        "survival_few_ended",
    ]


def test_calendar_months() -> None:
    days = pl.DataFrame(
        {
            "a": [date(2024, 1, 31), date(2024, 1, 31), date(2024, 1, 31), date(2024, 2, 29), date(2024, 5, 5)],
            "b": [date(2024, 2, 29), date(2024, 1, 31), date(2025, 1, 30), date(2025, 2, 28), date(2024, 5, 20)],
        }
    )
    found = days.select(calendar_months("a", "b")).to_series().to_list()
    assert found == pytest.approx([1, 0, 11 + 30 / 31, 12, 15 / 31])


def orders_of(gaps: dict[str, list[int]]) -> Dataset:
    rows = []
    for customer, days in gaps.items():
        at = AS_OF - timedelta(days=sum(days))
        for gap in days:
            rows.append((customer, at))
            at += timedelta(days=gap)
    frame = pl.DataFrame(rows, schema={"customer_id": pl.String, "ordered_at": pl.Date}, orient="row")
    lines = frame.with_columns(
        pl.col("ordered_at").cast(pl.Datetime("us")), order_id=pl.format("o{}", pl.int_range(pl.len())), amount=100
    )
    return Dataset.build({"transactions": lines}, as_of=AS_OF)


def test_clocks_of_orders_by_hand() -> None:
    data = orders_of({"a": [10, 20, 5], "b": [40], "c": [0]})  # the last gap of each is still open
    second = find_spells(data, ClockSpec(clock="second_order")).frame
    assert second.select("customer_id", "time", "ended").rows() == [("a", 10, True), ("b", 40, False), ("c", 0, False)]
    following = find_spells(data, ClockSpec(clock="next_order"))
    assert following.frame.select("customer_id", "time", "ended", "weight").rows() == [
        ("a", 10, True, 0.5),
        ("a", 20, True, 0.5),
        ("b", 40, False, 1.0),
        ("c", 0, False, 1.0),
    ]
    assert following.n_customers == 3
    assert durations(following.frame).cluster is not None


def test_gaps_of_customers_who_differ_are_told_without_bias() -> None:
    """Long gaps are likelier to be cut off by the end: pooled gaps seem short, the product-limit of complete gaps alone
    shorter still; each customer's own complete gaps tell the distribution of a customer's gap."""
    rng = np.random.default_rng(3)
    means = rng.gamma(2, 15, 4_000)
    gaps: dict[str, list[int]] = {}
    for i, mean in enumerate(means):
        own, left = [], 365.0
        while left > 0:
            gap = rng.exponential(mean)
            own.append(int(min(gap, left)))
            left -= gap
        gaps[f"c{i}"] = own
    data = orders_of(gaps)
    spells = find_spells(data, ClockSpec(clock="next_order"))
    found = estimate(durations(spells.frame)).at(30)[0]
    truth = float(np.exp(-30 / means).mean())
    assert found == pytest.approx(truth, abs=0.03)
    pooled = spells.frame.with_columns(weight=pl.lit(1.0))
    assert abs(estimate(durations(pooled)).at(30)[0] - truth) > 0.1


def test_lapse_is_dated_when_the_silence_exceeds_the_rhythm() -> None:
    rng = np.random.default_rng(5)
    gaps = {f"r{i}": [int(x) + 1 for x in rng.gamma(6, 5, 12)] for i in range(60)}
    gaps["quiet"] = [30] * 8 + [200]
    gaps["busy"] = [30] * 9
    data = orders_of(gaps)
    spells = find_spells(data, ClockSpec(clock="lapse"))
    own = {row["customer_id"]: row for row in spells.frame.iter_rows(named=True)}
    assert own["quiet"]["ended"]
    assert 240 + 30 < own["quiet"]["time"] < 240 + 120, "after the last order by their own rhythm, not at as-of"
    assert not own["busy"]["ended"]
    assert own["busy"]["time"] == 270
    with pytest.raises(AnalysisError) as caught:
        find_spells(orders_of({"a": [10, 5], "b": [3]}), ClockSpec(clock="lapse"))
    assert caught.value.code == "survival_no_rhythm"


def test_late_entry_is_found_and_takes_the_bias_away() -> None:
    rng = np.random.default_rng(6)
    begin = date(2025, 1, 1)
    rows = []
    for i in range(6_000):
        joined = date(2022, 1, 1) + timedelta(days=int(rng.integers(0, 1600)))
        left = joined + timedelta(days=int(rng.exponential(400)))
        if left >= begin:  # the file holds nobody who left before it begins
            rows.append((f"c{i}", joined, left if left <= AS_OF else None))
    data = people(*[row for row in rows if row[1] <= AS_OF])
    some = pl.DataFrame({"customer_id": ["c0"], "occurred_at": [begin], "event": ["play"]}).cast(
        {"occurred_at": pl.Datetime("us")}
    )
    data = Dataset.build({**data.tables, "events": some}, as_of=AS_OF)
    spells = find_spells(data, ClockSpec())
    assert spells.observed_from == begin
    assert spells.n_late > 500
    right = studied(data).groups["survival"][-1]
    assert right == pytest.approx(np.exp(-365 / 400), abs=0.03)
    wrong = studied(data, SurvivalSpec(clock=ClockSpec(late_entry=False))).groups["survival"][-1]
    assert wrong > right + 0.1
    assert "survival_late_entry" in {item.code for item in studied(data).caveats}


# ---- published: Telco


@pytest.fixture(scope="module")
def telco(shared_data: Callable[[str], Path]) -> Dataset:
    path = next(shared_data("telco_churn").glob("*.csv"))
    raw = read(path.read_bytes(), path.name)
    return observe(validate((apply_mapping(raw, suggest_mapping(raw).spec),), QualitySpec()).dataset)


def test_telco_columns_are_proposed_by_type_and_name(telco: Dataset) -> None:
    found = propose_columns(telco)
    assert (found.duration, found.event, found.value, found.unit) == ("tenure", "Churn", "Yes", "month")
    assert "Contract" not in found.events
    assert "MonthlyCharges" in found.durations
    assert available_clocks(telco) == ("tenure",)


def test_telco_numbers(telco: Dataset) -> None:
    spells = find_spells(telco, ClockSpec())
    curve = estimate(durations(spells.frame))
    survival = [round(curve.at(month)[0], 4) for month in (1, 12, 24, 48, 72)]
    assert survival == [0.9460, 0.8432, 0.7887, 0.7088, 0.5928]
    result = study_survival(spells, telco, SurvivalSpec(group_by="Contract"))
    shares = {row["label"]: row["n_ended"] / row["n_customers"] for row in result.groups.iter_rows(named=True)}
    assert [round(100 * shares[name], 2) for name in ("Month-to-month", "One year", "Two year")] == [42.71, 11.27, 2.83]
    assert result.screen["field"][0] == "Contract"
    assert result.hazard.filter("peak")["period"].to_list()[:1] == [1]
    assert result.overall is not None
    assert result.overall[2] < 1e-300 or result.overall[2] == 0.0


@pytest.mark.filterwarnings("ignore")
def test_telco_hazard_ratios_are_those_of_lifelines(telco: Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from lifelines import CoxPHFitter
        from lifelines.statistics import proportional_hazard_test

        spells = find_spells(telco, ClockSpec())
        spec = SurvivalSpec(covariates=("Contract", "MonthlyCharges", "SeniorCitizen"))
        ours = fit_hazards(spells, telco, spec)
        table = telco.tables["customers"]
        frame = pd.DataFrame(
            {
                "t": table["tenure"].to_numpy(),
                "e": (table["Churn"] == "Yes").to_numpy(),
                "two": (table["Contract"] == "Two year").to_numpy() * 1.0,
                "one": (table["Contract"] == "One year").to_numpy() * 1.0,
                "charges": table["MonthlyCharges"].to_numpy() / 20,
                "senior": table["SeniorCitizen"].to_numpy() * 1.0,
            }
        )
        theirs = CoxPHFitter().fit(frame, "t", "e", fit_options={"precision": 1e-12, "r_precision": 1e-14})
        checked = proportional_hazard_test(theirs, frame, time_transform="identity")
    told = {(row["field"], row["level"]): row for row in ours.terms.iter_rows(named=True)}
    names = {
        "two": ("Contract", "Two year"),
        "one": ("Contract", "One year"),
        "charges": ("MonthlyCharges", None),
        "senior": ("SeniorCitizen", "1"),
    }
    for name, key in names.items():
        assert told[key]["coefficient"] == pytest.approx(theirs.params_[name], abs=1e-5)
        assert told[key]["se"] == pytest.approx(theirs.standard_errors_[name], rel=1e-5)
    assert told["MonthlyCharges", None]["step"] == 20
    assert ours.concordance == pytest.approx(theirs.concordance_index_, abs=1e-9)
    assert checked.summary["p"].min() < 0.001, "Telco's ratios are not proportional, lifelines agrees"
    assert ours.terms["changes"].any()


def test_telco_repeats_of_tenure_and_collinear_columns_are_told(telco: Dataset) -> None:
    found = fit_hazards(find_spells(telco, ClockSpec()), telco, SurvivalSpec())
    reasons = {(row["field"], row["level"]): row["reason"] for row in found.left_out.iter_rows(named=True)}
    assert reasons["TotalCharges", None] == "tells_tenure"
    assert "collinear" in reasons.values()
    assert found.chosen
    assert len(found.used) == 6
    assert {"survival_chosen", "survival_changes"} <= {item.code for item in found.caveats}
    strata = fit_hazards(find_spells(telco, ClockSpec()), telco, SurvivalSpec(stratify=("Contract",)))
    assert "Contract" not in strata.used
    assert strata.baseline["stratum"].unique().sort().to_list() == ["Month-to-month", "One year", "Two year"]


# ---- planted: the streaming world


def test_planted_months_are_found_and_no_others() -> None:
    """12,000 subscribers: renewals 1 (trial) and 12 (anniversary) in all, 3 (promotion) where it was planted."""
    data = served(world(12_000))
    result = studied(data, SurvivalSpec(group_by="acquisition_channel"))
    peaks = {
        label: part["period"].to_list()
        for (label,), part in result.hazard.filter("peak").group_by("label", maintain_order=True)
    }
    assert peaks[""] == [1, 12]
    assert 3 in peaks["promotion"]
    assert all(12 in peaks[channel] for channel in ("organic", "promotion", "referral"))
    assert all(3 not in periods for channel, periods in peaks.items() if channel != "promotion")


def test_smooth_hazards_have_no_peaks() -> None:
    rng = np.random.default_rng(8)
    shapes = (
        lambda m: 0.03 + 0 * m,
        lambda m: 0.06 / (1 + m) ** 0.3,
        lambda m: 0.02 + 0.02 * np.exp(-(((m - 12) / 8) ** 2)),
    )
    alarms = 0
    for i in range(60):
        hazard = shapes[i % 3](np.arange(36.0))
        month = np.searchsorted(-np.cumprod(1 - hazard), -rng.random(8_000), side="right")
        until, censored = month + rng.random(8_000), rng.random(8_000) * 36
        found = hazard_by_period(Durations(np.minimum(until, censored), until <= censored))
        alarms += bool(found.peak.any())
    assert alarms <= 6


def test_reasons_add_up_as_planted() -> None:
    made = world(12_000)
    result = studied(served(made))
    truth = made.truth["subscribers"].join(
        made.tables["customers"].select("customer_id", "joined_at"), on="customer_id"
    )
    stay = truth.select(
        "cause", days=(pl.col("leaves_on") - pl.col("joined_at")).dt.total_days()
    )  # what happens after as-of too
    for reason in ("content", "price", "technical", "moved"):
        planted = stay.filter((pl.col("cause") == reason) & (pl.col("days") <= 365)).height / stay.height
        own = result.incidence.filter((pl.col("label") == "") & (pl.col("reason") == reason) & (pl.col("time") <= 365))
        row = own.row(-1, named=True)
        assert row["lo"] - 0.01 <= planted <= row["hi"] + 0.01
    assert result.reasons["share"].sum() == pytest.approx(1)


def test_the_outlook_holds_what_then_happens() -> None:
    """As of 31 March 2026: who leaves in the next 90 days, against what the truth says; by tenth and in all."""
    made = world(12_000)
    day = date(2026, 3, 31)
    data = observe(served(made), PopulationSpec(as_of=day))
    spec = SurvivalSpec(covariates=("acquisition_channel", "tier"))
    spells = find_spells(data, spec.clock)
    seen = foresee(spells, data, spec, fit_hazards(spells, data, spec))
    assert seen.scores is not None
    leaves = made.truth["subscribers"].select("customer_id", "leaves_on")
    told = seen.leaving.drop_nulls("p_leave").join(leaves, on="customer_id")
    gone = told.with_columns(gone=pl.col("leaves_on") <= day + timedelta(days=90))
    assert seen.expected_lo is not None
    assert seen.expected_hi is not None
    # A price rise of November 2025 raises planted hazards by calendar, which no tenure knows: a wider band.
    assert 0.75 * seen.expected_lo <= gone["gone"].sum() <= 1.25 * seen.expected_hi
    ranked = gone.sort("p_leave", descending=True)
    top, bottom = ranked.head(len(ranked) // 5)["gone"].mean(), ranked.tail(len(ranked) // 5)["gone"].mean()
    assert top > bottom
    medians = gone.drop_nulls("likely_days")
    assert medians.height > 100
    assert seen.leaving.filter(pl.col("p_leave").is_null()).height > 0, "beyond what was seen nothing is said"


def test_conditional_probabilities_are_those_of_the_curve() -> None:
    data = many(400)
    spells = find_spells(data, ClockSpec())
    seen = foresee(spells, data, SurvivalSpec(outlook_days=60))
    curve = estimate(durations(spells.frame))
    row = seen.leaving.filter((pl.col("tenure") > 100) & (pl.col("tenure") < 150)).row(0, named=True)
    # Breslow's exponential of the hazard stands for the product: close where steps are small.
    expected = 1 - curve.at(row["tenure"] + 60)[0] / curve.at(row["tenure"])[0]
    assert row["p_leave"] == pytest.approx(expected, abs=0.02)
    assert row["lo"] < row["p_leave"] < row["hi"]
    there = spells.frame.filter(~pl.col("ended"))["customer_id"]
    assert set(seen.leaving["customer_id"]) == set(there)


def test_next_orders_come_when_they_were_foreseen() -> None:
    """2,000 customers of the model's own kind: 10-90 % of the time to the next order covers 80 % of those who are still
    customers and of whom it is known; P(order) is calibrated."""
    rng = np.random.default_rng(9)
    gaps: dict[str, list[int]] = {}
    coming: dict[str, float] = {}
    for i in range(2_000):
        rate, at, left, own = rng.gamma(3, 20), 500.0, False, []
        while True:
            gap = rng.gamma(2, rate / 2)
            left = rng.random() < 0.05
            if left or gap >= at:
                coming[f"c{i}"] = float("inf") if left else gap - at
                own.append(int(at))
                break
            own.append(int(gap))
            at -= int(gap)
        gaps[f"c{i}"] = own
    data = orders_of(gaps)
    spec = SurvivalSpec(clock=ClockSpec(clock="second_order"), outlook_days=60)
    seen = foresee(find_spells(data, spec.clock), data, spec)
    told = seen.ordering.with_columns(then=pl.col("customer_id").replace_strict(coming, return_dtype=pl.Float64))
    assert float((told["then"] <= 60).mean()) == pytest.approx(float(told["p_order"].mean()), abs=0.03)
    low = (told["then"] < told["order_from_days"]).fill_null(False).mean()
    assert low == pytest.approx(0.1, abs=0.035)
    median = told.drop_nulls("order_days")
    assert (median["then"] <= median["order_days"]).mean() == pytest.approx(0.5, abs=0.04)
    assert told["overdue_on"].min() is not None
    assert seen.order_bins["n_customers"].sum() == told.height


# ---- groups, labels, choices


def test_groups_are_compared_and_small_ones_left_out() -> None:
    data = many(200)
    result = studied(data, SurvivalSpec(group_by="tier"))
    assert result.labels == tuple(
        sorted(result.labels, key=lambda name: -result.groups.filter(label=name)["n_customers"][0])
    )
    assert result.overall is not None
    assert result.overall[2] < 0.01
    assert result.groups["label"].to_list()[-1] == ""
    assert result.pairs.height == 1
    ids = data.tables["customers"]["customer_id"]
    labels = CustomerLabels(
        pl.DataFrame({"customer_id": ids, "label": ["1"] * 150 + ["2"] * 49 + ["3"]}), ("1", "2", "3"), "segment", "k"
    )
    by = studied(data, SurvivalSpec(group_by="segment"), labels)
    assert by.labels == ("1", "2")
    small = next(item for item in by.caveats if item.code == "survival_small_groups")
    assert small.params["customers"] == 1
    assert studied(data, SurvivalSpec(group_by="cohort")).labels[0].startswith("2024 Q")


def test_a_column_that_tells_the_answer_is_no_explanation() -> None:
    data = many(300)
    frame = data.tables["customers"]
    rng = np.random.default_rng(2)
    stay = pl.coalesce("left_at", pl.lit(AS_OF)) - pl.col("joined_at")
    frame = frame.with_columns(
        paid=stay.dt.total_days() * 3 + pl.Series(rng.integers(0, 9, 300)),
        status=pl.when(pl.col("left_at").is_null()).then(pl.lit("active")).otherwise(pl.lit("closed")),
    )
    leaky = Dataset.build({"customers": frame}, as_of=AS_OF)
    found = fit_hazards(find_spells(leaky, ClockSpec()), leaky, SurvivalSpec())
    reasons = {row["field"]: row["reason"] for row in found.left_out.iter_rows(named=True)}
    assert reasons == {"paid": "tells_tenure", "status": "tells_leaving"}
    assert found.used == ("tier",)
    ratio = found.terms.filter(pl.col("level").is_not_null())["hazard_ratio"][0]
    assert max(ratio, 1 / ratio) == pytest.approx(2, rel=0.35)


def test_levels_without_a_leaving_are_left_out_with_their_rows() -> None:
    data = many(300)
    frame = data.tables["customers"].with_columns(
        tier=pl.when(pl.col("left_at").is_null() & (pl.col("tier") == "a")).then(pl.lit("loyal")).otherwise("tier")
    )
    safe = Dataset.build({"customers": frame}, as_of=AS_OF)
    with pytest.raises(AnalysisError) as caught:
        fit_hazards(find_spells(safe, ClockSpec()), safe, SurvivalSpec(covariates=("gender",)))
    assert caught.value.code == "survival_group_unknown"
    found = fit_hazards(find_spells(safe, ClockSpec()), safe, SurvivalSpec(covariates=("tier",)))
    assert ("tier", "loyal", "nobody_left") in found.left_out.select("field", "level", "reason").rows()
    assert np.isfinite(found.terms["coefficient"].to_numpy()).all()


def test_what_repeats_the_strata_is_left_out() -> None:
    data = many(300)
    frame = data.tables["customers"].with_columns(
        plan=pl.col("tier").replace({"a": "x", "b": "y"}), age=pl.Series(np.random.default_rng(1).integers(20, 60, 300))
    )
    twin = Dataset.build({"customers": frame}, as_of=AS_OF)
    found = fit_hazards(find_spells(twin, ClockSpec()), twin, SurvivalSpec(stratify=("tier",)))
    assert found.used == ("age",)
    assert ("plan", "collinear") in found.left_out.select("field", "reason").rows()
    assert np.isfinite(found.terms["se"].to_numpy()).all()


# ---- refusals


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (
            "survival_all_censored",
            people(*[(f"c{i}", date(2026, 1, 1 + i % 20), None) for i in range(40)], left=[1] * 40),
        ),
        ("survival_at_once", people(*[(f"c{i}", date(2026, 1, 1 + i), date(2026, 1, 1 + i)) for i in range(20)])),
        ("survival_too_few", people(*[(f"c{i}", date(2026, 1, 1), date(2026, 2, 1)) for i in range(5)])),
        ("survival_nothing", people(("a", date(2026, 2, 1), date(2026, 1, 1)))),
        ("survival_no_clock", Dataset.build({"customers": pl.DataFrame({"customer_id": ["a", "b"]})}, as_of=AS_OF)),
    ],
)
def test_what_cannot_be_told_is_refused_in_three_languages(code: str, data: Dataset) -> None:
    clock = ClockSpec(clock="membership") if data.has("customers.joined_at") else ClockSpec()
    with pytest.raises(AnalysisError) as caught:
        studied(data, SurvivalSpec(clock=clock))
    assert caught.value.code == code
    for language in LANGUAGES:
        words = words_for(language)
        for part in (f"error.{code}", f"error.{code}.remedy"):
            assert words.phrase(part, **caught.value.params) not in ("", part)
            assert "{" not in words.phrase(part, **caught.value.params)


def test_one_day_with_most_leavings_is_told() -> None:
    rows = [
        (f"c{i:03d}", date(2024, 1, 1) + timedelta(days=i), date(2026, 3, 1) if i % 2 else None) for i in range(200)
    ]
    found = next(item for item in studied(people(*rows)).caveats if item.code == "survival_one_day")
    assert found.params == {"percent": 100, "day": "2026-03-01"}


def test_settings_are_checked_and_travel() -> None:
    for wrong in ({"horizon_days": 1}, {"level": 1.5}, {"outlook_days": 0}, {"penalty": -1.0}):
        with pytest.raises(AnalysisError):
            SurvivalSpec(**wrong)
    spec = SurvivalSpec(clock=ClockSpec(clock="tenure", duration_column="x"), covariates=("a",), stratify=("b",))
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), SurvivalSpec, strict=True) == spec


def test_rows_and_ids_change_nothing() -> None:
    data = many(300)
    order = np.random.default_rng(4).permutation(300)
    shuffled = Dataset.build({"customers": data.tables["customers"][order]}, as_of=AS_OF)
    spec = SurvivalSpec(group_by="tier")
    for name in ("curves", "groups", "hazard", "incidence", "screen"):
        assert getattr(studied(data, spec), name).equals(getattr(studied(shuffled, spec), name)), name
    renamed = data.tables["customers"].with_columns(customer_id=pl.format("z{}", pl.lit(999) - pl.int_range(pl.len())))
    other = Dataset.build({"customers": renamed}, as_of=AS_OF)
    assert studied(data, spec).curves.equals(studied(other, spec).curves)
    ours, theirs = (fit_hazards(find_spells(one, ClockSpec()), one, SurvivalSpec()).terms for one in (data, other))
    assert ours["coefficient"].to_numpy() == pytest.approx(theirs["coefficient"].to_numpy(), abs=1e-10)


def test_a_leaving_after_as_of_is_not_known_and_deleting_it_changes_nothing() -> None:
    made = world(3_000)
    day = date(2026, 1, 31)
    full = served(made)
    people_then = full.tables["customers"].filter(pl.col("joined_at") <= day)
    gone = pl.col("left_at") > day
    people_then = people_then.with_columns(
        left_at=pl.when(gone.fill_null(False)).then(None).otherwise("left_at"),
        leaving_reason=pl.when(gone.fill_null(False)).then(None).otherwise("leaving_reason"),
    )
    seen = observe(full, PopulationSpec(as_of=day))
    then = Dataset.build({"customers": people_then}, as_of=day)
    spec = SurvivalSpec(group_by="tier")
    for name in ("curves", "groups", "hazard", "screen", "incidence", "reasons", "pairs"):
        assert getattr(studied(seen, spec), name).equals(getattr(studied(then, spec), name)), name
    spells = find_spells(seen, ClockSpec())
    assert spells.frame["time"].max() <= (day - date(2024, 7, 1)).days
