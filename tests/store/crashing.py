"""Processes that are killed, that write at once, that start at once: ``python -m tests.store.crashing`` with JSON.

One process imports everything and forks the others, which therefore are there at once; it starts no thread. Each tells
what was acknowledged to it through a pipe, which survives it. The report is JSON too; the tests judge it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.workspace import Workspace
from store import blobs, workspaces
from store.database import Store, open_store
from store.model import Conflict
from store.people import local_person
from store.tables import BLOBS, READ_TABLES, UPLOADS

Tell = Callable[[str], None]
_PIECES = blobs._pieces


class Child:
    """A forked process and the pipe it tells through."""

    def __init__(self, work: Callable[[Tell], None]) -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            os.close(writing)
            self._pipe, self._told = reading, b""
            return
        status = 1
        try:
            os.close(reading)
            work(lambda line: os.write(writing, f"{line}\n".encode()))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def heard(self, lines: int, seconds: float) -> None:
        """Wait until it has told so many lines: on a busy machine it takes longer, and is killed as late."""
        until = time.monotonic() + seconds
        while self._told.count(b"\n") < lines and select.select([self._pipe], [], [], until - time.monotonic())[0]:
            if not (piece := os.read(self._pipe, 65536)):
                return
            self._told += piece

    def kill(self) -> list[str]:
        os.kill(self.pid, signal.SIGKILL)
        return self.end()[1]

    def end(self) -> tuple[int, list[str]]:
        """Its status and all that it told, to the last whole line."""
        while piece := os.read(self._pipe, 65536):
            self._told += piece
        os.close(self._pipe)
        _, status = os.waitpid(self.pid, 0)
        return status, self._told.decode().split("\n")[:-1]


def numbered(number: int) -> Workspace:
    return Workspace(customer=str(number))


def number_of(workspace: Workspace) -> int:
    return int((workspace.customer or "0").split()[0])


# ---- killed ------------------------------------------------------------------------------------------------------


def saving(folder: Path, url: str, workspace_id: str, seed: int, tell: Tell) -> None:
    """Keep, save, release, keep a table, without end; every acknowledgement is told as soon as it is there."""
    blobs._pieces = on_a_slow_disk
    chance = random.Random(seed)
    store = open_store(folder, url)
    person, record = local_person(store), workspaces.load(store, workspace_id)
    tell("open")
    mine = [upload.digest for upload in blobs.uploads(store, workspace_id)]
    source = folder / f"source-{os.getpid()}"
    while True:
        data = chance.randbytes(chance.choice([10, 300_000, 2_000_000, 2_000_000]))
        if chance.random() < 0.3:
            source.write_bytes(data)
            upload = blobs.keep(store, workspace_id, f"{seed}.csv", source)
        else:
            upload = blobs.keep(store, workspace_id, f"{seed}.csv", data)
        tell(f"kept {upload.digest}")
        mine.append(upload.digest)
        saved = workspaces.save(
            store, workspace_id, record.version, numbered(number_of(record.workspace) + 1), "Upload", person
        )
        assert not isinstance(saved, Conflict)
        record = saved
        tell(f"saved {number_of(record.workspace)}")
        if chance.random() < 0.4:
            key = hashlib.sha256(upload.digest.encode()).hexdigest()
            blobs.keep_table(store, key, upload.digest, pl.DataFrame({"a": list(data[:2000])}), "{}")
        while len(mine) > 4 or (mine and chance.random() < 0.3):
            digest = mine.pop(chance.randrange(len(mine)))
            tell(f"releasing {digest}")
            blobs.release(store, workspace_id, digest)
        if chance.random() < 0.3 and mine:  # what is there already comes again
            digest = chance.choice(mine)
            blobs.keep(store, workspace_id, "again.csv", blobs.path_of(store, digest))
            tell(f"kept {digest}")


def collecting(folder: Path, url: str, chance: float, tell: Tell) -> None:
    """Collect without a grace and without end, every other time: else it takes torn files before they are seen."""
    if chance < 0.5:
        tell("idle")
        time.sleep(20)
    store = open_store(folder, url)
    tell("open")
    while True:
        blobs.collect(store, timedelta(0))
        tell("collected")  # and so ends with whoever listened
        time.sleep(0.02)


def kill_often(folder: Path, url: str, kills: int, most: int, seed: int) -> dict[str, int]:
    """Kill a process that saves, and one that collects beside it, at random moments; count what is wrong after each.

    The moment comes after up to ``most`` things were acknowledged, and up to a twentieth of a second.
    """
    chance = random.Random(seed)
    with closing(open_store(folder, url)) as store:
        workspace_id = workspaces.create(
            store, local_person(store), numbered(0), "Upload", name="work", secret=bytes(32)
        ).id
    counted = dict.fromkeys(("kills", "corrupt", "rows_without_file", "lost_saves", "lost_uploads", "refused"), 0)
    counted |= dict.fromkeys(("acknowledged", "torn_temporary", "saved_unheard"), 0)
    kept: set[str] = set()
    torn: set[str] = set()
    last = 0
    for turn in range(kills):
        seeded = seed * 1000 + turn
        # Bound now: a lambda in a loop would see later values.
        saver = Child(lambda tell, seeded=seeded: saving(folder, url, workspace_id, seeded, tell))
        collects = chance.random()
        collector = Child(lambda tell, collects=collects: collecting(folder, url, collects, tell))
        saver.heard(chance.randrange(most + 1), 10)
        time.sleep(chance.uniform(0, 0.05))
        first, second = (saver, collector) if chance.random() < 0.5 else (collector, saver)
        told = {first: first.kill()}
        told[second] = second.kill()
        for line in told[saver]:
            verb, _, what = line.partition(" ")
            counted["acknowledged"] += verb in {"kept", "saved"}
            if verb == "kept":
                kept.add(what)
            elif verb == "releasing":
                kept.discard(what)
            elif verb == "saved":
                last = int(what)
        counted["kills"] += 1
        counted["torn_temporary"] += len(list((folder / "blobs").glob("*.part")))
        for path in [*(folder / "blobs").glob("*.part"), *folder.glob("source-*")]:
            path.unlink()
        with closing(open_store(folder, url)) as store:
            _wait_for_backends(store)
            found = look(store, workspace_id)
            now = number_of(workspaces.load(store, workspace_id).workspace)
            counted["corrupt"] += len(found["corrupt"] - torn)
            torn |= found["corrupt"]
            counted["rows_without_file"] += len(found["without"])
            counted["lost_uploads"] += len(kept - found["uploads"])
            counted["lost_saves"] += now < last
            counted["saved_unheard"] += now - last
            kept, last = found["uploads"], now
            if store.is_sqlite:
                with store.read() as connection:
                    counted["refused"] += connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok"
    return counted


def on_a_slow_disk(data: bytes | Path, name: str) -> Iterator[bytes]:
    """A file's pieces, each after a while: there is a middle in which one can be killed."""
    for piece in _PIECES(data, name):
        for start in range(0, len(piece), 65536):
            time.sleep(0.002)
            yield piece[start : start + 65536]


def straight(store: Store, data: bytes | Path, name: str) -> tuple[str, int]:
    """The plain way that the store does not go: the bytes straight under their last name."""
    digest, n_bytes = blobs._measure(blobs._pieces(data, name))
    place = blobs._place(store, digest)
    place.parent.mkdir(exist_ok=True)
    with place.open("wb") as file:
        for piece in blobs._pieces(data, name):
            file.write(piece)
        os.fsync(file.fileno())
    return digest, n_bytes


def look(store: Store, workspace_id: str) -> dict[str, set[str]]:
    """Files that are not what their names say, rows whose file is not there, and the uploads of a workspace."""
    spoken = sa.union(
        sa.select(UPLOADS.c.digest),
        sa.select(READ_TABLES.c.digest).join(UPLOADS, UPLOADS.c.digest == READ_TABLES.c.source_digest),
    )
    with store.read() as connection:
        rows = set(connection.execute(spoken).scalars())
        uploads = set(
            connection.execute(sa.select(UPLOADS.c.digest).where(UPLOADS.c.workspace_id == workspace_id)).scalars()
        )
        known = set(connection.execute(sa.select(BLOBS.c.digest)).scalars())
    files = {path.name: path for path in (store.folder / "blobs").glob("??/*")}
    corrupt = {name for name, path in files.items() if hashlib.sha256(path.read_bytes()).hexdigest() != name}
    return {"corrupt": corrupt, "without": (rows - files.keys()) | (rows - known), "uploads": uploads}


def _wait_for_backends(store: Store) -> None:
    """PostgreSQL's processes of clients that are dead: what they do last is done before anybody looks."""
    if store.is_sqlite:
        return
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(200):
        with store.read() as connection:
            if connection.execute(sa.text(others)).scalar() == 0:
                return
        time.sleep(0.01)


# ---- at once -----------------------------------------------------------------------------------------------------


def start_at_once(folder: Path, url: str, n: int) -> dict[str, int]:
    """Processes that open an empty place in the same moment: how many ended well, and saw the tables."""
    begins = time.monotonic() + 0.3

    def work(tell: Tell) -> None:
        time.sleep(max(0.0, begins - time.monotonic()))
        with closing(open_store(folder, url)) as store, store.read() as connection:
            tell(str(connection.execute(sa.select(sa.func.count()).select_from(UPLOADS)).scalar()))

    ended = [child.end() for child in [Child(work) for _ in range(n)]]
    return {"started": n, "well": sum(end == (0, ["0"]) for end in ended)}


def write_at_once(folder: Path, url: str, writers: int, rounds: int) -> dict[str, int]:
    """Processes that read, count one up and save, each ``rounds`` times: what is counted in the end."""
    with closing(open_store(folder, url)) as store:
        person = local_person(store)
        workspace_id = workspaces.create(store, person, numbered(0), "Upload", name="count", secret=bytes(32)).id

    def work(tell: Tell) -> None:
        store = open_store(folder, url)
        done = late = 0
        while done < rounds:
            record = workspaces.load(store, workspace_id)
            # Signed: two who count to the same number do not say the same, which would be no conflict.
            signed = f"{number_of(record.workspace) + 1} {os.getpid()}"
            counted = dataclasses.replace(record.workspace, customer=signed)
            saved = workspaces.save(store, workspace_id, record.version, counted, "Upload", person)
            late += isinstance(saved, Conflict)
            done += not isinstance(saved, Conflict)
        tell(str(late))

    ended = [child.end() for child in [Child(work) for _ in range(writers)]]
    with closing(open_store(folder, url)) as store:
        record = workspaces.load(store, workspace_id)
    return {
        "writers": writers,
        "well": sum(status == 0 for status, _ in ended),
        "saves": writers * rounds,
        "counted": number_of(record.workspace),
        "version": record.version,
        "conflicts": sum(int(told[0]) for _, told in ended if told),
    }


# ---- a full disk ---------------------------------------------------------------------------------------------------


def fill_the_disk(folder: Path) -> dict[str, Any]:
    """Upload and save on a small file system until it is full, make room, go on: what was told and what is there.

    First uploads alone: they leave the reserve, so that choices are still saved. Then something else fills the rest.
    """
    url = f"sqlite:///{folder / 'work.sqlite'}"
    blobs.RESERVE = 1_500_000
    chance = random.Random(1)
    codes: Counter[str] = Counter()

    def attempt(act: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except AnalysisError as error:
            codes[error.code] += 1
            return None

    def told() -> dict[str, int]:
        found = dict(codes)
        codes.clear()
        return found

    with closing(open_store(folder, url)) as store:
        person = local_person(store)
        record = workspaces.create(store, person, numbered(0), "Upload", name="work", secret=bytes(32))
        kept: set[str] = set()

        def upload(*sizes: int) -> None:
            for size in sizes:
                found = attempt(blobs.keep, store, record.id, "a.csv", chance.randbytes(size))
                if found is not None:
                    kept.add(found.digest)

        def save(until: int) -> int:
            nonlocal record
            while number_of(record.workspace) < until:
                work = numbered(number_of(record.workspace) + 1)
                saved = attempt(workspaces.save, store, record.id, record.version, work, "Upload", person)
                if saved is None:
                    break
                record = saved
            return number_of(record.workspace)

        upload(*[700_000] * 12, *[60_000] * 12, *[3_000] * 12)
        report: dict[str, Any] = {"uploads": told(), "saved_in_the_reserve": save(20), "saves": told()}
        _fill(folder / "ballast")
        save(2000)
        upload(100_000, 10)
        report |= {"full": told(), "saved": number_of(record.workspace)}
        with closing(open_store(folder, url)) as other:
            report["read_while_full"] = number_of(workspaces.load(other, record.id).workspace)
        found = look(store, record.id)
        report |= {"kept": len(kept), "lost": len(kept - found["uploads"])}
        report |= {"corrupt": len(found["corrupt"]), "without": len(found["without"])}
        report["temporary"] = len(list((folder / "blobs").glob("*.part")))
        (folder / "ballast").unlink()
        report["goes_on"] = save(report["saved"] + 3) - report["saved"]
        for digest in kept:
            blobs.release(store, record.id, digest)
        blobs.collect(store, timedelta(0))
        upload(700_000)
        report |= {"uploads_again": len(blobs.uploads(store, record.id)), "after": told()}
        with store.read() as connection:
            report["sound"] = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
    return report


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65536, 512):
            try:
                while file.write(b"\1" * size):
                    pass
            except OSError:
                continue


def main(asked: dict[str, Any]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    if asked.get("straight"):
        blobs._write = straight
    for name, (folder, url, kills) in asked.get("places", {}).items():
        place = Path(folder)
        report[name] = {
            "start": start_at_once(place, url, 6),
            "write": write_at_once(place, url, 6, asked["rounds"]),
            "kill": kill_often(place, url, kills, asked["most"], asked["seed"]),
        }
    if "disk" in asked:
        report["disk"] = fill_the_disk(Path(asked["disk"]))
    return report


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
