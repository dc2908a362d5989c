"""What can be measured, by the names that `make bench ONLY=…` takes."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks import api, before, engines, enqueue, growth, latency, outbox, render, scale, start

SUBJECTS: dict[str, Any] = {
    "outbox": outbox,
    "enqueue": enqueue,
    "latency": latency,
    "api": api,
    "engines": engines,
    "before": before,
    "start": start,
    "render": render,
    "growth": growth,
    "scale": scale,
}


def chosen(names: str) -> list[str]:
    """Return those of a comma list, all if it is empty. Raises argparse.ArgumentTypeError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in SUBJECTS]:
        raise argparse.ArgumentTypeError(
            f"{', '.join(unknown)} is no subject: choose from {', '.join(SUBJECTS)}."
        )
    return wanted or list(SUBJECTS)
