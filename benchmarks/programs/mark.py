"""Note that a task began: what every contender's task does, and nothing else."""

import os
import struct
import time
from functools import cache

RECORD = struct.Struct("qq")
"""The task's number, and the time in nanoseconds."""


def mark(number: int) -> None:
    os.write(_file(), RECORD.pack(number, time.time_ns()))


@cache
def _file() -> int:
    return os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
