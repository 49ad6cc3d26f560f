"""Charts of the early warning, from a result written by hand: figures, claims, words for what is not there."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import polars as pl
import pytest

from analytics.charts import early_warning as charts
from analytics.churn import LEAKS, ChurnResult, ChurnSpec
from analytics.customers import CustomerScores
from analytics.i18n import LANGUAGES, words_for

_ = words_for("en")
DRAWN = ("gains", "calibration", "contest", "groups", "risks", "drivers", "timeline", "lead")


def made(**changes: Any) -> ChurnResult:
    """Six customers: two on the list, one of them worth a lot; 10 of 100 went at each of two cut-offs."""
    models = pl.DataFrame(
        {
            "model": ["chosen", "logistic", "recency", "base_rate"],
            "kind": ["model", "model", "baseline", "baseline"],
            "auc": [0.8, 0.79, 0.7, 0.5],
            "auc_lo": [0.75, 0.74, 0.64, 0.5],
            "auc_hi": [0.85, 0.84, 0.76, 0.5],
            "average_precision": [0.4, 0.39, 0.25, 0.1],
            "ap_lo": [0.3, 0.3, 0.2, 0.1],
            "ap_hi": [0.5, 0.5, 0.3, 0.1],
            "brier": [0.07, 0.07, None, 0.09],
            "log_loss": [0.25, 0.26, None, 0.33],
            "calibration_error": [0.012, 0.013, None, 0.0],
            "chosen": [False, True, False, False],
        }
    )
    lift = pl.DataFrame(
        {
            "model": ["chosen", "chosen", "recency", "recency"],
            "share": [0.2, 1.0, 0.2, 1.0],
            "n_contacted": [20, 100, 20, 100],
            "found_share": [0.6, 1.0, 0.4, 1.0],
            "lo": [0.45, 0.9, 0.25, 0.9],
            "hi": [0.75, 1.0, 0.55, 1.0],
            "precision": [0.3, 0.1, 0.2, 0.1],
            "lift": [3.0, 1.0, 2.0, 1.0],
            "at_capacity": [True, False, True, False],
        }
    )
    customers = pl.DataFrame(
        {
            "customer_id": list("abcdef"),
            "risk": [0.5, 0.6, 0.1, 0.05, 0.04, 0.02],
            "lo": [0.4, 0.5, 0.05, 0.02, 0.01, 0.0],
            "hi": [0.6, 0.7, 0.2, 0.1, 0.08, 0.05],
            "rank": [1, 2, 3, 4, 5, 6],
            "flagged": [True, True, False, False, False, False],
            "expected_value": [1000.0, 10.0, 500.0, 20.0, 15.0, 5.0],
            "value_at_risk": [500.0, 6.0, 50.0, 1.0, 0.6, 0.1],
            "reason_1": ["use_days_7", "contacts_30_of: price", None, None, None, None],
            "reason_2": ["tenure_days", None, None, None, None, None],
            "reason_3": pl.Series([None] * 6, dtype=pl.String),
            "push_1": [3.04, 1.96, None, None, None, None],
            "push_2": [1.2, None, None, None, None, None],
            "push_3": pl.Series([None] * 6, dtype=pl.Float64),
            "group": ["save_first", "save_gently", "keep_warm", "leave_alone", "leave_alone", "leave_alone"],
            "last_seen_on": [date(2026, 6, day) for day in (1, 2, 20, 25, 28, 30)],
        }
    )
    result = ChurnResult(
        spec=ChurnSpec(),
        target="left",
        column="",
        gone_value="",
        horizon_days=30,
        as_of=date(2026, 6, 30),
        currency="TWD",
        validation="cutoffs",
        method="logistic",
        n_scored=6,
        n_flagged=2,
        threshold=0.5,
        expected_gone=1.31,
        expected_gone_lo=0.4,
        expected_gone_hi=2.6,
        value_at_risk=557.7,
        flagged_value_at_risk=506.0,
        value_unit="last_year",
        auc=0.8,
        auc_lo=0.75,
        auc_hi=0.85,
        average_precision=0.4,
        brier=0.07,
        log_loss=0.25,
        calibration_error=0.012,
        best_baseline="recency",
        beats_baseline=True,
        auc_gain=0.1,
        auc_gain_lo=0.06,
        auc_gain_hi=0.14,
        options=pl.DataFrame(),
        cuts=pl.DataFrame(
            {
                "cut_on": [date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 30)],
                "until": [date(2026, 5, 1), date(2026, 5, 31), None],
                "role": ["test", "test", "score"],
                "n_customers": [100, 100, 6],
                "n_gone": [10, 10, None],
                "share_gone": [0.1, 0.1, None],
            }
        ),
        features=pl.DataFrame(
            {
                "feature": ["use_days_7", "tier", "gender", "country"],
                "family": ["use", "attribute", "attribute", "attribute"],
                "source": ["rows", "file", "file", "file"],
                "known_share": [1.0, 0.9, 1.0, 1.0],
                "used": [True, False, False, False],
                "refused": [None, "as_of_file", "left_out", "constant"],
                "auc": [0.7, 0.6, 0.5, None],
            }
        ),
        guard=pl.DataFrame(
            {
                "feature": ["last_bill", "p1 + p2"],
                "code": ["only_gone", "near_perfect_group"],
                "auc": [0.6, 0.99],
                "lo": [0.5, 0.98],
                "hi": [0.7, 1.0],
                "share": [1.0, None],
                "n": [40, 100],
                "threshold": pl.Series([None, None], dtype=pl.Float64),
                "value": ["final", ""],
                "limit": [0.98, 0.97],
            }
        ),
        guard_checked=7,
        audit=pl.DataFrame({"cut_on": [date(2026, 4, 1)], "n_values": [1200], "n_changed": [0]}),
        models=models,
        calibration=pl.DataFrame(
            {
                "model": ["chosen", "chosen", "uncalibrated"],
                "bin": [0, 1, 0],
                "n": [100, 100, 100],
                "predicted": [0.05, 0.2, 0.1],
                "observed": [0.06, 0.18, 0.06],
                "lo": [0.03, 0.12, 0.03],
                "hi": [0.1, 0.25, 0.1],
            }
        ),
        roc=pl.DataFrame(),
        lift=lift,
        drivers=pl.DataFrame(
            {
                "feature": ["use_days_7", "use_days_14", "last_channel"],
                "group": [1, 1, 2],
                "direction": [-1, -1, 0],
                "effect": [-0.5, -0.4, 0.1],
                "lo": [-0.7, -0.6, -0.1],
                "hi": [-0.3, -0.2, 0.3],
                "importance": [0.05, 0.05, 0.01],
                "importance_lo": [0.02, 0.02, -0.01],
                "importance_hi": [0.08, 0.08, 0.03],
                "low_value": [0.0, 1.0, 0.0],
                "high_value": [3.0, 6.0, 1.0],
                "low_share": [0.2, 0.19, 0.1],
                "high_share": [0.03, 0.04, 0.12],
                "level": [None, None, "web"],
                "n": [200, 200, 200],
            }
        ),
        timeline=pl.DataFrame(
            {
                "cut_on": [date(2026, 4, 1), date(2026, 5, 1)] * 2,
                "model": ["chosen", "chosen", "recency", "recency"],
                "n_customers": [100] * 4,
                "n_gone": [10] * 4,
                "n_flagged": [20] * 4,
                "n_true": [7, 5, 4, 4],
                "n_false": [13, 15, 13, 15],
                "auc": [0.8, 0.8, 0.7, 0.7],
                "found_share": [0.7, 0.5, 0.4, 0.4],
            }
        ),
        early=pl.DataFrame(
            {
                "model": ["chosen", "recency"],
                "n_gone": [18, 18],
                "n_flagged_before": [11, 7],
                "flagged_share": [0.611, 0.389],
                "lo": [0.42, 0.22],
                "hi": [0.78, 0.58],
                "median_days_before": [21.0, 12.0],
                "lower_days_before": [10.0, 6.0],
                "upper_days_before": [30.0, 20.0],
                "n_alarms": [40, 36],
                "n_false": [28, 28],
                "false_per_true": [2.33, 3.5],
                "false_share": [0.16, 0.16],
            }
        ),
        warnings=pl.DataFrame({"customer_id": ["z"]}),
        lead=pl.DataFrame(
            {"days_before": [0, 7, 14], "flagged_share": [0.611, 0.5, 0.3], "recency_share": [0.389, 0.3, 0.1]}
        ),
        customers=customers,
        groups=pl.DataFrame(
            {
                "group": ["save_first", "save_gently", "keep_warm", "leave_alone"],
                "n_customers": [1, 1, 1, 3],
                "mean_risk": [0.5, 0.6, 0.1, 0.037],
                "expected_gone": [0.5, 0.6, 0.1, 0.11],
                "expected_value": [1000.0, 10.0, 500.0, 40.0],
                "value_at_risk": [500.0, 6.0, 50.0, 1.7],
            }
        ),
        risks=pl.DataFrame(
            {"low": [0.0, 0.3], "high": [0.3, 0.6], "n_customers": [4, 2], "value_at_risk": [51.7, 506.0]}
        ),
        scores=CustomerScores(pl.DataFrame(), "risk", "warn", "k"),
        caveats=(),
        key="k",
    )
    return dataclasses.replace(result, **changes)


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """All different rows of all data sets of a chart, in order."""
    found: list[dict[str, Any]] = []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            found.extend(part["data"]["values"] if "values" in part.get("data", {}) else [])
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(spec)
    for held in spec.get("datasets", {}).values():
        found.extend(held)
    return list({repr(row): row for row in found}.values())


def test_the_card_says_who_what_and_how_good() -> None:
    card = charts.headline(made(), _)
    assert card.finding == "1 of 6 customers are likely to leave within 30 days"
    assert "A list of the 2 with the highest risk would have held 60% of those who went." in card.sentence
    assert "“Recency alone”, it would have held 40%" in card.sentence
    assert [(m.label, m.value, m.note, m.tone) for m in card.metrics] == [
        ("Expected to go", "1", "90%: 0–3", "gray"),
        ("Value at risk", "NT$558", "of the last year's value", "gray"),
        ("Ranking (AUC)", "0.80", "best simple rule 0.70", "good"),
        ("Risks off by (points)", "1.2", "as happened", "good"),
    ]


def test_a_warning_that_is_no_better_than_a_rule_says_so() -> None:
    poor = made(beats_baseline=False, auc_gain_lo=-0.02, calibration_error=0.05)
    assert charts.contest_finding(poor, _) == "No better than a simple rule: “Recency alone”"
    assert [m.tone for m in charts.headline(poor, _).metrics][2:] == ["watch", "watch"]
    assert charts.contest_finding(made(), _) == "Ranks better than the best simple rule, “Recency alone”"
    assert "−0.02" in charts.contest_note(poor, _)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("left", "are likely to leave within 30 days"),
        ("no_order", "are likely to order nothing for 30 days"),
        ("given", "look like those who are gone"),
    ],
)
def test_each_target_has_its_own_words(target: Any, says: str) -> None:
    column = "Churn" if target == "given" else ""
    result = made(target=target, column=column, gone_value="Yes" if column else "")
    card = charts.headline(result, _)
    assert says in card.finding
    assert card.sentence.startswith("Gone: ")
    assert ("Churn is Yes" in card.sentence) == (target == "given")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", DRAWN)
def test_every_chart_is_drawn_in_every_language(name: str, language: Any) -> None:
    words = words_for(language)
    assert rows(getattr(charts, name)(made(), words))
    assert 0 < len(getattr(charts, f"{name}_finding")(made(), words)) <= 90
    assert getattr(charts, f"{name}_note")(made(), words)


def test_a_list_as_long_as_the_capacity_is_marked_on_the_curve() -> None:
    drawn = rows(charts.gains(made(), _))
    assert {"share": 0.2, "text": "2 customers"} in drawn
    mine = [(row["share"], row["found"]) for row in drawn if row.get("model") == "The warning"]
    assert mine == [(0.0, 0.0), (0.2, 0.6), (1.0, 1.0)]
    assert charts.gains_finding(made(), _) == "The 20% with the highest risk held 60% of those who went"
    assert "Of the list 30% went, 3.0 times as many" in charts.gains_note(made(), _)


def test_calibration_shows_before_and_after() -> None:
    drawn = [row for row in rows(charts.calibration(made(), _)) if "observed" in row]
    assert [(row["model"], row["now"]) for row in drawn] == [
        ("As said", True), ("As said", True), ("Before calibration", False),
    ]  # fmt: skip
    assert charts.calibration_finding(made(), _) == "Risks were off by 1.2 points on average"


def test_the_back_test_counts_false_alarms_and_days() -> None:
    assert charts.timeline_finding(made(), _) == "2.3 false alarms for each true one"
    assert "Its false alarms for each true one: 3.5." in charts.timeline_note(made(), _)
    drawn = [row for row in rows(charts.timeline(made(), _)) if "part" in row]
    assert [(row["part"], row["n"], row["rule"]) for row in drawn] == [
        ("On the list", 7, 4), ("Not on the list", 3, 4), ("On the list", 5, 4), ("Not on the list", 5, 4),
    ]  # fmt: skip
    assert charts.lead_finding(made(), _) == "61% were flagged before they went, half of these 21 days ahead or more"
    assert "“Recency alone” flagged 39% with as many false alarms." in charts.lead_note(made(), _)
    early = made().early.with_columns(false_per_true=None, median_days_before=None)
    assert charts.timeline_finding(made(early=early), _) == "No alarm came true"
    assert charts.lead_finding(made(early=early), _) == "61% were flagged before they went"
    assert not charts.has_backtest(made(early=early.clear()))


def test_drivers_are_one_of_each_group_and_say_when_they_are_unclear() -> None:
    drawn = [row for row in rows(charts.drivers(made(), _)) if "low" in row]
    assert [(row["name"], row["low"], row["high"], row["clear"]) for row in drawn] == [
        ("Days of use in 7 days", 0.2, 0.03, True),
        ("Last channel: web", 0.1, 0.12, False),
    ]
    assert {"at": 0.1} in rows(charts.drivers(made(), _))
    assert charts.drivers_finding(made(), _) == "Goes most with leaving: “Days of use in 7 days”"
    unclear = made(drivers=made().drivers.with_columns(direction=pl.lit(0, pl.Int64)))
    assert charts.drivers_finding(unclear, _) == "Nothing goes clearly with leaving"


def test_refusals_give_the_reason_and_the_figure() -> None:
    told = charts.refusals(made(), _)
    assert [list(row.values()) for row in told] == [
        ["last\\_bill", "One of its values is reserved for those who left", "final\\: 100% of 40 customers end alike"],
        ["p1 \\+ p2", "Together, they all but know the outcome", "AUC 0\\.990 by itself"],
    ]
    assert charts.guard_finding(made(), _) == "2 features were refused: they know the outcome"
    note = charts.guard_note(made(), _)
    assert note.startswith("7 columns that carry no date were looked at")
    assert "of 1,200 values 0 changed" in note
    assert charts.unused(made(), _) == (
        "As of the file: it may have changed since: Tier. Left out by you: Gender. "
        "The same for all, or nothing to count: Country."
    )
    clean = made(guard=made().guard.clear())
    assert charts.guard_finding(clean, _) == "Nothing that was looked at knows the outcome"
    assert charts.refusals(clean, _) == []


@pytest.mark.parametrize("code", LEAKS)
def test_every_reason_for_a_refusal_has_its_words(code: str) -> None:
    guard = made().guard.head(1).with_columns(code=pl.lit(code), threshold=pl.lit(30.0), share=pl.lit(0.984))
    (row,) = charts.refusals(made(guard=guard), _)
    name, why, figure = row.values()
    assert not why.startswith("leak.")
    assert any(digit.isdigit() for digit in figure)
    assert name == "last\\_bill"


def test_groups_carry_customers_and_money() -> None:
    drawn = [row for row in rows(charts.groups(made(), _)) if "kind" in row]
    assert [(row["group"], row["kind"], row["text"]) for row in drawn[:2]] == [
        ("Save first", "Value at risk", "NT$500 · 90%"), ("Save first", "Customers", "1 customer · 17%"),
    ]  # fmt: skip
    assert charts.groups_finding(made(), _) == "Save first: 1 customer with NT$500 at risk"
    drawn = [row["listed"] for row in rows(charts.risks(made(), _)) if "listed" in row]
    assert drawn == [False, False]  # bars are full from the middle of the bin on that holds the threshold
    assert charts.risks_finding(made(), _) == "The list begins at a risk of 50%: 2 customers"


def test_the_list_has_reasons_in_words() -> None:
    listed = charts.customer_table(made(), _)
    assert listed["customer_id"].to_list() == ["a", "b"]
    assert listed["risk_reasons"].to_list() == [
        "Days of use in 7 days ×3.0; Days since first order ×1.2", "Contacts in 30 days: price ×2.0",
    ]  # fmt: skip
    assert listed["group"].to_list() == ["Save first", "Save at little cost"]
    assert listed["risk_span"].to_list() == ["40%–60%", "50%–70%"]
    assert listed["value_last_year"].to_list() == [1000.0, 10.0]
    assert charts.all_customers(made(), _)["flagged"].sum() == 2
    assert charts.list_title(made(), _) == "Whom to save: 2 customers"


def test_without_amounts_there_is_risk_alone() -> None:
    nothing = pl.lit(None, pl.Float64)
    poor = made(
        value_at_risk=None,
        flagged_value_at_risk=None,
        value_unit="",
        customers=made().customers.with_columns(expected_value=nothing, value_at_risk=nothing),
        groups=made().groups.with_columns(expected_value=nothing, value_at_risk=nothing),
        risks=made().risks.with_columns(value_at_risk=nothing),
    )
    assert [m.label for m in charts.headline(poor, _).metrics] == [
        "Expected to go",
        "Ranking (AUC)",
        "Risks off by (points)",
    ]
    assert charts.customer_table(poor, _).columns == [
        "customer_id", "risk", "risk_span", "risk_reasons", "group", "last_seen_on", "risk_lo", "risk_hi",
    ]  # fmt: skip
    assert charts.groups_finding(poor, _) == "Save first: 1 customer"
    assert {row["kind"] for row in rows(charts.groups(poor, _)) if "kind" in row} == {"Customers"}
    assert rows(charts.risks(poor, _))


def test_tables_for_the_download_are_in_words() -> None:
    assert charts.driver_table(made(), _)["feature"][0] == "Days of use in 7 days"
    assert charts.model_table(made(), _)["model"].to_list() == [
        "The warning", "Logistic regression", "Recency alone", "The same risk for all",
    ]  # fmt: skip
    assert charts.feature_table(made(), _)["refused"].to_list()[1:3] == [
        "As of the file: it may have changed since", "Left out by you",
    ]  # fmt: skip
    assert charts.used_features(made(), _) == {"use_days_7": "Days of use in 7 days", "gender": "Gender"}


def test_in_chinese_the_unit_of_a_figure_is_in_its_label() -> None:
    rich = made(value_at_risk=6_780_000.0)
    metric = charts.headline(rich, words_for("zh_TW")).metrics[1]
    assert (metric.label, metric.value) == ("風險金額（NT$萬）", "678")
    assert charts.headline(rich, _).metrics[1].value == "NT$6.8M"
