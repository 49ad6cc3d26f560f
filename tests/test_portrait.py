"""One customer's portrait: by hand, every figure against its own rows, as-of, privacy, missing tables, lists."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.customers import CustomerLabels, CustomerScores, summarise_customers
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.lifecycle import LifecycleSpec, trace_lifecycle
from analytics.lifecycle.history import StageHistory, stage_history
from analytics.portrait import (
    Condition,
    Portrait,
    PortraitSpec,
    Rows,
    list_customers,
    portray,
    rows_of,
    search_customers,
)
from analytics.traits import gather_traits
from tests.test_reversals import naive_standing

SPEC = PortraitSpec()
AS_OF = date(2026, 3, 31)


def when(day: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(day) + timedelta(hours=hour)


LINES: list[tuple[Any, ...]] = [
    # customer, order, time, product, category, quantity, amount (minor units), channel, payment, kind
    ("ann", "1", when("2026-01-01"), "tea", "food", 2, 20_000, "web", "card", "sale"),
    ("ann", "1", when("2026-01-01"), "pot", "home", 1, 50_000, "web", "card", "sale"),
    ("ann", "1", when("2026-01-01"), "postage", None, 1, 6_000, "web", "card", "service"),
    ("ann", "2", when("2026-01-11"), "tea", "food", 1, 10_000, "app", "card", "sale"),
    ("ann", "3", when("2026-01-31"), "tea", "food", 1, 10_000, "app", "cash", "sale"),
    ("ann", "R1", when("2026-02-02"), "pot", "home", -1, -50_000, "web", "card", "return"),
    ("ann", "4", when("2026-02-10"), "tea", "food", 3, 30_000, "app", "card", "sale"),
    ("ann", "5", when("2026-06-01"), "tea", "food", 9, 90_000, "app", "card", "sale"),  # after as-of
    ("bob", "6", when("2026-03-01"), "pot", "home", 1, 50_000, "web", "card", "sale"),
    ("cat", "7", when("2025-01-05"), "tea", "food", 1, 10_000, "web", "card", "sale"),
    ("cat", "8", when("2025-12-05"), "pan", "home", 4, 400_000, "web", "card", "sale"),
]
COLUMNS = {
    "customer_id": pl.String,
    "order_id": pl.String,
    "ordered_at": pl.Datetime("us"),
    "product": pl.String,
    "category": pl.String,
    "quantity": pl.Int64,
    "amount": pl.Int64,
    "channel": pl.String,
    "payment_method": pl.String,
    "kind": pl.String,
}


def table(rows: list[tuple[Any, ...]], **schema: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def tables() -> dict[str, pl.DataFrame]:
    stamp = pl.Datetime("us")
    return {
        "transactions": table(LINES, **COLUMNS),
        "customers": table(
            [
                ("ann", "Ann Lee", "ann@example.com", "F", date(2025, 12, 24)),
                ("dan", "Dan", None, "M", date(2026, 1, 1)),
            ],
            customer_id=pl.String,
            name=pl.String,
            email=pl.String,
            gender=pl.String,
            joined_at=pl.Date,
        ),
        "events": table(
            [
                ("ann", when("2026-01-05"), "view"),
                ("ann", when("2026-01-05") + timedelta(minutes=10), "view"),
                ("ann", when("2026-01-07"), "view"),
                ("ann", when("2026-05-01"), "view"),
            ],
            customer_id=pl.String,
            occurred_at=stamp,
            event=pl.String,
        ),
        "contacts": table(
            [("ann", when("2026-02-03"), "chat", "return", False, "Call me: 0912 345 678 please")],
            customer_id=pl.String,
            contacted_at=stamp,
            channel=pl.String,
            reason=pl.String,
            resolved=pl.Boolean,
            text=pl.String,
        ),
        "feedback": table(
            [("ann", when("2026-01-20"), "review", 4.0, "Fine tea, write to ann@example.com")],
            customer_id=pl.String,
            written_at=stamp,
            source=pl.String,
            rating=pl.Float64,
            text=pl.String,
        ),
        "campaigns": table(
            [("ann", when("2026-01-15"), "spring", "mail", "treatment", True, 12_345)],
            customer_id=pl.String,
            sent_at=stamp,
            campaign=pl.String,
            channel=pl.String,
            arm=pl.String,
            responded=pl.Boolean,
            revenue=pl.Int64,
        ),
    }


def build(held: dict[str, pl.DataFrame] | None = None, as_of: date = AS_OF) -> Dataset:
    return Dataset.build(held or tables(), as_of=as_of, currency="TWD")


def cut(held: dict[str, pl.DataFrame], as_of: date) -> dict[str, pl.DataFrame]:
    from analytics.schema import TABLES

    return {name: frame.filter(pl.col(TABLES[name].time_field).cast(pl.Date) <= as_of) for name, frame in held.items()}


@cache
def ann() -> tuple[Dataset, Portrait]:
    data = build(cut(tables(), AS_OF))
    customers = summarise_customers(data)
    segments = CustomerLabels(pl.DataFrame({"customer_id": ["ann", "bob"], "label": ["2", "1"]}), ("1", "2"), "t", "k")
    none = pl.lit(None, pl.Float64)
    margins = CustomerScores(
        segments.frame.select("customer_id", value=pl.Series([0.04, 0.9]), lo=none, hi=none), "", "t", "m"
    )
    days = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    history = StageHistory(pl.DataFrame({"day": days, "stage": ["active_use", "active_use", "lapsed"]}), "h")
    return data, portray(data, customers, "ann", SPEC, segments, margins, None, history)


def test_one_customer_by_hand() -> None:
    _data, portrait = ann()
    figures = {row["name"]: (row["value"], row["n_rows"]) for row in portrait.figures.to_dicts()}
    assert figures["revenue"] == (700.0, 6)  # 70,000 minor units with two digits, the return among the rows
    assert figures["n_orders"] == (4.0, 5)
    assert figures["mean_order_value"] == (175.0, 6)
    assert figures["recency_days"] == (49.0, 1)
    assert figures["tenure_days"] == (89.0, 2)
    assert figures["n_returned"] == (1.0, 1)
    assert figures["n_contacts"] == (1.0, 1)
    places = {row["name"]: (row["below"], row["at_most"]) for row in portrait.figures.to_dicts()}
    assert places["revenue"] == (pytest.approx(1 / 3), pytest.approx(2 / 3))  # bob 500, ann 700, cat 4,100
    assert places["n_orders"] == (pytest.approx(2 / 3), 1.0)
    assert portrait.gaps.rows() == [(date(2026, 1, 11), 10), (date(2026, 1, 31), 20), (date(2026, 2, 10), 10)]
    rhythm = portrait.rhythm
    assert rhythm is not None
    assert (rhythm.state, rhythm.silence_days, rhythm.median_days, rhythm.longest_days) == ("overdue", 49, 10.0, 20)
    assert (rhythm.due_from, rhythm.due_to) == (date(2026, 2, 20), date(2026, 2, 25))
    lanes = {(row["lane"], row["at"].date()): row["value"] for row in portrait.moments.to_dicts()}
    assert lanes == {
        ("orders", date(2026, 1, 1)): 700.0,
        ("visits", date(2026, 1, 5)): 2.0,
        ("orders", date(2026, 1, 11)): 100.0,
        ("campaigns", date(2026, 1, 15)): 1.0,
        ("feedback", date(2026, 1, 20)): 4.0,
        ("orders", date(2026, 1, 31)): 100.0,
        ("returns", date(2026, 2, 2)): -500.0,
        ("contacts", date(2026, 2, 3)): 0.0,
        ("orders", date(2026, 2, 10)): 300.0,
    }
    habits = {(row["kind"], row["level"]): (row["n"], row["n_of"]) for row in portrait.habits.to_dicts()}
    assert habits[("category", "food")] == (4, 4)
    assert habits[("category", "home")] == (1, 4)
    assert habits[("channel", "app")] == (3, 4)
    assert habits[("payment_method", "cash")] == (1, 4)
    assert portrait.campaigns.row(0) == (when("2026-01-15"), "spring", "mail", "treatment", True, 123.45)
    assert (portrait.label, portrait.margin, portrait.n_customers) == ("2", 0.04, 3)
    assert portrait.spells.rows() == [
        ("active_use", date(2026, 1, 1), date(2026, 2, 28)),
        ("lapsed", date(2026, 3, 1), date(2026, 3, 31)),
    ]
    assert set(portrait.attributes["name"]) <= {"top_category", "top_channel", "top_payment_method"}


def test_texts_are_scrubbed_and_nothing_names_the_person() -> None:
    data, portrait = ann()
    texts = " ".join(portrait.texts["text"])
    assert "[phone]" in texts
    assert "[email]" in texts
    assert "0912" not in texts
    assert "example.com" not in texts
    for name in ("contacts", "feedback", "customers", "transactions"):
        rows = rows_of(data, "ann", Rows(name))
        assert not {"name", "email", "phone", "birth_year"} & set(rows.columns)
        assert "example.com" not in str(rows.rows())
        assert "Ann Lee" not in str(rows.rows())
        assert "0912" not in str(rows.rows())


# ---- every figure from its own rows ---------------------------------------------------------------------------------


def recomputed(name: str, rows: pl.DataFrame, as_of: date) -> float | None:
    """The figure, naively, from the rows it is said to be made of and from nothing else."""
    lines = rows.to_dicts()
    sales = [row for row in lines if row.get("kind") == "sale" and (row.get("amount") or 0) >= 0]
    orders = {order for _, order in naive_standing(lines, as_of)} if "kind" in rows.columns else set()
    days = sorted({row["ordered_at"].date() for row in sales}) if "ordered_at" in rows.columns else []
    match name:
        case "revenue":
            return sum(row["amount"] or 0 for row in lines)
        case "n_orders":
            return len(orders)
        case "mean_order_value":
            return sum(row["amount"] or 0 for row in lines) / len(orders)
        case "n_items":
            return sum(row["quantity"] or 0 for row in lines)
        case "recency_days":
            return (as_of - days[-1]).days
        case "tenure_days":
            return (as_of - days[0]).days
        case "mean_gap_days":
            return (days[-1] - days[0]).days / (len(days) - 1)
        case "n_products":
            return len({row["product_id"] for row in lines})
        case "n_categories":
            return len({row["category"] for row in lines if row.get("category")})
        case "return_share":
            back = sum(row["amount"] for row in lines if row["kind"] in ("return", "cancellation"))
            sold = sum(row["amount"] for row in lines if row["kind"] == "sale")
            return min(max(-back / sold, 0), 1)
        case "n_views":
            return sum("view" in row["event"] for row in lines)
        case "mean_rating":
            return float(np.mean([row["rating"] for row in lines]))
        case "n_reviews" | "n_returned" | "n_events" | "n_contacts" | "n_feedback" | "n_campaigns":
            return len(lines)
    return None


@cache
def world() -> Dataset:
    from pathlib import Path

    from analytics.mapping import apply_mapping, suggest_mapping
    from analytics.population import observe
    from analytics.quality import QualitySpec, validate
    from analytics.reading import read

    found = []
    for path in sorted((Path(__file__).parent.parent / "sample_data" / "marketplace").glob("*.parquet")):
        raw = read(path.read_bytes(), path.name)
        found.append(apply_mapping(raw, suggest_mapping(raw, path.stem).spec))
    return observe(validate(tuple(found), QualitySpec(currency="TWD")).dataset)


def test_every_figure_of_forty_customers_can_be_counted_from_its_rows() -> None:
    data = world()
    customers = gather_traits(summarise_customers(data), data)
    checked = 0
    drawn = np.random.default_rng(4).choice(customers.frame.height, 40, replace=False)
    for customer_id in customers.frame["customer_id"].gather(sorted(drawn.tolist())):
        portrait = portray(data, customers, customer_id, SPEC)
        for name, made in portrait.rows:
            found = rows_of(data, customer_id, made)
            row = portrait.figures.filter(name=name).row(0, named=True)
            assert found.height == row["n_rows"], name
            value = recomputed(name, found, data.as_of) if found.height else None
            if value is not None:
                assert row["value"] == pytest.approx(value), (customer_id, name)
                checked += 1
        own = portrait.figures.filter(pl.col("below").is_not_null()).row(0, named=True)
        everybody = customers.frame[own["name"]].to_list()
        assert own["below"] == pytest.approx(np.mean([one < own["value"] for one in everybody]))
    assert checked > 500


def test_the_history_of_stages_is_that_of_all_customers() -> None:
    data = world()
    result = trace_lifecycle(data, LifecycleSpec())
    months: dict[tuple[date, str], int] = {}
    sample = result.labels.frame["customer_id"].gather_every(16).to_list()
    labels = dict(result.labels.frame.rows())
    for customer_id in sample:
        history = stage_history(data, customer_id, result.rules).frame
        if history.is_empty():
            assert labels[customer_id] == "acquaintance"  # never ordered: nothing to be traced
            continue
        assert history["day"][-1] == data.as_of
        assert history["stage"][-1] == labels[customer_id]
        for day, stage in history.rows():
            months[(day, stage)] = months.get((day, stage), 0) + 1
    # The whole, for one month: the sample's shares are near those of everybody.
    day = result.history["month"].max()
    now = result.history.filter(pl.col("month") == day, pl.col("stage") != "acquaintance")
    whole = dict(now.select("stage", "n_customers").rows())
    n_whole, n_sample = sum(whole.values()), sum(months.get((day, stage), 0) for stage in whole)
    for stage, n in whole.items():
        assert months.get((day, stage), 0) / n_sample == pytest.approx(n / n_whole, abs=0.1)


def test_a_customer_without_orders_has_no_history_and_still_a_portrait() -> None:
    data = build(cut(tables(), AS_OF))
    rules = trace_lifecycle(data, LifecycleSpec()).rules
    assert stage_history(data, "dan", rules).frame.is_empty()
    portrait = portray(data, summarise_customers(data), "dan", SPEC)
    assert portrait.rhythm is None
    assert portrait.figures.filter(pl.col("below").is_not_null()).is_empty()
    assert [caveat.code for caveat in portrait.caveats] == ["portrait_no_orders"]


# ---- as of, missing, unknown ----------------------------------------------------------------------------------------


def assert_same(left: Portrait, right: Portrait) -> None:
    for item in dataclasses.fields(left):
        mine, theirs = getattr(left, item.name), getattr(right, item.name)
        if item.name != "key":
            assert mine.equals(theirs) if isinstance(mine, pl.DataFrame) else mine == theirs, item.name


def test_what_comes_after_as_of_is_not_seen_and_the_order_of_rows_says_nothing() -> None:
    customers = summarise_customers(build(cut(tables(), AS_OF)))
    with_later, without = build(), build(cut(tables(), AS_OF))
    shuffled = build({name: frame.reverse() for name, frame in tables().items()})
    portrait = portray(without, customers, "ann", SPEC)
    assert_same(portray(with_later, customers, "ann", SPEC), portrait)
    assert_same(portray(shuffled, customers, "ann", SPEC), portrait)
    made = dict(portrait.rows)["revenue"]
    assert rows_of(with_later, "ann", made).equals(rows_of(without, "ann", made))


@pytest.mark.parametrize("kept", ["transactions", "events", "feedback", "customers", "campaigns", "contacts"])
def test_any_one_table_is_enough(kept: str) -> None:
    data = build({kept: cut(tables(), AS_OF)[kept]})
    customers = summarise_customers(data) if kept == "transactions" else None
    portrait = portray(data, customers, "ann", SPEC)
    assert portrait.tables["table"].to_list() == [kept]
    assert portrait.figures["n_rows"].sum() > 0 or kept == "customers"
    assert "portrait_tables_missing" in [caveat.code for caveat in portrait.caveats]


def test_without_amounts_orders_ids_and_products_it_still_tells_of_days() -> None:
    bare = cut(tables(), AS_OF)["transactions"].select("customer_id", "ordered_at")
    data = build({"transactions": bare})
    portrait = portray(data, summarise_customers(data), "ann", SPEC)
    assert portrait.figure("revenue") is None
    assert portrait.figure("n_orders") == 5  # the return's own day counts, since nothing says what it is
    assert portrait.moments.filter(lane="orders")["value"].null_count() == 5
    assert portrait.habits.is_empty()


def test_favourites_lend_the_shares_of_everybody_and_tell_fans_from_chance() -> None:
    data = build(cut(tables(), AS_OF))
    held = pl.DataFrame(
        {
            "customer_id": ["ann", "bob", "cat"],
            "kind": ["category"] * 3,
            "level": ["food", "home", "home"],
            "base_share": [0.4, 0.6, 0.6],
            "is_fan": [True, False, False],
        }
    )

    @dataclasses.dataclass(frozen=True)
    class Held:
        frame: pl.DataFrame
        key: str = "f"

    portrait = portray(data, None, "ann", SPEC, None, None, None, None, Held(held))
    habits = {(row["kind"], row["level"]): row for row in portrait.habits.to_dicts()}
    assert (habits[("category", "food")]["base_share"], habits[("category", "food")]["favourite"]) == (0.4, True)
    assert (habits[("category", "home")]["base_share"], habits[("category", "home")]["favourite"]) == (0.6, None)
    nothing = portray(data, None, "ann", SPEC, None, None, None, None, Held(pl.DataFrame()))
    assert nothing.habits["favourite"].null_count() == nothing.habits.height


def test_an_unknown_customer_is_refused_without_being_named() -> None:
    data = build()
    for asked, code in (("zed", "customer_unknown"), ("", "customer_not_chosen")):
        with pytest.raises(AnalysisError) as error:
            portray(data, None, asked, SPEC)
        assert error.value.code == code
        assert error.value.params == {}
    later = build(as_of=date(2025, 1, 1))
    with pytest.raises(AnalysisError, match="customer_unknown"):
        portray(later, None, "bob", SPEC)


def test_three_gaps_make_a_rhythm_and_its_state_is_a_rank() -> None:
    def state(days: list[int], silence: int) -> str:
        start = date(2025, 1, 1)
        lines = [("x", start + timedelta(days=day)) for day in days]
        frame = table(lines, customer_id=pl.String, ordered_at=pl.Date).with_columns(
            pl.col("ordered_at").cast(pl.Datetime("us"))
        )
        data = build({"transactions": frame}, start + timedelta(days=days[-1] + silence))
        rhythm = portray(data, None, "x", SPEC).rhythm
        assert rhythm is not None
        return rhythm.state

    assert state([0, 10, 30], 5) == "unknown"
    assert [state([0, 10, 30, 60], silence) for silence in (20, 21, 30, 31)] == ["on_time", "late", "late", "overdue"]


# ---- lists and search -----------------------------------------------------------------------------------------------


def test_lists_by_hand() -> None:
    data = build(cut(tables(), AS_OF))
    customers = summarise_customers(data)
    value = list_customers(data, customers, SPEC)
    assert value.frame.select("customer_id", "value").rows() == [("cat", 4100.0), ("ann", 700.0), ("bob", 500.0)]
    lost = list_customers(data, customers, PortraitSpec(pick="decline", recent_days=30))
    # Recent: 2 to 31 March. Before: a year at most, here 365 days; cat spent 4,000 in them and ann 700.
    rows = {row["customer_id"]: row["value"] for row in lost.frame.to_dicts()}
    assert rows == {
        "cat": pytest.approx(4000 * 30 / 365),
        "ann": pytest.approx(700 * 30 / 365),
        "bob": pytest.approx(500 * 30 / 365),
    }
    none = pl.lit(None, pl.Float64)
    scores = CustomerScores(
        pl.DataFrame({"customer_id": ["ann", "bob", "cat"], "value": [0.5, 0.01, 0.3]}).with_columns(lo=none, hi=none),
        "",
        "t",
        "m",
    )
    border = list_customers(data, customers, PortraitSpec(pick="border", n_listed=2), scores)
    assert border.frame["customer_id"].to_list() == ["bob", "cat"]
    assert list_customers(data, customers, PortraitSpec(pick="border")).frame.is_empty()
    drawn = [list_customers(data, customers, PortraitSpec(pick="random", random_state=i)).frame for i in (0, 0, 3)]
    assert drawn[0].equals(drawn[1])
    assert set(drawn[2]["customer_id"]) == {"ann", "bob", "cat"}
    assert list_customers(data, None, PortraitSpec(pick="random")).n_all == 4
    # Where nobody has a value everybody is on the list.
    assert list_customers(data, None, SPEC).frame.select("customer_id", "value").rows() == [
        (one, None) for one in ("ann", "bob", "cat", "dan")
    ]


def test_search_goes_by_the_whole_id_then_its_beginning_then_any_part() -> None:
    frame = table([(one,) for one in ("A10", "xa1", "A1", "B2")], customer_id=pl.String)
    data = build({"customers": frame.with_columns(joined_at=pl.lit(date(2025, 1, 1)))})
    assert search_customers(data, " a1 ") == ("A1", "A10", "xa1")
    assert search_customers(data, "A1") == ("A1",)
    assert search_customers(data, "") == ()
    assert search_customers(data, "[") == ()


def test_specs_refuse_nonsense_and_cross_json() -> None:
    with pytest.raises(AnalysisError, match="portrait_setting"):
        PortraitSpec(recent_days=1)
    spec = PortraitSpec(pick="border", timeline_days=365)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), PortraitSpec, strict=True) == spec


def test_conditions_on_columns() -> None:
    data = build(cut(tables(), AS_OF))

    def n(*conditions: Condition) -> int:
        return rows_of(data, "ann", Rows("transactions", conditions)).height

    assert n() == 7
    assert n(Condition("kind", "in", ("return",))) == 1
    assert n(Condition("kind", "not_in", ("return", "service"))) == 5
    assert n(Condition("amount", "above", ("10000",))) == 3
    assert n(Condition("ordered_at", "on", ("2026-01-01",))) == 3
    assert n(Condition("category", "filled")) == 6
    assert n(Condition("nowhere", "in", ("x",))) == 7
    assert rows_of(data, "ann", Rows("survey")).is_empty()
