"""Faults that show only where the service is meant to run: its image, compose file and CI."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from generator.matrix import processes
from generator.matrix.stages import references
from tests.matrix.faults import found

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matrix.faults import Break


def test_a_dependency_that_development_brings(broken: Break) -> None:
    """It is missed by name: here, what only an extra of the broker's library declares."""
    root = broken("backends.yml", '"kombu[redis]>=5.7,<6"', '"kombu>=5.7,<6"')
    [said] = found(root, "production", "celery-redis-sqlite", limit=15).values()
    assert "No module named 'packaging'" in said


def test_a_worker_that_is_asked_by_http(broken: Break) -> None:
    """Its container would be unhealthy for ever."""
    root = broken("template/Dockerfile.jinja", "{{ 'beat' if processes else 'alive' }}", "alive")
    [said] = found(root, "production", "outbox-sqlite", limit=15).values()
    assert said.startswith("worker is not healthy after 15 s: The API does not answer")


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


MIGRATIONS = "COPY --from=build /app/migrations ./migrations\n"
IMAGES = {
    "lacks a file": (MIGRATIONS, "", "No such file or directory|Path doesn't exist"),
    # A checkout made with umask 077 has such files.
    "cannot read": (MIGRATIONS, MIGRATIONS.replace("--from=build /app/", ""), r"mode is 700"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_without_what_it_needs(broken: Break, name: str) -> None:
    """Its steps are taken one by one, and nothing else is there."""
    old, new, expected = IMAGES[name]
    root = broken("template/Dockerfile.jinja", old, new)
    [said] = found(root, "production", "background-sqlite", limit=30).values()
    assert re.search(expected, said), said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_a_folder_that_the_image_s_user_cannot_write(broken: Break) -> None:
    """As root it would do."""
    root = broken("template/Dockerfile.jinja", "RUN mkdir data && chown app data", "RUN mkdir data")
    [said] = found(root, "production", "background-sqlite", limit=30).values()
    assert "unable to open database file" in said


def test_nothing_of_ours_around_a_container(tmp_path: Path) -> None:
    """It has what compose gives, and what it is ended by."""
    ours = processes.Processes("mark", {**os.environ, "TMPDIR": str(tmp_path), "OURS": "1"})
    said = ours.alone().run(["/usr/bin/env"], tmp_path, 10, GIVEN="2")
    assert said.split() == [f"{processes.MARK}=mark", "GIVEN=2"]


def test_a_password_within_a_url() -> None:
    """Put there by compose, one with an @ ends the host early."""
    services = {"api": {"environment": {"URL": "amqp://app:${PASSWORD:-app}@mq//", "P": "${P:-p}"}}}
    assert list(references({"services": services})) == [
        "api puts amqp://app:${PASSWORD:-app}@mq// together as URL: it may hold any character"
    ]
