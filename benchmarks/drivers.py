r"""asyncpg beside psycopg 3 under SQLAlchemy: one unit of work at a time, then ten at once.

Needs both drivers and a database that it may write to:
    uv run --no-project --with "sqlalchemy[asyncio],asyncpg,psycopg[binary]" \
        benchmarks/drivers.py postgresql://user:password@127.0.0.1/database
"""

# SQLAlchemy and the drivers are not among what this repository installs:
# mypy: ignore-errors
from __future__ import annotations

import asyncio
import statistics
import sys
import time

from sqlalchemy import make_url, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.ext.asyncio import create_async_engine as create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DRIVERS = ("asyncpg", "psycopg")
ROUNDS, WARM_UP, ALONE, TOGETHER, EACH = 5, 100, 1000, 10, 200

Sessions = async_sessionmaker[AsyncSession]


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "benchmark_users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    runs: dict[str, list[tuple[float, float]]] = {driver: [] for driver in DRIVERS}
    for _ in range(ROUNDS):  # in turns, so that a slow moment of the machine hits both
        for driver in DRIVERS:
            runs[driver].append(asyncio.run(_run(sys.argv[1], driver)))
    rates = {}
    for driver, measured in runs.items():
        latency = statistics.median(run[0] for run in measured)
        rates[driver] = statistics.median(run[1] for run in measured)
        print(f"{driver:8} p50 {latency:5.0f} µs, ten at once {rates[driver]:5.0f} units/s")
    print(f"asyncpg / psycopg, ten at once: {rates['asyncpg'] / rates['psycopg']:.2f}")


async def _run(url: str, driver: str) -> tuple[float, float]:
    """Return the median latency in µs, and the units of work a second with ten at once."""
    engine = create_engine(make_url(url).set(drivername=f"postgresql+{driver}"), pool_size=20)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    await _create_tables(engine)
    await _units(sessions, "warm", WARM_UP)
    alone = await _units(sessions, "alone", ALONE)
    start = time.perf_counter()
    await asyncio.gather(*(_units(sessions, f"{number}", EACH) for number in range(TOGETHER)))
    rate = TOGETHER * EACH / (time.perf_counter() - start)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()
    return statistics.median(alone) * 1e6, rate


async def _create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)


async def _units(sessions: Sessions, name: str, count: int) -> list[float]:
    """Insert, select and commit so often; return the seconds of each."""
    seconds = []
    for number in range(count):
        start = time.perf_counter()
        async with sessions() as session:
            user = User(email=f"{name}-{number}")
            session.add(user)
            await session.flush()
            await session.execute(select(User).where(User.id == user.id))
            await session.commit()
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
