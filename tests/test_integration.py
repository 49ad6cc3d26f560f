"""Matching on planted persons, merging and its undo, joins with orphans both ways, currencies kept apart."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.integration import (
    CurrencySpec,
    JoinSpec,
    MatchResult,
    MatchSpec,
    Rate,
    carry,
    join_lookup,
    join_table,
    match_customers,
    merge_customers,
    orphans,
    partition,
    preview_join,
    settle_currency,
    suggest_join,
)
from analytics.integration.identity import email_key, name_key, name_words, people, phone_key, record_codes

ROOT = Path(__file__).parents[1]
WORLD = ROOT / "sample_data" / "marketplace"
SURNAMES = list(
    "王李張劉陳楊黃趙吳周徐孫馬朱胡郭何林羅高鄭梁謝宋唐許鄧馮韓曹曾彭蕭蔡潘田董袁余葉蔣杜蘇魏程呂丁沈任姚盧"
)
GIVEN = list("怡君雅婷志豪俊傑淑芬美玲家豪宗翰佳穎冠宇詩涵欣怡建宏雅雯承恩宥廷品妍子晴柏翰彥廷思妤郁婷哲瑋明慧玉蘭國華")
LATIN_GIVEN = re.findall(
    r"\w+",
    """James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan
    Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony Betty Mark Sandra Steven
    Ashley Andrew Emily Paul Kimberly Joshua Margaret Kenneth Donna Kevin Michelle Brian Carol George
    Amanda Timothy Melissa""",
)
LATIN_FAMILY = re.findall(
    r"\w+",
    """Smith Johnson Williams Brown Jones Garcia Miller Davis Martinez Lopez Gonzalez Wilson Anderson
    Taylor Thomas Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis
    Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker
    Hall Rivera Campbell Mitchell Carter Roberts""",
)
CITIES = {"TW": ["Taipei", "Taichung", "Tainan", "Kaohsiung"], "CN": ["Shanghai", "Xiamen"], "US": ["Austin", "Boston"]}


def planted(seed: int, n: int = 3000, n_twice: int = 240) -> tuple[pl.DataFrame, set[tuple[str, str]]]:
    """People, families with one phone, shops with one phone for thirty, and second records of the same person with
    typos, swapped names, other forms of phone and e-mail, moved cities and missing fields. Gives rows and true pairs.
    """
    rng = random.Random(seed)
    rows: list[dict[str, object]] = []

    def person(
        i: int, phone: str | None = None, family: str | None = None, country: str | None = None
    ) -> dict[str, object]:
        country = country or rng.choice(["TW", "TW", "CN", "US"])
        if country == "US":
            family = family or rng.choice(LATIN_FAMILY)
            parts = (rng.choice(LATIN_GIVEN), family)
        else:
            family = family or rng.choice(SURNAMES)
            parts = ("".join(rng.sample(GIVEN, 2)), family)
        number = f"{rng.randrange(10**8):08d}"
        own = {
            "TW": f"09{number}",
            "CN": f"139{number}",
            "US": f"{rng.randrange(201, 989)}{rng.randrange(200, 999)}{number[:4]}",
        }
        local = f"{parts[0]}.{parts[1]}".lower() if country == "US" else rng.choice(["lin", "wu", "hey", "cat"])
        mail = f"{local}{rng.randrange(10**5)}@{rng.choice(['mail', 'post', 'web'])}.example.com"
        return {
            "parts": parts,
            "email": mail,
            "phone": phone or own[country],
            "birth_year": rng.randrange(1950, 2008),
            "city": rng.choice(CITIES[country]),
            "country": country,
        }

    for i in range(n):
        rows.append(person(i))
    for i in range(n // 20):  # families: one phone, one family name, one city
        head = person(i)
        rows.append(head)
        for _ in range(rng.randrange(1, 3)):
            rows.append(
                person(i, str(head["phone"]), str(head["parts"][1]), str(head["country"])) | {"city": head["city"]}
            )
    for _ in range(4):  # shops: a counter's phone for thirty customers
        counter = person(0)
        rows += [person(0, str(counter["phone"]), None, str(counter["country"])) for _ in range(30)]
    truth = []
    for i in rng.sample(range(len(rows)), n_twice):
        first = rows[i]
        again = dict(first)
        name = "".join(first["parts"]) if first["country"] != "US" else " ".join(first["parts"])
        for change in rng.sample(["name", "swap", "phone", "email", "city", "missing", "script"], 2):
            parts = list(again["parts"])
            if change == "name" and first["country"] == "US":
                at = rng.randrange(1, len(parts[1]) - 1)
                parts[1] = parts[1][:at] + parts[1][at + 1] + parts[1][at] + parts[1][at + 2 :]
            elif change == "swap":
                again["swapped"] = True
            elif change == "phone":
                again["phone"] = f"{rng.randrange(10**9):010d}" if rng.random() < 0.4 else international(again)
            elif change == "email":
                again["email"] = (
                    f"{rng.randrange(10**8)}@new.example.com" if rng.random() < 0.5 else str(again["email"]).upper()
                )
            elif change == "city":
                again["city"] = rng.choice(CITIES[str(first["country"])])
            elif change == "missing":
                again[rng.choice(["email", "phone", "birth_year", "city"])] = None
            again["parts"] = tuple(parts)
        assert name
        truth.append((i, len(rows)))
        rows.append(again)
    order = list(range(len(rows)))
    rng.shuffle(order)
    ids = {row: f"K{place:05d}" for place, row in enumerate(order)}
    frame = pl.DataFrame(
        [
            {
                "customer_id": ids[i],
                "name": written(row),
                **{key: row[key] for key in ("email", "phone", "birth_year", "city", "country")},
            }
            for i, row in enumerate(rows)
        ],
        infer_schema_length=None,
    ).sort("customer_id")
    return frame, {(min(ids[a], ids[b]), max(ids[a], ids[b])) for a, b in truth}


def written(row: dict[str, object]) -> str:
    given, family = row["parts"]
    if row["country"] == "US":
        return f"{family}, {given}" if row.get("swapped") else f"{given} {family}"
    return f"{given} {family}" if row.get("swapped") else f"{family}{given}"


def international(row: dict[str, object]) -> str:
    code, phone = {"TW": "886", "CN": "86", "US": "1"}[str(row["country"])], str(row["phone"])
    national = phone.removeprefix("0")
    return f"+{code} {national[:3]}-{national[3:]}"


def proposed(result: MatchResult) -> set[tuple[str, str]]:
    return set(result.pairs.filter(pl.col("decision") == "merge").select("customer_id_a", "customer_id_b").iter_rows())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_persons_are_found_and_families_stay_apart(seed: int, record_property: Callable[..., None]) -> None:
    customers, truth = planted(seed)
    result = match_customers(customers)
    found = proposed(result)
    precision, recall = len(found & truth) / len(found), len(found & truth) / len(truth)
    record_property("precision", precision)
    record_property("recall", recall)
    print(f"seed {seed}: precision {precision:.3f}, recall {recall:.3f}, candidates {result.n_candidates}")
    assert precision >= 0.98
    assert recall >= 0.90
    assert result.n_candidates < 20 * customers.height


def test_the_sixteen_persons_of_the_sample_world_are_proposed() -> None:
    truth = pl.read_parquet(ROOT / "sample_data" / "truth" / "marketplace" / "duplicates.parquet")
    result = match_customers(pl.read_parquet(WORLD / "customers.parquet"))
    assert proposed(result) == {(min(pair), max(pair)) for pair in truth.iter_rows()}
    assert result.pairs.height == 16
    assert result.clusters.height == 0, "nothing is merged before a person says so"


def test_no_pair_is_compared_twice_and_work_grows_with_the_customers() -> None:
    small, _ = planted(5, 1000, 60)
    large, _ = planted(5, 4000, 240)
    few, many = match_customers(small), match_customers(large)
    pairs = many.pairs.select("customer_id_a", "customer_id_b")
    assert pairs.unique().height == pairs.height
    assert (pairs["customer_id_a"] < pairs["customer_id_b"]).all()
    assert int(many.histogram["n_pairs"].sum()) == many.n_candidates
    assert many.n_candidates < 12 * few.n_candidates  # four times the customers; all pairs would be sixteen times


def test_pairs_that_are_passed_over_could_not_have_scored() -> None:
    """Oracle: with a review score of nothing every pair of a block is compared."""
    customers, _ = planted(9, 4000, 240)
    usual, everything = match_customers(customers), match_customers(customers, MatchSpec(review=0.0))
    assert everything.n_candidates > 5 * usual.n_candidates
    scored = everything.pairs.filter((pl.col("score") >= 0.5) | (pl.col("decision") == "merge"))
    assert scored.drop("decision").equals(usual.pairs.drop("decision"))
    assert everything.pairs.filter(pl.col("decision") == "merge").equals(
        usual.pairs.filter(pl.col("decision") == "merge")
    )


def test_a_crowd_with_one_name_in_one_city_costs_no_more_than_its_blocks() -> None:
    crowd = pl.DataFrame(
        {
            "customer_id": [f"K{i:06d}" for i in range(20_000)],
            "name": ["王小明"] * 20_000,
            "city": [f"town {i % 500}" for i in range(20_000)],
            "birth_year": [1950 + i % 40 for i in range(20_000)],
        }
    )
    result = match_customers(crowd, MatchSpec(review=0.0))
    assert result.n_candidates <= 20_000 * 49 // 2 * 3
    assert match_customers(crowd).n_candidates == 0, "a common name, year and city tell nobody apart"


def test_order_and_names_of_customers_change_nothing() -> None:
    customers, _ = planted(7, 800, 60)
    turned = customers.sample(fraction=1.0, shuffle=True, seed=3)
    one, two = match_customers(customers), match_customers(turned)
    assert one.pairs.equals(two.pairs)
    relabelled = customers.with_columns(pl.col("customer_id").str.replace("K", "Z"))
    again = match_customers(relabelled).pairs.with_columns(pl.col("^customer_id_.$").str.replace("Z", "K"))
    assert one.pairs.drop("pair").equals(again.drop("pair"))


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        ("0912-345-678", "+886 912 345 678", "TW"),
        ("(02) 2345-6789", "00886-2-2345-6789", "TW"),
        ("138 1234 5678", "+86 13812345678", "CN"),
        ("9123 4567", "+852-9123-4567", "HK"),
        ("(312) 555-0199", "+1 312 555 0199", "US"),
        ("1-312-555-0199", "+1 (312) 555-0199", "US"),
        ("０９１２３４５６７８", "+886 (0)912 345 678", None),
    ],
)
def test_a_phone_is_one_in_all_its_forms(one: str, other: str, country: str | None) -> None:
    assert phone_key(one, country) == phone_key(other, country) is not None


def test_names_and_addresses_written_another_way() -> None:
    assert name_key(name_words("郭曉萍")) == name_key(name_words("晓萍 郭")) == name_key(name_words("郭晓萍"))
    assert name_key(name_words("Dr. Diana Norris")) == name_key(name_words("NORRIS, Diana"))
    assert name_key(name_words("Yi-Chen Chiang")) == name_key(name_words("chiang yichen"))
    assert name_key(name_words("")) is None
    assert email_key(" Ann.Lee+shop@Gmail.com ") == email_key("annlee@googlemail.com")
    assert email_key("ann.lee@x.tw") != email_key("annlee@x.tw")
    assert email_key("no address") is None
    assert phone_key("000000") is None
    assert phone_key("12") is None


def household() -> pl.DataFrame:
    """By hand: a couple and their child with one phone; one of them twice; a stranger."""
    rows = [
        ("A", "陳志豪", "hao@x.tw", "0912345678", 1980, "Taipei"),
        ("B", "林美玲", "mei@x.tw", "+886912345678", 1982, "台北"),
        ("C", "陳怡君", None, "0912 345 678", 2008, "Taipei"),
        ("D", "陈志豪", "HAO@x.tw", "0912345678", 1980, None),
        ("E", "Ann Lee", "ann@x.tw", "0987654321", 1991, "Tainan"),
    ]
    return pl.DataFrame(rows, schema=["customer_id", "name", "email", "phone", "birth_year", "city"], orient="row")


def strangers() -> pl.DataFrame:
    rows = [
        (f"S{i}", f"Zed{i} Oz{i}", f"z{i}@y.tw", f"09550001{i:02d}", 1940 + i % 60, f"town {i % 9}") for i in range(80)
    ]
    return pl.DataFrame(rows, schema=household().columns, orient="row")


def test_by_hand_a_household_stays_apart_and_one_of_them_is_found() -> None:
    result = match_customers(pl.concat([household(), strangers()]), MatchSpec(automatic=True))
    assert proposed(result) == {("A", "D")}
    row = result.pairs.row(0, named=True)
    assert [row[name] for name in ("email", "phone", "name", "birth_year", "city")] == ["same"] * 4 + ["missing"]
    assert result.clusters.rows() == [("A", "A", 2), ("D", "A", 2)]


def codes(customers: pl.DataFrame, first: str, second: str) -> tuple[str, str]:
    """Two records as a spec names them."""
    persons = people(customers)
    known = dict(zip(persons["customer_id"], record_codes(persons), strict=True))
    one, two = sorted((known[first], known[second]))
    return one, two


def test_a_pair_is_named_by_codes_that_no_id_can_take_the_place_of() -> None:
    pairs = match_customers(household()).pairs
    held = set(household()["customer_id"])
    assert pairs["pair"].to_list() == [
        "-".join(codes(household(), *ids)) for ids in pairs.select("^customer.*$").rows()
    ]
    assert not any(part in held for pair in pairs["pair"] for part in pair.split("-"))
    other_phone = household().with_columns(phone=pl.lit("0911222333"))
    assert codes(other_phone, "A", "D") != codes(household(), "A", "D"), "a record that changed is asked about again"
    for nonsense in (
        ("A", "D"),
        ("0" * 16, "0" * 16),
        ("F" * 16, "0" * 16),
        ("K0000000000000001", "K0000000000000002"),
    ):
        with pytest.raises(AnalysisError) as caught:
            MatchSpec(refused=(nonsense,))
        assert caught.value.code == "match_pair_unreadable"


def test_a_person_decides_over_the_rule() -> None:
    everyone = pl.concat([household(), strangers()])
    refused = match_customers(everyone, MatchSpec(automatic=True, refused=(codes(everyone, "A", "D"),)))
    assert refused.clusters.height == 0
    assert refused.pairs.filter(pl.col("decided_by") == "person")["decision"].to_list() == ["apart"]
    accepted = match_customers(household(), MatchSpec(accepted=(codes(household(), "A", "E"), ("0" * 16, "1" * 16))))
    assert accepted.clusters.rows() == [("A", "A", 2), ("E", "A", 2)]
    assert [item.code for item in accepted.caveats] == ["match_pairs_gone"]


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"accept": 0.4}, "match_thresholds"),
        ({"expected_share": 0.0}, "match_share"),
        ({"largest_block": 1}, "match_block"),
        ({"accepted": (("1" * 16, "0" * 16),)}, "match_pair_unreadable"),
        ({"accepted": (("0" * 16, "1" * 16),), "refused": (("0" * 16, "1" * 16),)}, "match_pair_twice"),
    ],
)
def test_a_spec_refuses_nonsense(choices: dict[str, object], code: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        MatchSpec(**choices)
    assert caught.value.code == code


def test_specs_survive_json() -> None:
    for spec in (
        MatchSpec(accepted=(("0" * 16, "1" * 16),)),
        JoinSpec(on=(("a", "b"),)),
        CurrencySpec("TWD", (Rate("USD", "32.5", "TWD", date(2025, 1, 1)),)),
    ):
        assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), type(spec), strict=True) == spec
        assert hash(spec) == hash(msgspec.convert(msgspec.to_builtins(spec), type(spec), strict=True))


def test_without_anything_to_compare_it_says_so() -> None:
    for frame in (pl.DataFrame({"customer_id": ["a"]}), pl.DataFrame({"name": ["a"]})):
        with pytest.raises(AnalysisError) as caught:
            match_customers(frame)
        assert caught.value.code == "match_no_fields"


pairs_of_letters = st.lists(
    st.sets(st.sampled_from("ABCDEFGH"), min_size=2, max_size=2).map(lambda pair: (min(pair), max(pair)))
)


@settings(max_examples=200, deadline=None)
@given(pairs_of_letters, pairs_of_letters)
def test_clusters_are_a_partition_and_hold_no_refused_pair(
    pairs: list[tuple[str, str]], refused: list[tuple[str, str]]
) -> None:
    groups = partition(pairs, refused)
    members = [member for group in groups for member in group]
    assert len(members) == len(set(members))
    assert all(len(group) >= 2 for group in groups)
    assert not any(set(pair) <= group for pair in refused for group in groups)
    if not refused:
        together = {frozenset(pair) for pair in pairs}
        assert all(any(pair <= group for group in groups) for pair in together)


def small_data() -> Dataset:
    customers = household().with_columns(
        joined_at=pl.Series([date(2024, 5, 1), None, None, date(2023, 2, 1), None]),
        left_at=pl.Series([None, None, None, date(2024, 1, 1), None], dtype=pl.Date),
        tier=pl.Series(["gold", None, None, None, "basic"]),
    )
    orders = pl.DataFrame(
        {
            "customer_id": ["A", "D", "D", "E", "Z", None],
            "order_id": ["1", "2", "3", "4", "5", "6"],
            "ordered_at": [datetime(2025, 1, i) for i in range(1, 7)],
            "amount": [100, 250, 50, 999, 10, 5],
            "kind": ["sale"] * 6,
        }
    )
    campaigns = pl.DataFrame(
        {"customer_id": ["A", "D", "E"], "campaign": ["x"] * 3, "arm": ["test", "control", "test"]}
    )
    return Dataset.build(
        {"transactions": orders, "customers": customers, "campaigns": campaigns}, as_of=date(2025, 2, 1), currency="TWD"
    )


def test_by_hand_a_merge_moves_every_row_and_keeps_its_sources() -> None:
    data = small_data()
    matches = match_customers(
        data.tables["customers"], MatchSpec(accepted=(codes(data.tables["customers"], "A", "D"),))
    )
    merged = merge_customers(data, matches)
    people = merged.dataset.tables["customers"].sort("customer_id")
    assert people["customer_id"].to_list() == ["A", "B", "C", "E"]
    first = people.row(0, named=True)
    # D joined first and leads; what it lacks comes from A; A is still here, so the person is.
    assert (first["name"], first["city"], first["tier"]) == ("陈志豪", "Taipei", "gold")
    assert (first["joined_at"], first["left_at"]) == (date(2023, 2, 1), None)
    orders = merged.dataset.tables["transactions"]
    assert orders.filter(pl.col("customer_id") == "A")["amount"].sum() == 400
    assert orders["amount"].sum() == data.tables["transactions"]["amount"].sum()
    assert merged.records.select("person", "merged_from", "n_records").rows() == [("A", "D", 2), ("A", "A", 2)]
    assert merged.changes.filter(pl.col("table") == "customers").row(0)[1:] == (5, 4, 5, 4, 1)
    assert merged.changes.filter(pl.col("table") == "transactions").row(0)[1:] == (6, 6, 4, 3, 2)
    assert [item.code for item in merged.caveats] == ["merge_arms_mixed"]


def test_undo_restores_exactly() -> None:
    customers, _ = planted(11, 500, 40)
    orders = customers.select("customer_id").with_columns(
        ordered_at=datetime(2025, 1, 1), amount=100, kind=pl.lit("sale")
    )
    data = Dataset.build({"transactions": orders, "customers": customers}, as_of=date(2025, 1, 2))
    off, on = (match_customers(customers, MatchSpec(automatic=automatic)) for automatic in (False, True))
    merged = merge_customers(data, on).dataset
    assert merged.key != data.key
    assert merged.tables["customers"].height == customers.height - on.clusters.height + on.clusters["person"].n_unique()
    undone = merge_customers(data, off).dataset
    assert undone.key == data.key
    for name, frame in data.tables.items():
        assert undone.tables[name].equals(frame)


def test_a_join_adds_marks_and_counts_orphans_both_ways() -> None:
    first = pl.DataFrame({"order": ["1", "2", " 2", None, "9"], "city": ["a"] * 5})
    second = pl.DataFrame({"no": [2.0, 2.0, 7.0, 1.0], "city": ["x", "x", "y", None], "fee": [5, 6, 7, 8]})
    joined = join_table(first, second, JoinSpec(on=(("order", "no"),), mark="named", add=("city", "fee")))
    assert joined.frame["order"].to_list() == first["order"].to_list()
    assert joined.frame["named"].to_list() == [True, True, True, False, False]
    assert joined.frame["fee"].to_list() == [8, 5, 5, None, None]
    assert joined.added == ("city_2", "fee", "named")
    marked = join_table(first, second, JoinSpec(on=(("order", "no"),), mark="amount"))
    assert marked.added == ("amount_2",), "a mark cannot become the amount of an order"
    assert joined.coverage.rows() == [("first", 5, 3, 3, 2), ("second", 4, 3, 3, 2)]
    assert joined.orphans.rows() == [("first", "9", 1), ("second", "7", 1)]
    assert [item.code for item in joined.caveats] == ["join_key_repeated"]
    for spec, code in ((JoinSpec(), "join_no_keys"), (JoinSpec(on=(("order", "?"),)), "join_column_missing")):
        with pytest.raises(AnalysisError) as caught:
            join_table(first, second, spec)
        assert caught.value.code == code


def test_several_columns_are_one_key() -> None:
    first = pl.DataFrame({"shop": ["a", "a", "b"], "no": [1, 2, 1]})
    second = pl.DataFrame({"store": ["a", "b"], "number": ["1", "1"], "owner": ["Ann", "Bo"]})
    joined = join_table(first, second, JoinSpec(on=(("shop", "store"), ("no", "number"))))
    assert joined.frame["owner"].to_list() == ["Ann", None, "Bo"]


def test_orphans_of_customers_both_ways() -> None:
    found = orphans(small_data())
    assert found.filter(pl.col("table") == "transactions").row(0) == ("transactions", 4, 1, 1, 2)
    assert orphans(Dataset.build({}, as_of=date(2025, 1, 1))).height == 0


def test_superstore_joins_with_its_returns_and_its_people(shared_data: Callable[[str], Path]) -> None:
    from analytics.mapping import apply_mapping, suggest_mapping
    from analytics.quality import validate
    from analytics.reading import ReadSpec, read

    path = next(shared_data("superstore").glob("*.xls"))
    sheets = {
        name: read(path.read_bytes(), path.name, ReadSpec(sheet=name)) for name in ("Orders", "People", "Returns")
    }
    assert {name: raw.n_rows for name, raw in sheets.items()} == {"Orders": 10_194, "People": 4, "Returns": 800}
    orders = sheets["Orders"]
    people = join_table(orders.frame, sheets["People"].frame, JoinSpec(on=(("Region", "Region"),)))
    assert people.coverage["n_rows_matched"].to_list() == [10_194, 4]
    assert people.frame["Regional Manager"].null_count() == 0

    mapped = apply_mapping(orders, suggest_mapping(orders, "transactions").spec)
    data = validate([mapped]).dataset
    assert suggest_join(data, sheets["Returns"]) == JoinSpec(on=(("order_id", "Order ID"),), mark="Returned")
    assert suggest_join(data, sheets["People"]) is None, "no canonical column holds the region"
    by_region = JoinSpec(on=(("Region", "Region"),))
    assert suggest_join(data, sheets["People"], (mapped,)) == by_region, "but the file does"
    shown = preview_join((mapped,), sheets["People"], by_region)
    assert shown.coverage["n_rows_matched"].to_list() == [10_194, 4]
    regional = validate([carry(mapped, ("Region", "Order ID"))]).dataset
    managed = join_lookup(regional, sheets["People"], by_region).dataset.tables["transactions"]
    assert managed["Regional Manager"].null_count() == 0
    assert managed.select("Region", "Regional Manager").unique().height == 4
    assert managed["amount"].sum() == data.tables["transactions"]["amount"].sum()
    spec = JoinSpec(on=(("order_id", "Order ID"),), mark="returned")
    lookup = join_lookup(data, sheets["Returns"], spec)
    lines = lookup.dataset.tables["transactions"]
    # Oracle: sets of order numbers.
    returned = set(sheets["Returns"].frame["Order ID"])
    named = set(orders.frame["Order ID"]) & returned
    assert lines.height == data.tables["transactions"].height
    assert lines.filter("returned")["order_id"].n_unique() == len(named)
    assert lines["amount"].sum() == data.tables["transactions"]["amount"].sum()
    coverage = {row["side"]: row for row in lookup.join.coverage.to_dicts()}
    assert coverage["second"]["n_keys"] == len(returned)
    assert coverage["second"]["n_keys_matched"] == len(named)
    assert coverage["first"]["n_keys"] == 5_111
    assert (len(named), lines["returned"].sum()) == (296, 800)


def in_currencies() -> Dataset:
    orders = pl.DataFrame(
        {
            "customer_id": list("ABCDE"),
            "ordered_at": [datetime(2025, 1, 1)] * 5,
            "amount": [1000, 333, -333, 50, 7],
            "currency": ["TWD", "USD", "usd ", "EUR", None],
            "kind": ["sale"] * 5,
        }
    )
    return Dataset.build({"transactions": orders}, as_of=date(2025, 1, 1), currency="TWD")


def test_by_hand_currencies_are_converted_exactly_or_set_apart() -> None:
    settled = settle_currency(in_currencies(), CurrencySpec(rates=(Rate("USD", "32.505"),)))
    amounts = settled.dataset.tables["transactions"].sort("customer_id")
    assert amounts["amount"].to_list() == [1000, 10824, -10824, 7]  # 333 x 32.505 = 10824.165
    assert amounts["currency"].unique().to_list() == ["TWD"]
    assert settled.apart["customer_id"].to_list() == ["D"]
    assert settled.by_currency.sort("currency", nulls_last=True).rows() == [
        ("transactions", "EUR", 1, 1, "", "apart"),
        ("transactions", "TWD", 2, 0, "", "kept"),  # with the line that names none
        ("transactions", "USD", 2, 0, "32.505", "converted"),
    ]
    assert [item.code for item in settled.caveats] == ["currency_apart"]


def test_by_hand_a_rate_holds_for_its_days_and_its_target() -> None:
    orders = pl.DataFrame(
        {
            "customer_id": list("ABCD"),
            "ordered_at": [datetime(2025, 1, 31, 23), datetime(2025, 2, 1), datetime(2025, 3, 1), None],
            "amount": [100, 100, 100, 100],
            "currency": ["USD", "USD", "USD", "USD"],
        }
    )
    sent = pl.DataFrame({"campaign": ["x", "y"], "cost": [10, 10], "revenue": [0, 7], "币种": ["USD", "EUR"]})
    data = Dataset.build({"transactions": orders, "campaigns": sent}, as_of=date(2025, 4, 1), currency="USD")
    january, march = (
        Rate("USD", "30", "TWD", None, date(2025, 1, 31)),
        Rate("USD", "32", "TWD", date(2025, 3, 1), date(2025, 3, 31)),
    )
    result = settle_currency(data, CurrencySpec("TWD", (january, march, Rate("USD", "0.9", "EUR"))))
    assert result.currency == result.dataset.currency == "TWD"
    assert result.dataset.tables["transactions"].select("customer_id", "amount").sort("customer_id").rows() == [
        ("A", 3000),
        ("C", 3200),
    ]
    assert sorted(result.apart["customer_id"]) == ["B", "D"], "no rate for February, nor for a line without a day"
    assert result.by_currency.rows() == [
        ("transactions", "USD", 4, 2, "30, 32", "partly"),
        ("campaigns", "EUR", 1, 1, "", "apart"),
        ("campaigns", "USD", 1, 1, "30, 32", "apart"),
    ]
    everywhere = settle_currency(data, CurrencySpec("TWD", (january, Rate("USD", "31", "TWD"), Rate("EUR", "35"))))
    assert everywhere.dataset.tables["transactions"]["amount"].sum() == 3000 + 3 * 3100
    assert everywhere.dataset.tables["campaigns"].select("cost", "revenue").sum().row(0) == (310 + 350, 7 * 35)
    assert everywhere.caveats == ()
    own = settle_currency(data)
    assert (own.currency, own.dataset.tables["transactions"]["amount"].sum()) == ("USD", 400)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20),
    st.decimals("0.000001", "999999", places=6),
)
def test_conversion_is_exact(amounts: list[int], rate: object) -> None:
    n = len(amounts)
    orders = pl.DataFrame(
        {"amount": [1, *amounts], "currency": ["TWD", *["USD"] * n], "product_id": [str(i) for i in range(n + 1)]}
    )
    data = Dataset.build({"transactions": orders}, as_of=date(2025, 1, 1), currency="TWD")
    settled = settle_currency(data, CurrencySpec(rates=(Rate("USD", f"{rate:f}"),))).dataset.tables["transactions"]
    made = dict(settled.select("product_id", "amount").iter_rows())
    for i, amount in enumerate(amounts, 1):
        exact = abs(amount) * Fraction(str(rate))
        rounded = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
        assert made[str(i)] == (rounded if amount >= 0 else -rounded)


def test_data_in_one_currency_or_none_stay_the_very_same() -> None:
    data = small_data()
    assert settle_currency(data).dataset is data
    for make, code in (
        (lambda: CurrencySpec(to="dollar"), "currency_unknown"),
        (lambda: Rate("US", "1"), "currency_unknown"),
        (lambda: Rate("USD", "1,5"), "rate_unreadable"),
        (lambda: Rate("USD", "0"), "rate_unreadable"),
        (lambda: Rate("USD", "1", "", date(2025, 2, 1), date(2025, 1, 1)), "rate_days"),
        (lambda: CurrencySpec(rates=(Rate("USD", "1"), Rate("USD", "2"))), "rate_twice"),
        (
            lambda: CurrencySpec(
                rates=(Rate("USD", "1", "", date(2025, 1, 1)), Rate("USD", "2", "", date(2025, 3, 1)))
            ),
            "rate_twice",
        ),
    ):
        with pytest.raises(AnalysisError) as caught:
            make()
        assert caught.value.code == code
    with pytest.raises(AnalysisError) as caught:
        settle_currency(
            Dataset.build(
                {"transactions": in_currencies().tables["transactions"].filter(pl.col("currency") == "EUR")},
                as_of=date(2025, 1, 1),
            ),
            CurrencySpec(to="TWD"),
        )
    assert caught.value.code == "currency_all_apart"
