"""A uv workspace around a project: its commands work there, and what is elsewhere is told."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.template import uv_workspace
from tests import newcomer, support

if TYPE_CHECKING:
    from pathlib import Path

WORKSPACES = {
    'members = ["services/*"]': True,
    'members = ["./services/shop/"]': True,
    'members = ["s*/s?o[op]"]': True,
    'members = ["services/shop"]\nexclude = ["services"]': True,
    'members = ["services/*"]\nexclude = ["services/shop"]': False,
    'members = ["services/*"]\nexclude = ["./services/*"]': False,
    'members = ["services/*"]\nexclude = ["**/shop"]': False,
    'members = ["services/*"]\nexclude = ["services/**"]': False,
    'members = ["*"]': False,
    'members = ["libraries/*"]': False,
    "": False,
}
COMMANDS = ("make migrate", "make check", "uv run pytest -q tests/test_signup.py -k mail")


def surround(folder: Path, workspace: str) -> Path:
    """Put a workspace around a project to be, and give its place."""
    (folder / "pyproject.toml").write_text(f"[tool.uv.workspace]\n{workspace}\n")
    (services := folder / "services").mkdir()
    return services / "shop"


@pytest.mark.parametrize(("workspace", "is_member"), WORKSPACES.items())
def test_who_is_a_member(tmp_path: Path, workspace: str, *, is_member: bool) -> None:
    """As uv sees it, who finds the workspace from there."""
    shop = surround(tmp_path, workspace)
    shop.mkdir()
    (shop / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "0"\n')
    assert bool(uv_workspace.note(shop)) == is_member
    asked = subprocess.run(
        ["uv", "workspace", "dir"], cwd=shop, check=True, capture_output=True, text=True
    )
    assert asked.stdout.strip() == str(tmp_path if is_member else shop)


@pytest.mark.parametrize("around", ["[broken", "[tool]\nuv = 1", "[tool.uv]\nworkspace = 1"])
def test_what_is_no_workspace(tmp_path: Path, around: str) -> None:
    """Whatever is wrong with a pyproject.toml above, it is uv's to say."""
    (tmp_path / "pyproject.toml").write_text(around)
    assert uv_workspace.note(tmp_path / "shop") == ""


def test_a_member_is_told(command: support.Command, tmp_path: Path) -> None:
    """With what to write where to have the lock file in the project."""
    shop = surround(tmp_path, 'members = ["services/*"]')
    code, out, err = command(["new", str(shop), "--defaults"])
    assert code == 0, err
    assert f"It is a member of the uv workspace {tmp_path}:" in out
    assert 'add "services/shop" to `exclude`' in out


def test_the_commands_of_a_member(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They use the environment of the workspace."""
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT")
    shop = surround(tmp_path, 'members = ["services/*"]')
    shutil.copytree(newcomer.render(checkout, tmp_path, task_backend="background"), shop)
    for typed in COMMANDS:
        newcomer.run(shop, *typed.split())
    assert (tmp_path / ".venv").exists()
    assert not (shop / ".venv").exists()
