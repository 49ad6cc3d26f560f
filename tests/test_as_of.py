"""Removing every row after the as-of date changes no figure of any analysis: nothing peeks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.behaviour import (
    BehaviourSpec,
    describe_methods,
    describe_preferences,
    describe_spending,
    favourites,
    measure_concentration,
)
from analytics.calendar import usual_calendar
from analytics.churn import ChurnSpec, warn
from analytics.customers import summarise_customers
from analytics.dataset import Dataset
from analytics.demand import DemandSpec, build_drivers, build_panel
from analytics.forecasting import ForecastSpec, forecast, forecast_all
from analytics.forecasting.planning import (
    PlanningSpec,
    ResponseSpec,
    StockSpec,
    learn_response,
    plan_stock,
    play_scenarios,
    price_today,
    related_products,
)
from analytics.lifecycle import FlowSpec, LifecycleSpec, trace_flow, trace_lifecycle
from analytics.lifecycle.history import stage_history
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.personas import PersonaSpec, describe_personas
from analytics.population import DefinitionsSpec, PopulationSpec, observe
from analytics.portrait import PortraitSpec, list_customers, portray
from analytics.product_life import ProductLifeSpec, describe_goods, find_evidence, rate_stages, trace_products
from analytics.quality import QualitySpec, validate
from analytics.reading import read
from analytics.schema import TABLES
from analytics.segmentation import SegmentationSpec, compare, segment
from analytics.survival import ClockSpec, SurvivalSpec, find_spells, fit_hazards, foresee, study_survival
from analytics.traits import gather_traits
from analytics.usage import UsageSpec, study_usage
from analytics.value import ValueSpec, estimate_value, explain_history, value_by
from sample_data.streaming import generate
from tests.churn.worlds import to_dataset

WORLD = Path(__file__).parent.parent / "sample_data" / "marketplace"
DAYS = (date(2026, 3, 31), date(2025, 7, 14))


@pytest.fixture(scope="module")
def full() -> Dataset:
    tables = []
    for path in sorted(WORLD.glob("*.parquet")):
        raw = read(path.read_bytes(), path.name)
        tables.append(apply_mapping(raw, suggest_mapping(raw, path.stem).spec))
    return validate(tuple(tables), QualitySpec(currency="TWD")).dataset


def cut(dataset: Dataset, day: date) -> Dataset:
    """The data as somebody would hold them who got every file at the end of ``day``."""
    tables = {}
    for name, frame in dataset.tables.items():
        time = TABLES[name].time_field
        assert time is not None
        tables[name] = frame.filter(pl.col(time).is_null() | (pl.col(time).cast(pl.Date) <= day))
    return Dataset.build(tables, as_of=day, currency=dataset.currency, money_digits=dataset.money_digits)


def values(result: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every frame and number of a result, by name; keys are identities of inputs, not figures."""
    for item in dataclasses.fields(result):
        value = getattr(result, item.name)
        name = f"{path}.{item.name}"
        if item.name in {"key", "sources"}:
            continue
        if dataclasses.is_dataclass(value) and "__eq__" not in vars(type(value)):  # a result within a result
            yield from values(value, name)
        else:
            yield name, value


def assert_same(left: Any, right: Any) -> None:
    for (name, mine), (_name, theirs) in zip(values(left), values(right), strict=True):
        if isinstance(mine, np.ndarray):
            mine, theirs = pl.Series(mine.ravel()), pl.Series(theirs.ravel())
        same = mine.equals(theirs) if isinstance(mine, pl.DataFrame | pl.Series) else mine == theirs
        assert same, f"{type(left).__name__}{name} differs"


@pytest.mark.parametrize("day", DAYS)
def test_deleting_what_came_later_changes_no_figure(full: Dataset, day: date) -> None:
    population, definitions = PopulationSpec(as_of=day), DefinitionsSpec()
    seen, held = (observe(data, population, definitions) for data in (full, cut(full, day)))
    assert seen.tables["transactions"].height < full.tables["transactions"].height
    customers, customers_held = (gather_traits(summarise_customers(data), data) for data in (seen, held))
    assert_same(customers, customers_held)

    spec = SegmentationSpec(n_segments=4)
    segments, segments_held = segment(customers, spec), segment(customers_held, spec)
    assert_same(segments, segments_held)
    other = SegmentationSpec(method="rfm")
    assert_same(compare(segments, segment(customers, other)), compare(segments_held, segment(customers_held, other)))
    assert_same(
        describe_personas(customers, segments.labels, PersonaSpec(), seen),
        describe_personas(customers_held, segments_held.labels, PersonaSpec(), held),
    )
    lifecycles = trace_lifecycle(seen, LifecycleSpec()), trace_lifecycle(held, LifecycleSpec())
    assert_same(*lifecycles)
    assert_same(*(trace_flow(data, FlowSpec(), lifecycles[0].rules) for data in (seen, held)))
    if seen.has("events.occurred_at"):
        assert_same(
            study_usage(seen, UsageSpec(), segments.labels), study_usage(held, UsageSpec(), segments_held.labels)
        )
    lists = [list_customers(data, customers, PortraitSpec(pick="decline")) for data in (seen, held)]
    assert_same(*lists)
    for customer_id in lists[0].frame["customer_id"].head(5):
        portraits = []
        for data, table, stages in zip((seen, held), (customers, customers_held), lifecycles, strict=True):
            history = stage_history(data, customer_id, stages.rules)
            given = (data, table, customer_id, PortraitSpec())
            portraits.append(portray(*given, segments.labels, None, stages.labels, history))
        assert_same(*portraits)
    for describe in (describe_spending, measure_concentration):
        assert_same(describe(seen), describe(held))
    for describe_by in (describe_preferences, describe_methods):
        behaviour = BehaviourSpec()
        assert_same(describe_by(seen, behaviour, segments.labels), describe_by(held, behaviour, segments_held.labels))
    assert_same(favourites(seen, BehaviourSpec()), favourites(held, BehaviourSpec()))
    for demand in (
        DemandSpec(),
        DemandSpec(by="category", frequency="month", parents=True),
        DemandSpec(by="segment", measure="orders"),
    ):
        panels = build_panel(seen, demand, segments.labels), build_panel(held, demand, segments_held.labels)
        assert_same(*panels)
    prices = DemandSpec(by="category", n_series=3, parents=True)
    assert_same(build_drivers(seen, prices), build_drivers(held, prices))
    asked = ForecastSpec(n_origins=3, calendar=usual_calendar("TWD"))
    by_category = DemandSpec(by="category", n_series=2, parents=True)
    told = []
    for data in (seen, held):
        panel = build_panel(data, by_category)
        everything = forecast_all(panel, asked)
        told.append((everything, forecast(panel, asked, everything)))
    for left, right in zip(*told, strict=True):
        assert_same(left, right)


@pytest.mark.parametrize("day", DAYS[1:])
def test_deleting_what_came_later_changes_no_plan(full: Dataset, day: date) -> None:
    daily = DemandSpec(measure="quantity", by="product", frequency="day", n_series=8)
    told = []
    for data in (full, cut(full, day)):
        seen = observe(data, PopulationSpec(as_of=day))
        panel = build_panel(seen, DemandSpec(measure="quantity"))
        quick = ForecastSpec(n_origins=3, candidates=("seasonal_naive", "theta"))
        shown = forecast(panel, quick, forecast_all(panel, quick))
        drivers = build_drivers(seen, daily)
        response = learn_response(drivers, related_products(seen), usual_calendar("TWD"), ResponseSpec())
        price = price_today(drivers, drivers.members[0])
        played = play_scenarios(shown, response, PlanningSpec(margin_share=0.3), price=price)
        told.append((response, price, played, plan_stock(shown, StockSpec(on_hand=500))))
    for left, right in zip(*told, strict=True):
        assert_same(left, right)


@pytest.mark.parametrize("day", DAYS)
def test_deleting_what_came_later_changes_no_value(full: Dataset, day: date) -> None:
    population, spec = PopulationSpec(as_of=day), ValueSpec(n_draws=50)
    seen, held = (observe(data, population) for data in (full, cut(full, day)))
    worth, worth_held = estimate_value(seen, spec), estimate_value(held, spec)
    assert worth.basis == "repeat"
    assert_same(worth, worth_held)
    stages, stages_held = (trace_lifecycle(data, LifecycleSpec()).labels for data in (seen, held))
    assert value_by(worth, stages).equals(value_by(worth_held, stages_held))
    for customer_id in worth.customers["customer_id"].head(3):
        assert_same(
            explain_history(seen, customer_id, spec, worth), explain_history(held, customer_id, spec, worth_held)
        )


def test_deleting_what_came_later_changes_no_life_of_a_product(full: Dataset) -> None:
    asked = DemandSpec("orders", "product", (), 30, "week")
    told = []
    for data in (full, cut(full, DAYS[0])):
        seen = observe(data, PopulationSpec(as_of=DAYS[0]))
        panel = build_panel(seen, asked)
        lives = trace_products(panel, ProductLifeSpec(), describe_goods(seen))
        evidence = find_evidence(lives, panel, usual_calendar("TWD"), build_drivers(seen, asked), seen)
        told.append((lives, evidence, rate_stages(seen, lives)))
    for left, right in zip(*told, strict=True):
        assert_same(left, right)


@pytest.mark.parametrize("clock", ["lapse", "second_order"])
def test_deleting_what_came_later_changes_no_time_to_leaving(full: Dataset, clock: Any) -> None:
    population, spec = PopulationSpec(as_of=DAYS[0]), SurvivalSpec(clock=ClockSpec(clock=clock))
    told = []
    for data in (full, cut(full, DAYS[0])):
        seen = observe(data, population)
        spells = find_spells(seen, spec.clock)
        told.append((spells, study_survival(spells, seen, spec), foresee(spells, seen, spec)))
        if clock == "second_order":
            told[-1] = (*told[-1], fit_hazards(spells, seen, spec))
    for left, right in zip(*told, strict=True):
        assert_same(left, right)


@pytest.mark.parametrize("target", ["left", "no_order"])
def test_deleting_what_came_later_changes_no_warning(full: Dataset, target: Any) -> None:
    day = date(2026, 3, 31)
    data = full if target == "no_order" else to_dataset(generate(500, 23).tables)
    spec = ChurnSpec(target=target, method="logistic", n_cuts=3, every_days=60, horizon_days=60)
    seen, held = (observe(one, PopulationSpec(as_of=day)) for one in (data, cut(data, day)))
    warned, warned_held = warn(seen, spec), warn(held, spec)
    assert warned.target == target
    assert warned.audit["n_changed"].to_list() == [0]
    assert_same(warned, warned_held)


def test_the_comparison_would_notice_one_changed_value(full: Dataset) -> None:
    customers = summarise_customers(observe(full))
    changed = customers.frame.with_columns(
        revenue=pl.col("revenue") + pl.int_range(pl.len()).eq(7).cast(pl.Float64) * 0.01
    )
    with pytest.raises(AssertionError, match="frame differs"):
        assert_same(customers, dataclasses.replace(customers, frame=changed))
