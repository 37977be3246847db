"""Alembic's entry: the connection and the tables come from shared/migrations.py."""

from alembic import context

from shared.database import Integer64, Json, UtcDateTime


def render_item(kind, item, _autogenerate):
    """Writes our portable types by their names."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "types.UtcDateTime()"
    for name, portable in (("Json", Json), ("Integer64", Integer64)):
        if kind == "type" and repr(item) == repr(portable):
            return f"types.{name}"
    return False


config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    render_as_batch=config.attributes["connection"].dialect.name == "sqlite",
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
