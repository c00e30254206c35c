"""Alembic runs this, over the connection that `gateway.galleries.database` has opened, in its transaction."""

from alembic import context

from gateway.galleries.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
