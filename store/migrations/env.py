"""What Alembic runs for every command: on the connection that it is given, all steps in one transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from store.tables import METADATA, Moment


def written(kind: str, item: Any, _autogen_context: object) -> str | Literal[False]:
    """A type of our own as the plain one beneath it: a step stays what it was on its day."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by writing it anew
    transactional_ddl=True,  # SQLite as well: the driver is told to leave transactions alone
    render_item=written,
)
with connection.begin():
    context.run_migrations()
