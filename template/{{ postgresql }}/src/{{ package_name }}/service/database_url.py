"""The database's URL, for SQLAlchemy and asyncpg alike: each option has one meaning."""

import math
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import uuid4

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "postgresql+asyncpg://"
CONNECT_TIMEOUT = 5.0  # seconds


def connection_arguments(url: str) -> tuple[URL, dict[str, Any]]:
    """Return the URL without its query, and as connect_args what the query says.

    Raises ValueError, which shows no part of the URL that may be secret.
    """
    parsed = _parse(url)
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for written, value in parsed.query.items():
        place, name, read = _option(written)
        if isinstance(value, tuple) or name in found[place] or (name == "host" and parsed.host):
            raise ValueError(f"its {written} is given twice: remove one.")
        try:
            found[place][name] = read(value)
        except ValueError as error:
            raise ValueError(f"its {written} must be {error}.") from None
    arguments = {"timeout": CONNECT_TIMEOUT, **found["argument"]}
    if str(arguments.get("ssl")).startswith("verify") and not _has_root(found["dsn"]):
        raise ValueError("it verifies the server: add sslrootcert=, the path of its certificate.")
    if settings := found["setting"]:
        arguments["server_settings"] = settings
    if dsn := found["dsn"]:
        arguments["dsn"] = f"postgresql://?{urlencode(dsn)}"
    if arguments.get("statement_cache_size") == 0:
        # Behind PgBouncer before 1.21 a name may stand for a statement of another client.
        arguments.setdefault("prepared_statement_cache_size", 0)
        arguments["prepared_statement_name_func"] = lambda: f"__asyncpg_{uuid4()}__"
    return parsed.set(query={}), arguments


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url, keep_blank_values=True)
    except (ArgumentError, ValueError):
        raise ValueError(f"it is no URL, or its port is no number; {_ENCODE}") from None
    if "@" in (parsed.host or "") or (parsed.port or 0) > 65535:  # noqa: PLR2004 - the last port
        raise ValueError(f"its host or port cannot be; {_ENCODE}")
    return parsed


_ENCODE = "a @ or : in the user or password must be written %40 or %3A."


def _has_root(dsn: dict[str, Any]) -> bool:
    """Tell whether asyncpg will find who signed the server's certificate."""
    if "sslrootcert" in dsn or os.environ.get("PGSSLROOTCERT"):
        return True
    return Path(os.environ.get("HOME", "/"), ".postgresql/root.crt").is_file()


def _option(written: str) -> "_Option":
    if written not in _OPTIONS:
        known = ", ".join(_OPTIONS)
        raise ValueError(f"its option {written} is none of asyncpg's: remove it. Known: {known}.")
    return _OPTIONS[written]


def _seconds(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < value < math.inf:
        raise ValueError("a number of seconds above 0")
    return value


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a whole number")
    return int(text)


def _file(text: str) -> str:
    if not Path(text).is_file():
        raise ValueError("the path of a file that is there")
    return text


def _one_of(*choices: str) -> "_Read":
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return read


_Read = Callable[[str], Any]
_Option = tuple[Literal["argument", "setting", "dsn"], str, _Read]
_SSL = _one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SESSIONS = _one_of("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
_OPTIONS: dict[str, _Option] = {
    "ssl": ("argument", "ssl", _SSL),
    "sslmode": ("argument", "ssl", _SSL),  # as libpq spells it
    "sslrootcert": ("dsn", "sslrootcert", _file),
    "sslcert": ("dsn", "sslcert", _file),
    "sslkey": ("dsn", "sslkey", _file),
    "sslcrl": ("dsn", "sslcrl", _file),
    "sslpassword": ("dsn", "sslpassword", str),
    "timeout": ("argument", "timeout", _seconds),
    "connect_timeout": ("argument", "timeout", _seconds),  # as libpq spells it
    "command_timeout": ("argument", "command_timeout", _seconds),
    "statement_cache_size": ("argument", "statement_cache_size", _count),
    "prepared_statement_cache_size": ("argument", "prepared_statement_cache_size", _count),
    "max_cached_statement_lifetime": ("argument", "max_cached_statement_lifetime", _count),
    "max_cacheable_statement_size": ("argument", "max_cacheable_statement_size", _count),
    "target_session_attrs": ("argument", "target_session_attrs", _SESSIONS),
    "application_name": ("setting", "application_name", str),
    "options": ("setting", "options", str),
    "passfile": ("dsn", "passfile", _file),
    "host": ("dsn", "host", str),
    "port": ("dsn", "port", _count),
}
