"""Faults that show only where the service is meant to run: its image, compose file and CI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.matrix.stages import references
from tests.matrix.faults import found

if TYPE_CHECKING:
    from tests.matrix.faults import Break


def test_a_dependency_that_development_brings(broken: Break) -> None:
    """It is missed by name: here, what only an extra of the broker's library declares."""
    root = broken("backends.yml", '"kombu[redis]>=5.7,<6"', '"kombu>=5.7,<6"')
    [said] = found(root, "production", "celery-redis-sqlite", limit=30).values()
    assert "No module named 'packaging'" in said


def test_a_worker_that_is_asked_by_http(broken: Break) -> None:
    """Its container would be unhealthy for ever."""
    root = broken("template/Dockerfile.jinja", "{{ 'beat' if processes else 'alive' }}", "alive")
    [said] = found(root, "production", "outbox-sqlite", limit=30).values()
    assert said.startswith("worker is not healthy after 30 s: The API does not answer")


def test_a_dotenv_that_reaches_no_container(broken: Break) -> None:
    """No mail server could be set there."""
    line = "  env_file: [{path: .env, required: false}]\n"
    root = broken("template/compose.yaml.jinja", line, "")
    [said] = found(root, "production", "outbox-sqlite", limit=15).values()
    assert "has not finished after 15 s" in said


def test_a_copied_default_that_counts_as_set(broken: Break) -> None:
    """To copy .env.example is the first thing that people do."""
    setting = "{{ env_prefix }}DATABASE_URL"
    root = broken("template/.env.example.jinja", f"#{setting}", setting)
    [said] = found(root, "commands", "background-sqlite").values()
    assert said.startswith("POST /signups: 500")


@pytest.mark.parametrize("row", ["celery-rabbitmq-sqlite", "celery-rabbitmq-postgresql"])
def test_a_ci_file_without_its_server(broken: Break, row: str) -> None:
    """What no wheel brings has to be installed there."""
    root = broken("backends.yml", "      packages: [rabbitmq-server]", "      packages: []")
    [said] = found(root, "workflow", row).values()
    assert said == (
        ".github/workflows/ci.yml: the tests need rabbitmq-server, and nothing installs it"
    )


def test_files_that_the_image_s_user_cannot_read(broken: Break) -> None:
    """A checkout made with umask 077 has such files."""
    copied = "COPY --from=build /app/migrations ./migrations"
    root = broken("template/Dockerfile.jinja", copied, "COPY migrations ./migrations")
    [said] = found(root, "image", "background-sqlite").values()
    assert said.startswith("COPY migrations ./migrations keeps the modes of a checkout")


def test_a_password_within_a_url() -> None:
    """Put there by compose, one with an @ ends the host early."""
    services = {"api": {"environment": {"URL": "amqp://app:${PASSWORD:-app}@mq//", "P": "${P:-p}"}}}
    assert list(references({"services": services})) == [
        "api puts amqp://app:${PASSWORD:-app}@mq// together as URL: it may hold any character"
    ]
