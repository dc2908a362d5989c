"""A small template of three versions that moves its files about, and projects of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.template import new
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

    from generator.change.merge import Kind
    from generator.change.plan import Plan

QUESTIONS = """\
_subdirectory: template
package_name: {type: str, default: shop}
"""
ANSWERS = "{{ _copier_answers|to_nice_yaml }}"
MOVES = """\
0.2.0:
  src/{package_name}/database.py: src/{package_name}/store/database.py
  checks/: tests/checks/
0.3.0:
  src/{package_name}/store/: src/{package_name}/service/
  src/{package_name}/health.py: src/{package_name}/service/health.py
  src/{package_name}/elsewhere.py: src/{package_name}/service/elsewhere.py
  tests/checks/: tests/engine/
  tests/checks/help.py: tests/engine/support/help.py
"""


def text(name: str) -> str:
    """Give lines enough for git to tell what was renamed."""
    return "".join(f"# line {number} of {name}\n" for number in range(12))


def version(*paths: str) -> dict[str, str]:
    return {path: text(path.rpartition("/")[2]) for path in paths}


VERSIONS = {
    "v0.1.0": version(
        "src/shop/__init__.py",
        "src/shop/main.py",
        "src/shop/database.py",
        "src/shop/health.py",
        "src/shop/elsewhere.py",
        "checks/test_all.py",
        "checks/help.py",
    ),
    "v0.2.0": version(
        "src/shop/__init__.py",
        "src/shop/main.py",
        "src/shop/store/database.py",
        "src/shop/health.py",
        "src/shop/elsewhere.py",
        "tests/checks/test_all.py",
        "tests/checks/help.py",
    ),
    "v0.3.0": version(
        "src/shop/__init__.py",
        "src/shop/main.py",
        "src/shop/service/database.py",
        "src/shop/service/health.py",
        "tests/engine/test_all.py",
        "tests/engine/support/help.py",
    ),
}
OLD, NEW = "src/shop/store/database.py", "src/shop/service/database.py"


def build(folder: Path) -> Path:
    """Make a template of three versions; what it moved, it has changed in its fifth line too."""
    support.git(folder.parent, "init", "--quiet", "--initial-branch=main", folder.name)
    (folder / "copier.yml").write_text(QUESTIONS)
    for tag, files in VERSIONS.items():
        support.git(folder, "rm", "-r", "--quiet", "--ignore-unmatch", "template")
        for path, lines in files.items():
            moved = path in {NEW, "tests/engine/test_all.py"}
            write(
                folder / "template" / path.replace("/shop/", "/{{ package_name }}/"),
                lines.replace("# line 4", "# the template's line 4") if moved else lines,
            )
        write(folder / "template/{{ _copier_conf.answers_file }}.jinja", ANSWERS)
        if tag == "v0.3.0":
            (folder / "moves.yml").write_text(MOVES)
        support.commit(folder, tag)
        support.git(folder, "tag", tag)
    return folder


def write(file: Path, lines: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(lines)


def make(folder: Path, template: Path, tag: str = "v0.2.0") -> Path:
    new.new(new.Request(folder, template=str(template), version=tag))
    return folder


def edit(file: Path, number: int = 9) -> None:
    """Change a line, by default one that is far from the template's change."""
    lines = file.read_text().splitlines()
    lines[number] = "# my line"
    file.write_text("\n".join(lines) + "\n")


def told(made: Plan, kind: Kind) -> list[tuple[str, str]]:
    return [(each.was, each.path) for each in made.changes if each.kind is kind]


def reason(made: Plan, path: str) -> str:
    [found] = [each.reason for each in made.changes if each.path == path]
    return found
