"""How settings are read: from the environment, or from a file named .env."""

import re
from functools import cache
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .. import PACKAGE
from .database_url import DRIVER, connection_arguments

PREFIX = f"{PACKAGE.upper()}_"
U = TypeVar("U", str, SecretStr)


class SettingsError(Exception):
    pass


class ServiceSettings(BaseSettings):
    """Base of the settings classes; each stands beside the code that uses it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        allow_inf_nan=False,
    )

    @classmethod
    @cache
    def load(cls) -> Self:
        """Read the settings once. Raises SettingsError, which names the variables to mend."""
        try:
            return cls()
        except ValidationError as error:
            lines = (
                f"{PREFIX}{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            )
            raise SettingsError("Mend the environment or .env. " + "; ".join(lines)) from None
        except (OSError, UnicodeError) as error:
            raise SettingsError(f".env cannot be read as UTF-8: {error}. Mend that.") from None


def load_all() -> None:
    """Read the settings of every part of the service, so that a mistake shows at the start."""
    for part in ServiceSettings.__subclasses__():
        part.load()


def url_of(*schemes: str, form: str = "", path: str = ".*") -> AfterValidator:
    """Return what checks that a setting is a URL with a host; ``form`` is what it looks like."""
    beginnings = tuple(f"{scheme}://" for scheme in schemes)

    def check(url: U) -> U:
        text = url.get_secret_value() if isinstance(url, SecretStr) else url
        if not text.startswith(beginnings):
            raise ValueError(f"it must begin with {' or '.join(beginnings)}")
        if not _has_host(text, path):
            raise ValueError(
                f"it must be {form or f'{beginnings[0]}user:password@host:port'}, and a # in user "
                "or password is written %23, an @ %40, a / %2F, a ? %3F, a : %3A"
            )
        return url

    return AfterValidator(check)


def _has_host(text: str, path: str) -> bool:
    try:
        parts = urlsplit(text)
        named = parts.hostname is not None and parts.port != 0  # raises for what is no number
    except ValueError:
        return False
    # What is not encoded ends the host early, and stands in one of these.
    spilt = parts.fragment or "@" in parts.path + parts.query or re.search(r"\s", text)
    return named and not spilt and re.fullmatch(path, parts.path) is not None


def _check_database(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(DRIVER):
        raise ValueError(f"it must begin with {DRIVER}")
    connection_arguments(url.get_secret_value())
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database)]
