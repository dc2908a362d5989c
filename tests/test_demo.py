"""`make demo`: where it runs, and what it refuses before it renders anything."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from generator.matrix.matrix import ODD
from tests import support

if TYPE_CHECKING:
    from pathlib import Path


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


def test_in_an_odd_folder_behind_a_proxy(tmp_path: Path) -> None:
    """The service is called directly, and each command finds its files."""
    (folder := tmp_path / ODD).mkdir()
    kept = {k: v for k, v in os.environ.items() if k != "UV_PROJECT_ENVIRONMENT"}
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, str(support.ROOT / "demo.py"), "background"],
        env={**kept, **proxies, "TMPDIR": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "the SMTP server took the mail to ada@example.com" in done.stdout
