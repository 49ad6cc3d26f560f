"""``python -m store back-up DIR | restore DIR | sweep | status``: the store by hand, with the server's environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analytics.errors import AnalysisError
from analytics.i18n import words_for
from store import backup, blobs, database, holdings, retention
from store.database import Store, open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status. What is refused is told on standard error."""
    parser = argparse.ArgumentParser(prog="python -m store", description="Saved work: back-up, restore, retention.")
    parser.add_argument("--store", type=Path, help="folder of the store (default: REGULARS_STORE)")
    parser.add_argument("--database", help="URL of the database (default: REGULARS_DATABASE)")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("back-up", help="write a back-up into a new folder; the server may run")
    made.add_argument("folder", type=Path)
    back = commands.add_parser("restore", help="bring a back-up into an empty store; stop the server first")
    back.add_argument("folder", type=Path)
    back.add_argument("--replace", action="store_true", help="also where the store holds work: it is lost")
    swept = commands.add_parser("sweep", help="let go of what is over its days of retention")
    swept.add_argument("--dry-run", action="store_true", help="say what would go and let go of nothing")
    commands.add_parser("status", help="what the store holds")
    chosen = parser.parse_args(arguments)
    try:
        store = open_store(chosen.store, chosen.database)
        try:
            match chosen.command:
                case "back-up":
                    _tell_back_up(backup.back_up(store, chosen.folder))
                case "restore":
                    _tell_back_up(backup.restore(chosen.folder, store, replace=chosen.replace))
                case "sweep":
                    _sweep(store, dry=chosen.dry_run)
                case _:
                    _status(store)
        finally:
            store.close()
    except AnalysisError as error:
        words = words_for("en")
        for key in (f"error.{error.code}", f"error.{error.code}.remedy"):
            if words.has_phrase(key):
                print(words.phrase(key, **error.params), file=sys.stderr)
        print(f"code: {error.code}", file=sys.stderr)
        return 1
    return 0


def _tell_back_up(made: backup.BackUp) -> None:
    print(f"{_count(made.n_workspaces, 'workspace')}, {_count(made.n_rows, 'row')}, {_count(made.n_files, 'file')}")
    print(f"{made.n_bytes / 1e6:,.1f} MB of files, as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC")


def _sweep(store: Store, *, dry: bool) -> None:
    days, moment = retention.keep_days(), database.now()
    if dry:
        due = retention.leaving(holdings.holdings(store, days, most=None), moment)
        for item in due:
            size = f"{_count(item.n_uploads, 'file')}, {item.n_bytes / 1e6:,.1f} MB"
            print(f"{item.workspace_id}  opened {item.opened_at:%Y-%m-%d}  {size}")
        print(f"{_count(len(due), 'workspace')} would go, over {days} days")
        return
    swept = retention.sweep_now(store, days, moment)
    print(f"{_count(swept.n_workspaces, 'workspace')} gone, {swept.n_bytes / 1e6:,.1f} MB of files")


def _status(store: Store) -> None:
    sizes, last = retention.sizes(store), retention.last_sweep(store)
    lines = {
        "database": f"{store.engine.dialect.name}, {sizes.database_bytes / 1e6:,.1f} MB",
        "workspaces": f"{sizes.n_workspaces} ({sizes.n_kept} kept), {sizes.n_deleted} deleted",
        "people": f"{sizes.n_people}",
        "open links": f"{sizes.n_links}",
        "uploads": f"{sizes.n_uploads}, {sizes.upload_bytes / 1e6:,.1f} MB",
        "read tables": f"{sizes.n_tables}, {sizes.table_bytes / 1e6:,.1f} MB",
        "files in all": f"{blobs.stored_bytes(store) / 1e6:,.1f} MB",
        "free on disk": f"{sizes.free_bytes / 1e9:,.1f} of {sizes.disk_bytes / 1e9:,.1f} GB",
        "retention": f"{retention.keep_days()} days, last sweep {last:%Y-%m-%d %H:%M} UTC"
        if last
        else f"{retention.keep_days()} days, no sweep yet",
    }
    for name, text in lines.items():
        print(f"{name:14}{text}")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
