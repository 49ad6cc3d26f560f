"""Repairs as ordered steps: what each does, what the ledger says of it, and that a recipe can be replayed."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import AnalysisError
from analytics.i18n.phrases import load
from analytics.mapping import MappedTable, MappingSpec, apply_mapping
from analytics.quality import (
    Issue,
    QualityReport,
    QualitySpec,
    SourceBalance,
    Step,
    ValidationResult,
    proposed_steps,
    validate,
)
from analytics.reading import read
from analytics.workspace import Workspace, from_json, from_link, to_json, to_link

COLUMNS = (
    ("order", "order_id"),
    ("customer", "customer_id"),
    ("at", "ordered_at"),
    ("item", "product"),
    ("city", "city"),
    ("n", "quantity"),
    ("price", "unit_price"),
)
ORDERS = """order,customer,at,item,city,n,price
1,C-001,2024-01-01 10:00:00,Tea,Taipei,2,1.50
2,C-002,2024-01-02 10:00:00,Tea,台北,1,150
3,003,2024-01-03 10:00:00,Pot,,1,20
4,C-001,2024-01-04 10:00:00,Pot,Tainan,-1,20
5,C-004,2024-01-05 10:00:00,Cup,Tainan,3,5
6,C-004,2024-01-06 10:00:00,Cup,Tainan,oops,5
"""


def mapped(text: str = ORDERS, name: str = "orders.csv") -> MappedTable:
    return apply_mapping(read(text.encode(), name), MappingSpec("transactions", COLUMNS))


def repaired(*steps: Step, text: str = ORDERS) -> ValidationResult:
    return validate([mapped(text)], QualitySpec(steps=steps))


def column(result: ValidationResult, name: str) -> list[Any]:
    return result.dataset.tables["transactions"].sort("order_id")[name].to_list()


def own(result: ValidationResult) -> list[dict[str, Any]]:
    """The ledger's entries of the person's steps, without their place."""
    entries = result.ledger.filter(pl.col("own").is_not_null())
    return entries.drop("step", "own", "reason", "table").to_dicts()


def test_each_step_goes_on_from_what_the_one_before_it_left() -> None:
    result = repaired(
        Step("scale", field="unit_price", where="above", of="unit_price", values=("100",), to="0.01"),
        Step("replace", field="city", where="one_of", of="city", values=("台北",), to="Taipei"),
        Step("replace", field="city", where="missing", of="city", to="unknown"),
        Step("set_aside", where="one_of", of="city", values=("Taipei",)),
        Step("strip_start", field="customer_id", where="always", prefixes=("C-", "0")),
    )
    assert column(result, "order_id") == ["3", "4", "5"]
    assert column(result, "customer_id") == ["3", "1", "4"]
    assert column(result, "city") == ["unknown", "Tainan", "Tainan"]
    # 3.00 + 150.00 + 20.00 - 20.00 + 15.00 before; the price of 150 was meant in cents.
    rows: list[dict[str, Any]] = [
        {"action": "scale", "field": "unit_price", "n_rows": 1, "rows_before": 5, "rows_after": 5},
        {"action": "replace", "field": "city", "n_rows": 1, "rows_before": 5, "rows_after": 5},
        {"action": "replace", "field": "city", "n_rows": 1, "rows_before": 5, "rows_after": 5},
        {"action": "set_aside", "field": "", "n_rows": 2, "rows_before": 5, "rows_after": 3},
        {"action": "strip_start", "field": "customer_id", "n_rows": 3, "rows_before": 3, "rows_after": 3},
    ]
    money = [(16800, 1950), (1950, 1950), (1950, 1950), (1950, 1500), (1500, 1500)]
    assert own(result) == [
        row | {"revenue_before": before, "revenue_after": after}
        for row, (before, after) in zip(rows, money, strict=True)
    ]
    (balance,) = result.report.balances
    assert (balance.rows_in, balance.kept, balance.quarantined, balance.merged) == (6, 3, 3, 0)
    assert sorted(result.quarantine["reason"]) == ["not_a_number", "own_step", "own_step"]


def test_the_standing_repairs_stand_in_the_ledger_with_what_they_left() -> None:
    twice = ORDERS + "5,C-004,2024-01-05 10:00:00,Cup,Tainan,3,5\n7,C-9,2031-01-01 10:00:00,Cup,Tainan,1,5\n"
    ledger = validate([mapped(twice)], QualitySpec(as_of=date(2024, 1, 31))).ledger
    gone = ledger.filter(pl.col("action").is_in(["quarantine", "merge"]))
    assert gone.select("action", "reason", "n_rows", "rows_before", "rows_after").rows() == [
        ("quarantine", "future_date", 1, 8, 7),
        ("quarantine", "not_a_number", 1, 7, 6),
        ("merge", "duplicate_rows", 1, 6, 5),
    ]
    assert gone["revenue_before"].to_list() == [18800, 18300, 18300]
    assert gone["revenue_after"].to_list() == [18300, 18300, 16800]


def test_the_order_of_steps_counts() -> None:
    merge = Step("replace", field="city", where="one_of", of="city", values=("台北",), to="Taipei")
    drop = Step("set_aside", where="one_of", of="city", values=("Taipei",))
    assert column(repaired(merge, drop), "order_id") == ["3", "4", "5"]
    assert column(repaired(drop, merge), "order_id") == ["2", "3", "4", "5"]


def test_a_step_on_a_finding_takes_the_rows_of_that_finding() -> None:
    lines = "".join(f"{n},c{n % 3},2024-01-{n:02d} 10:00:00,Tea,Taipei,1,2.50\n" for n in range(1, 13))
    text = "order,customer,at,item,city,n,price\n" + lines + "13,c1,2024-01-13 10:00:00,Tea,Taipei,1,250\n"
    (found,) = repaired(text=text).report.find("unit_jump")
    result = repaired(Step("scale", field="unit_price", where="flagged", of="unit_jump", to="0.01"), text=text)
    assert found.n_rows == 1
    assert result.report.find("unit_jump") == (found,)  # counted as the file came
    assert set(column(result, "unit_price")) == {250}
    assert result.dataset.tables["transactions"]["amount"].sum() == 13 * 250
    nothing = repaired(Step("set_aside", where="flagged", of="unit_jump"))
    assert own(nothing)[0]["n_rows"] == 0
    assert not nothing.caveats or all(caveat.code != "step_without_field" for caveat in nothing.caveats)


def test_amounts_and_kinds_follow_their_parts() -> None:
    turned = repaired(Step("scale", field="quantity", where="always", to="-1"))
    assert column(turned, "amount") == [-300, -15000, -2000, 2000, -1500]
    assert column(turned, "kind") == ["return", "return", "return", "sale", "return"]
    free = repaired(Step("replace", field="unit_price", where="one_of", of="product", values=("Tea",), to="0"))
    assert column(free, "kind") == ["service", "service", "sale", "return", "sale"]
    given = "order,customer,at,item,city,n,price,total\n1,a,2024-01-01 09:00:00,Tea,x,2,1.50,2.90\n"
    raw = read(given.encode(), "given.csv")
    table = apply_mapping(raw, MappingSpec("transactions", (*COLUMNS, ("total", "amount"))))
    spec = QualitySpec(steps=(Step("scale", field="unit_price", where="always", to="2"),))
    assert validate([table], spec).dataset.tables["transactions"]["amount"].to_list() == [290]  # as the file says


@pytest.mark.parametrize(
    ("factor", "expected"),
    [("0.5", [75, 7500, 1000, 1000, 250]), ("0.333", [50, 4995, 666, 666, 167]), ("1e2", None), ("-1", None)],
)
def test_money_is_scaled_exactly_half_away_from_zero(factor: str, expected: list[int] | None) -> None:
    result = repaired(Step("scale", field="unit_price", where="always", to=factor))
    kept = validate([mapped()], QualitySpec(negative_price="keep")).dataset.tables["transactions"]
    whole = [round(price * float(factor)) for price in kept.sort("order_id")["unit_price"]]
    assert column(result, "unit_price") == (expected or whole)


def test_days_numbers_and_parts_of_text_are_compared_as_such() -> None:
    def left(*values: str, **choice: Any) -> list[str]:
        return column(repaired(Step("set_aside", values=values, **choice)), "order_id")

    assert left("2024-01-03", where="above", of="ordered_at") == ["1", "2", "3"]
    assert left("2024-01-03", where="below", of="ordered_at") == ["3", "4", "5"]
    assert left("2024-01-02", "2024-01-05", where="one_of", of="ordered_at") == ["1", "3", "4"]
    assert left("20", where="below", of="unit_price") == ["2", "3", "4"]
    assert left("C-", where="contains", of="customer_id") == ["3"]
    assert left(where="missing", of="city") == ["1", "2", "4", "5"]


def test_a_recipe_serves_a_file_that_lacks_one_of_its_fields() -> None:
    steps = (
        Step("set_aside", where="one_of", of="country", values=("Norway",)),
        Step("replace", table="customers", field="gender", where="missing", of="gender", to="?"),
        Step("replace", field="city", where="missing", of="city", to="unknown"),
    )
    result = repaired(*steps)
    said = [caveat for caveat in result.caveats if caveat.code == "step_without_field"]
    assert [(caveat.params["n"], caveat.params["field"]) for caveat in said] == [(1, "country"), (2, "customers")]
    assert [entry["n_rows"] for entry in own(result)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"table": "nothing"}, "table_unknown"),
        ({"where": "one_of", "of": "city"}, "step_incomplete"),
        ({"where": "flagged"}, "step_incomplete"),
        ({"where": "always"}, "step_incomplete"),
        ({"action": "scale", "field": "unit_price", "where": "always"}, "step_incomplete"),
        ({"action": "replace", "field": "", "where": "always", "to": "x"}, "step_incomplete"),
        ({"action": "strip_start", "field": "customer_id", "where": "always"}, "step_incomplete"),
        ({"where": "one_of", "of": "city", "values": ("x" * 300,)}, "step_incomplete"),
        ({"action": "scale", "field": "unit_price", "where": "always", "to": "ten"}, "step_not_a_number"),
        ({"where": "above", "of": "quantity", "values": ("many",)}, "step_not_a_number"),
        ({"where": "above", "of": "ordered_at", "values": ("3/4/2024",)}, "step_not_a_day"),
        (
            {"action": "recode", "field": "city", "where": "missing", "of": "city", "pairs": (("a", "b"),)},
            "step_incomplete",
        ),
        ({"action": "recode", "field": "city", "where": "always"}, "step_incomplete"),
        ({"action": "recode", "field": "customer_id", "where": "always", "pairs": (("a", "b"),)}, "step_personal"),
        ({"where": "one_of", "of": "customer_id", "values": ("17850",)}, "step_personal"),
        ({"table": "customers", "where": "contains", "of": "email", "values": ("ann@",)}, "step_personal"),
    ],
)
def test_a_step_that_cannot_be_made_is_refused_when_it_is_written(choice: dict[str, Any], code: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        Step(**choice)
    assert refused.value.code == code
    assert f"error.{code}" in load()


STEPS = (
    Step("scale", field="unit_price", where="flagged", of="unit_jump", to="0.01"),
    Step("replace", field="city", where="one_of", of="city", values=("台北",), to="Taipei"),
    Step("set_aside", where="below", of="unit_price", values=("2",)),
)


def test_the_same_recipe_on_the_same_file_gives_the_same_digest_whatever_the_order_of_rows() -> None:
    head, *lines = ORDERS.splitlines(keepends=True)
    random.Random(3).shuffle(lines)
    first, again, shuffled = repaired(*STEPS), repaired(*STEPS), repaired(*STEPS, text=head + "".join(lines))
    assert (first.key, first.dataset.key) == (again.key, again.dataset.key)
    assert first.ledger.equals(shuffled.ledger)
    assert first.dataset.tables["transactions"].equals(shuffled.dataset.tables["transactions"])
    assert repaired().dataset.key != first.dataset.key


def test_a_recipe_is_saved_with_the_work_and_never_stands_in_a_link_to_own_files() -> None:
    work = Workspace(world="", quality=QualitySpec(steps=STEPS))
    assert from_json(to_json(work)) == (work, ())
    assert from_link(to_link(work))[0].quality.steps == ()
    sample = Workspace(quality=QualitySpec(steps=STEPS))
    assert from_link(to_link(sample))[0].quality.steps == STEPS
    with pytest.raises((msgspec.ValidationError, AnalysisError)):
        msgspec.convert({"action": "delete"}, Step, strict=True)
    with pytest.raises(AnalysisError) as refused:
        QualitySpec(steps=STEPS * 20)
    assert refused.value.code == "too_many_steps"


def test_what_is_found_is_proposed_as_a_step_and_the_step_mends_it() -> None:
    result = repaired()
    (step,) = proposed_steps(result.report)
    assert step == Step("recode", field="city", where="always", pairs=(("台北", "Taipei"),))
    mended = repaired(step)
    assert set(column(mended, "city")) == {"Taipei", "Tainan", None}
    assert not mended.report.find("other_spellings")
    assert not proposed_steps(mended.report)


@pytest.mark.parametrize(
    ("examples", "prefixes"),
    [
        (("C-000377 → 377", "C-000451 → 451"), ("C-", "0")),
        (("000377 → 377",), ("0",)),
        (("M377 → 377", "N451 → 451"), None),  # more than one beginning: a person decides
        (("C-000377 → 377", "C-1451 → 1451"), ("C-", "0")),
        (("A1 → B1",), None),
    ],
)
def test_ids_with_another_beginning_are_proposed_without_it(
    examples: tuple[str, ...], prefixes: tuple[str, ...] | None
) -> None:
    issue = Issue(
        "ids_written_otherwise", "check", "transactions", "customer_id", 9, 1.0, None, examples, "keep", "b.csv"
    )
    steps = proposed_steps(QualityReport((issue,), ()))
    assert [step.prefixes for step in steps] == ([prefixes] if prefixes else [])


def test_ids_that_lost_their_beginning_are_proposed_without_it_in_the_other_tables() -> None:
    told = ("377 → C000377", "1451 → C001451")
    issue = Issue("ids_written_otherwise", "check", "contacts", "customer_id", 9, 1.0, None, told, "keep", "b.csv")
    balances = tuple(SourceBalance(f"{name}.csv", name, 1, 1, 0, 0) for name in ("contacts", "customers", "series"))
    (step,) = proposed_steps(QualityReport((issue,), balances))
    assert (step.action, step.table, step.field, step.prefixes) == (
        "strip_start",
        "customers",
        "customer_id",
        ("C", "0"),
    )


def test_a_renamed_category_is_proposed_under_its_new_name() -> None:
    issue = Issue(
        "category_renamed", "check", "transactions", "channel", 9, 1.0, None, ("Web → Online (2025-03-01)",), "keep", ""
    )
    (step,) = proposed_steps(QualityReport((issue,), ()))
    assert (step.action, step.field, step.pairs) == ("recode", "channel", (("Web", "Online"),))


words = st.sampled_from(["Tea", "Pot", "Taipei", "Tainan", "台北", "1", "20", "2024-01-03"])
fields = st.sampled_from(["city", "product", "quantity", "unit_price", "ordered_at", "amount", "country"])


@st.composite
def steps(draw: Any) -> Step:
    """Any step that may be written."""
    where = draw(st.sampled_from(["one_of", "below", "above", "contains", "missing", "always"]))
    action = draw(st.sampled_from(["set_aside", "empty", "replace", "scale"]))
    values = (draw(words),) if where in ("one_of", "below", "above", "contains") else ()
    field = "" if action == "set_aside" else draw(fields)
    to = "3" if action == "replace" else draw(st.sampled_from(["2", "0.01", "-1"])) if action == "scale" else ""
    try:
        return Step(action, "transactions", field, where, "" if where == "always" else draw(fields), values, to)
    except AnalysisError:
        return Step("empty", "transactions", "city", "missing", "product")


@settings(max_examples=60, deadline=None)
@given(st.lists(steps(), max_size=4))
def test_the_balance_and_the_ledger_hold_for_any_recipe(recipe: list[Step]) -> None:
    result = repaired(*recipe)
    (balance,) = result.report.balances
    assert balance.rows_in == balance.kept + balance.quarantined + balance.merged == 6
    ledger = result.ledger
    assert ledger["rows_after"][:-1].to_list() == ledger["rows_before"][1:].to_list()
    assert ledger["revenue_after"][:-1].to_list() == ledger["revenue_before"][1:].to_list()
    orders = result.dataset.tables.get("transactions")
    left = (0, 0) if orders is None else (orders.height, orders["amount"].sum())
    assert (ledger["rows_after"][-1], ledger["revenue_after"][-1]) == left
