"""Values that cross to a worker and back; large frames as mapped files."""

from __future__ import annotations

import gc
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from analytics.mapped import map_frame, path_behind
from app_pages.ui import crossing
from app_pages.ui.engine import OVERHEAD_BYTES, Engine, size_of

N = 600_000


def large() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "text": [None, "short", "a text of more than twelve bytes", "中文", ""],
            "day": [date(2024, 1, 1), None, date(1999, 12, 31), date(2024, 2, 29), date(2024, 1, 1)],
            "time": [datetime(2024, 1, 1, 12, 30, 1, 5)] * 5,
            "whole": [1, None, -(2**60), 0, 5],
            "real": [0.1, None, float("inf"), -0.0, 1.0],
            "flag": [True, None, False, True, True],
            "small": pl.Series([1, 2, 3, None, 5], dtype=pl.UInt32),
        }
    ).select(pl.all().repeat_by(N // 5).explode())


def doubled(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return frame, frame.with_columns(pl.col("whole").alias("again"))


def test_a_large_frame_travels_as_a_file_that_goes_with_it(tmp_path: Path) -> None:
    frame = large()
    packed = crossing.dumps({"frame": frame}, str(tmp_path))
    assert len(packed) < 10_000
    mapped = crossing.loads(packed, owner=True)["frame"]
    assert mapped.equals(frame)
    assert mapped.schema == frame.schema
    assert size_of(mapped) == OVERHEAD_BYTES < size_of(frame)
    again = crossing.loads(crossing.dumps(mapped, str(tmp_path)), owner=True)
    assert len(list(tmp_path.iterdir())) == 1, "a mapped frame is not written twice"
    del mapped
    gc.collect()
    assert len(list(tmp_path.iterdir())) == 1, "somebody still maps it"
    part = again.filter(pl.col("flag"))
    del again
    gc.collect()
    assert not list(tmp_path.iterdir())
    assert part.height == N // 5 * 3, "what was taken from it lives on"


@pytest.mark.parametrize(
    "frame", [pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": ["x"]}, schema={"a": pl.Categorical})]
)
def test_a_small_frame_travels_in_the_pickle(frame: pl.DataFrame, tmp_path: Path) -> None:
    assert crossing.loads(crossing.dumps(frame, str(tmp_path)), owner=True).equals(frame)
    assert not list(tmp_path.iterdir())


def test_through_a_worker_and_through_a_second_one() -> None:
    engine = Engine(n_workers=1)
    try:
        frame = large()
        for key in ("first", "second"):
            job = engine.submit(key, doubled, (frame,))
            job.future.result(timeout=60)
            outcome = engine.collect(job)
            assert outcome is not None
            same, wider = outcome.unwrap()
            assert same.equals(frame)
            assert wider["again"].equals(frame["whole"].alias("again"))
            assert outcome.n_bytes < 10_000
            frame = same
    finally:
        engine.close()


def test_a_large_upload_travels_as_a_file_that_is_read_once(tmp_path: Path) -> None:
    data = bytes(range(256)) * (crossing.LARGE_BYTES // 256 + 1)
    packed = crossing.dumps((data, b"small"), str(tmp_path))
    assert len(packed) < 1000
    assert len(list(tmp_path.iterdir())) == 1
    assert crossing.loads(packed, owner=False) == (data, b"small")
    assert not list(tmp_path.iterdir())


def test_some_columns_of_a_mapped_frame_are_those(tmp_path: Path) -> None:
    mapped = crossing.loads(crossing.dumps(large(), str(tmp_path)), owner=True)
    some = map_frame(str(path_behind(mapped)), owner=False, columns=("whole", "text"))
    assert crossing.loads(crossing.dumps(some, str(tmp_path)), owner=False).columns == ["whole", "text"]
    assert len(list(tmp_path.iterdir())) == 1
