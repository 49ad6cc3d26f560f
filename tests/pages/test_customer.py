"""One customer's page: found, picked, stepped to, linked to, erased, unknown; with one poor file and without data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES, words_for
from analytics.portrait import PortraitSpec
from analytics.workspace import Workspace, from_json, from_link, to_json, to_link

ROOT = Path(__file__).parents[2]
EN = words_for("en")
MINIMAL = "order_id,customer_id,order_date,amount\n" + "\n".join(
    f"{i},{'abc'[i % 3]}{i % 7},2025-{1 + i % 12:02d}-{1 + i % 27:02d},{10 + i}.50" for i in range(80)
)


def app(page: str, workspace: Workspace | None = None) -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=180)
    if workspace is not None:
        test.query_params["s"] = to_link(workspace)
    return go(test.run(), page)


def own_file(text: str, name: str = "orders.csv") -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=180)
    test.query_params["s"] = to_link(Workspace(world=""))
    test.run()
    return test.file_uploader(key="files").set_value([(name, text.encode(), "text/csv")]).run()


def go(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"app_pages/{page}.py").run()


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def assert_sound(test: AppTest) -> None:
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []


def test_the_first_of_the_list_is_shown_and_others_are_a_step_away() -> None:
    test = app("customer")
    assert_sound(test)
    first = test.selectbox(key="customer.listed").value
    assert test.header[0].value == f"{first}: in the top 1% by revenue"
    assert {"Revenue", "Orders", "Days of silence", "Stage"} <= set(figures(test))
    assert test.button(key="customer.previous").disabled
    test.button(key="customer.next-one").click().run()
    assert_sound(test)
    second = test.selectbox(key="customer.listed").value
    assert second != first
    assert test.header[0].value.startswith(f"{second}:")
    test.button(key="customer.previous").click().run()
    assert test.header[0].value.startswith(f"{first}:")
    test.button(key="undo").click().run()
    assert test.header[0].value.startswith(f"{second}:")


def test_a_customer_is_found_by_id_and_stays_on_return() -> None:
    test = app("customer")
    test.text_input(key="customer.search").set_value("c0002084").run()
    assert_sound(test)
    assert test.header[0].value.startswith("C0002084:")
    assert figures(test)["Orders"] == "45"
    go(test, "upload")
    go(test, "customer")
    assert test.header[0].value.startswith("C0002084:")
    test.text_input(key="customer.search").set_value("nobody at all").run()
    assert_sound(test)
    assert test.header[0].value.startswith("C0002084:"), "who is not found changes nothing"
    assert "No customer has an id like this" in " ".join(item.value for item in test.markdown)


@pytest.mark.parametrize("pick", ["decline", "border", "random"])
def test_each_list_gives_customers(pick: Any) -> None:
    test = app("customer", Workspace(portrait=PortraitSpec(pick=pick)))
    assert_sound(test)
    assert len(test.selectbox(key="customer.listed").options) == 50
    if pick == "random":
        before = test.header[0].value
        test.button(key="customer.draw").click().run()
        assert_sound(test)
        assert test.header[0].value != before


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_link_to_a_world_opens_its_customer_in_its_language(language: Any) -> None:
    test = app("customer", Workspace(language=language, customer="C0000150"))
    assert_sound(test)
    assert test.title[0].value == words_for(language)("One customer")
    assert test.header[0].value.startswith("C0000150")
    assert re.search(r"[\u4e00-\u9fff]", test.header[0].value)
    assert len(test.metric) >= 4


def test_every_figure_shows_its_rows() -> None:
    test = app("customer", Workspace(customer="C0002084"))
    assert test.selectbox(key="customer.figure").value == "revenue"
    markdown = " ".join(item.value for item in test.markdown)
    n_rows = int(re.findall(r"\*\*(\d+) rows\*\*", markdown)[0])
    held = [frame.value for frame in test.dataframe if len(frame.value) == n_rows and "amount" in frame.value.columns]
    assert len(held) == 1
    assert f"{held[0]['amount'].sum():,.0f}" == figures(test)["Revenue"].removeprefix("NT$")
    test.selectbox(key="customer.figure").set_value("n_contacts").run()
    assert_sound(test)
    assert "3 rows" in " ".join(item.value for item in test.markdown)


def test_an_unknown_customer_is_told_and_another_can_be_picked() -> None:
    test = app("customer", Workspace(customer="<b>nobody</b>"))
    assert [item.value for item in test.exception] == []
    said = " ".join(item.value for item in test.warning)
    assert EN.phrase("error.customer_unknown") in said
    assert "nobody" not in said
    other = test.selectbox(key="customer.listed").options[1]
    test.selectbox(key="customer.listed").set_value(other.partition(" ")[0]).run()
    assert_sound(test)
    assert test.header[0].value.startswith(other.partition(" ")[0])


def test_as_of_before_a_customer_came_they_are_unknown() -> None:
    from datetime import date

    from analytics.population import PopulationSpec

    early = Workspace(customer="C0002993", population=PopulationSpec(as_of=date(2025, 6, 30)))
    test = app("customer", early)
    assert EN.phrase("error.customer_unknown") in " ".join(item.value for item in test.warning)


def test_one_poor_file_is_enough_and_its_ids_stay_in_the_session() -> None:
    test = own_file(MINIMAL)
    go(test, "customer")
    assert_sound(test)
    chosen = test.selectbox(key="customer.listed").value
    test.button(key="customer.next-one").click().run()
    assert_sound(test)
    assert figures(test)["Orders"]
    link = [item.value for item in test.code if "?s=" in item.value]
    assert link == []
    workspace = Workspace(world="", customer=chosen)
    assert from_link(to_link(workspace))[0].customer == ""
    assert chosen.encode() not in to_json(workspace)
    assert from_json(to_json(Workspace(customer="C0002084")))[0].customer == "C0002084"
    tampered = to_json(Workspace(customer="C1")).replace(b'"customer"', b'"world": "", "customer"')
    assert from_json(tampered)[0].customer == ""


def test_an_erased_customer_is_gone_from_page_choices_and_undo() -> None:
    test = own_file(MINIMAL)
    go(test, "customer")
    test.button(key="customer.next-one").click().run()
    gone = test.selectbox(key="customer.listed").value
    go(test, "privacy")
    test.text_input(key="erase-id").set_value(gone).run()
    test.checkbox(key="erase-sure").check().run()
    test.button(key="erase").click().run()
    assert_sound(test)
    go(test, "customer")
    assert_sound(test)
    assert gone not in " ".join(test.selectbox(key="customer.listed").options)
    assert not test.header[0].value.startswith(f"{gone}:")
    test.button(key="undo").click().run()
    assert not any(gone in str(item.value) for item in [*test.header, *test.warning])
    test.text_input(key="customer.search").set_value(gone).run()
    assert "No customer has an id like this" in " ".join(item.value for item in test.markdown)


def test_ids_that_are_addresses_are_shown_as_pseudonyms() -> None:
    text = re.sub(r",([abc])(\d),", r",\1\2@example.org,", MINIMAL)
    test = own_file(text)
    go(test, "customer")
    assert_sound(test)
    chosen = test.selectbox(key="customer.listed").value
    assert chosen.startswith("P-")
    words = " ".join(str(item.value) for kind in ("header", "markdown", "subheader") for item in getattr(test, kind))
    assert "example.org" not in words
    test.text_input(key="customer.search").set_value("a1@example.org").run()
    assert "No customer has an id like this" in " ".join(item.value for item in test.markdown)
