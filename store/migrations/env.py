"""What Alembic runs for every command: on the connection that it is given, all steps in one transaction."""

from __future__ import annotations

from alembic import context

from store.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by writing it anew
    transactional_ddl=True,  # SQLite as well: the driver is told to leave transactions alone
    user_module_prefix="tables.",
)
with connection.begin():
    context.run_migrations()
