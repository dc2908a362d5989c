from typing import Protocol

from alembic import command

from dev.migrate import alembic_config


class Databases(Protocol):
    def create(self) -> str: ...


def test_migrations(databases: Databases) -> None:
    """They can be taken back to nothing, be applied again, and build what the models say."""
    config = alembic_config(databases.create())
    command.downgrade(config, "base")
    command.upgrade(config, "heads")
    command.check(config)
