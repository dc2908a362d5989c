"""Hold a transaction open, with its view of all rows, until we are ended."""

import signal
import sys

import psycopg

with psycopg.connect(sys.argv[1].replace("+asyncpg", "")) as connection:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.execute("SELECT count(*) FROM task_records")
    signal.pause()
