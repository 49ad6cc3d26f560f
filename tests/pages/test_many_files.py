"""Many files at once, archives, baskets and a session's share of the server, as a person meets them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import words_for
from analytics.workspace import Workspace, to_link

ROOT = Path(__file__).parents[2]
HEAD = "order_id,customer_id,order_date,amount\n"
File = tuple[str, bytes]


def day(n: int) -> File:
    lines = "".join(f"A{n}-{i},C{i % 7},2024-01-{n:02d},{10 + i}.50\n" for i in range(30))
    return f"2024-01-{n:02d}.csv", (HEAD + lines).encode()


def opened() -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world=""))
    test.run()
    return test.switch_page("app_pages/upload.py").run()


def upload(test: AppTest, *files: File) -> AppTest:
    return test.file_uploader(key="files").set_value([(name, data, "text/csv") for name, data in files]).run()


def sources(test: AppTest) -> list[str]:
    return [source.name for source in test.session_state["workspace"].sources]


def said(test: AppTest) -> str:
    assert [item.value for item in test.exception] == []
    kinds = ("header", "subheader", "markdown", "caption", "warning", "error", "info")
    return "\n".join(str(item.value) for kind in kinds for item in getattr(test, kind))


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def test_files_of_one_shape_uploaded_together_are_one_source_and_one_can_be_taken_out() -> None:
    people = ("people.csv", b"customer_id,birth_year\n" + b"".join(b"C%d,1980\n" % i for i in range(7)))
    test = upload(opened(), day(1), people, day(2), day(3))
    assert sources(test) == ["2024-01-01.csv (+2)", "people.csv"]
    test.switch_page("app_pages/validation.py").run()
    assert figures(test)["Rows in"] == "97"
    test.switch_page("app_pages/upload.py").run()
    test = upload(opened(), day(1), day(2), day(3))
    state = test.file_uploader(key="files").value
    assert len(state) == 3
    # Streamlit's test element gives every file a new id: what is left comes back as new, and the old source leaves.
    upload(test, day(1), day(3))
    assert sources(test) == ["2024-01-01.csv (+1)"]
    test.switch_page("app_pages/validation.py").run()
    assert figures(test)["Rows in"] == "60"


def test_an_archive_opens_and_its_kinds_of_files_can_be_chosen() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (day(1), day(2), ("people.csv", b"customer_id,birth_year\nC1,1980\nC2,1990\n")):
            archive.writestr(name, data)
    test = upload(opened(), ("all.zip", buffer.getvalue()))
    assert words_for("en").phrase("caveat.one_shape_of_many", n=2) in said(test)
    choice = next(item for item in test.multiselect if item.key.startswith("sheets-"))
    choice.set_value(["2024-01-01.csv (+1)", "people.csv"]).run()
    test.switch_page("app_pages/validation.py").run()
    assert figures(test)["Rows in"] == "62"


def test_baskets_open_and_can_be_read_as_a_table() -> None:
    lines = "\n".join(["tea,milk", "milk,bread,tea", "bread", "tea", "milk,tea", "bread,milk"] * 5)
    test = upload(opened(), ("baskets.csv", lines.encode()))
    assert words_for("en").phrase("caveat.baskets_split") in said(test)
    assert figures(test)["Rows"] == "55"
    layout = next(box for box in test.selectbox if box.key and box.key.startswith("layout-"))
    assert layout.value == "auto"
    layout.set_value("table").run()
    assert figures(test)["Rows"] == "30"


def test_a_session_has_its_share_and_what_it_no_longer_needs_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_SESSION_MB", "1")
    big = (HEAD + "A1,C1,2024-01-01,5.00\n" * 35_000).encode()
    test = upload(opened(), day(1), ("big.csv", big[:700_000]))
    assert len(sources(test)) == 1
    test = upload(
        test, ("big.tsv", big.replace(b",", b"\t")[:700_000]), ("more.csv", big.replace(b",", b";")[:700_000])
    )
    assert sources(test) == ["big.tsv"], "the files that left made room for one of the new ones"
    assert "does not fit" in said(test)
    test = upload(test, ("other.csv", big.replace(b"C1", b"C2")[:700_000]))
    assert sources(test) == ["other.csv"]
    assert "does not fit" not in said(test)
