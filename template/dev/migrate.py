from pathlib import Path

from alembic import command
from alembic.config import Config


def alembic_config(url: str) -> Config:
    """Return what Alembic's commands need to work on that database."""
    root = Path(__file__).parent.parent
    return Config(toml_file=root / "pyproject.toml", attributes={"database_url": url})


def migrate(url: str) -> None:
    """Bring the database up to date."""
    command.upgrade(alembic_config(url), "heads")
