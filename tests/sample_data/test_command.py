from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from sample_data.__main__ import main


def test_the_command_writes_a_world(tmp_path: Path, folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "sample_data", "--world", "marketplace", "--customers", "60"]
    done = subprocess.run(
        [*command, "--seed", "3", "--out", str(tmp_path / "new")],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "60 customers, seed 3" in done.stdout
    assert done.stderr == ""
    assert pl.read_parquet(tmp_path / "new" / "marketplace" / "customers.parquet").height == 60
    assert (tmp_path / "new" / "truth" / "marketplace" / "truth.json").exists()


def test_the_command_writes_the_dirty_variant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--variant", "dirty", "--customers", "50", "--out", str(tmp_path)]) == 0
    assert "members_big5.csv" in capsys.readouterr().out
    assert {p.name for p in tmp_path.iterdir()} == {"marketplace_dirty", "truth"}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (["--customers", "10"], "between 50 and"),
        (["--customers", "many"], "invalid int"),
        (["--variant", "dirty", "--customers", "60000"], "50000 (dirty)"),
        (["--seed", "-1"], "must not be negative"),
        (["--world", "moon"], "invalid choice"),
    ],
)
def test_impossible_wishes_are_explained(
    wish: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*wish, "--out", str(tmp_path / "never")])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "never").exists()


def test_a_file_in_the_way_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(SystemExit):
        main(["--customers", "50", "--out", str(tmp_path / "taken")])
    assert "not a folder" in capsys.readouterr().err
