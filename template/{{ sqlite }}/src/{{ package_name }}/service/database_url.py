"""The database's URL: the path of a file, and each option with one meaning."""

from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "sqlite+aiosqlite://"
BUSY_TIMEOUT = 5.0  # seconds in which another process may end its transaction


def connection_arguments(url: str) -> tuple[URL, dict[str, Any]]:
    """Return the URL without its query, and as connect_args what the query says.

    Raises ValueError for what is no file, or an option that would not be heeded.
    """
    try:
        parsed = make_url(url, keep_blank_values=True)
    except (ArgumentError, ValueError):
        raise ValueError(f"it is no URL. {_PATH}") from None
    if parsed.host or parsed.database in {None, "", ":memory:"}:
        raise ValueError(f"it names no file, which several processes could open. {_PATH}")
    if unknown := set(parsed.query) - {"timeout"}:
        raise ValueError(f"its option {min(unknown)} is not heeded: remove it. Known is timeout.")
    return parsed.set(query={}), {"timeout": _seconds(parsed.query.get("timeout", BUSY_TIMEOUT))}


_PATH = "Write sqlite+aiosqlite:///data/app.db, or with a fourth / for a path from the root."


def _seconds(given: object) -> float:
    try:
        value = float(str(given))
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:  # noqa: PLR2004 - an hour; SQLite counts milliseconds in 32 bits
        raise ValueError("its timeout must be a number of seconds above 0 and at most 3600.")
    return value
