"""How Alembic runs the migrations: within the transaction that `app.database.migrate` holds."""

from alembic import context

from app.database.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
