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


def brought() -> None:
    """Files as the upload widget gives them, each with an id of its own, taken in one run after the other."""
    import streamlit as st
    from streamlit.proto.Common_pb2 import FileURLs
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

    from app_pages.ui import session

    here = get_script_run_ctx()
    assert here is not None
    manager, urls = here.uploaded_file_mgr, FileURLs()

    def held() -> dict[str, UploadedFileRec]:
        return {rec.file_id: rec for rec in manager.get_files(here.session_id, list("abcdef"))}

    def bring(file_id: str, name: str, rows: str) -> None:
        data = ("order_id,customer_id,order_date,amount\n" + rows).encode()
        manager.add_file(here.session_id, UploadedFileRec(file_id, name, "text/csv", data))

    def receive(*ids: str) -> None:
        session.receive([UploadedFile(rec, urls) for file_id, rec in held().items() if file_id in ids])
        named = ", ".join(source.name for source in session.workspace().sources)
        bytes_held = ", ".join(f"{file_id} {len(rec.data)}" for file_id, rec in held().items())
        st.markdown(f"{named} | {bytes_held}")

    session.start()
    bring("a", "one.csv", "A1,C1,2024-01-01,5.00\n")
    receive("a")
    bring("b", "same.csv", "A1,C1,2024-01-01,5.00\n")  # byte by byte the first one
    receive("a", "b")
    receive("b")  # the first is taken out: the file stays, for the second is it too
    bring("c", "two.csv", "A2,C1,2024-01-02,5.00\n")
    bring("d", "three.csv", "A3,C1,2024-01-03,5.00\n")
    bring("e", "four.csv", "A4,C1,2024-01-04,5.00\n")
    receive("b", "c", "d", "e")  # one source of three files, which may have to be made anew
    receive("b", "c", "d")
    session.change(sources=())
    session.note("uploader", {})  # other work is opened: what the widget still shows is not its own
    bring("f", "five.csv", "A5,C1,2024-01-05,5.00\n")
    receive("b", "c", "d", "f")


def test_what_is_in_the_store_is_not_in_memory_as_well() -> None:
    test = AppTest.from_function(brought, default_timeout=60).run()
    assert not test.exception
    size = len(HEAD + "A1,C1,2024-01-01,5.00\n")
    assert [item.value for item in test.markdown] == [
        "one.csv | a 0",
        "one.csv | a 0, b 0",
        "one.csv | a 0, b 0",
        f"one.csv, two.csv (+2) | a 0, b 0, c {size}, d {size}, e {size}",
        f"one.csv, two.csv (+1) | a 0, b 0, c {size}, d {size}, e {size}",
        f"five.csv | a 0, b 0, c {size}, d {size}, e {size}, f 0",
    ]
