"""The customer table: by hand, against a naive loop, invariances, published counts."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.customers import CustomerSpec, CustomerTable, Trait, summarise_customers
from analytics.dataset import UNKNOWN_DAY, Dataset
from analytics.errors import AnalysisError
from analytics.traits import gather_traits
from tests.test_reversals import naive_standing

AS_OF = date(2024, 6, 30)


def day(text: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(text) + timedelta(hours=hour)


LINES = pl.DataFrame(
    [
        # ann: two orders on one day; one a month later that was sent back whole.
        ("ann", "o1", day("2024-01-10", 23), "p1", "tea", 2, 500, 0, 1000, "web", "sale"),
        ("ann", "o1", day("2024-01-10", 23), "p2", "tea", 1, 300, 0, 300, "web", "sale"),
        ("ann", "o2", day("2024-01-10", 8), "p3", "cup", 1, 700, 70, 630, "shop", "sale"),
        ("ann", "o3", day("2024-02-09", 0), "p1", "tea", 1, 500, 0, 500, "shop", "sale"),
        ("ann", "o4", day("2024-02-20"), "p1", "tea", -1, 500, 0, -500, "shop", "return"),
        # bob: one order; categories tie, and so do channels: the first by name wins. Postage is no goods.
        ("bob", "o5", day("2024-06-30", 23), "p3", "cup", 1, 700, 0, 700, "web", "sale"),
        ("bob", "o5", day("2024-06-30", 23), "p1", "tea", 1, 500, 0, 500, "shop", "sale"),
        ("bob", "o5", day("2024-06-30", 23), "post", None, 1, 90, 0, 90, "web", "service"),
        # cai: a free sample is an order as the later purchase is.
        ("cai", "o6", day("2024-03-01"), "p2", "tea", 1, 0, 0, 0, "web", "sale"),
        ("cai", "o7", day("2024-03-05"), "p4", None, 3, 100, 150, 150, None, "sale"),
        # dan: all of the only order was cancelled.
        ("dan", "o8", day("2024-05-01"), "p1", "tea", 1, 500, 0, 500, "web", "sale"),
        ("dan", "o9", day("2024-05-02"), "p1", "tea", -1, 500, 0, -500, "web", "cancellation"),
        # eve: only a return; fay only postage; one line of nobody in particular.
        ("eve", "o10", day("2024-04-01"), "p1", "tea", -1, 500, 0, -500, "web", "return"),
        ("fay", "o11", day("2024-04-01"), "post", None, 1, 90, 0, 90, "web", "service"),
        (None, "o12", day("2024-04-01"), "p1", "tea", 1, 500, 0, 500, "web", "sale"),
    ],
    schema=[
        "customer_id",
        "order_id",
        "ordered_at",
        "product_id",
        "category",
        "quantity",
        "unit_price",
        "discount_amount",
        "amount",
        "channel",
        "kind",
    ],
    orient="row",
)
PEOPLE = pl.DataFrame(
    {
        "customer_id": ["ann", "bob", "cai", "dan", "gus"],
        "gender": ["f", "m", None, "m", "m"],
        "birth_year": [1990, None, 2000, 1964, 1980],
        "age": [99, 41, None, None, None],
        "joined_at": [date(2024, 1, 1), date(2024, 6, 30), None, date(2024, 7, 1), date(2024, 1, 1)],
        "left_at": [None, None, None, date(2024, 6, 1), None],
        "name": ["Ann A", "Bob B", "Cai C", "Dan D", "Gus G"],
        "tier": ["gold", "gold", "gold", "gold", "gold"],
        "household": [1, 2, 2, 1, 1],
        "member_no": [11, 12, 13, 14, 15],
        "income": [10.5, 20.5, None, 30.0, 1.0],
    }
)


def build(lines: pl.DataFrame = LINES, people: pl.DataFrame | None = PEOPLE, as_of: date = AS_OF) -> Dataset:
    tables = {"transactions": lines} | ({} if people is None else {"customers": people})
    return Dataset.build(tables, as_of=as_of, currency="EUR", money_digits=2)


class TestByHand:
    def test_every_column(self) -> None:
        table = summarise_customers(build())
        expected = pl.DataFrame(
            {
                "customer_id": ["ann", "bob", "cai"],
                "first_order_on": [date(2024, 1, 10), date(2024, 6, 30), date(2024, 3, 1)],
                "last_order_on": [date(2024, 1, 10), date(2024, 6, 30), date(2024, 3, 5)],
                "recency_days": [172, 0, 117],
                "tenure_days": [172, 0, 121],
                "n_orders": [2, 1, 2],
                "n_order_days": [1, 1, 2],
                "mean_gap_days": [None, None, 4.0],
                "revenue": [19.3, 12.0, 1.5],
                "mean_order_value": [19.3 / 2, 12.0, 1.5 / 2],
                "n_items": [4, 2, 4],
                "n_products": [3, 2, 2],
                "n_categories": [2, 2, 1],
                # ann: one of three sale lines at 10 %; cai: nothing off nothing, and 150 of 300.
                "discount_share": [0.1 / 3, 0.0, 0.25],
                "return_share": [500 / 2430, 0.0, 0.0],
                "top_category": ["tea", "cup", "tea"],
                "top_channel": ["web", "shop", "web"],
                "gender": ["f", "m", None],
                "age": [34, 41, 24],
                "joined_days": [181, 0, None],
                "household": [1, 2, 2],
                "income": [10.5, 20.5, None],
            }
        )
        assert_frame_equal(table.frame, expected, check_dtypes=False, abs_tol=1e-6)
        assert table.measures == (
            "recency_days",
            "n_orders",
            "revenue",
            "mean_order_value",
            "tenure_days",
            "mean_gap_days",
            "n_items",
            "n_products",
            "n_categories",
            "discount_share",
            "return_share",
        )
        assert table.attributes == (
            "gender",
            "age",
            "joined_days",
            "household",
            "income",
            "top_category",
            "top_channel",
        )
        # dan, eve and fay have lines but no order that stands; gus has no line at all.
        assert table.n_without_orders == 4
        assert table.n_anonymous_lines == 1
        assert table.n_service_lines == 2
        assert (table.as_of, table.currency) == (AS_OF, "EUR")

    def test_units(self) -> None:
        schema = summarise_customers(build()).frame.schema
        for name in ("recency_days", "tenure_days", "n_orders", "n_order_days", "n_items", "n_products", "age"):
            assert schema[name] == pl.Int64, name
        for name in ("revenue", "mean_order_value", "mean_gap_days", "discount_share", "return_share"):
            assert schema[name] == pl.Float64, name

    def test_only_what_the_data_allow(self) -> None:
        lines = LINES.select("customer_id", "ordered_at", "kind")
        table = summarise_customers(build(lines, None))
        assert table.frame.columns == [
            "customer_id",
            "first_order_on",
            "last_order_on",
            "recency_days",
            "tenure_days",
            "n_orders",
            "n_order_days",
            "mean_gap_days",
            "return_share",
        ]
        # Without order ids a day is an order; without products, amounts and items one line takes back another.
        assert table.frame.select("customer_id", "n_orders").rows() == [("ann", 1), ("bob", 1), ("cai", 2)]
        assert table.frame["return_share"].to_list() == [1 / 4, 0.0, 0.0]
        assert table.attributes == ()

    def test_its_columns_are_traits(self) -> None:
        table = summarise_customers(build(people=PEOPLE.with_columns(is_member=pl.col("household") == 1)))
        traits = {trait.name: trait for trait in table.traits}
        assert tuple(traits) == (*table.measures, *table.attributes)
        assert traits["recency_days"] == Trait("recency_days", "behaviour", "number", ("recency_days",))
        assert (traits["gender"].family, traits["gender"].kind) == ("demographics", "category")
        assert (traits["age"].family, traits["age"].kind) == ("demographics", "number")
        assert (traits["is_member"].family, traits["is_member"].kind) == ("demographics", "flag")
        assert (traits["top_channel"].family, traits["top_channel"].kind) == ("needs", "category")

    def test_some_order_ids_missing(self) -> None:
        lines = LINES.with_columns(
            order_id=pl.when(pl.col("order_id").is_in(["o1", "o2"])).then(None).otherwise("order_id")
        )
        assert summarise_customers(build(lines)).frame["n_orders"].to_list() == [1, 1, 2]

    def test_one_order_id_of_two_customers_is_two_orders(self) -> None:
        lines = LINES.with_columns(order_id=pl.lit("1"))
        assert summarise_customers(build(lines)).frame["n_orders"].to_list() == [1, 1, 1]

    def test_country_comes_from_lines_where_the_customers_table_has_none(self) -> None:
        lines = LINES.with_columns(country=pl.Series(["B", "A", "A", "B"] + ["C"] * 11))
        assert summarise_customers(build(lines)).frame["country"].to_list() == ["A", "C", "C"]
        people = PEOPLE.with_columns(country=pl.Series(["X", "Y", "X", "Y", "Y"]))
        assert summarise_customers(build(lines, people)).frame["country"].to_list() == ["X", "Y", "X"]

    def test_a_text_with_too_many_values_is_no_attribute(self) -> None:
        people = PEOPLE.with_columns(hobby=pl.Series(["a", "b", "c", "a", "b"]))
        assert "hobby" in summarise_customers(build(people=people)).attributes
        assert "hobby" not in summarise_customers(build(people=people), CustomerSpec(max_attribute_values=2)).attributes

    def test_nothing_that_names_a_person(self) -> None:
        people = PEOPLE.with_columns(
            email=pl.lit("a@b.c"), contact_phone=pl.Series(list("12121")), national_id=pl.Series([1, 1, 2, 2, 3])
        )
        columns = summarise_customers(build(people=people)).frame.columns
        assert not {"name", "email", "contact_phone", "national_id", "member_no", "left_at"} & set(columns)


class TestCustomersAlone:
    def test_a_customers_table_without_orders_is_described_by_attributes(self) -> None:
        people = PEOPLE.with_columns(pl.Series("shoe_size", [36, 41, 41, 38] + [39] * (PEOPLE.height - 4)))
        known = summarise_customers(Dataset.build({"customers": people}, as_of=AS_OF))
        assert known.frame["customer_id"].to_list() == sorted(set(people["customer_id"].drop_nulls()))
        assert known.measures == ()
        assert "shoe_size" in known.attributes
        assert not {"n_orders", "recency_days", "revenue"} & set(known.frame.columns)
        assert known.n_without_orders == 0
        assert {trait.family for trait in known.traits} == {"demographics"}

    def test_a_survey_alone_tells_of_those_who_answered(self) -> None:
        survey = pl.DataFrame({"customer_id": ["b", "a", "b", None, "c"], "price matters": [1, 5, 2, 3, 5]})
        dataset = Dataset.build({"survey": survey}, as_of=AS_OF)
        answered = gather_traits(summarise_customers(dataset), dataset)
        assert answered.frame["customer_id"].to_list() == ["a", "b", "c"]
        assert [(trait.name, trait.family) for trait in answered.traits] == [("price matters", "psychographics")]

    def test_without_any_date_nobody_gets_an_age_from_a_year_of_birth(self) -> None:
        known = summarise_customers(Dataset.build({"customers": PEOPLE.drop("joined_at", "age")}, as_of=UNKNOWN_DAY))
        assert "age" not in known.attributes


class TestRefusals:
    def test_no_customer_ids(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            summarise_customers(build(LINES.with_columns(customer_id=pl.lit(None, pl.String))))
        assert caught.value.code == "fields_missing"

    def test_no_orders(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            summarise_customers(build(LINES.filter(pl.col("kind") == "return")))
        assert caught.value.code == "no_orders"

    def test_no_transactions(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            summarise_customers(Dataset.build({"campaigns": PEOPLE.select("customer_id")}, as_of=AS_OF))
        assert caught.value.code == "table_missing"

    def test_spec(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            CustomerSpec(max_attribute_values=0)
        assert caught.value.code == "max_attribute_values_out_of_range"


def made(n_lines: int = 3000, seed: int = 5) -> pl.DataFrame:
    """Random lines of about 300 customers; some anonymous, some returned."""
    rng = np.random.default_rng(seed)
    order = rng.integers(0, n_lines // 3, n_lines)
    of_customer = rng.integers(0, 300, n_lines)
    on_day = rng.integers(0, 500, n_lines)
    price = rng.integers(0, 5, n_lines) * 250
    discount = rng.integers(0, 3, n_lines) * 10
    kind = rng.choice(["sale", "return", "cancellation", "service"], n_lines, p=[0.85, 0.06, 0.04, 0.05])
    sign = np.where(np.isin(kind, ["return", "cancellation"]), -1, 1)
    return pl.DataFrame(
        {
            "customer_id": [f"c{of_customer[o]:03d}" if of_customer[o] else None for o in order],
            "order_id": [f"o{o}" for o in order],
            "ordered_at": [datetime(2023, 1, 1, 9) + timedelta(days=int(on_day[o])) for o in order],
            "product_id": [f"p{p}" for p in rng.integers(0, 40, n_lines)],
            "category": rng.choice(np.array(["ale", "bun", "cod", None]), n_lines).tolist(),
            "quantity": sign * rng.integers(1, 4, n_lines),
            "amount": sign * np.maximum(price - discount, 0),
            "discount_amount": sign * np.where(price > 0, discount, 0),
            "channel": rng.choice(["shop", "web"], n_lines),
            "kind": kind,
        },
        schema_overrides={"category": pl.String},
    )


def naive(lines: pl.DataFrame, as_of: date) -> list[dict[str, object]]:
    """The same table by a loop over rows, from the definitions alone."""
    standing = naive_standing(list(lines.iter_rows(named=True)), as_of)
    orders: dict[str, dict[str, date]] = defaultdict(dict)
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    seen: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    shares: dict[str, list[float]] = defaultdict(list)
    for row in lines.iter_rows(named=True):
        customer = row["customer_id"]
        if customer is None or row["kind"] == "service":
            continue
        sums[customer]["amount"] += row["amount"]
        sums[customer]["items"] += row["quantity"]
        if row["kind"] != "sale":
            sums[customer]["back"] -= row["amount"]
            continue
        sums[customer]["sold"] += row["amount"]
        if (customer, row["order_id"]) in standing:
            on = row["ordered_at"].date()
            orders[customer][row["order_id"]] = min(on, orders[customer].get(row["order_id"], on))
            full = row["amount"] + row["discount_amount"]
            shares[customer].append(row["discount_amount"] / full if full else 0.0)
            for column in ("product_id", "category", "channel"):
                if row[column] is not None:
                    seen[customer][column][row[column]] += 1
    table = []
    for customer in sorted(orders):
        days = sorted(set(orders[customer].values()))
        total = sums[customer]

        def top(column: str, customer: str = customer) -> str | None:
            counts = seen[customer][column]
            return min(counts, key=lambda value: (-counts[value], value)) if counts else None

        table.append(
            {
                "customer_id": customer,
                "recency_days": (as_of - days[-1]).days,
                "tenure_days": (as_of - days[0]).days,
                "n_orders": len(orders[customer]),
                "n_order_days": len(days),
                "mean_gap_days": (days[-1] - days[0]).days / (len(days) - 1) if len(days) > 1 else None,
                "revenue": total["amount"] / 100,
                "mean_order_value": total["amount"] / 100 / len(orders[customer]),
                "n_items": total["items"],
                "n_products": len(seen[customer]["product_id"]),
                "n_categories": len(seen[customer]["category"]),
                "discount_share": sum(shares[customer]) / sum(1 for _ in shares[customer]),
                "return_share": min(total["back"] / total["sold"], 1.0)
                if total["sold"]
                else None
                if total["back"]
                else 0.0,
                "top_category": top("category"),
                "top_channel": top("channel"),
            }
        )
    return table


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_naive_loop_agrees(seed: int) -> None:
    lines, as_of = made(seed=seed), date(2024, 7, 1)
    expected = pl.DataFrame(naive(lines, as_of), infer_schema_length=None)
    found = summarise_customers(build(lines, None, as_of)).frame.select(expected.columns)
    # The share of a line is kept to a millionth.
    assert_frame_equal(found, expected, check_dtypes=False, abs_tol=1e-6, rel_tol=1e-9)


class TestInvariance:
    def test_row_order(self) -> None:
        first = summarise_customers(build(made(), None))
        second = summarise_customers(build(made().sample(fraction=1, shuffle=True, seed=3), None))
        assert_frame_equal(first.frame, second.frame, check_exact=True)
        assert first.key == second.key

    def test_relabelled_ids(self) -> None:
        first = summarise_customers(build(made(), None)).frame
        renamed = made().with_columns(pl.format("x{}", pl.col("customer_id").str.reverse()).alias("customer_id"))
        second = summarise_customers(build(renamed, None)).frame
        back = second.with_columns(pl.col("customer_id").str.slice(1).str.reverse()).sort("customer_id")
        assert_frame_equal(first, back, check_exact=True)

    def test_currency_times_100(self) -> None:
        first = summarise_customers(build(made(), None)).frame
        second = summarise_customers(build(made().with_columns(pl.col("amount", "discount_amount") * 100), None)).frame
        money = ["revenue", "mean_order_value"]
        assert_frame_equal(first.drop(money), second.drop(money))
        assert_frame_equal(first.select(pl.col(money) * 100), second.select(money))

    def test_key(self) -> None:
        first, second = summarise_customers(build()), summarise_customers(build(), CustomerSpec(max_attribute_values=9))
        assert first.key == summarise_customers(build()).key != second.key

    def test_it_crosses_a_process_boundary(self) -> None:
        table = summarise_customers(build())
        copy: CustomerTable = pickle.loads(pickle.dumps(table))
        assert_frame_equal(copy.frame, table.frame)
        assert copy.key == table.key


def cdnow(folder: Path) -> pl.DataFrame:
    """The sample of 2,357 customers as canonical order lines; each row is a transaction without an order id."""
    rows = [line.split() for line in (folder / "CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    return pl.DataFrame(
        {
            "customer_id": [row[1] for row in rows],
            "ordered_at": [datetime.strptime(row[2], "%Y%m%d") for row in rows],
            "quantity": [int(row[3]) for row in rows],
            "amount": [round(float(row[4]) * 100) for row in rows],
            "kind": ["sale"] * len(rows),
        }
    )


class TestPublished:
    def test_cdnow(self, shared_data: Callable[[str], Path]) -> None:
        lines = cdnow(shared_data("cdnow"))
        assert lines.height == 6919
        whole = summarise_customers(build(lines, None, date(1998, 6, 30)))
        assert (whole.frame.height, whole.n_without_orders) == (2357, 0)
        assert whole.frame["revenue"].sum() == pytest.approx(244_091.94)
        # Fader, Hardie and Lee count free purchases too.
        calibration = lines.filter(pl.col("ordered_at") <= datetime(1997, 9, 30))
        table = summarise_customers(build(calibration, None, date(1997, 9, 30))).frame
        assert table.height == 2357
        repeats = table["n_order_days"] - 1
        assert repeats.sum() == 2457
        assert (repeats > 0).sum() == 946

    def test_online_retail(self, online_retail: Dataset) -> None:
        table = summarise_customers(online_retail)
        # 33 have no sale line, 11 sent back all they had ordered.
        assert (table.frame.height, table.n_without_orders) == (4328, 44)
        assert table.n_anonymous_lines == 135_080
        assert table.n_service_lines == 0
