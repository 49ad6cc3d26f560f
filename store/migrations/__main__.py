"""``python -m store.migrations "what changes"``: the draft of a new step, from an empty SQLite and ``store.tables``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from store.database import make_engine
from store.migrations import HEAD, bring_up, configuration


def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(sa.make_url(f"sqlite:///{Path(folder) / 'draft.sqlite'}"), pooled=False)
        config = configuration()
        bring_up(engine)
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            number = f"{int(HEAD) + 1:04d}"
            command.revision(config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(sys.argv[1])
