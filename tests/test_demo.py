"""`make demo`: what it refuses before it renders anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import support


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["dramatiq"], "no backend is named"),
        (["outbox", "1"], "outbox has no broker that could be halted"),
        (["", "1"], "background has no broker that could be halted"),
    ],
)
def test_refusals(arguments: list[str], reason: str) -> None:
    """A backend that is not there, and an outage of a broker that is not there."""
    command = [sys.executable, str(support.ROOT / "demo.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert reason in done.stderr
    assert not done.stdout
