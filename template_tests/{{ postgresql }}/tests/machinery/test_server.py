import pytest

from dev.postgresql import Databases


def test_what_is_wanted_of_other_servers(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq's variables in somebody's shell: the server for tests has no certificate."""
    for name, value in {"SSLMODE": "verify-full", "HOST": "nowhere", "USER": "nobody"}.items():
        monkeypatch.setenv(f"PG{name}", value)
    assert databases.create()
