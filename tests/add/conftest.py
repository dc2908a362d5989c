from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import copier
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def rendered(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project as the template's defaults make it, in no repository."""
    folder = tmp_path_factory.mktemp("rendered") / "shop"
    copier.run_copy(str(checkout), folder, defaults=True, quiet=True, unsafe=False, vcs_ref="HEAD")
    return folder


@pytest.fixture
def shop(rendered: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered, tmp_path / "shop")
