"""The value and portfolio pages: figures of the sample worlds, the form, one customer, what stands in, own files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from streamlit.testing.v1 import AppTest

from analytics.i18n import words_for
from analytics.segmentation import SegmentationSpec
from analytics.value import ValueSpec
from analytics.workspace import Workspace
from tests.pages.test_customer import app, assert_sound, figures, go, own_file

HEADER = "customer id,order id,date,amount\n"


def headings(test: AppTest) -> list[str]:
    return [item.value for item in test.subheader]


def table(test: AppTest, *columns: str) -> Any:
    """The rows of the table that has these columns."""
    return next(item.value for item in test.dataframe if set(columns) <= set(item.value.columns))


def test_the_first_view_answers_and_shows_how_far_to_trust_it() -> None:
    # Few draws and a given number of segments: how those are found is tested elsewhere.
    test = app("value", Workspace(segmentation=SegmentationSpec(n_segments=3), value=ValueSpec(n_draws=50)))
    assert_sound(test)
    shown = figures(test)
    assert {"Expected value", "Probably active", "Grade", "Model", "x, repeat days", "T, weeks"} <= set(shown)
    assert test.header[0].value == f"Customers will bring {shown['Expected value']} in the next 12 months"
    assert shown["Grade"] in ("A", "B", "C", "D")
    assert shown["Model"] in ("BG/NBD", "MBG/NBD", "Pareto/NBD")
    said = " ".join(headings(test))
    for words in (
        "hold",
        "are active with 50% or more",
        "oldest cohort",
        "Over the holdout",
        "unseen weeks",
        "Grade ",
        "From rows",
    ):
        assert words in said
    listed = table(test, "customer_id", "clv", "p_alive")
    assert 3400 < len(listed) <= 3600, "everybody of whom an order stands"
    assert listed["clv"].is_monotonic_decreasing
    assert (listed["clv_lo"] <= listed["clv_hi"]).all()

    # The form: nothing happens before the button; then one change, which one undo takes back.
    test.selectbox(key="value.horizon_days").set_value(183)
    test.number_input(key="value.margin_share").set_value(40.0)
    test.selectbox(key="value.model").set_value("bg_nbd")
    next(button for button in test.button if button.label == "Calculate").click().run()
    assert_sound(test)
    after = figures(test)
    assert after["Model"] == "BG/NBD"
    assert test.header[0].value == f"Customers will leave {after['Expected value']} of margin in 6 months"
    before, now = (float(one["Expected value"].strip("NT$M")) for one in (shown, after))
    assert now < 0.4 * before

    # The groups of the portfolio are those of the same result.
    go(test, "portfolio")
    assert_sound(test)
    groups = figures(test)
    counts = {name: int(groups[name].replace(",", "")) for name in ("Protect", "Grow", "Win back", "Let go")}
    assert sum(counts.values()) == len(listed)
    assert "6 months" in " ".join(item.value for item in test.markdown)
    rows = table(test, "group", "n_customers", "clv_share")
    assert list(rows["n_customers"]) == list(counts.values())
    assert abs(rows["clv_share"].sum() - 100) < 0.5
    assert len(test.get("download_button")) >= 6
    # One customer: a choice that undo and other pages share with the rest.
    go(test, "value")
    assert figures(test) == after
    offered = test.selectbox(key="value.customer")
    other = offered.options[3]
    assert other != offered.value
    offered.set_value(other).run()
    assert_sound(test)
    assert test.selectbox(key="value.customer").value == other
    assert {**after, **figures(test)} != after
    test.button(key="undo").click().run()
    test.button(key="undo").click().run()
    assert figures(test) == shown
    assert test.selectbox(key="value.horizon_days").value == 365


def test_a_subscription_is_told_as_one() -> None:
    test = app("value", Workspace(world="streaming", language="zh_TW"))
    assert_sound(test)
    shown, _ = figures(test), words_for("zh_TW")
    assert "sBG" in shown.values()
    assert "–" in shown.values(), "no grade"
    assert _("These are subscriptions: remaining time by fee") in headings(test)
    assert any(_("After {n} periods {share} are still there", n=12, share="")[:8] in text for text in headings(test))
    go(test, "portfolio")
    assert_sound(test)
    assert len(test.get("download_button")) >= 5


def test_where_no_model_can_be_told_a_rule_stands_in_and_the_reason_is_said() -> None:
    """Sixty customers buy every fortnight for two years: nothing tells how anybody would leave."""
    words = words_for("en")
    lines = [
        f"k{i},o{i}-{k},{date(2024, 1, 1) + timedelta(days=14 * k + i % 14 + i * k % 3)},{100 + (i * 7 + k * 13) % 60}"
        for i in range(60)
        for k in range(50)
    ]
    test = own_file(HEADER + "\n".join(lines))
    for page in ("value", "portfolio"):
        go(test, page)
        assert_sound(test)
        assert words.phrase("error.btyd_no_dropout") in " ".join(item.value for item in test.warning)
        assert any(text.startswith("A simple rule stands in: ") for text in headings(test))
        assert "191k" in figures(test).values(), "60 customers, 26 purchases of 130 each, discounted"
    assert figures(test)["Protect"] == "60"
    go(test, "value")
    assert figures(test)["Probably active"] == figures(test)["Grade"] == "–"


def test_one_purchase_each_is_refused_with_the_reason() -> None:
    once = "".join(f"k{i},o{i},2025-{1 + i // 28:02d}-{1 + i % 28:02d},{100 + i % 7}\n" for i in range(300))
    test = own_file(HEADER + once)
    for page in ("value", "portfolio"):
        go(test, page)
        assert_sound(test)
        assert words_for("en").phrase("error.btyd_no_repeat") in " ".join(item.value for item in test.warning)
        assert len(test.metric) == 0


def test_choices_that_cannot_be_are_refused_and_change_nothing() -> None:
    link = Workspace(value=ValueSpec(covariates=("shoe_size",)))
    test = app("value", link)
    assert [item.value for item in test.exception] == []
    said = " ".join(item.value for item in (*test.warning, *test.error))
    assert words_for("en").phrase("error.value_covariate_unknown") in said
