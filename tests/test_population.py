"""What was known at a date, for whom, and by which definitions."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analytics.customers import summarise_customers
from analytics.dataset import Dataset
from analytics.demand import DemandSpec, build_panel
from analytics.errors import AnalysisError
from analytics.population import DefinitionsSpec, PopulationSpec, choices, observe
from analytics.schema import TABLES

AS_OF = date(2024, 3, 31)
ALL = PopulationSpec(leave_out=())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


LINES = pl.DataFrame(
    [
        ("ann", "o1", at("2024-01-05T10:00"), 2, 500, 100, 900, "web", "TW", "sale"),
        ("ann", "o1r", at("2024-01-31T23:59:59.999999"), -1, 500, -50, -450, "web", "TW", "return"),
        ("ann", "o2", at("2024-02-01T00:00"), 1, 500, 0, 500, "shop", None, "sale"),
        ("bob", "o3", at("2024-01-10T10:00"), 1, 300, 0, 300, "shop", None, "sale"),
        ("bob", "o3c", at("2024-02-10T10:00"), -1, 300, 0, -300, "shop", None, "cancellation"),
        ("cai", "o4", at("2024-02-20T10:00"), 4, 200, 80, 720, "web", "HK", "sale"),
        ("tim", "o5", at("2024-01-02T10:00"), 1, 100, 0, 100, "web", "TW", "sale"),
        ("who", "o6", at("2024-03-31T23:00"), 9, 100, 0, 900, "web", "TW", "sale"),
        (None, "o7", at("2024-01-20T10:00"), 1, 250, 0, 250, "web", "TW", "sale"),
        (None, "o8", at("2024-04-01T00:00"), 1, 999, 0, 999, "web", "TW", "sale"),
    ],
    schema=[
        "customer_id",
        "order_id",
        "ordered_at",
        "quantity",
        "unit_price",
        "discount_amount",
        "amount",
        "channel",
        "country",
        "kind",
    ],
    orient="row",
)
PEOPLE = pl.DataFrame(
    {
        "customer_id": ["ann", "bob", "cai", "dee", "eli", "tim", "who"],
        "country": ["TW", "TW", "TW", "TW", "HK", "TW", "TW"],
        "joined_at": [date(2024, 1, 1), date(2024, 1, 31), date(2024, 2, 1), date(2024, 1, 3), None, None, None],
        "left_at": [date(2024, 2, 1), None, None, date(2024, 1, 20), None, None, None],
        "leaving_reason": ["price", None, None, "moved", None, None, None],
        "account_type": ["retail", None, "retail", "retail", "retail", " Test", "wholesale"],
    }
)
EVENTS = pl.DataFrame(
    {
        "customer_id": ["ann", "dee", "eli", None, "tim"],
        "occurred_at": [at("2024-01-04T00:00"), at("2024-01-31T23:00"), at("2024-02-01T00:00"), at("2024-01-09"), None],
        "event": ["visit"] * 5,
    }
)
FEEDBACK = pl.DataFrame({"customer_id": ["ann", "bob"], "written_at": [None, at("2024-03-01")], "rating": [1.0, 5.0]})
SURVEY = pl.DataFrame({"customer_id": ["ann", "cai", None], "q1": [1, 2, 3]})


def build(**tables: pl.DataFrame) -> Dataset:
    given_tables = {
        "transactions": LINES,
        "customers": PEOPLE,
        "events": EVENTS,
        "feedback": FEEDBACK,
        "survey": SURVEY,
    }
    return Dataset.build(given_tables | tables, as_of=AS_OF, currency="TWD", money_digits=2)


def held(dataset: Dataset, table: str, column: str = "customer_id") -> list[object]:
    return dataset.tables[table][column].to_list()


class TestAsOf:
    def test_the_end_of_the_day_is_in_and_the_next_midnight_is_not(self) -> None:
        seen = observe(build(), PopulationSpec(as_of=date(2024, 1, 31), leave_out=()))
        assert seen.as_of == date(2024, 1, 31)
        assert sorted(held(seen, "transactions", "order_id")) == ["o1", "o1r", "o3", "o5", "o7"]

    def test_later_customers_and_leavings_are_not_known(self) -> None:
        seen = observe(build(), PopulationSpec(as_of=date(2024, 1, 31), leave_out=()))
        people = seen.tables["customers"].sort("customer_id")
        assert people["customer_id"].to_list() == ["ann", "bob", "dee", "eli", "tim", "who"]
        assert people["left_at"].to_list() == [None, None, date(2024, 1, 20), None, None, None]
        assert people["leaving_reason"].to_list() == [None, None, "moved", None, None, None]

    def test_a_later_cancellation_is_not_known(self) -> None:
        early = summarise_customers(observe(build(), PopulationSpec(as_of=date(2024, 1, 31)))).frame
        late = summarise_customers(observe(build(), PopulationSpec())).frame
        assert early.filter(pl.col("customer_id") == "bob")["revenue"].item() == 3.0
        assert "bob" not in late["customer_id"].to_list()  # no order of his stands

    def test_one_who_ordered_before_joining_stays_as_a_customer(self) -> None:
        people = PEOPLE.with_columns(joined_at=pl.lit(date(2024, 3, 1)))
        table = summarise_customers(observe(build(customers=people), PopulationSpec(as_of=date(2024, 2, 28))))
        assert {"ann", "cai"} <= set(table.frame["customer_id"])

    def test_rows_without_a_date(self) -> None:
        seen = observe(build(), PopulationSpec(as_of=date(2024, 1, 31), leave_out=()))
        assert sorted(held(seen, "events"), key=str) == [None, "ann", "dee", "tim"]
        assert held(seen, "feedback") == ["ann"]
        assert seen.tables["survey"].height == 3
        undated = LINES.with_columns(ordered_at=pl.when(pl.col("order_id") != "o1").then("ordered_at"))
        assert "o1" not in held(observe(build(transactions=undated), ALL), "transactions", "order_id")

    def test_never_later_than_the_data(self) -> None:
        seen = observe(build(), PopulationSpec(as_of=date(2030, 1, 1), leave_out=()))
        assert seen.as_of == AS_OF
        assert seen.tables["transactions"].height == 9

    def test_too_early(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            observe(build(), PopulationSpec(as_of=date(2024, 1, 1)))
        assert caught.value.code == "as_of_too_early"
        assert caught.value.params == {"as_of": "2024-01-01", "first": "2024-01-02"}

    def test_frames_keep_their_order(self) -> None:
        seen = observe(build(), PopulationSpec(as_of=date(2024, 2, 15)))
        for name, frame in seen.tables.items():
            resorted = Dataset.build({name: frame}, as_of=AS_OF).tables[name]
            assert_frame_equal(frame, resorted)


def truncated(dataset: Dataset, as_of: date) -> Dataset:
    """The data set built anew from the rows up to a day."""
    tables = {}
    for name, frame in dataset.tables.items():
        time_field = TABLES[name].time_field
        if time_field in frame.columns:
            frame = frame.filter((pl.col(time_field).cast(pl.Date) <= as_of) | pl.col(time_field).is_null())
        tables[name] = frame
    return Dataset.build(tables, as_of=as_of, currency=dataset.currency, money_digits=dataset.money_digits)


POPULATIONS = st.builds(
    PopulationSpec,
    start=st.sampled_from([None, date(2024, 1, 4)]),
    countries=st.sampled_from([(), ("TW",), ("HK", "TW")]),
    channels=st.sampled_from([(), ("web",), ("shop",)]),
    leave_out=st.sampled_from([(), ("test",), ("test", "wholesale")]),
)
DEFINITIONS = st.builds(
    DefinitionsSpec, revenue=st.sampled_from(["net", "gross"]), returns=st.sampled_from(["subtract", "ignore"])
)


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2024, 1, 4), date(2024, 4, 5)), POPULATIONS, DEFINITIONS)
def test_rows_after_as_of_change_nothing(as_of: date, population: PopulationSpec, definitions: DefinitionsSpec) -> None:
    whole = Dataset.build(dict(build().tables), as_of=date(2024, 5, 1), currency="TWD", money_digits=2)
    wanted = PopulationSpec(as_of, population.start, population.countries, population.channels, population.leave_out)
    outcomes = []
    for dataset in (whole, truncated(whole, as_of)):
        try:
            outcomes.append(observe(dataset, wanted, definitions))
        except AnalysisError as error:
            outcomes.append((error.code, dict(error.params)))
    first, second = outcomes
    if not isinstance(first, Dataset) or not isinstance(second, Dataset):
        assert first == second
        return
    assert first.as_of == second.as_of
    assert first.tables.keys() == second.tables.keys()
    for name in first.tables:
        assert_frame_equal(first.tables[name], second.tables[name])


@pytest.mark.parametrize("as_of", [date(2024, 1, 31), date(2024, 2, 15), date(2024, 3, 31)])
def test_rows_after_as_of_change_no_table_that_follows(as_of: date) -> None:
    spec, daily = PopulationSpec(as_of=as_of), DemandSpec(frequency="day")
    first, second = observe(build(), spec), observe(truncated(build(), as_of), spec)
    assert_frame_equal(summarise_customers(first).frame, summarise_customers(second).frame, check_exact=True)
    assert_frame_equal(build_panel(first, daily).frame, build_panel(second, daily).frame, check_exact=True)


class TestPopulation:
    def test_a_line_has_its_own_country_or_its_customers(self) -> None:
        seen = observe(build(), PopulationSpec(countries=("HK",), leave_out=()))
        assert held(seen, "transactions", "order_id") == ["o4"]
        # cai bought from Hong Kong; eli, who never bought, lives there.
        assert held(seen, "customers") == ["cai", "eli"]
        assert held(seen, "survey") == ["cai"]
        assert held(seen, "events") == ["eli"]

    def test_country_without_a_customers_table(self) -> None:
        dataset = Dataset.build({"transactions": LINES, "survey": SURVEY}, as_of=AS_OF)
        seen = observe(dataset, PopulationSpec(countries=("TW",)))
        assert sorted(held(seen, "transactions", "order_id")) == ["o1", "o1r", "o5", "o6", "o7"]
        assert held(seen, "survey") == ["ann"]

    def test_channel(self) -> None:
        seen = observe(build(), PopulationSpec(channels=("shop",), leave_out=()))
        assert sorted(held(seen, "transactions", "order_id")) == ["o2", "o3", "o3c"]
        # dee and eli never ordered: no channel speaks against them.
        assert held(seen, "customers") == ["ann", "bob", "dee", "eli"]
        assert sorted(held(seen, "events"), key=str) == [None, "ann", "dee", "eli"]

    def test_start(self) -> None:
        seen = observe(build(), PopulationSpec(start=date(2024, 2, 1), leave_out=()))
        assert sorted(held(seen, "transactions", "order_id")) == ["o2", "o3c", "o4", "o6"]
        assert held(seen, "customers") == ["ann", "bob", "cai", "dee", "eli", "who"]
        assert held(seen, "events") == ["eli"]

    def test_accounts_left_out_go_from_every_table_and_anonymous_rows_stay(self) -> None:
        seen = observe(build(), PopulationSpec(leave_out=("test", "wholesale")))
        for name in ("transactions", "customers", "events"):
            assert not {"tim", "who"} & set(held(seen, name)), name
        assert held(seen, "transactions").count(None) == 1
        assert held(observe(build()), "customers") == ["ann", "bob", "cai", "dee", "eli", "who"]

    @pytest.mark.parametrize(
        "population",
        [
            PopulationSpec(countries=("Atlantis",)),
            PopulationSpec(channels=("fax",)),
            PopulationSpec(start=AS_OF, as_of=AS_OF, channels=("shop",)),
        ],
    )
    def test_nobody_left(self, population: PopulationSpec) -> None:
        with pytest.raises(AnalysisError) as caught:
            observe(build(), population)
        assert caught.value.code == "population_empty"

    def test_specs_refuse_themselves(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            PopulationSpec(as_of=date(2024, 1, 1), start=date(2024, 1, 2))
        assert caught.value.code == "start_after_as_of"
        with pytest.raises(AnalysisError) as caught:
            PopulationSpec(leave_out=("staff",))
        assert caught.value.code == "account_type_unknown"
        with pytest.raises(AnalysisError) as caught:
            DefinitionsSpec(returns="forget")
        assert caught.value.code == "definition_unknown"
        with pytest.raises(AnalysisError) as caught:
            observe(build(), PopulationSpec(start=date(2025, 1, 1)))
        assert caught.value.code == "start_after_as_of"

    def test_specs_survive_a_link(self) -> None:
        for spec in (
            PopulationSpec(date(2024, 1, 2), None, ("TW",), ("web",), ("wholesale",)),
            DefinitionsSpec("gross"),
        ):
            assert msgspec.json.decode(msgspec.json.encode(spec), type=type(spec), strict=True) == spec


class TestDefinitions:
    def test_gross_is_before_discount(self) -> None:
        gross = observe(build(), ALL, DefinitionsSpec(revenue="gross")).tables["transactions"]
        net = observe(build(), ALL).tables["transactions"]
        assert dict(zip(gross["order_id"], gross["amount"], strict=True)) == {
            "o1": 1000, "o1r": -500, "o2": 500, "o3": 300, "o3c": -300, "o4": 800, "o5": 100, "o6": 900, "o7": 250,
        }  # fmt: skip
        assert gross.drop("amount", "discount_share").equals(net.drop("amount"))

    def test_gross_from_whichever_columns_there_are(self) -> None:
        expected = observe(build(), ALL, DefinitionsSpec(revenue="gross")).tables["transactions"]["amount"]
        without_price = LINES.drop("unit_price")
        unsigned = without_price.with_columns(pl.col("discount_amount").abs())
        share = pl.col("discount_amount") / (pl.col("amount") + pl.col("discount_amount"))
        only_share = LINES.with_columns(discount_share=share).drop("unit_price", "discount_amount")
        for lines in (without_price, unsigned, only_share):
            seen = observe(build(transactions=lines), ALL, DefinitionsSpec(revenue="gross"))
            assert seen.tables["transactions"]["amount"].to_list() == expected.to_list()
        bare = LINES.drop("unit_price", "discount_amount")
        assert (
            observe(build(transactions=bare), ALL, DefinitionsSpec(revenue="gross"))
            .tables["transactions"]
            .equals(observe(build(transactions=bare), ALL).tables["transactions"])
        )

    @pytest.mark.parametrize("dropped", [(), ("unit_price",), ("quantity", "unit_price")])
    def test_the_discount_stays_known_when_revenue_is_gross(self, dropped: tuple[str, ...]) -> None:
        dataset = build(transactions=LINES.drop(dropped))
        net = summarise_customers(observe(dataset, ALL)).frame
        gross = summarise_customers(observe(dataset, ALL, DefinitionsSpec(revenue="gross"))).frame
        assert net["discount_share"].to_list() == gross["discount_share"].to_list()
        assert gross.filter(pl.col("customer_id") == "ann")["discount_share"].item() == pytest.approx(0.05)

    def test_returns_ignored(self) -> None:
        seen = observe(build(), ALL, DefinitionsSpec(returns="ignore")).tables["transactions"]
        assert sorted(seen["order_id"]) == ["o1", "o2", "o3", "o4", "o5", "o6", "o7"]


class TestChoices:
    def test_by_hand(self) -> None:
        found = choices(build())
        assert found.countries.rows() == [("TW", 4, 8), ("HK", 1, 1)]
        assert found.channels.rows() == [("web", 4, 6), ("shop", 2, 3)]
        assert found.account_types.rows() == [("retail", 4), (" Test", 1), ("wholesale", 1)]
        assert (found.first_day, found.last_day) == (date(2024, 1, 2), AS_OF)

    def test_without_order_lines(self) -> None:
        found = choices(Dataset.build({"customers": PEOPLE, "events": EVENTS}, as_of=AS_OF))
        assert found.countries.rows() == [("TW", 6, 0), ("HK", 1, 0)]
        assert found.channels.is_empty()
        assert (found.first_day, found.last_day) == (date(2024, 1, 4), date(2024, 2, 1))

    def test_every_choice_offered_leaves_somebody(self) -> None:
        found = choices(build())
        for country in found.countries["country"]:
            assert observe(build(), PopulationSpec(countries=(country,))).tables["transactions"].height
        for channel in found.channels["channel"]:
            assert observe(build(), PopulationSpec(channels=(channel,))).tables["transactions"].height


def test_key_follows_data_and_choices_but_not_frames() -> None:
    dataset = build()
    assert observe(dataset, ALL).key == observe(dataset, ALL).key
    assert observe(dataset, ALL).key != observe(dataset).key
    assert observe(dataset, ALL).key != observe(dataset, ALL, DefinitionsSpec("gross")).key
    moved = build(transactions=LINES.with_columns(pl.col("ordered_at") + timedelta(hours=1)))
    assert observe(moved, ALL).key != observe(dataset, ALL).key
