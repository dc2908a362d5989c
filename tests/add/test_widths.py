"""What is added has the width of line that the project's ruff has."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.add import names
from generator.add.new_slice import SliceRequest, add_slice
from generator.add.new_task import TaskRequest, add_task
from generator.add.text import rendered

if TYPE_CHECKING:
    from pathlib import Path

LONG = "as_long_as_a_name_can_be_27"
LENGTHS = [2, *range(8, names.MAX_LENGTH + 1)]


def require_green(folder: Path, *options: str) -> None:
    for command in (["format", "--diff"], ["check", "--select", "E501,I"]):
        done = subprocess.run(
            ["ruff", *command, "--no-cache", *options, "."],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("width", [72, 79, 80, 88, 100, 120])
def test_names_of_all_lengths(tmp_path: Path, width: int) -> None:
    """Each line is broken where ruff would, and none is too long for it."""
    for length in LENGTHS:
        name = f"x{LONG[2:length]}x"
        words = {"slice": name, "one": name, "task": name, "words": names.words_of(name)}
        words |= {"package": "shop_of_mine", "model": "X" * len(name), "revision": f"0001_{name}"}
        words |= {"prefix": names.path_of(name), "path": names.path_of(LONG)}
        for kind, files in {
            "slice": ("migration", "models", "router", "tasks", "test"),
            "task": ("function", "route", "router", "tasks", "test", "test_without_route"),
        }.items():
            folder = tmp_path / kind / name
            folder.mkdir(parents=True)
            for file in files:
                (folder / f"{file}.py").write_bytes(rendered(f"{kind}/{file}.py", width, **words))
    require_green(tmp_path, "--isolated", "--line-length", str(width))


def pyproject(shop: Path, text: str) -> None:
    file = shop / "pyproject.toml"
    before = file.read_text()
    assert "line-length = 100\n" in before
    file.write_text(before.replace("line-length = 100\n", text))


def above(shop: Path) -> None:
    file = shop / "pyproject.toml"
    file.write_text(file.read_text().partition("[tool.ruff]")[0])
    (shop.parent / "ruff.toml").write_text("line-length = 79\n")


def extended(shop: Path) -> None:
    pyproject(shop, 'extend = "../base.toml"\n')
    (shop.parent / "base.toml").write_text("line-length = 79\n")


SETTINGS = {
    "none": lambda shop: pyproject(shop, ""),
    "narrow": lambda shop: pyproject(shop, "line-length = 79\n"),
    "ruff.toml": lambda shop: (shop / "ruff.toml").write_text("line-length = 79\n"),
    ".ruff.toml": lambda shop: (shop / ".ruff.toml").write_text("line-length = 79\n"),
    "a file without it": lambda shop: (shop / "ruff.toml").write_text("fix = false\n"),
    "above": above,
    "extended": extended,
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings(shop: Path, settings: str) -> None:
    """They are found where ruff finds them."""
    SETTINGS[settings](shop)
    (shop / "src/shop/signup/tasks.py").write_text("")
    old = set(shop.rglob("*.py")) - set(shop.glob("src/shop/signup/[rt]*.py"))
    subprocess.run(["ruff", "format", "--quiet", "--no-cache", "."], cwd=shop, check=True)
    add_slice(SliceRequest("customer_notifications", shop))
    add_task(TaskRequest(LONG, shop, slice="customer_notifications"))
    add_task(TaskRequest("recalculate_all_the_totals", shop, slice="signup"))
    for file in old:
        file.unlink()
    require_green(shop)
