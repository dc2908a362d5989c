"""The row is the task: a lease is the row's run_at, a broker has its id alone.

Rows of the releases before run on. `locked_until` stays: those releases read it while they are
still up; nothing else does.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0002_task_rows"
down_revision: str | Sequence[str] | None = "0001_task_records"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLE = "task_records"
UNFINISHED = sa.text("finished_at IS NULL")
INDEXES = {
    "ix_task_records_due": (["queue", "run_at", "id"], "state = 'queued' AND sent_at IS NULL"),
    "ix_task_records_sent": (["queue", "sent_at"], "state = 'queued' AND sent_at IS NOT NULL"),
    "ix_task_records_lease": (["run_at"], "state = 'running'"),
}


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("queue", sa.String(40), nullable=False, server_default="default"),
        sa.Column("deaths", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("claims", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("progress", sa.Double(), nullable=True),
        sa.Column("progress_text", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    op.drop_index("ux_task_records_key", TABLE)
    op.drop_index("ix_task_records_unsent", TABLE)
    for column in _columns():
        op.add_column(TABLE, column)
    # A running row's run_at is its lease. Those of a worker that is gone end now.
    op.execute(
        "UPDATE task_records SET run_at = locked_until "
        "WHERE state = 'running' AND finished_at IS NULL AND locked_until > run_at"
    )
    op.execute("UPDATE task_records SET sent_at = NULL WHERE state = 'running'")
    for name, (columns, where) in INDEXES.items():
        _partial_index(name, columns, sa.text(where))
    _partial_index("ux_task_records_task_key", ["task", "key"], UNFINISHED, unique=True)


def _partial_index(
    name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False
) -> None:
    op.create_index(name, TABLE, columns, unique=unique, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.execute("DELETE FROM task_records WHERE state = 'leader'")
    op.execute("UPDATE task_records SET state = 'failed' WHERE state = 'cancelled'")
    # Two tasks may have one key by now; the releases before have one key for all.
    op.execute("UPDATE task_records SET key = NULL WHERE finished_at IS NULL")
    for name in ["ux_task_records_task_key", *INDEXES]:
        op.drop_index(name, TABLE)
    for column in _columns():
        op.execute(f"ALTER TABLE {TABLE} DROP COLUMN {column.name}")
    _partial_index("ux_task_records_key", ["key"], UNFINISHED, unique=True)
    unsent = sa.text("finished_at IS NULL AND sent_at IS NULL")
    _partial_index("ix_task_records_unsent", ["run_at", "id"], unsent)
