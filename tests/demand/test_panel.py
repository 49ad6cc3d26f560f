"""The demand panel: by hand, against a naive loop, invariances, real data."""

from __future__ import annotations

import pickle
from collections import defaultdict
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.demand import LABELLED, By, DemandSpec, Measure, build_panel, panel_choices
from analytics.errors import AnalysisError
from tests.test_reversals import naive_standing

AS_OF = date(2024, 2, 4)  # a Sunday


def noon(text: str) -> datetime:
    return datetime.fromisoformat(text) + timedelta(hours=12)


# Observation begins on Monday 2024-01-01; five whole weeks.
LINES = pl.DataFrame(
    [
        ("ann", "o1", noon("2024-01-01"), "tea", "p1", "Green tea", 2, 1000, "sale"),
        ("ann", "o1", noon("2024-01-01"), "cup", "p2", "Cup", 1, 700, "sale"),
        ("bob", "o2", noon("2024-01-07"), "tea", "p1", "Green tea", 1, 500, "sale"),
        (None, "o3", noon("2024-01-16"), "tea", "p1", "Tea, green", 3, 1500, "sale"),
        (None, "o3", noon("2024-01-16"), "post", "post", "Postage", 1, 90, "service"),
        ("ann", "o4", noon("2024-01-17"), "tea", "p1", "Green tea", 1, 500, "sale"),
        ("ann", "o5", noon("2024-01-23"), "cup", "p2", "Cup", -1, -700, "return"),
        ("cai", "o6", noon("2024-01-29"), "hat", "p3", "Hat", 1, 2000, "sale"),
        ("cai", "o6", noon("2024-01-29"), None, "p4", None, 1, 100, "sale"),
    ],
    schema=["customer_id", "order_id", "ordered_at", "category", "product_id", "product", "quantity", "amount", "kind"],
    orient="row",
)
WEEKS = [date(2024, 1, 1) + timedelta(weeks=i) for i in range(5)]


def build(lines: pl.DataFrame = LINES, as_of: date = AS_OF, **tables: pl.DataFrame) -> Dataset:
    return Dataset.build({"transactions": lines} | tables, as_of=as_of, currency="EUR", money_digits=2)


def values(panel_frame: pl.DataFrame, unique_id: str = "total") -> list[float]:
    return panel_frame.filter(pl.col("unique_id") == unique_id)["y"].to_list()


class TestByHand:
    @pytest.mark.parametrize(
        ("measure", "expected", "unit", "n_clipped", "n_filled"),
        [
            ("revenue", [22.0, 0.0, 20.0, 0.0, 21.0], "EUR", 1, 1),
            ("quantity", [4.0, 0.0, 4.0, 0.0, 2.0], "items", 1, 1),
            ("orders", [2.0, 0.0, 2.0, 0.0, 1.0], "orders", 0, 2),
            ("customers", [2.0, 0.0, 1.0, 0.0, 1.0], "customers", 0, 2),
        ],
    )
    def test_total(self, measure: Measure, expected: list[float], unit: str, n_clipped: int, n_filled: int) -> None:
        panel = build_panel(build(), DemandSpec(measure=measure))
        assert_frame_equal(
            panel.frame, pl.DataFrame({"unique_id": ["total"] * 5, "ds": WEEKS, "y": expected}, strict=True)
        )
        assert (panel.unit, panel.measure, panel.frequency, panel.by) == (unit, measure, "week", "total")
        assert (panel.n_clipped, panel.n_filled, panel.n_dropped_partial) == (n_clipped, n_filled, 0)
        assert (panel.n_service_lines, panel.n_without_member, panel.members) == (1, 0, ("total",))
        assert panel.as_of == AS_OF
        assert panel.names.rows() == [("total", "total", "")]

    @pytest.mark.parametrize("measure", ["revenue", "quantity", "orders", "customers"])
    def test_a_series_that_begins_with_a_return_begins_there(self, measure: Measure) -> None:
        first = LINES.head(1).with_columns(kind=pl.lit("return"), category=pl.lit("tea"), order_id=pl.lit("o0"))
        later = LINES.filter(pl.col("order_id") == "o4")
        panel = build_panel(build(pl.concat([first, later])), DemandSpec(measure=measure, by="category"))
        assert panel.frame["ds"][0] == WEEKS[0]

    def test_by_category(self) -> None:
        panel = build_panel(build(), DemandSpec(by="category"))
        assert values(panel.frame, "tea") == [15.0, 0.0, 20.0, 0.0, 0.0]
        assert values(panel.frame, "cup") == [7.0, 0.0, 0.0, 0.0, 0.0]
        # A series begins with its first line.
        assert panel.frame.filter(pl.col("unique_id") == "hat").rows() == [("hat", date(2024, 1, 29), 20.0)]
        assert panel.members == ("tea", "hat", "cup")
        assert panel.n_without_member == 1
        assert [caveat.code for caveat in panel.caveats] == ["panel_sparse"]
        assert panel.caveats[0].params == {"n": 2, "n_series": 3}

    def test_the_largest_series_or_those_named(self) -> None:
        assert build_panel(build(), DemandSpec(by="category", n_series=2)).members == ("tea", "hat")
        panel = build_panel(build(), DemandSpec(by="category", members=("hat", "cup", "sofa"), n_series=1))
        assert panel.members == ("hat", "cup")
        assert {caveat.code: caveat.params for caveat in panel.caveats}["members_absent"] == {"n": 1}

    @pytest.mark.parametrize("by", LABELLED)
    def test_by_groups_of_customers(self, by: By) -> None:
        frame = pl.DataFrame({"customer_id": ["ann", "bob"], "label": ["2", "1"]})
        labels = CustomerLabels(frame, ("1", "2"), "segment", "k1")
        panel = build_panel(build(), DemandSpec(by=by), labels)
        assert values(panel.frame, "2") == [17.0, 0.0, 5.0, 0.0, 0.0]
        assert values(panel.frame, "1") == [5.0, 0.0, 0.0, 0.0, 0.0]
        assert panel.n_without_member == 3
        other = CustomerLabels(frame, ("1", "2"), "segment", "k2")
        assert build_panel(build(), DemandSpec(by=by), other).key != panel.key

    def test_a_place_is_the_lines_own_or_its_customers(self) -> None:
        people = pl.DataFrame({"customer_id": ["ann", "bob"], "country": ["TW", "HK"]})
        panel = build_panel(build(customers=people), DemandSpec(by="country"))
        assert values(panel.frame, "TW") == [17.0, 0.0, 5.0, 0.0, 0.0]
        lines = LINES.with_columns(country=pl.when(pl.col("order_id") == "o4").then(pl.lit("JP")))
        panel = build_panel(build(lines, customers=people), DemandSpec(by="country"))
        assert values(panel.frame, "TW") == [17.0, 0.0, 0.0, 0.0, 0.0]
        assert values(panel.frame, "JP") == [5.0, 0.0, 0.0]

    def test_choices(self) -> None:
        assert panel_choices(build(), "product").rows() == [
            ("p1", "Green tea", 35.0, 4),
            ("p3", "Hat", 20.0, 1),
            ("p4", "p4", 1.0, 1),
            ("p2", "Cup", 0.0, 2),
        ]
        assert panel_choices(build(), "category")["member"].to_list() == ["tea", "hat", "cup"]


class TestWholePeriods:
    @pytest.mark.parametrize(
        ("as_of", "n_weeks", "n_dropped"), [(date(2024, 2, 3), 4, 1), (AS_OF, 5, 0), (date(2024, 2, 5), 5, 1)]
    )
    def test_a_week_counts_with_its_sunday(self, as_of: date, n_weeks: int, n_dropped: int) -> None:
        panel = build_panel(build(as_of=as_of))
        assert panel.frame["ds"].to_list() == WEEKS[:n_weeks]
        assert panel.n_dropped_partial == n_dropped

    def test_a_week_observed_from_its_tuesday_does_not_count(self) -> None:
        panel = build_panel(build(LINES.filter(pl.col("order_id") != "o1")))
        # o2 on Sunday 7 January is all that was observed of the first week.
        assert panel.frame["ds"].to_list() == WEEKS[1:]
        assert panel.n_dropped_partial == 1
        assert values(panel.frame) == [0.0, 20.0, 0.0, 21.0]

    def test_months(self) -> None:
        panel = build_panel(build(as_of=date(2024, 3, 31)), DemandSpec(frequency="month"))
        assert panel.frame["ds"].to_list() == [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
        assert values(panel.frame) == [56.0, 0.0, 0.0]
        assert {caveat.code: caveat.params for caveat in panel.caveats}["panel_quiet_end"] == {"n": 2}

    @pytest.mark.parametrize(("last_hour", "whole"), [(18, True), (17, True), (12, False)])
    def test_rows_that_break_off_during_the_last_day(self, last_hour: int, whole: bool) -> None:
        days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(35)]  # Monday to a Sunday
        hours = [[*range(8, 19)]] * 34 + [[*range(8, last_hour + 1)]]
        at = [day + timedelta(hours=hour) for day, of in zip(days, hours, strict=True) for hour in of]
        lines = pl.DataFrame({"ordered_at": at, "amount": [100] * len(at), "kind": ["sale"] * len(at)})
        lines = lines.with_columns(order_id=pl.int_range(pl.len()).cast(pl.String))
        daily, weekly = (
            build_panel(build(lines, days[-1].date()), DemandSpec(frequency=frequency)) for frequency in ("day", "week")
        )
        assert daily.frame.height == 34 + whole
        assert weekly.frame["y"].to_list() == [*[77.0] * 4, *([59.0 + last_hour] if whole else [])]
        assert daily.n_dropped_partial == weekly.n_dropped_partial == int(not whole)
        told = [dict(caveat.params) for caveat in daily.caveats if caveat.code == "last_day_cut"]
        assert told == ([] if whole else [{"time": "12:00"}])
        # Known a day earlier, the day before is whole.
        before = lines.filter(pl.col("ordered_at") < days[-1])
        assert build_panel(build(before, days[-2].date()), DemandSpec(frequency="day")).frame.height == 34

    def test_few_lines_end_at_any_time(self) -> None:
        days = [datetime(2024, 1, 1, 18) + timedelta(days=i) for i in range(34)] + [datetime(2024, 2, 4, 9)]
        lines = pl.DataFrame({"ordered_at": days, "amount": [100] * 35, "kind": ["sale"] * 35})
        assert build_panel(build(lines, date(2024, 2, 4)), DemandSpec(frequency="day")).frame.height == 35

    def test_closed_weekdays(self) -> None:
        days = [date(2024, 1, 2) + timedelta(days=i) for i in range(120)]
        open_days = [day for day in days if day.isoweekday() not in (1, 6)]
        lines = pl.DataFrame({"ordered_at": [datetime.combine(day, datetime.min.time()) for day in open_days]})
        lines = lines.with_columns(amount=pl.lit(100, pl.Int64), kind=pl.lit("sale"))
        as_of = open_days[-1]
        daily = build_panel(build(lines, as_of), DemandSpec(frequency="day"))
        assert daily.closed_weekdays == (1, 6)
        assert daily.n_filled == daily.frame.filter(pl.col("ds").dt.weekday().is_in([1, 6])).height > 30
        # Tuesday 2 January is the first day of its week on which anything could be sold.
        assert build_panel(build(lines, as_of)).frame["ds"][0] == date(2024, 1, 1)
        # A few weeks, or a few sales, prove nothing.
        assert build_panel(build(lines.head(20), open_days[19]), DemandSpec(frequency="day")).closed_weekdays == ()
        rare = lines.sample(9, seed=2)
        assert build_panel(build(rare, as_of), DemandSpec(frequency="day")).closed_weekdays == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("dataset", "spec", "code"),
        [
            (build(), DemandSpec(by="channel"), "fields_missing"),
            (build(), DemandSpec(by="city"), "fields_missing"),
            (build(LINES.drop("amount")), DemandSpec(), "fields_missing"),
            (build(LINES.drop("quantity")), DemandSpec(measure="quantity"), "fields_missing"),
            (build(LINES.drop("customer_id")), DemandSpec(measure="customers"), "fields_missing"),
            *[(build(), DemandSpec(by=by), "labels_missing") for by in LABELLED],
            (build(), DemandSpec(by="category", members=("sofa",)), "panel_empty"),
            (build(LINES.filter(pl.col("kind") == "service")), DemandSpec(), "panel_empty"),
            (build(as_of=date(2024, 1, 10)), DemandSpec(frequency="month"), "panel_too_short"),
            (build(LINES.head(1), date(2024, 1, 1)), DemandSpec(frequency="day"), "panel_too_short"),
            (Dataset.build({}, as_of=AS_OF), DemandSpec(), "table_missing"),
        ],
    )
    def test_code(self, dataset: Dataset, spec: DemandSpec, code: str) -> None:
        with pytest.raises(AnalysisError) as caught:
            build_panel(dataset, spec)
        assert caught.value.code == code

    def test_specs(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            DemandSpec(by="moon")
        assert caught.value.code == "demand_option_unknown"
        with pytest.raises(AnalysisError) as caught:
            DemandSpec(n_series=0)
        assert caught.value.code == "n_series_out_of_range"
        spec = DemandSpec("orders", "product", ("p1", "p2"), 3, "day")
        assert msgspec.json.decode(msgspec.json.encode(spec), type=DemandSpec, strict=True) == spec


def made(seed: int, n_lines: int = 2000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    order = rng.integers(0, n_lines // 3, n_lines)
    kind = rng.choice(["sale", "return", "service"], n_lines, p=[0.8, 0.15, 0.05])
    sign = np.where(kind == "return", -1, 1)
    return pl.DataFrame(
        {
            "customer_id": [f"c{o % 90}" if o % 4 else None for o in order],
            "order_id": [f"o{o}" for o in order],
            "ordered_at": [
                datetime(2023, 5, 1, 8) + timedelta(hours=int(o * 24 * 200 / (n_lines // 3))) for o in order
            ],
            "category": rng.choice(["ale", "bun", "cod"], n_lines, p=[0.9, 0.09, 0.01]),
            "quantity": sign * rng.integers(1, 4, n_lines),
            "amount": sign * rng.integers(1, 500, n_lines),
            "kind": kind,
            "product_id": [f"p{p}" for p in rng.integers(0, 30, n_lines)],
        }
    )


@pytest.mark.parametrize("measure", ["revenue", "quantity", "orders", "customers"])
def test_a_naive_loop_agrees(measure: Measure) -> None:
    lines, as_of = made(3), date(2023, 11, 10)
    found = build_panel(build(lines, as_of), DemandSpec(measure=measure, by="category")).frame
    sums: dict[tuple[str, date], float] = defaultdict(float)
    sets: dict[tuple[str, date], set[object]] = defaultdict(set)
    began: dict[str, date] = {}
    standing = naive_standing(list(lines.iter_rows(named=True)), as_of)
    for row in lines.iter_rows(named=True):
        if row["kind"] == "service":
            continue
        day = row["ordered_at"].date()
        week = day - timedelta(days=day.weekday())
        began[row["category"]] = min(week, began.get(row["category"], week))
        at = (row["category"], week)
        sums[at] += {"revenue": row["amount"], "quantity": row["quantity"]}.get(measure, 0)
        if row["kind"] == "sale" and (row["customer_id"] is None or (row["customer_id"], row["order_id"]) in standing):
            sets[at].add((row["customer_id"], row["order_id"]) if measure == "orders" else row["customer_id"])
    expected = []
    for name, first in sorted(began.items()):
        week = first
        while week + timedelta(days=6) <= as_of:
            if measure in ("revenue", "quantity"):
                y = max(sums[name, week], 0) / (100 if measure == "revenue" else 1)
            else:
                y = len(sets[name, week] if measure == "orders" else sets[name, week] - {None})
            expected.append((name, week, float(y)))
            week += timedelta(weeks=1)
    # A division by 100 may differ in the last bit.
    assert_frame_equal(found, pl.DataFrame(expected, schema=found.schema, orient="row"), rel_tol=1e-12)


class TestInvariance:
    def test_row_order_and_relabelled_customers(self) -> None:
        lines, spec = made(4), DemandSpec(measure="customers", by="category")
        first = build_panel(build(lines, date(2023, 11, 1)), spec)
        shuffled = lines.sample(fraction=1, shuffle=True, seed=1)
        second = build_panel(build(shuffled, date(2023, 11, 1)), spec)
        assert first.key == second.key
        renamed = shuffled.with_columns(pl.format("z{}", pl.col("customer_id").str.reverse()).alias("customer_id"))
        third = build_panel(build(renamed, date(2023, 11, 1)), spec)
        assert_frame_equal(first.frame, second.frame, check_exact=True)
        assert_frame_equal(first.frame, third.frame, check_exact=True)

    def test_currency_times_100(self) -> None:
        lines = made(4)
        first = build_panel(build(lines, date(2023, 11, 1))).frame
        second = build_panel(build(lines.with_columns(pl.col("amount") * 100), date(2023, 11, 1))).frame
        assert_frame_equal(first.with_columns(pl.col("y") * 100), second)

    def test_days_add_up_to_weeks(self) -> None:
        lines = made(5).filter(pl.col("kind") == "sale")
        daily = build_panel(build(lines, date(2023, 10, 29)), DemandSpec(frequency="day")).frame
        weekly = build_panel(build(lines, date(2023, 10, 29))).frame
        added = daily.group_by("unique_id", pl.col("ds").dt.truncate("1w")).agg(pl.col("y").sum()).sort("ds")
        assert_frame_equal(added, weekly)

    def test_it_crosses_a_process_boundary(self) -> None:
        panel = build_panel(build())
        assert_frame_equal(pickle.loads(pickle.dumps(panel)).frame, panel.frame)


def test_online_retail(online_retail: Dataset) -> None:
    daily = build_panel(online_retail, DemandSpec(frequency="day"))
    assert daily.closed_weekdays == (6,)
    # 374 days, of which the last ends at 12:50, when other days go on to four o'clock at least.
    assert daily.frame.height == 373
    assert {caveat.code: caveat.params for caveat in daily.caveats}["last_day_cut"] == {"time": "12:50"}
    # Everything is in, anonymous lines too; the clipped days alone are missing.
    assert daily.n_clipped == 1
    items = build_panel(online_retail, DemandSpec(measure="quantity", frequency="day"))
    by_day = (
        online_retail.tables["transactions"].group_by(day=pl.col("ordered_at").dt.date()).agg(pl.col("quantity").sum())
    )
    assert by_day["quantity"].sum() == 5_176_450
    whole = by_day.filter(pl.col("day") < date(2011, 12, 9))["quantity"]
    assert items.frame["y"].sum() == whole.filter(whole > 0).sum()
    assert items.n_clipped == (whole < 0).sum()
    lines = online_retail.tables["transactions"].filter(pl.col("ordered_at").dt.date() < date(2011, 12, 9))
    back = lines.filter(pl.col("kind").is_in(["return", "cancellation"]))
    assert (items.n_returns, items.returned) == (back.height, -back["quantity"].sum())
    assert back.height > 9000
    weekly = build_panel(online_retail)
    assert weekly.n_dropped_partial == 2
    assert weekly.frame["ds"].to_list()[:: weekly.frame.height - 1] == [date(2010, 12, 6), date(2011, 11, 28)]
    by_product = build_panel(online_retail, DemandSpec(by="product", n_series=20, frequency="week"))
    assert len(by_product.members) == 20
