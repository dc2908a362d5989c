"""What is known of each task, for task backends that write it down."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001_task_records"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNFINISHED = sa.text("finished_at IS NULL")
UNSENT = sa.text("finished_at IS NULL AND sent_at IS NULL")
FINISHED = sa.text("finished_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "task_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_records")),
        # Each row is updated a few times: room for its versions on the same page, and a vacuum
        # that comes after a number of changes, not after a share of the table.
        postgresql_with={
            "fillfactor": "50",
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    _partial_index("ux_task_records_key", ["key"], UNFINISHED, unique=True)
    _partial_index("ix_task_records_unsent", ["run_at", "id"], UNSENT)
    _partial_index("ix_task_records_finished", ["finished_at"], FINISHED)
    op.create_table(
        "task_effects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_effects")),
    )
    op.create_index(op.f("ix_task_effects_at"), "task_effects", ["at"])


def _partial_index(
    name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False
) -> None:
    op.create_index(
        name,
        "task_records",
        columns,
        unique=unique,
        postgresql_where=where,
        sqlite_where=where,
    )


def downgrade() -> None:
    op.drop_table("task_effects")
    op.drop_table("task_records")
