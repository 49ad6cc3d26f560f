"""Columns in files: the same values, nothing left behind, only where a folder was named."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from analytics import mapped
from analytics.mapped import by_pieces, keep, keep_pieces, keeping, let_go, map_frame, path_behind, pieces

N = 2500
COLUMNS = [
    pl.Series("number", range(N), dtype=pl.Int64),
    pl.Series("real", [None if i % 7 == 0 else i / 3 for i in range(N)], dtype=pl.Float64),
    pl.Series("text", [None if i % 5 == 0 else "x" * (i % 40) + str(i) for i in range(N)]),
    pl.Series("time", [datetime(2024, 1, 1) + timedelta(minutes=i) for i in range(N)], dtype=pl.Datetime("us")),
]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "PIECE", 1000)
    monkeypatch.setattr(mapped, "LARGE", 1000)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_kept_column_is_equal_and_has_left_memory(column: pl.Series, tmp_path: Path) -> None:
    with keeping(str(tmp_path)):
        found = keep(column)
    assert found is not column
    assert found.equals(column, null_equal=True)
    let_go()
    assert found.reverse().equals(column.reverse(), null_equal=True)
    assert not list(tmp_path.iterdir())


def test_without_a_folder_and_small_columns_stay(tmp_path: Path) -> None:
    assert keep(COLUMNS[0]) is COLUMNS[0]
    with keeping(str(tmp_path)):
        small = COLUMNS[0].head(10)
        assert keep(small) is small
        mask = COLUMNS[0] > 3
        assert keep(mask) is mask
    assert keep_pieces([COLUMNS[0].head(5), COLUMNS[0].slice(5)]).equals(COLUMNS[0])


def test_pieces_are_the_whole() -> None:
    frame = pl.DataFrame(COLUMNS)
    assert [len(piece) for piece in pieces(frame)] == [1000, 1000, 500]
    assert pl.concat(pieces(frame)).equals(frame)
    assert by_pieces(frame, lambda piece: piece["number"] * 2).equals(COLUMNS[0] * 2)
    assert by_pieces(frame, lambda piece: piece["number"] > 7).to_list() == [i > 7 for i in range(N)]


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def parts() -> object:
        yield COLUMNS[0].head(5)
        raise ValueError

    with keeping(str(tmp_path)), pytest.raises(ValueError):
        keep_pieces(parts())
    assert not list(tmp_path.iterdir())


def test_some_columns_of_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "frame.arrow")
    pl.DataFrame(COLUMNS).write_ipc(path, compression="uncompressed")
    frame = map_frame(path, owner=True, columns=("text", "number"))
    assert frame.equals(pl.DataFrame(COLUMNS).select("text", "number"))
    assert path_behind(frame) == path
    del frame
    gc.collect()
    assert not Path(path).exists()


def test_columns_stand_beside_a_frame_in_its_parts() -> None:
    frame = pl.concat([pl.DataFrame(COLUMNS).head(700), pl.DataFrame(COLUMNS).slice(700)], rechunk=False)
    beside = mapped.beside(frame, (COLUMNS[0] > 3).alias("mask"), COLUMNS[1].alias("number"))
    assert beside.columns == ["number", "real", "text", "time", "mask"]
    assert {tuple(column.chunk_lengths()) for column in beside.get_columns()} == {(700, N - 700)}
    assert beside["mask"].to_list() == [i > 3 for i in range(N)]
    assert beside["number"].equals(COLUMNS[1].alias("number"), null_equal=True)


def test_rows_and_totals_by_pieces_are_those_of_the_whole(tmp_path: Path) -> None:
    frame = pl.DataFrame([*COLUMNS, (COLUMNS[0] % 7).alias("seven")])
    with keeping(str(tmp_path)):
        assert mapped.where(frame, frame["number"] > 5).equals(frame.filter(pl.col("number") > 5))
        places = pl.Series([2400, 3, 3, 1500], dtype=pl.UInt32)
        assert mapped.rows_at(frame, places).equals(frame[places])
        assert mapped.rowwise(frame, pl.col("number") * 2).equals(frame["number"] * 2)
        assert mapped.rowwise(frame, pl.lit(False).alias("no")).to_list() == [False] * N
        totals = pl.col("number").sum().alias("sum"), pl.col("real").min().alias("least_real"), pl.len().alias("n")
        found = mapped.combined(frame, ["seven"], *totals).sort("seven")
        assert found.equals(frame.group_by("seven").agg(*totals).sort("seven"))
        counted = mapped.count_values(frame["text"]).sort("value")
        assert counted.equals(frame["text"].drop_nulls().alias("value").value_counts(name="n").sort("value"))
