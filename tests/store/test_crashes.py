"""kill -9 at random moments, six writers at once, six starts at once, a disk that is really full.

Killing a process shows the order and the all-or-nothing of what it wrote; that bytes are on the disk before a name or
a row speaks of them is held by ``test_blobs.py``, which reads the order of the calls.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def crash(asked: dict[str, Any], *before: str, seconds: float = 120) -> dict[str, Any]:
    command = [*before, sys.executable, "-m", "tests.store.crashing", json.dumps(asked)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def judge(report: dict[str, Any], kills: int, rounds: int) -> None:
    assert report["start"] == {"started": 6, "well": 6}
    written = report["write"]
    assert (written["well"], written["counted"], written["version"]) == (6, 6 * rounds, 6 * rounds + 1), written
    killed = report["kill"]
    assert killed["kills"] == kills
    wrong = ("corrupt", "rows_without_file", "lost_saves", "lost_uploads", "refused")
    assert {name: killed[name] for name in wrong} == dict.fromkeys(wrong, 0), killed
    assert killed["acknowledged"] > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
class TestCrashes:
    def test_sqlite(self, tmp_path: Path) -> None:
        folder = tmp_path / "store"
        places = {"sqlite": [str(folder), f"sqlite:///{folder / 'work.sqlite'}", 10]}
        judge(crash({"places": places, "rounds": 4, "most": 3, "seed": 1})["sqlite"], kills=10, rounds=4)

    @pytest.mark.slow
    def test_both_two_hundred_times(self, tmp_path: Path, new_postgres: Callable[[], str]) -> None:
        """SQLite: 200 kills, 553 acknowledgements, 102 temporary files torn, 2 saves done and not heard of any more;
        PostgreSQL: 60, 168, 27, 0. No corrupt file, no row without its file, no save and no upload lost. Six writers:
        240 of 240 saves counted on each, 38 and 841 came late and were made again.
        """
        folder = tmp_path / "sqlite"
        places = {
            "sqlite": [str(folder), f"sqlite:///{folder / 'work.sqlite'}", 200],
            "postgres": [str(tmp_path / "postgres"), new_postgres(), 60],
        }
        report = crash({"places": places, "rounds": 40, "most": 10, "seed": 2}, seconds=1800)
        print(json.dumps(report))
        judge(report["sqlite"], kills=200, rounds=40)
        judge(report["postgres"], kills=60, rounds=40)
        assert report["sqlite"]["kill"]["acknowledged"] > 200
        assert report["postgres"]["kill"]["acknowledged"] > 60

    @pytest.mark.slow
    def test_the_plain_way_would_be_seen(self, tmp_path: Path) -> None:
        """Files written straight under their names: 6 torn in 100 kills."""
        folder = tmp_path / "store"
        places = {"sqlite": [str(folder), f"sqlite:///{folder / 'work.sqlite'}", 100]}
        report = crash({"places": places, "rounds": 1, "most": 6, "seed": 3, "straight": True}, seconds=900)["sqlite"]
        print(json.dumps(report))
        assert report["kill"]["corrupt"] > 0


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """A file system of 8 MB: uploads leave the reserve, then it is filled; what was acknowledged is there."""
    place = tmp_path / "small"
    place.mkdir()
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=8m tmpfs "{place}" && exec "$@"'
    try:
        possible = subprocess.run([*own, mount, "sh", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("this system lets us mount no small file system of our own")
    report = crash({"disk": str(place / "store")}, *own, mount, "sh")["disk"]
    assert set(report["uploads"]) == {"store_no_room"}
    assert (report["saved_in_the_reserve"], report["saves"]) == (20, {})  # choices go on where files do not
    assert set(report["full"]) == {"store_full", "store_no_room"}
    assert report["saved"] >= 20
    assert report["read_while_full"] == report["saved"]
    wrong = ("lost", "corrupt", "without", "temporary")
    assert {name: report[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert report["kept"] > 5
    assert (report["goes_on"], report["uploads_again"], report["after"], report["sound"]) == (3, 1, {}, "ok")
