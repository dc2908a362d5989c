"""Edits anywhere in any file: no line of them is ever lost."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.change import project, undo, update
from tests import projects, support
from tests.projects import COMBINATIONS, NEXT, RELEASED

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("cached_renders")


@dataclass(frozen=True)
class Edit:
    """What somebody does to one of the files; the numbers choose the file and the line."""

    what: str
    file: int
    line: int


edits = st.builds(
    Edit,
    st.sampled_from(["insert", "insert", "replace", "rename", "delete", "crlf"]),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)


@settings(max_examples=max(25, settings().max_examples))
@given(
    version=st.sampled_from([*RELEASED, NEXT]),
    start=st.sampled_from(COMBINATIONS),
    end=st.sampled_from(COMBINATIONS),
    made=st.lists(edits, min_size=1, max_size=12),
)
def test_no_edit_is_lost(  # noqa: PLR0913, PLR0917 (two fixtures, and what is drawn)
    renders: projects.Renders,
    tmp_path_factory: pytest.TempPathFactory,
    version: str,
    start: dict[str, str],
    end: dict[str, str],
    made: list[Edit],
) -> None:
    """Whatever was edited, an update with a switch keeps every line; undo brings all back.

    It is in its file, or in one that the plan names.
    """
    folder = tmp_path_factory.mktemp("edits")
    shop = renders.project(folder / "shop", version, **start)
    lines = _edit_anywhere(shop, made)
    before = projects.texts(shop)
    head = projects.head(shop)

    done = update.update(update.Request(shop, end))

    after = {path: text.decode() for path, text in support.files(shop).items()}
    named = {change.path for change in done.changes}
    for line, path in lines.items():
        assert any(line in after.get(place, "") for place in {path, *named}), (line, path)
    if done.applied:
        undo.undo(project.find(shop))
    assert projects.texts(shop) == before
    assert projects.head(shop) == head
    assert projects.is_clean(shop)
    shutil.rmtree(folder)


def _edit_anywhere(shop: Path, made: list[Edit]) -> dict[str, str]:
    """Give the lines that were written and their files, which nobody deletes afterwards."""
    files = sorted(support.files(shop).keys() - {".copier-answers.yml"})
    written: dict[str, str] = {}
    for number, edit_ in enumerate(made):
        path = files[edit_.file % len(files)]
        file = shop / path
        if edit_.what == "delete" and path not in written.values():
            file.unlink()
            files.remove(path)
        elif edit_.what == "rename" and path not in written.values():
            target = f"{path}.moved{number}"
            file.rename(shop / target)
            files[files.index(path)] = target
        elif edit_.what == "crlf":
            file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        else:
            line = f"# edit {number} of {path}"
            lines = file.read_text(encoding="utf-8").split("\n")
            at = edit_.line % len(lines)
            replaced = [text for text in lines[at : at + 1] if text in written]
            lines[at : at + (edit_.what == "replace" and not replaced)] = [line]
            file.write_text("\n".join(lines), encoding="utf-8")
            written[line] = path
    support.git(shop, "add", "--all")
    support.git(shop, "commit", "--quiet", "--allow-empty", "--message", "Edits")
    if not projects.is_clean(shop):  # a .gitattributes that moves still rules its own commit
        support.commit(shop, "Line ends")
    return written
