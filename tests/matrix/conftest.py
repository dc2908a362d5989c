"""What the tests of a run of the matrix share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder for temporary things, which has to be empty after the run."""
    with tempfile.TemporaryDirectory() as name:
        found = Path(name)
        found.chmod(0o711)  # root's PostgreSQL is another user's, who may not enter tmp_path
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield found
        assert list(found.iterdir()) == []
