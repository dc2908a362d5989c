"""What somebody writes by hand who wants to see what became of a task: its start and its end."""

import os
from functools import cache

import psycopg

CREATE = """
CREATE TABLE IF NOT EXISTS runs (
    number bigint, started_at timestamptz DEFAULT now(), finished_at timestamptz
)"""


@cache
def _connection() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def create() -> None:
    _connection().execute(CREATE)
    _connection().execute("CREATE INDEX IF NOT EXISTS runs_number ON runs (number)")


def start(number: int) -> None:
    _connection().execute("INSERT INTO runs (number) VALUES (%s)", [number])


def end(number: int) -> None:
    _connection().execute("UPDATE runs SET finished_at = now() WHERE number = %s", [number])
