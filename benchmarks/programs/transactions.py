"""Print how many transactions a database has counted; its URL is given."""

import sys

import psycopg

with psycopg.connect(sys.argv[1].replace("+asyncpg", "")) as connection:
    found = connection.execute(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database "
        "WHERE datname = current_database()"
    ).fetchone()
    print(found[0] if found else 0)
