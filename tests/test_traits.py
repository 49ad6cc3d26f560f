"""Further traits of customers: by hand, against naive counting, invariances, what must never become a trait."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.customers import CustomerTable, Trait, summarise_customers
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, words_for
from analytics.traits import MOST_LEVELS, gather_traits
from tests.test_reversals import naive_standing

AS_OF = date(2024, 6, 30)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


LINES = pl.DataFrame(
    [
        ("ann", "o1", at("2024-01-10"), "tea", "leaf", "web", "card", "sale"),
        ("ann", "o1", at("2024-01-10"), "tea", "leaf", "web", "card", "sale"),
        ("ann", "o1", at("2024-01-10"), "cup", None, "web", "card", "sale"),
        ("ann", "o2", at("2024-02-10"), "tea", "leaf", "shop", None, "sale"),
        ("ann", "o3", at("2024-01-05"), "tea", "leaf", "web", "card", "return"),
        ("bob", "o4", at("2024-03-10"), "cup", "leaf", "web", "cash", "sale"),
        # One order through two channels counts once, under the first by name.
        ("bob", "o4", at("2024-03-10"), "cup", "leaf", "shop", "cash", "sale"),
        ("bob", "o5", at("2024-03-11"), None, "leaf", None, "card", "service"),
        ("cai", "o6", at("2024-03-12"), None, None, None, None, "sale"),
        ("dan", "o7", at("2024-03-12"), "mug", "leaf", "web", "card", "return"),
        (None, "o8", at("2024-03-12"), "mug", "leaf", "web", "card", "sale"),
    ],
    schema=["customer_id", "order_id", "ordered_at", "category", "brand", "channel", "payment_method", "kind"],
    orient="row",
)
EVENTS = pl.DataFrame(
    [
        ("ann", at("2024-06-01T09:00"), "view"),
        ("ann", at("2024-06-01T09:30"), "view"),  # a pause of half an hour is the same visit
        ("ann", at("2024-06-01T10:01"), "add_to_cart"),  # more than that is another
        ("ann", at("2024-06-20T23:59"), "view"),
        ("bob", at("2024-06-30T12:00"), "search"),
        ("dan", at("2024-06-30T12:00"), "view"),  # has no order: not in the table
        (None, at("2024-06-30T12:00"), "view"),
    ],
    schema=["customer_id", "occurred_at", "event"],
    orient="row",
)
FEEDBACK = pl.DataFrame(
    {
        "customer_id": ["ann", "ann", "bob", None],
        "written_at": [at("2024-05-01")] * 4,
        "rating": [4.0, 5.0, None, 1.0],
        "text": ["good", "better", "…", "bad"],
    }
)
SURVEY = pl.DataFrame(
    {
        "customer_id": ["ann", "bob", "ann", "cai", "eve", "eve"],
        "answered_at": [at("2024-05-03"), at("2024-05-01"), at("2024-05-01"), at("2024-05-02"), None, at("2024-05-02")],
        "recommend": [9, 3, 1, 6, 2, 0],
        "spending": [120.5, None, 90.0, 33.0, 14.0, 2.0],
        "shops at": ["mall", "market", "market", "mall", "market", "mall"],
        "reasons": ["price;choice", "choice", "price", "price;brand", "choice;brand", "price;choice"],
        "wishes": ["a longer warranty", "faster", "nothing at all", "call me: Cai Li", "x", "y"],
        "duration_s": [30, 40, 50, 60, 70, 80],
    }
)


def build(as_of: date = AS_OF, **tables: pl.DataFrame) -> Dataset:
    return Dataset.build({"transactions": LINES, **tables}, as_of=as_of)


def gathered(dataset: Dataset) -> CustomerTable:
    return gather_traits(summarise_customers(dataset), dataset)


class TestByHand:
    def test_what_and_how_they_buy(self) -> None:
        plain = summarise_customers(build())
        table = gather_traits(plain, build())
        expected = {
            "customer_id": ["ann", "bob", "cai"],
            "category_mix: tea": [3, 0, 0],
            "category_mix: cup": [1, 2, 0],
            "channel_mix: shop": [1, 1, 0],
            "channel_mix: web": [1, 0, 0],
            "payment_mix: card": [1, 0, 0],
            "payment_mix: cash": [0, 1, 0],
        }
        assert_frame_equal(table.frame.select(*expected), pl.DataFrame(expected), check_dtypes=False)
        # One brand tells nobody apart; the mug was only sold back, or to nobody in particular.
        assert set(table.frame.columns) == {*plain.frame.columns, *expected}
        traits = {trait.name: trait for trait in table.traits}
        assert traits["category_mix"] == Trait(
            "category_mix", "needs", "counts", ("category_mix: cup", "category_mix: tea"), ("cup", "tea")
        )
        assert (table.measures, table.attributes) == (plain.measures, plain.attributes)
        assert table.frame["channel_mix: web"].dtype == pl.Int32

    def test_visits(self) -> None:
        frame = gathered(build(events=EVENTS)).frame
        expected = {"n_sessions": [3, 1, 0], "n_views": [3, 0, 0], "days_since_visit": [10, 0, None]}
        assert frame.select(*expected).to_dict(as_series=False) == expected
        # Only ann has a view, so the share of views that end in the cart tells nobody apart.
        assert "cart_share" not in frame.columns
        more = pl.concat([EVENTS, EVENTS[:1].with_columns(customer_id=pl.lit("bob"))])
        assert gathered(build(events=more)).frame["cart_share"].to_list() == [1 / 3, 0.0, None]

    def test_reviews(self) -> None:
        more = pl.concat([FEEDBACK, FEEDBACK[:1].with_columns(customer_id=pl.lit("cai"))])
        frame = gathered(build(feedback=more)).frame
        assert frame["n_reviews"].to_list() == [2, 1, 1]
        assert frame["mean_rating"].to_list() == [4.5, None, 4.0]

    def test_survey_answers(self) -> None:
        table = gathered(build(survey=SURVEY))
        expected = {
            "recommend": [9.0, 3.0, 6.0],
            "spending": [120.5, None, 33.0],
            "shops at": ["mall", None, "mall"],  # only bob's latest is the market: it would tell of one person
            "reasons: price": [True, False, True],
            "reasons: choice": [True, True, False],
        }
        frame = table.frame
        kept = {name: values for name, values in expected.items() if name != "shops at"}
        assert frame.select(*kept).to_dict(as_series=False) == kept
        assert {"shops at", "wishes", "duration_s", "reasons: brand"} & set(frame.columns) == set()
        thoughts = [trait for trait in table.traits if trait.family == "psychographics"]
        assert [(trait.name, trait.kind) for trait in thoughts] == [
            ("recommend", "number"),
            ("spending", "number"),
            ("reasons: price", "flag"),
            ("reasons: choice", "flag"),
        ]
        assert set(kept) <= set(table.attributes)

    def test_one_choice_is_a_category(self) -> None:
        people = [f"c{i}" for i in range(8)]
        lines = LINES[:1].drop("customer_id").join(pl.DataFrame({"customer_id": people}), how="cross")
        answers = pl.DataFrame(
            {"customer_id": people, "您的性别": ["男", "女"] * 4, "满意度": ["5分", "3分", "4分", "5分"] * 2}
        )
        dataset = Dataset.build({"transactions": lines, "survey": answers}, as_of=AS_OF)
        table = gathered(dataset)
        assert table.frame["您的性别"].to_list() == ["男", "女"] * 4
        assert table.frame["满意度"].to_list() == [5.0, 3.0, 4.0, 5.0] * 2

    def test_tick_boxes_are_flags(self) -> None:
        people = [f"c{i}" for i in range(4)]
        lines = LINES[:1].drop("customer_id").join(pl.DataFrame({"customer_id": people}), how="cross")
        answers = pl.DataFrame(
            {
                "customer_id": people,
                "Why do you buy? [price]": ["price", None, "price", None],
                "Why do you buy? [choice]": [None, "choice", "choice", None],
            }
        )[:3]
        dataset = Dataset.build({"transactions": lines, "survey": answers}, as_of=AS_OF)
        flags = [trait for trait in gathered(dataset).traits if trait.family == "psychographics"]
        assert [trait.kind for trait in flags] == ["flag", "flag"]
        assert gathered(dataset).frame[flags[0].name].to_list() == [True, False, True, None]

    def test_a_question_named_like_a_column_keeps_both(self) -> None:
        survey = SURVEY.select("customer_id", "answered_at", n_orders=pl.Series([4, 7, 4, 5, 4, 4]))
        frame = gathered(build(survey=survey)).frame
        assert frame["n_orders"].to_list() == [2, 1, 1]
        assert frame["survey: n_orders"].to_list() == [4.0, 7.0, 5.0]


class TestLevels:
    def lines(self, n_levels: int = 20, n: int = 4000, seed: int = 3) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        level = np.minimum(rng.geometric(0.15, n) - 1, n_levels - 1)
        order = rng.integers(0, n // 3, n)
        return pl.DataFrame(
            {
                "customer_id": [f"c{o % 170:03d}" for o in order],
                "order_id": [f"o{o}" for o in order],
                "ordered_at": [at("2024-01-01") + timedelta(days=int(o % 150)) for o in order],
                "category": [f"k{i:02d}" for i in level],
                "channel": [f"w{o % 3}" for o in order],
                "kind": rng.choice(["sale", "return", "service"], n, p=[0.9, 0.05, 0.05]),
                "product_id": [f"p{level}" for level in rng.integers(0, 30, n)],
                "quantity": np.ones(n, np.int64),
                "amount": np.full(n, 100),
            }
        )

    def test_counting_row_by_row_agrees_and_the_rest_is_one_level(self) -> None:
        lines = self.lines()
        dataset = Dataset.build({"transactions": lines}, as_of=AS_OF)
        table = gathered(dataset)
        by_line: dict[str, Counter[str]] = defaultdict(Counter)
        orders: dict[str, dict[str, str]] = defaultdict(dict)
        standing = naive_standing(list(lines.iter_rows(named=True)), AS_OF)
        for row in lines.iter_rows(named=True):
            if row["kind"] == "sale" and (row["customer_id"], row["order_id"]) in standing:
                by_line[row["customer_id"]][row["category"]] += 1
                orders[row["customer_id"]][row["order_id"]] = row["channel"]
        total: Counter[str] = sum(by_line.values(), Counter())
        top = sorted(total, key=lambda level: (-total[level], level))[:MOST_LEVELS]
        trait = next(trait for trait in table.traits if trait.name == "category_mix")
        assert trait.levels == (*top, "")
        for row in table.frame.iter_rows(named=True):
            counts = by_line[row["customer_id"]]
            expected = [counts[level] for level in top]
            assert [row[column] for column in trait.columns] == [*expected, counts.total() - sum(expected)]
            channels = Counter(orders[row["customer_id"]].values())
            assert {f"channel_mix: {name}": n for name, n in channels.items()}.items() <= row.items()
        channels_sum = table.frame.select(pl.sum_horizontal("^channel_mix: .*$")).to_series()
        assert (channels_sum == table.frame["n_orders"]).all()

    def test_words(self) -> None:
        for language in LANGUAGES:
            words = words_for(language)
            assert words.label("field", "category_mix: Groceries").endswith("Groceries")
            assert words.label("field", "category_mix: ") != "category_mix: "
            assert "category_mix" not in words.label("field", "category_mix: Groceries")
            assert words.label("field", "reasons: price") == "reasons: price"
        assert words_for("en").label("field", "channel_mix: web") == "Channels of orders: web"
        assert words_for("en").label("field", "brand_mix: ") == "Brands bought: all others"


class TestInvariance:
    def data(self, lines: pl.DataFrame) -> Dataset:
        return Dataset.build(
            {"transactions": lines, "events": EVENTS, "feedback": FEEDBACK, "survey": SURVEY}, as_of=AS_OF
        )

    def test_row_order_and_pickling(self) -> None:
        first = gathered(self.data(LINES))
        second = gathered(self.data(LINES.sample(fraction=1, shuffle=True, seed=5)))
        assert_frame_equal(first.frame, second.frame, check_exact=True)
        assert (first.traits, first.key) == (second.traits, second.key)
        copy: CustomerTable = pickle.loads(pickle.dumps(first))
        assert copy.traits == first.traits

    def test_its_own_key(self) -> None:
        plain = summarise_customers(build())
        assert gather_traits(plain, build()).key not in {plain.key, gather_traits(plain, build(events=EVENTS)).key}

    def test_relabelled_ids(self) -> None:
        new = {"ann": "zoe", "bob": "yan", "cai": "xia", "dan": "w", "eve": "v"}
        tables = {"transactions": LINES, "events": EVENTS, "feedback": FEEDBACK, "survey": SURVEY}
        renamed = {name: frame.with_columns(pl.col("customer_id").replace(new)) for name, frame in tables.items()}
        first = gathered(Dataset.build(tables, as_of=AS_OF)).frame
        second = gathered(Dataset.build(renamed, as_of=AS_OF)).frame
        back = second.with_columns(pl.col("customer_id").replace({v: k for k, v in new.items()})).sort("customer_id")
        assert_frame_equal(first, back, check_exact=True)

    @pytest.mark.parametrize("day", [date(2024, 5, 2), date(2024, 6, 5)])
    def test_nothing_after_the_as_of_date_counts(self, day: date) -> None:
        from analytics.population import PopulationSpec, observe

        whole = observe(self.data(LINES), PopulationSpec(as_of=day))
        known = {
            "transactions": LINES.filter(pl.col("ordered_at").dt.date() <= day),
            "events": EVENTS.filter(pl.col("occurred_at").dt.date() <= day),
            "feedback": FEEDBACK.filter(pl.col("written_at").dt.date() <= day),
            "survey": SURVEY.filter(pl.col("answered_at").is_null() | (pl.col("answered_at").dt.date() <= day)),
        }
        held = Dataset.build({name: frame for name, frame in known.items() if frame.height}, as_of=day)
        first, second = gathered(whole), gathered(held)
        assert_frame_equal(first.frame, second.frame, check_exact=True)
        assert first.traits == second.traits


class TestNothingElse:
    def test_neither_ids_nor_texts_nor_names(self) -> None:
        people = [f"c{i}" for i in range(40)]
        lines = LINES[:1].drop("customer_id").join(pl.DataFrame({"customer_id": people}), how="cross")
        survey = pl.DataFrame(
            {
                "customer_id": people,
                "respondent_id": list(range(40)),
                "email": ["a@b.c", "d@e.f"] * 20,
                "your_name": ["Ann", "Bob"] * 20,
                "comment": [f"I think that {i}" for i in range(40)],
                "other": ["red", "blue"] * 19 + ["my number is 5551234", "red"],
            }
        )
        table = gathered(Dataset.build({"transactions": lines, "survey": survey}, as_of=AS_OF))
        new = [trait for trait in table.traits if trait.family == "psychographics"]
        assert [trait.name for trait in new] == ["other"]
        assert set(table.frame["other"].drop_nulls().unique()) == {"red", "blue"}

    def test_tables_without_what_is_needed_add_nothing(self) -> None:
        bare = LINES.select("customer_id", "ordered_at", "kind")
        dataset = Dataset.build(
            {
                "transactions": bare,
                "events": EVENTS.drop("occurred_at"),
                "feedback": FEEDBACK.drop("customer_id"),
                "survey": SURVEY.clear(),
            },
            as_of=AS_OF,
        )
        plain = summarise_customers(dataset)
        table = gather_traits(plain, dataset)
        assert_frame_equal(table.frame, plain.frame)
        assert set(table.traits) == set(plain.traits)
