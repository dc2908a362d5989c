"""Fill a database with what years leave there: `queued COUNT` or `finished COUNT` of rows.

What is put there stays unknown to the statistics, as after a burst.
"""

import os
import sys

import psycopg

FILL = """
INSERT INTO task_records
    (id, task, queue, message, state, attempts, run_at, enqueued_at, finished_at)
SELECT
    id, 'nothing', 'default',
    json_build_object(
        'version', 1, 'id', id, 'task', 'nothing', 'queue', 'default',
        'arguments', json_build_object('number', number), 'enqueued_at', now()
    ),
    %(state)s::text, 0, at, at,
    CASE WHEN %(state)s::text = 'queued' THEN NULL ELSE now() END
FROM (
    SELECT
        gen_random_uuid() AS id,
        number,
        now() - interval '1 hour' + number * interval '1 millisecond' AS at
    FROM generate_series(1, %(count)s) AS number
) AS made
"""

kind, count = sys.argv[1], int(sys.argv[2])
url = os.environ["SHOP_DATABASE_URL"].replace("+asyncpg", "")
with psycopg.connect(url) as connection:
    connection.execute("ALTER TABLE task_records SET (autovacuum_enabled = off)")
    state = "queued" if kind == "queued" else "succeeded"
    connection.execute(FILL, {"state": state, "count": count})
