"""PostgreSQL through asyncpg."""

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def create_engine(url: str) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,  # seconds; an exhausted pool is an error, not a frozen request
        pool_pre_ping=True,  # a connection that died with a restarted server is replaced
        connect_args={"timeout": 5, "command_timeout": 30},
    )
