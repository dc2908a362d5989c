"""Copier made faster renders what Copier renders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import copier
import jinja2
import plumbum
import pytest
import yaml
from copier import _main, _user_data

from generator.template.faster import MODES, faster
from tests import projects, support

if TYPE_CHECKING:
    from pathlib import Path


def rendered(template: Path, folder: Path, answers: dict[str, Any]) -> dict[str, bytes]:
    copier.run_copy(
        str(template), folder, data=answers, defaults=True, unsafe=False, quiet=True, overwrite=True
    )
    return support.files(folder)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    folder.mkdir()
    support.snapshot(folder)
    return folder


@pytest.mark.parametrize("answers", projects.COMBINATIONS[1::5], ids=projects.name)
def test_the_files_are_the_same(plain: Path, tmp_path: Path, answers: dict[str, Any]) -> None:
    """The first time, and again with all templates compiled."""
    expected = rendered(plain, tmp_path / "copier", answers)
    for name in ("first", "second"):
        with faster():
            assert rendered(plain, tmp_path / name, answers) == expected


def test_a_changed_template_is_compiled_anew(plain: Path, tmp_path: Path) -> None:
    """What was compiled belongs to a text, not to a file's name."""
    for word in ("one", "another"):
        (plain / "template/word.txt.jinja").write_text(word + " {{ project_name }}")
        with faster():
            files = rendered(plain, tmp_path / word, {"project_name": "shop"})
        assert files["word.txt"] == f"{word} shop".encode()


def test_a_path_that_is_several(plain: Path, tmp_path: Path) -> None:
    """Copier's `yield` in a path does not reach into the next path, compiled before or not."""
    path = plain / "template/{% yield word from ['a', 'b'] %}{{ word }}{% endyield %}/it.txt.jinja"
    path.parent.mkdir()
    path.write_text("{{ word }}")
    expected = rendered(plain, tmp_path / "copier", {})
    assert expected["b/it.txt"] == b"b"
    for name in ("first", "second"):
        with faster():
            assert rendered(plain, tmp_path / name, {}) == expected


def test_everything_is_put_back() -> None:
    """Whatever happens in between; and the names that are replaced are those of this Copier."""

    def names() -> list[Any]:
        ours = getattr(_main.Worker, MODES), vars(_user_data)["ChainMap"]
        return [*ours, jinja2.Environment.compile, yaml.SafeLoader, plumbum.local.env["PATH"]]

    def fail() -> None:
        assert not [name for name in names() if name in before]
        raise ZeroDivisionError

    before = names()
    with pytest.raises(ZeroDivisionError), faster():
        fail()
    assert names() == before
