"""Lifecycle charts: what they draw, in three languages, for an ordinary and for a poor result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import lifecycle as charts
from analytics.charts.headline import Headline
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, Words, phrases, words_for
from analytics.lifecycle import (
    STAGES,
    CohortView,
    FlowResult,
    FlowSpec,
    LifecycleResult,
    LifecycleSpec,
    trace_flow,
    trace_lifecycle,
)

NAMES = ("stages", "history", "transitions", "movement", "spells")
VIEWS = [
    CohortView(),
    CohortView("revenue"),
    CohortView("value", (date(2023, 6, 1), date(2024, 1, 1), date(1999, 1, 1))),
]
EN = words_for("en")


@cache
def ordinary_data() -> Dataset:
    """Two and a half years, customers known before they order, some lapsing."""
    rng = np.random.default_rng(5)
    start = date(2022, 1, 3)
    lines, people = [], []
    for i in range(700):
        day = float(rng.integers(0, 850))
        people.append((f"c{i}", start + timedelta(days=max(0, int(day) - int(rng.integers(0, 40))))))
        for _ in range(int(rng.geometric(0.3)) - (rng.random() < 0.1)):
            if day > 910:
                break
            lines.append((f"c{i}", start + timedelta(days=int(day)), int(rng.integers(100, 90_000))))
            day += rng.gamma(1.0, 60)
    return _dataset(lines, date(2024, 6, 30), people)


@cache
def ordinary() -> LifecycleResult:
    return trace_lifecycle(ordinary_data(), LifecycleSpec(min_cohort_size=18))


@cache
def flowing() -> FlowResult:
    return trace_flow(ordinary_data(), FlowSpec(), ordinary().rules)


@cache
def subscribed() -> LifecycleResult:
    """Monthly fees for one to forty months; everybody stays with an own chance."""
    rng = np.random.default_rng(8)
    start, as_of = date(2021, 1, 5), date(2024, 6, 30)
    lines, joined, left = [], [], []
    for i in range(500):
        day = int(rng.integers(0, 1200))
        stay, n = rng.beta(6, 0.6), 0
        begun = start + timedelta(days=day)
        while begun + timedelta(days=30 * n) <= as_of:
            lines.append((f"c{i}", begun + timedelta(days=30 * n), 30_000))
            n += 1
            if rng.random() > stay:
                break
        end = begun + timedelta(days=30 * n)
        joined.append((f"c{i}", begun))
        left.append(end if end <= as_of else None)
    tables = dict(_dataset(lines, as_of, joined).tables)
    tables["customers"] = tables["customers"].join(
        pl.DataFrame({"customer_id": [name for name, _ in joined], "left_at": pl.Series(left, dtype=pl.Date)}),
        on="customer_id",
    )
    return trace_lifecycle(Dataset.build(tables, as_of=as_of, currency="TWD"), LifecycleSpec())


@cache
def poor() -> LifecycleResult:
    """One order by one customer: no history, no cohort, no acquaintance, nobody who could have lapsed."""
    return trace_lifecycle(_dataset([("only", date(2024, 3, 5), 1000)], date(2024, 3, 5)), LifecycleSpec())


@cache
def without_amounts() -> LifecycleResult:
    lines = [("a", date(2024, 1, 5), None), ("a", date(2024, 2, 9), None), ("b", date(2024, 2, 9), None)]
    return trace_lifecycle(_dataset(lines, date(2024, 4, 30)), LifecycleSpec(cohort_by="quarter", min_cohort_size=1))


def _dataset(lines: list[Any], as_of: date, people: list[Any] | None = None) -> Dataset:
    frame = pl.DataFrame(
        lines, schema={"customer_id": pl.String, "ordered_at": pl.Date, "amount": pl.Int64}, orient="row"
    ).with_columns(pl.col("ordered_at").cast(pl.Datetime("us")), kind=pl.lit("sale"))
    tables = {"transactions": frame}
    if people:
        schema = {"customer_id": pl.String, "joined_at": pl.Date}
        tables["customers"] = pl.DataFrame(people, schema=schema, orient="row")
    return Dataset.build(tables, as_of=as_of, currency="TWD")


def draw(name: str, result: LifecycleResult, words: Words = EN) -> dict[str, Any]:
    spec: dict[str, Any] = getattr(charts, name)(result, words)
    json.dumps(spec)
    return spec


def rows_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows of data that a specification carries, wherever they stand."""
    found = [row for part in spec.get("datasets", {}).values() for row in part]
    found += [row for part in parts(spec) if "data" in part for row in part["data"].get("values", [])]
    return found


def parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


def marks(spec: dict[str, Any]) -> set[str]:
    return {part["mark"]["type"] for part in parts(spec) if isinstance(part.get("mark"), dict)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("result", [ordinary, poor, without_amounts, subscribed])
@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_drawn_and_said(name: str, result: Any, language: Any) -> None:
    words = words_for(language)
    spec = draw(name, result(), words)
    assert len(rows_of(spec)) <= 2000
    assert "title" not in spec
    finding, note = (getattr(charts, f"{name}_{part}")(result(), words) for part in ("finding", "note"))
    assert finding
    assert "{" not in finding + note
    if language == "en":
        assert len(finding) <= 60


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("result", [ordinary, poor, without_amounts, subscribed])
def test_the_answer_card(result: Any, language: Any) -> None:
    card = charts.headline(result(), words_for(language))
    assert isinstance(card, Headline)
    assert 3 <= len(card.metrics) <= 4
    assert "{" not in card.finding + card.sentence
    if language == "en":
        assert len(card.finding) <= 60
        assert all(len(metric.label) <= 20 for metric in card.metrics)


def test_the_answer_card_says_the_figures() -> None:
    result = ordinary()
    card = charts.headline(result, EN)
    loyal = result.stages.row(STAGES.index("loyalty"), named=True)
    assert f"{loyal['customer_share']:.0%}" in card.finding
    assert f"{loyal['revenue_share']:.0%}" in card.finding
    assert f"between {result.rules.short_days} and {result.rules.long_days} days" in card.sentence
    last = result.movement.row(-1, named=True)
    assert card.metrics[3].value == EN.signed(last["n_active"] - last["n_active_before"])
    assert card.metrics[0].value == EN.number(last["n_active"])  # the as-of date ends a month
    assert "cannot be told" in charts.headline(poor(), EN).sentence


def test_stages_are_drawn_in_order_with_their_figures() -> None:
    result = ordinary()
    rows = rows_of(draw("stages", result))
    customers = [row for row in rows if row["measure"] == "customers"]
    assert [row["stage"] for row in customers] == list(charts.stage_names(EN).values())
    assert [row["share"] for row in customers] == result.stages["customer_share"].to_list()
    assert customers[3]["text"].startswith(EN.number(result.stages["n_customers"][3]))
    assert marks(draw("stages", result)) == {"bar", "text"}
    hidden = [row for row in rows_of(draw("stages", poor())) if row["text"] == "not observable in this data"]
    assert [row["stage"] for row in hidden] == ["1 · Acquaintance", "5 · Lapsed"]
    assert {row["measure"] for row in rows_of(draw("stages", without_amounts()))} == {"customers"}


@pytest.mark.parametrize("name", ["stages", "history", "movement"])
def test_a_stage_has_one_colour_everywhere(name: str) -> None:
    scales = [part["color"]["scale"] for part in parts(draw(name, ordinary())) if "scale" in part.get("color", {})]
    names = list(charts.stage_names(EN).values())
    assert scales == [{"domain": names, "range": "category"}]


def test_history_stacks_to_the_known_customers() -> None:
    result = ordinary()
    rows = rows_of(draw("history", result))
    june = [row for row in rows if row["month"] == "Jun 24"]
    assert sum(row["n"] for row in june) == result.n_customers
    assert {row["at"] for row in june} == {"2024-06-01T00:00:00"}
    assert marks(draw("history", result)) == {"area"}
    assert charts.history_finding(poor(), EN) == "No complete month yet"


def test_transitions_colour_moves_and_not_who_stayed() -> None:
    result = ordinary()
    rows = rows_of(draw("transitions", result))
    assert len(rows) == 25
    assert {row["from"] == row["to"] for row in rows if row["cell"] == "stay"} == {True}
    again = next(row for row in rows if row["from"].startswith("2") and row["to"].startswith("3"))
    expected = result.transitions.filter(from_stage="first_purchase", to_stage="active_use")["share_mean"].item()
    assert again["share"] == expected
    assert again["text"].endswith("%")
    moved = [row["share"] for row in rows if row["cell"] == "move"]
    scales = [part["color"]["scale"] for part in parts(draw("transitions", result)) if "scale" in part.get("color", {})]
    assert scales == [{"domain": [0, max(moved)], "clamp": True, "range": "ramp"}]


def test_movement_puts_losses_below_zero() -> None:
    result = ordinary()
    spec = draw("movement", result)
    changes = [row["n"] for row in rows_of(spec) if set(row) == {"month", "n", "text"}]
    assert changes == (result.movement["n_active"] - result.movement["n_active_before"]).to_list()
    rows = [row for row in rows_of(spec) if "part" in row]
    last = {row["part"]: row["n"] for row in rows if row["month"] == "Jun 24"}
    movement = result.movement.row(-1, named=True)
    assert last == {"New": movement["n_new"], "Came back": movement["n_resurrected"], "Lost": -movement["n_lost"]}
    legend = next(part["legend"] for part in parts(spec) if "values" in (part.get("legend") or {}))
    assert legend["values"] == ["2 · First purchase", "3 · Active use", "5 · Lapsed"]
    assert "'New'" in legend["labelExpr"]
    year = result.movement.tail(12)
    assert charts.movement_finding(result, EN).startswith(EN.number(int((year["n_new"] + year["n_resurrected"]).sum())))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("result", [ordinary, poor, without_amounts, subscribed])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.measure)
def test_cohorts_are_drawn_and_said_by_every_measure(view: CohortView, result: Any, language: Any) -> None:
    words = words_for(language)
    for drawn in (charts.cohort_grid, charts.cohort_lines):
        spec = drawn(result(), view, words)
        json.dumps(spec)
        assert len(rows_of(spec)) <= 2000
    told = [
        charts.cohorts_finding(result(), words),
        charts.cohort_grid_note(result(), view, words),
        charts.cohort_lines_finding(result(), view, words),
        charts.cohort_lines_note(result(), view, words),
    ]
    assert all(told)
    assert "{" not in "".join(told)
    if language == "en":
        assert max(len(told[0]), len(told[2])) <= 60


def test_cohorts_gray_the_small_and_leave_the_unobserved_blank() -> None:
    result = ordinary()
    rows = rows_of(charts.cohort_grid(result, CohortView(), EN))
    cells = result.cohorts.filter(pl.col("observed"))
    assert len(rows) == cells.height
    small = cells.filter(~pl.col("enough") & (pl.col("periods_since") > 0))
    assert sum(row["cell"] == "few" for row in rows) == small.height > 0
    assert all(row["value"] is None for row in rows if row["cell"] != "value")
    first = result.retention.filter(periods_since=1)["retention"].item()
    assert charts.cohorts_finding(result, EN) == f"{first:.0%} of new customers order again in the next month"
    quarters = rows_of(charts.cohort_grid(without_amounts(), CohortView("value"), EN))
    assert {row["cohort"] for row in quarters} == {"Q1 2024"}
    assert charts.cohorts_finding(without_amounts(), EN) == "No cohort can be followed yet"


def test_a_measure_of_money_shows_the_first_period_too() -> None:
    result = ordinary()
    rows = rows_of(charts.cohort_grid(result, CohortView("value"), EN))
    given = [row["value"] for row in rows if row["cell"] == "value" and row["since"] == "0"]
    expected = result.cohorts.filter(pl.col("enough"), pl.col("observed"), periods_since=0)["value_per_customer"]
    assert given == expected.to_list()


def test_picked_cohorts_are_lines_beside_the_mean() -> None:
    result = ordinary()
    rows = rows_of(charts.cohort_lines(result, CohortView(rows=(date(2023, 6, 1), date(1999, 1, 1))), EN))
    assert {row["line"] for row in rows} == {"All cohorts", "Jun 23"}
    mine = result.cohorts.filter(pl.col("observed"), pl.col("periods_since") > 0, cohort=date(2023, 6, 1))
    assert [row["value"] for row in rows if row["line"] == "Jun 23"] == mine["retention"].to_list()
    mean = result.retention.filter(pl.col("periods_since") > 0)["retention"]
    assert [row["value"] for row in rows if row["line"] == "All cohorts"] == mean.to_list()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_flow_holds_every_customer_once(language: Any) -> None:
    words, result = words_for(language), flowing()
    spec = charts.flow(result, "orders", words)
    json.dumps(spec)
    bands = {row["flow"]: row["y2"] - row["y"] for row in rows_of(spec) if "flow" in row}
    assert list(bands.values()) == pytest.approx(result.frame["n_customers"].to_list())
    assert sum(bands.values()) == pytest.approx(result.n_customers)
    finding, note = charts.flow_finding(result, "orders", words), charts.flow_note(result, "orders", words)
    assert "{" not in finding + note
    loyal = result.frame.filter(from_stage="loyalty")
    kept = loyal.filter(to_stage="loyalty")["n_customers"].sum() / loyal["n_customers"].sum()
    if language == "en":
        assert finding == f"{kept:.0%} of those loyal on {EN.day(result.from_day)} still are"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_projection_shows_what_was_held_out(language: Any) -> None:
    words, result = words_for(language), subscribed()
    assert result.rules.kind == "subscription"
    assert charts.has_projection(result)
    assert not charts.has_projection(ordinary())
    told = result.projection
    assert told is not None
    assert told.failed is None
    spec = charts.projection(result, words)
    json.dumps(spec)
    points = list({row["period"]: row for row in rows_of(spec) if row.get("observed") is not None}.values())
    assert len(points) == told.n_seen + 1
    assert sum(row["held_out"] for row in points) == told.n_seen - told.n_fitted > 5
    note = charts.projection_note(result, words)
    assert "{" not in charts.projection_finding(result, words) + note
    if language == "en":
        assert f"fitted on the first {told.n_fitted} periods only" in note
        assert len(charts.projection_finding(result, words)) <= 60


def test_a_refused_projection_says_why() -> None:
    from dataclasses import replace

    result = subscribed()
    assert result.projection is not None
    failed = replace(result, projection=replace(result.projection, failed="sbg_nobody_leaves", alpha=None, beta=None))
    assert "cannot be projected" in charts.projection_finding(failed, EN)
    assert EN.phrase("error.sbg_nobody_leaves", n_customers=500) in charts.projection_note(failed, EN)
    json.dumps(charts.projection(failed, EN))


def test_subscribers_begin_with_a_period_and_leave() -> None:
    card = charts.headline(subscribed(), EN)
    assert "Lapsed: the subscription has ended." in card.sentence
    assert "2 · First period" in {row["stage"] for row in rows_of(draw("stages", subscribed()))}
    assert charts.transitions_finding(subscribed(), EN).endswith("of subscribers leave each month")


class Marked(Words):
    """Every word that went through the translation comes out in brackets."""

    def __call__(self, message: str, /, **params: object) -> str:
        return f"«{super().__call__(message, **params)}»"

    def ngettext(self, singular: str, plural: str, n: int, /, **params: object) -> str:
        return f"«{super().ngettext(singular, plural, n, **params)}»"


@pytest.mark.parametrize("name", NAMES)
def test_every_word_went_through_the_translation(name: str) -> None:
    spec = draw(name, ordinary(), Marked("en", {}, phrases.load()))
    titles = [part["title"] for part in parts(spec) if isinstance(part.get("title"), str)]
    assert titles
    assert all(title.startswith("«") for title in titles)
    shown = {row[key] for row in rows_of(spec) for key in ("stage", "from", "to", "part", "colour") if key in row}
    assert all("«" in text for text in shown)
    assert shown
