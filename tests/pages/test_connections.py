"""The Upload page's panel for what is on the server: shown only where configured, and never a way round it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from analytics.connecting import digest_file
from analytics.mapping import header_signature
from analytics.reading import read
from analytics.workspace import SourceRef, Workspace, to_json, to_link

ROOT = Path(__file__).parents[2]
ROWS = "".join(f"O{i},C{i % 9},2024-03-{i % 28 + 1:02d} 10:00:00,Tea,{i % 3 + 1},{i}.50\n" for i in range(300))
DATA = "order_id,customer_id,order_date,product,quantity,amount\n" + ROWS


def opened() -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world=""))
    return test.run()


def test_nothing_is_offered_without_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGULARS_DATA_FOLDER", raising=False)
    test = opened()
    assert not test.exception
    assert "From the server" not in [item.label for item in test.expander]


def test_a_file_of_the_folder_is_read_and_validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.csv").write_text(DATA)
    (tmp_path / "out.csv").symlink_to(ROOT / "pyproject.toml")
    monkeypatch.setenv("REGULARS_DATA_FOLDER", str(tmp_path))
    test = opened()
    choice = test.selectbox(key="folder-file")
    assert choice.options == ["shop.csv · 0.1 MB"]
    assert test.button(key="folder-use").disabled
    choice.set_value("shop.csv").run()
    test.button(key="folder-use").click().run()
    assert not test.exception
    assert "300" in " ".join(str(metric.value) for metric in test.metric)
    assert str(tmp_path) not in repr(test.main)
    test.switch_page("app_pages/validation.py").run()
    assert not test.exception
    assert any("300" in str(metric.value) for metric in test.metric)
    test.switch_page("app_pages/upload.py").run()
    (tmp_path / "shop.csv").unlink()
    test.selectbox(key="folder-file").set_value(None).run()
    assert not test.exception


def test_saved_choices_find_the_folders_file_again_and_next_months(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.csv").write_text(DATA)
    monkeypatch.setenv("REGULARS_DATA_FOLDER", str(tmp_path))

    def chosen() -> AppTest:
        test = opened()
        test.file_uploader(key="choices").set_value([("saved.json", kept, "application/json")]).run()
        assert any("not here" in item.value for item in test.subheader)
        test.selectbox(key="folder-file").set_value("shop.csv").run()
        test.button(key="folder-use").click().run()
        assert not test.exception
        return test

    digest = digest_file(tmp_path / "shop.csv")
    signature = header_signature(read(DATA.encode(), "shop.csv"))
    kept = to_json(Workspace(world="", sources=(SourceRef("shop.csv", digest, signature=signature),)))
    again = chosen()
    assert not any("already here" in item.value for item in again.warning)
    assert not any("not here" in item.value for item in again.subheader)
    (tmp_path / "shop.csv").write_text(DATA.replace("2024-03", "2024-04"))
    later = chosen()
    assert not any("not here" in item.value for item in later.subheader)
    assert [item.digest for item in later.session_state["workspace"].sources] == [digest_file(tmp_path / "shop.csv")]


def test_a_folder_that_is_not_there_is_told_without_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_DATA_FOLDER", "/nowhere/at/all")
    test = opened()
    assert not test.exception
    assert "/nowhere" not in repr(test.main)
    assert any("folder cannot be read" in item.value for item in [*test.error, *test.warning, *test.markdown])


def test_a_database_that_does_not_answer_is_told_without_its_address() -> None:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world=""))
    address = {"url": "postgresql://reader:s3cret@127.0.0.1:1/shop"}
    test.secrets["connections"] = {"shop": address, "odd": {"url": "ftp://x"}}
    test.run()
    choice = test.selectbox(key="connection")
    assert choice.options == ["shop"]
    choice.set_value("shop").run()
    assert not test.exception
    shown = repr(test.main)
    assert "s3cret" not in shown
    assert "127.0.0.1:1" not in shown
    assert any("does not answer" in item.value for item in [*test.error, *test.warning, *test.markdown])
