"""The Privacy page, and that no planted identifier leaves by a page's download, the link or the saved choices."""

from __future__ import annotations

import base64
import gc
import io
import logging
import pickle
import random
import re
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.workspace import to_json, to_link
from app_pages.ui import crossing, page
from app_pages.ui.compute import engine
from app_pages.ui.crossing import dumps
from app_pages.ui.steps import STEPS
from tests.pages.test_pages import app, assert_sound, figures, go, number
from tests.pages.test_uploads import opened, upload
from tests.test_privacy import card, resident_id, taiwan_id

PEOPLE = 60
TWICE = 5  # people who are there twice, under another address


def files(seed: int = 5) -> tuple[list[tuple[str, bytes]], set[str]]:
    """Members whose id is their address, orders and reviews, with every kind of identifier planted: in columns that say
    so, in columns that do not, inside texts and in rows that are set aside. Gives the files and what was planted.
    """
    rng, planted = random.Random(seed), set()
    members = ["会员编号,姓名,邮箱,手机,城市,身份证号,住址,银行卡号,備註"]
    orders, reviews = ["order_id,customer_id,order_date,amount"], ["customer_id,date,rating,comment"]
    for i in range(PEOPLE + TWICE):
        twin = i >= PEOPLE
        if not twin:
            name = rng.choice("王李張陳林") + rng.choice("晓雅俊淑") + rng.choice("萱豪芬傑")
            phone, street = f"139{rng.randint(10_000_000, 99_999_999)}", f"上海市延安西路{rng.randint(1000, 9999)}号"
            person, number, tw = resident_id(rng), card(rng), taiwan_id(rng)
        mail = f"planted{i}@s{seed}.example.org"
        planted |= {name, mail, phone, street, person, number, tw}
        note = f"personal number {tw}"
        members.append(
            f"{mail},{name},{mail},{phone},{('上海', '台北')[len(planted) % 2]},{person},{street},{number},{note}"
        )
        for _n in range(rng.randint(1, 6)):
            day = f"2025-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            orders.append(f"{len(orders)},{mail},{day},{rng.randint(5, 90)}.50")
        reviews.append(f"{mail},2025-06-01,{rng.randint(1, 5)},{name} says: call {phone} or write {mail} to {street}")
        reviews.append(f"{mail},2025-06-02,{rng.randint(1, 5)},my card {number} and {person} ({tw}) were charged twice")
    orders.append(f"9999,planted0@s{seed}.example.org,not a day,12.00")
    orders.append(orders[1])  # the same line again: merged, by its row number
    return [
        (name, "\n".join(lines).encode())
        for name, lines in (("members.csv", members), ("orders.csv", orders), ("reviews.csv", reviews))
    ], planted


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that a download button would give, made at once."""
    made: list[bytes] = []

    def now(make: Any, *inputs: Any) -> bytes:
        made.append(make(*inputs))
        return made[-1]

    monkeypatch.setattr(page, "_deferred", now)
    return made


def plain(data: bytes) -> str:
    if data[:2] != b"PK":
        return data.decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return "\n".join(book.read(name).decode("utf-8", "ignore") for name in book.namelist())


def shown(test: AppTest) -> bytes:
    """Everything the browser got for the page: texts, tables, charts with their data, the options of lists."""
    return b"\n".join(
        element.proto.SerializeToString() for element in test if getattr(element, "proto", None) is not None
    )


def found_in(planted: set[str], given: bytes | str) -> list[str]:
    data = given.encode() if isinstance(given, str) else given
    forms = {value: {value.encode(), value.encode("unicode_escape"), value.encode("utf-16-le")} for value in planted}
    return sorted(value for value, written in forms.items() if any(form in data for form in written))


def test_no_identifier_in_any_download_link_saved_choice_or_later_page(downloads: list[bytes]) -> None:
    given, planted = files()
    test = go(upload(opened(), *given), "integration")
    assert_sound(test)
    assert found_in(planted, shown(test)), "the search sees what is shown: before Privacy the person's own records are"
    test.button(key="pair-accepted").click().run()
    test.button(key="pair-refused").click().run()
    assert number(figures(test)["People"]) == PEOPLE + TWICE - 1
    privacy = [step.name for step in STEPS].index("privacy")
    for i, step in enumerate(STEPS):
        go(test, step.name)
        assert [item.value for item in test.exception] == [], step.name
        if i >= privacy:
            assert found_in(planted, shown(test)) == [], step.name
    assert len(downloads) >= 8
    texts = [plain(data) for data in downloads]
    assert sum("P-" in text for text in texts) >= 4
    assert [found_in(planted, text) for text in texts] == [[]] * len(texts)
    workspace = test.session_state["workspace"]
    assert len(workspace.matching.accepted) == len(workspace.matching.refused) == 1
    saved, link = to_json(workspace).decode(), to_link(workspace)
    packed = base64.urlsafe_b64decode(link + "=" * (-len(link) % 4))
    for written in (saved, link, zlib.decompress(packed)):
        assert found_in(planted, written) == []
    secret = test.session_state["secret"].value
    for written in (saved, link, *texts):
        assert secret.hex() not in written


def test_the_owner_gets_the_original_ids_and_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    given, planted = files()
    test = go(upload(opened(), *given), "privacy")
    assert_sound(test)
    # The ids of three tables; seven columns of members, their notes among them; the texts of reviews.
    assert figures(test)["With personal data"] == "11"
    test.toggle(key="prepare-owner").set_value(True).run()
    assert_sound(test)
    with caplog.at_level(logging.INFO, logger="regulars"):
        next(button for button in test.download_button if button.key == "owner-list").click().run()
    assert f"by its owner: {PEOPLE + TWICE} customers" in caplog.text
    assert not [value for value in planted if value in caplog.text]


def held_by_the_server() -> bytes:
    """Everything in the engine's store and in the folder of frames."""
    with tempfile.TemporaryDirectory() as folder:
        values = [pickle.dumps(key) + dumps(outcome, folder) for key, outcome in list(engine()._store.items())]
        frames = [path.read_bytes() for place in (folder, crossing.folder()) for path in Path(place).iterdir()]
    return b"\n".join([*values, *frames])


def test_erasing_is_everywhere_and_final(downloads: list[bytes]) -> None:
    given, _planted = files(seed=77)
    test = go(upload(opened(), *given), "integration")
    asked = set(re.findall(r"planted\d+@s77\.example\.org", test.selectbox(key="pair").options[0]))
    assert len(asked) == 2
    test.button(key="pair-accepted").click().run()
    go(test, "privacy")
    test.text_input(key="erase-id").set_value("nobody").run()
    test.checkbox(key="erase-sure").set_value(True).run()
    test.button(key="erase").click().run()
    assert figures(test)["Erased customers"] == "0"
    assert any("No customer has this id" in item.value for item in test.warning)
    assert found_in(asked, held_by_the_server()) == sorted(asked), "the search sees what is held"
    test.text_input(key="erase-id").set_value(max(asked)).run()  # the record that was merged into the other
    test.checkbox(key="erase-sure").set_value(True).run()
    test.button(key="erase").click().run()
    assert_sound(test)
    assert figures(test)["Erased customers"] == "1"
    gc.collect()
    downloads.clear()
    for step in ("upload", "validation", "integration", "privacy", "lifecycle"):
        go(test, step)
        assert [item.value for item in test.exception] == [], step
        assert found_in(asked, shown(test)) == [], step
    assert found_in(asked, held_by_the_server()) == []
    assert [found_in(asked, plain(data)) for data in downloads] == [[]] * len(downloads)
    assert found_in(asked, str(test.session_state["erased"])) == []
    go(test, "validation")
    balance = next(item.value for item in test.dataframe if "erased" in item.value.columns)
    total = balance["kept"] + balance["quarantined"] + balance["merged"] + balance["erased"]
    assert total.tolist() == balance["rows_in"].tolist()
    lines = [line.split(",") for _name, data in given for line in data.decode().splitlines()]
    n_rows = sum(1 for cells in lines if asked & set(cells[:2]))
    assert balance["erased"].sum() == n_rows > 6
    test.button(key="undo").click().run()
    assert found_in(asked, shown(test)) == [], "no undo brings them back"


def test_the_choices_of_privacy_are_choices_like_others() -> None:
    test = app("privacy")
    test.segmented_control(key="privacy.pseudonymise_ids").set_value(True).run()
    assert_sound(test)
    assert "pseudonyms on every page" in " ".join(item.value for item in test.markdown)
    test.selectbox(key="privacy.k").set_value(30).run()
    assert figures(test)["Smallest group exported"] == "30"
    test.button(key="undo").click().run()
    assert figures(test)["Smallest group exported"] == "10"
