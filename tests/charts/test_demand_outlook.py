"""Charts of all series at once: figures that the result holds, every language, no bare word, parts that add up."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from analytics.charts import demand_outlook as charts
from analytics.charts.demand_outlook.adding_up import wholes
from analytics.charts.demand_outlook.card import error_ratio
from analytics.charts.demand_outlook.trust import by_coverage, led
from analytics.charts.demand_outlook.wording import moves
from analytics.demand import DemandPanel
from analytics.forecasting.spec import PanelForecast
from analytics.i18n import phrases
from analytics.i18n.words import LANGUAGES, Words, words_for
from tests.charts.made_forecasts import panel as made
from tests.charts.test_forecasting import Marked, rows_of, walk

EN = words_for("en")


def panel_of(result: PanelForecast, *, parents: bool = False) -> DemandPanel:
    """The panel that ``result`` could be of: flat, or with s0 as the sum of all others."""
    members = tuple(result.choices["unique_id"])
    held = result.backtest.select("unique_id", "ds", "y").unique().sort("unique_id", "ds")
    of = pl.DataFrame({"unique_id": members[1:], "parent": [members[0]] * (len(members) - 1)})
    levels = ["total" if parents else "category", *["category"] * (len(members) - 2), "rest" if parents else "category"]
    names = pl.DataFrame(
        {"unique_id": members, "level": levels, "name": ["" if x in ("total", "rest") else "Tea" for x in levels]}
    )
    return DemandPanel(
        frame=held,
        frequency="week",
        measure="revenue",
        unit="TWD",
        as_of=result.as_of,
        n_clipped=0,
        n_filled=0,
        n_dropped_partial=0,
        key="made",
        by="category",
        members=members,
        parents=of if parents else of.clear(),
        names=names,
    )


def flat() -> tuple[DemandPanel, PanelForecast, dict[str, str]]:
    result = made(4)
    return panel_of(result), result, {f"s{i}": f"Series {i}" for i in range(4)}


def summed() -> tuple[DemandPanel, PanelForecast, dict[str, str]]:
    """s0 is the whole of s1, s2 and s3; agreed on what its parts say."""
    result = made(4)
    parts = result.forecasts.filter(pl.col("unique_id") != "s0")
    whole = (
        parts.group_by("ds")
        .agg(pl.col("forecast").sum())
        .sort("ds")
        .select(pl.lit("s0").alias("unique_id"), "ds", "forecast")
    )
    agreed = pl.concat([whole, parts.select("unique_id", "ds", "forecast")])
    bounds = {name: pl.col("forecast") for name in ("lo_80", "hi_80", "lo_95", "hi_95")}
    result = replace(result, reconciled=agreed.with_columns(**bounds), incoherence=(0.061, 1e-16))
    held = panel_of(result, parents=True)
    return held, result, charts.series_names(held, {}, EN)


def test_series_are_called_as_the_data_or_the_person_calls_them() -> None:
    held, _result, names = summed()
    assert names == {"s0": "Everything", "s1": "Tea", "s2": "Tea", "s3": "Everything else"}
    assert charts.series_names(held, {"s1": "1 · Loyal"}, EN)["s1"] == "1 · Loyal"
    assert charts.leaves(held) == ("s1", "s2", "s3")


def test_the_card_counts_who_clearly_moves() -> None:
    """Totals with ±10% around changes of +30, +10, -10 and -30 percent: one is clear on either side, two are not."""
    held, result, _names = flat()
    factor = pl.Series([1.3, 1.05, 0.97, 0.7])
    totals = result.totals.with_columns(last_year=pl.col("total") / factor)
    result = replace(result, totals=totals)
    assert moves(held, result).sort("unique_id")["clear"].to_list() == [True, False, False, True]
    card = charts.headline(held, result, EN)
    assert card.finding == "1 of 4 series will clearly sell more than a year ago, 1 less"
    said = [(metric.label, metric.value, metric.note) for metric in card.metrics]
    assert said[0] == ("All together", EN.compact(totals["total"].sum(), "TWD"), said[0][2])
    assert said[1] == ("Better than baseline", "3", "of 4 series")
    assert said[2][:2] == ("Error, baseline 100%", "68%"), "three times .6 and once 1: the geometric mean"
    assert said[3] == ("Interval held", "81%", "target 80%")
    calm = replace(result, totals=totals.with_columns(last_year=pl.col("total")))
    assert charts.headline(held, calm, EN).finding == "None of 4 series clearly moves away from a year ago"


def test_without_a_year_before_the_last_periods_are_what_it_is_compared_with() -> None:
    held, result, names = flat()
    young = replace(result, totals=result.totals.with_columns(last_year=pl.lit(None, pl.Float64)))
    assert "the last 6 weeks" in charts.headline(held, young, EN).finding
    assert "less the last 6 weeks" in charts.movers_note(held, young, names, EN)
    assert moves(held, young)["before"].sort().to_list() == young.totals["recent"].sort().to_list()


def test_movers_are_ranked_by_what_they_add() -> None:
    held, result, names = flat()
    rows = next(rows for rows in rows_of(charts.movers_chart(held, result, names, EN)) if rows and "label" in rows[0])
    changes = [row["change"] for row in rows]
    assert changes == sorted(changes, reverse=True)
    assert changes == pytest.approx(
        (result.totals["total"] - result.totals["last_year"]).sort(descending=True).to_list()
    )
    most = EN.compact(max(changes), "TWD")
    assert charts.movers_finding(held, result, names, EN) == f"Series 0 moves most: {most} more"


def test_the_table_has_a_line_and_the_model_of_each_series() -> None:
    held, result, names = flat()
    listed = charts.series_table(held, result, names, EN)
    assert listed["demand_series"].to_list() == ["Series 0", "Series 1", "Series 2", "Series 3"]
    assert listed["demand_expected"].is_sorted(descending=True)
    assert listed["demand_course"].list.len().to_list() == [30] * 4, "24 back-tested weeks and the six ahead"
    ahead = result.forecasts.filter(unique_id="s0")["forecast"]
    assert listed["demand_course"][0].to_list()[-6:] == pytest.approx(ahead.to_list(), abs=0.01)
    assert listed["demand_model"].to_list() == ["Median of four"] * 3 + ["Last year repeated"]
    assert listed["error_of_baseline"].to_list() == pytest.approx([0.6] * 3 + [1.0])
    assert listed["band_held_share"].to_list() == pytest.approx([0.786] * 3 + [0.79])
    noted = replace(
        result, notes=pl.DataFrame({"unique_id": ["s1"], "code": ["series_intermittent"], "n": [None], "percent": [70]})
    )
    assert charts.series_table(held, noted, names, EN)["demand_notes"].to_list() == [
        None,
        "Most periods have no sale",
        None,
        None,
    ]
    assert set(charts.flat_table(listed).columns) == set(listed.columns) - {"unique_id", "demand_course"}
    assert charts.forecast_table(held, result, names).height == 4 * 6
    assert charts.models_of(result, names, EN).height == 4 * 5


def test_long_lines_are_thinned_from_the_end_by_means() -> None:
    result = made(2, frequency="day", horizon=28)
    held = replace(panel_of(result), frequency="day")
    course = charts.series_table(held, result, {"s0": "a", "s1": "b"}, EN)["demand_course"]
    assert max(course.list.len()) <= 60
    ahead = result.forecasts.filter(unique_id="s0")["forecast"]
    assert course[0].to_list()[-1] == pytest.approx(ahead.tail(3).mean(), rel=0.01)


def test_which_models_lead_and_what_the_bands_held() -> None:
    held, result, names = flat()
    assert dict(led(held, result).iter_rows()) == {"median": 3, "seasonal_naive": 1}
    assert charts.leading_finding(held, result, names, EN) == "Median of four leads in 3 of 4 series"
    assert "Gray" in charts.leading_note(held, result, names, EN)
    counted = by_coverage(held, result)
    assert counted.select("lo", "n", "within").rows() == [(0.75, 4, "75–80%")]
    assert charts.coverage_finding(held, result, names, EN) == "Over all series the 80% band held 81%"
    note = charts.coverage_note(held, result, names, EN)
    assert "95% band held 96%" in note
    assert "held 77%" in note
    assert error_ratio(held, result) == pytest.approx((0.6**3) ** 0.25)


def test_parts_and_wholes_agree_after_reconciling() -> None:
    held, result, names = summed()
    found = wholes(held, result)
    assert found["unique_id"].to_list()[0] == "s0", "wholes first"
    own = result.forecasts.group_by("unique_id").agg(pl.col("forecast").sum()).sort("unique_id")["forecast"]
    assert found["parts"][0] == pytest.approx(own[1:].sum())
    assert found["agreed"][0] == pytest.approx(found["agreed"][1:].sum())
    assert found["parts_off"][0] == pytest.approx(own[1:].sum() / own[0] - 1)
    assert charts.adds_up(result)
    assert not charts.adds_up(flat()[1])
    assert charts.wholes_finding(held, result, names, EN) == "Parts and wholes differed by up to 6.1%; now they add up"
    assert charts.wholes_table(held, result, names).columns == [
        "demand_series",
        "own_forecast",
        "sum_of_parts",
        "agreed_forecast",
    ]
    card = charts.headline(held, result, EN)
    assert card.metrics[0].value == EN.compact(found["agreed"][0], "TWD")
    assert card.metrics[1].note == "of 3 series", "the whole is no series of its own"


def everything(
    held: DemandPanel, result: PanelForecast, names: dict[str, str], _: Words
) -> tuple[list[Any], list[str]]:
    drawn = [charts.movers_chart, charts.leading_chart, charts.coverage_chart]
    spoken = [charts.movers_finding, charts.movers_note, charts.leading_finding, charts.leading_note]
    spoken += [charts.coverage_finding, charts.coverage_note]
    if charts.adds_up(result):
        drawn.append(charts.wholes_chart)
        spoken += [charts.wholes_finding, charts.wholes_note]
    card = charts.headline(held, result, _)
    said = [card.finding, card.sentence, charts.table_note(result, _)]
    said += [text for metric in card.metrics for text in (metric.label, metric.note) if text]
    return [chart(held, result, names, _) for chart in drawn], said + [part(held, result, names, _) for part in spoken]


@pytest.mark.parametrize("of", [flat, summed])
def test_everything_builds_in_every_language(of: Any) -> None:
    held, result, names = of()
    for language in LANGUAGES:
        specs, said = everything(held, result, names, words_for(language))
        for spec in specs:
            json.dumps(spec, allow_nan=False)
        for sentence in said:
            assert not re.search(r"None|nan|[{}]", sentence), sentence


def test_no_word_escapes_translation() -> None:
    _ = Words("zh_TW", Marked(), phrases.load())
    held, result, _names = summed()
    specs, shown = everything(held, result, charts.series_names(held, {}, _), _)
    for spec in specs:
        shown += [tip["title"] for tips in walk(spec, "tooltip") for tip in tips]
        for rows in rows_of(spec):
            shown += [row[name] for row in rows for name in ("series", "label") if name in row]
    for text in shown:
        bare = text.replace("Tea", "").replace("1e-16", "").replace("NT$", "")
        while "⟦" in bare:
            bare = re.sub(r"⟦[^⟦⟧]*⟧", "", bare)
        assert not re.search(r"[A-Za-z]{2,}", bare), text
