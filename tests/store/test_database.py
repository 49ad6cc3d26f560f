"""Opening, transactions, and the words for what goes wrong: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa

from store.database import Store, now
from store.tables import PEOPLE


def test_what_was_written_is_read(store: Store) -> None:
    moment = now()
    with store.write() as connection:
        connection.execute(
            sa.insert(PEOPLE).values(id="p", kind="local", subject_digest="s", created_at=moment, seen_at=moment)
        )
    with store.read() as connection:
        assert connection.execute(sa.select(PEOPLE.c.id, PEOPLE.c.created_at)).all() == [("p", moment)]
