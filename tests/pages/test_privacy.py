"""The Privacy page, and that no planted identifier leaves by a page's download, the link or the saved choices."""

from __future__ import annotations

import io
import logging
import random
import zipfile
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.workspace import to_json, to_link
from app_pages.ui import page
from tests.pages.test_pages import app, assert_sound, figures, go
from tests.pages.test_uploads import opened, upload

PEOPLE = 60


def files() -> tuple[list[tuple[str, bytes]], set[str]]:
    """Members, orders and reviews with planted identifiers, one row of each set aside."""
    rng, planted = random.Random(5), set()
    members, orders, reviews = ["会员编号,姓名,邮箱,手机,城市"], ["order_id,customer_id,order_date,amount"], []
    reviews = ["customer_id,date,rating,comment"]
    for i in range(PEOPLE):
        name = rng.choice("王李張陳林") + rng.choice("晓雅俊淑") + rng.choice("萱豪芬傑")
        mail, phone = f"planted{i}@secret.example.org", f"139{rng.randint(10_000_000, 99_999_999)}"
        planted |= {name, mail, phone}
        members.append(f"M{i:03d},{name},{mail},{phone},{rng.choice(('上海', '台北'))}")
        for _n in range(rng.randint(1, 6)):
            day = f"2025-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            orders.append(f"{len(orders)},M{i:03d},{day},{rng.randint(5, 90)}.50")
        reviews.append(f"M{i:03d},2025-06-01,{rng.randint(1, 5)},{name} says: call {phone} or write {mail}")
    orders.append("9999,planted0@secret.example.org,not a day,12.00")
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


def walked(test: AppTest) -> None:
    for step in page.STEPS:
        go(test, step.name)
        assert [item.value for item in test.exception] == [], step.name


def test_no_identifier_in_any_download_link_or_saved_choice(downloads: list[bytes]) -> None:
    given, planted = files()
    test = upload(opened(), *given)
    walked(test)
    assert len(downloads) >= 8
    texts = [plain(data) for data in downloads]
    assert any("P-" in text for text in texts)
    assert sorted(value for value in planted if any(value in text for text in texts)) == []
    workspace = test.session_state["workspace"]
    saved = to_json(workspace).decode() + to_link(workspace)
    assert [value for value in planted if value in saved] == []
    secret = test.session_state["secret"].value
    assert secret.hex() not in saved
    assert all(secret.hex() not in text for text in texts)


def test_the_owner_gets_the_original_ids_and_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    given, planted = files()
    test = go(upload(opened(), *given), "privacy")
    assert_sound(test)
    assert figures(test)["With personal data"] == "4"
    test.toggle(key="prepare-owner").set_value(True).run()
    assert_sound(test)
    with caplog.at_level(logging.INFO, logger="regulars"):
        next(button for button in test.download_button if button.key == "owner-list").click().run()
    assert f"by its owner: {PEOPLE} customers" in caplog.text
    assert not [value for value in planted if value in caplog.text]


def test_erasing_is_everywhere_and_final() -> None:
    given, _planted = files()
    test = go(upload(opened(), *given), "privacy")
    test.text_input(key="erase-id").set_value("nobody").run()
    test.checkbox(key="erase-sure").set_value(True).run()
    test.button(key="erase").click().run()
    assert figures(test)["Erased customers"] == "0"
    assert any("No customer has this id" in item.value for item in test.warning)
    test.text_input(key="erase-id").set_value("M007").run()
    test.checkbox(key="erase-sure").set_value(True).run()
    test.button(key="erase").click().run()
    assert_sound(test)
    assert figures(test)["Erased customers"] == "1"
    assert "M007" not in str(test.session_state["erased"])
    go(test, "validation")
    balance = next(item.value for item in test.dataframe if "erased" in item.value.columns)
    total = balance["kept"] + balance["quarantined"] + balance["merged"] + balance["erased"]
    assert total.tolist() == balance["rows_in"].tolist()
    assert balance["erased"].sum() >= 3
    assert "Undo" in " ".join(button.label for button in test.button)


def test_the_choices_of_privacy_are_choices_like_others() -> None:
    test = app("privacy")
    test.segmented_control(key="privacy.pseudonymise_ids").set_value(True).run()
    assert_sound(test)
    assert "pseudonyms on every page" in " ".join(item.value for item in test.markdown)
    test.selectbox(key="privacy.k").set_value(30).run()
    assert figures(test)["Smallest group exported"] == "30"
    test.button(key="undo").click().run()
    assert figures(test)["Smallest group exported"] == "10"
