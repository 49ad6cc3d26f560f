"""Names, texts and values of files that are Markdown, HTML or links stay text on every page.

Every message to the browser is searched, but for the fields that Streamlit draws as plain text.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import escape_markdown, unlinked
from analytics.segmentation import Scenario, SegmentationSpec
from app_pages.ui import session
from app_pages.ui.steps import STEPS
from store import links, people, workspaces
from tests.pages.test_uploads import ROOT, go, opened, upload

HOSTILE = "![x](http://evil.example/i.png)[y](javascript:alert)<img src=http://evil.example/j>"
SHORT = "![x](//e)[y](//e)<img src=//e>"  # where only forty characters are taken
# An image, a link or an element that nothing escapes. Our own texts hold none of them outside lessons.
LIVE = re.compile(r"(?<!\\)!\[|(?<!\\)\]\(|(?<!\\)<(?:img|a |script)|(?<!\\):(?=//)|(?<!\\)\[y")
# What Streamlit draws letter by letter: canvas tables, lists of choices, charts, fields, code, words read aloud.
PLAIN = {
    "Code": {"code_text"},
    "Dataframe": {"alt", "columns", "arrow_data"},
    "FileUploader": {"type"},
    "MultiSelect": {"options", "raw_values"},
    "Selectbox": {"options", "raw_value"},
    "TextArea": {"default", "value", "placeholder"},
    "TextInput": {"default", "value", "placeholder"},
    "VegaLiteChart": {"spec", "datasets", "alt"},
    "Html": {"body"},  # one constant: the page's language
}


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def files(n: int) -> list[tuple[str, bytes]]:
    """Members, orders, reviews, events, campaigns and contacts whose every text is hostile, their names too."""
    rng = random.Random(3)
    bad = quoted(HOSTILE)

    def one_of(*words: str) -> str:
        return quoted(rng.choice(words) + HOSTILE)

    members = ["customer_id,gender,city,country,tier,acquisition_channel,joined_at,left_at,leaving_reason," + bad]
    orders = [
        "order_id,customer_id,order_date,product_id,product,category,quantity,amount,channel,payment_method,country"
    ]
    reviews, events = ["customer_id,date,rating,source,comment"], ["customer_id,occurred_at,event,item,channel"]
    sent = ["customer_id,sent_at,campaign,channel,arm,responded,revenue,cost"]
    contacts = ["customer_id,contacted_at,channel,reason,resolved,wait_s,text"]
    for i in range(n):
        one, left = quoted(f"K{i}{HOSTILE}"), "" if i % 4 else f"2025-{rng.randint(6, 12):02d}-03"
        members.append(
            f"{one},{rng.choice('FM')},{one_of('Taipei', 'Tainan')},{one_of('TW', 'CN')},{one_of('gold', 'base')},"
            f"{one_of('ad', 'shop')},2024-01-{rng.randint(1, 28):02d},{left},{bad if left else ''},{one_of('a', 'b')}"
        )
        for _n in range(rng.randint(1, 9)):
            day, item = (
                f"{rng.choice([2024, 2025])}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
                rng.randint(1, 6),
            )
            orders.append(
                f"{len(orders)},{one},{day},{quoted(f'p{item}' + HOSTILE)},{quoted(f'Thing {item} {HOSTILE}')},"
                f"{quoted(f'Kind {item % 3}' + HOSTILE)},{rng.randint(1, 3)},{rng.randint(5, 90)}.50,"
                f"{one_of('web', 'store')},{one_of('card', 'cash')},{one_of('TW', 'CN')}"
            )
            events.append(f"{one},2025-0{rng.randint(1, 9)}-11 10:00:00,{one_of('view', 'buy')},{bad},{one_of('app')}")
        said = one_of("slow delivery, broken on arrival ")
        reviews.append(f"{one},2025-06-{rng.randint(1, 28):02d},{rng.randint(1, 5)},{one_of('site')},{said}")
        arm = rng.choice(["treatment", "control"])
        sent.append(f"{one},2025-05-01,{one_of('May ')},{one_of('mail')},{arm},{i % 2},{i % 2 * 20},0.5")
        contacts.append(f"{one},2025-05-1{i % 9},call,{one_of('late', 'broken')},{i % 2},30,{one_of('where is it ')}")
    named = {
        "members": members,
        "orders": orders,
        "reviews": reviews,
        "events": events,
        "sent": sent,
        "calls": contacts,
    }
    # A browser's name of a file holds no slash.
    return [(f"{name} {HOSTILE.replace('/', ':')}.csv", "\n".join(lines).encode()) for name, lines in named.items()]


def texts(message: Any, plain: set[str], path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a message with the names of the fields that lead to it."""
    for field, value in message.ListFields():
        if not path and field.name in plain:
            continue
        name = f"{path}.{field.name}"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from ((name, item) for item in value.values() if isinstance(item, str))
            continue
        for item in value if field.is_repeated else [value]:
            if field.message_type is not None:
                yield from texts(item, plain, name)
            elif isinstance(item, str):
                yield name, item
            elif isinstance(item, bytes):
                yield name, item.decode("utf-8", "replace")


def live(test: AppTest) -> list[tuple[str, str]]:
    """What would be an image, a link or an element on this page."""
    found = []
    for element in test:
        message = getattr(element, "proto", None)
        if message is None:
            continue
        kind = type(message).__name__
        for name, text in texts(message, PLAIN.get(kind, set())):
            if "evil.example" in text or "//e" in text:
                found += [(f"{kind}{name}", text[:300])] if LIVE.search(text) else []
    return found


def shown_at_all(test: AppTest) -> bool:
    """Whether the hostile text reaches this page, escaped or plain."""
    return any(b"evil" in element.proto.SerializeToString() for element in test if getattr(element, "proto", None))


def walked(n: int, names: list[str]) -> AppTest:
    test = upload(opened(), *files(n))
    own = tuple((str(i), f"{i}{SHORT}") for i in range(1, 6))
    scenarios = tuple(Scenario(f"{name}{SHORT}", SegmentationSpec(n_segments=i)) for name, i in (("B", 4), ("C", 5)))
    test.session_state["workspace"] = dataclasses.replace(
        test.session_state["workspace"],
        name=HOSTILE,
        segmentation=SegmentationSpec(n_segments=3),
        segment_names=own,
        scenarios=scenarios,
    )
    test.run()
    assert live(test) == []
    for name in names:
        go(test, name)
        assert [item.value for item in test.exception] == [], name
        assert live(test) == [], name
        assert shown_at_all(test), name
        if name == "customer":
            test.text_input(key="customer.search").set_value("K1").run()
            assert test.get("button_group"), "ids like this"
            assert live(test) == []
    return test


def test_the_search_finds_what_is_live() -> None:
    """The check can fail: the same text unescaped, in the places where a slip is most likely."""

    def slips() -> None:
        import streamlit as st

        bad = "![x](http://evil.example/i.png)"
        st.markdown(f"**{bad}**")
        st.button(bad, key="a")
        st.segmented_control("Which", [bad], key="b")
        st.metric(bad, bad)
        st.selectbox("Plain", [bad], key="c")
        st.table({"a": [bad]})
        st.tabs([bad])
        st.expander(bad)
        st.text_input("Field", help=bad, key="d")

    test = AppTest.from_function(slips, default_timeout=60).run()
    kinds = {name.partition(".")[0] for name, _text in live(test)}
    assert {"Markdown", "Button", "ButtonGroup", "Metric", "Table", "TextInput"} <= kinds
    assert "Selectbox" not in kinds


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        SHORT,
        "\\![x](http://evil.example)",
        "\\\\![x](http://evil.example)",
        "[y]: http://evil.example",
        "![x][y]",
        "::red[x](http://evil.example)",
        ":odd[x](http://evil.example)",
        "www.evil.example",
        "a@evil.example",
        "<a href=//evil.example>",
    ],
)
def test_both_sieves_leave_no_link(text: str) -> None:
    linking = re.compile(r"(?<!\\)(?:\\\\)*(?:!\[|\]\(|<[a-z]|:(?=//)|www\.|@\w+\.|\[(?!x\]\\\())")
    assert linking.search(escape_markdown(text)) is None
    assert linking.search(unlinked(text)) is None
    assert unlinked(escape_markdown(text)) == escape_markdown(text).replace("@", "\\@")
    own = ":small[:gray[4 : 5 \\[a\\] NT$3 <3]] **9%** :material/check: :orange-badge[x]"
    assert unlinked(own) == own, "what is our own stays"


def test_hostile_text_stays_text() -> None:
    walked(60, ["upload", "customer", "personas"])


def test_names_of_people_work_and_links_stay_text() -> None:
    """On the pages about the work itself, in the bar, and for whoever comes by a link."""
    test = upload(opened(), *files(20)[1:2])
    store, record = session.store(), test.session_state["visit"].record
    who = people.local_person(store)
    try:
        by = people.set_name(store, who, f"Ann {SHORT}")
        workspaces.rename(store, record.id, f"Plan {HOSTILE}"[: workspaces.MOST_NAME], by)
        shared = links.create_link(
            store, record.id, "view", by, workspace=record.workspace, page="upload", label=HOSTILE
        )
        visitor = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
        visitor.query_params["k"] = shared[1]
        again = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
        again.query_params["w"] = record.id
        for one in (again, visitor):
            one.run()
            for name in ("upload", "workspaces", "operations"):
                go(one, name)
                assert [item.value for item in one.exception] == [], name
                assert live(one) == [], name
            assert shown_at_all(one)
    finally:
        people.set_name(store, who, "")


@pytest.mark.slow
def test_hostile_text_stays_text_on_every_page() -> None:
    """Passed on all 19 pages."""
    walked(120, [step.name for step in STEPS])
