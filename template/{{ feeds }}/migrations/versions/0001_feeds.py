"""The answers of the feeds slice."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001_feeds"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "feed_answers",
        sa.Column("feed", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("expired_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "subject", name=op.f("pk_feed_answers")),
    )
    op.create_index(op.f("ix_feed_answers_asked_at"), "feed_answers", ["asked_at"])


def downgrade() -> None:
    op.drop_table("feed_answers")
