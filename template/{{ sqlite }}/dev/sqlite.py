"""A database for development and tests: a file."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .migrate import migrate

UNREACHABLE_URL = "sqlite+aiosqlite:////"  # a folder, which cannot be opened as a database


@contextmanager
def database_server(directory: Path) -> Iterator["Databases"]:
    yield Databases(directory)


class Databases:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def create(self) -> str:
        """Create a migrated database, a copy of the first one; return its URL."""
        template = self._directory / "template.db"
        if not template.exists():
            migrate(f"sqlite+aiosqlite:///{template}")
        copy = self._directory / f"test_{secrets.token_hex(4)}.db"
        shutil.copy(template, copy)
        return f"sqlite+aiosqlite:///{copy}"

    def keep(self, name: str) -> str:
        """Create the database unless it is there; migrate it; return its URL."""
        url = f"sqlite+aiosqlite:///{self._directory / name}.db"
        migrate(url)
        return url
