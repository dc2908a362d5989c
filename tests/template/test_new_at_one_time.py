"""Two `new` of one folder, or of two in a new one: the first wins, and keeps all that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import git as ours
from generator.errors import RefusedError
from generator.template import destination, new
from tests.support import git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(params=["new", "empty", "with a README"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    if request.param != "new":
        folder.mkdir()
    if request.param == "with a README":
        (folder / "README.md").write_text("# shop\n")
    return folder


def make(folder: Path, template: Path) -> new.Project:
    return new.new(new.Request(folder, template=str(template)))


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, event: Callable[[], object]
) -> None:
    """Let that happen once, when this is called."""
    real, events = getattr(module, name), [event]

    def called(*arguments: object, **more: object) -> object:
        if events:
            events.pop()()
        return real(*arguments, **more)

    monkeypatch.setattr(module, name, called)


def assert_whole(shop: Path, made: new.Project) -> None:
    assert made.committed
    assert git(shop, "status", "--porcelain", "--", *made.files) == ""
    assert git(shop, "ls-files").split() == made.files
    assert [entry.name for entry in shop.parent.iterdir()] == [shop.name]


def test_made_since_it_looked(
    template: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[new.Project] = []
    meanwhile(monkeypatch, ours, "prepare_environment", lambda: made.append(make(shop, template)))
    with pytest.raises(RefusedError, match="is not empty: it holds .copier-answers"):
        make(shop, template)
    assert_whole(shop, made[0])


def test_made_at_the_last_moment(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, made = tmp_path / "shop", []
    meanwhile(
        monkeypatch, destination, "undisturbed", lambda: made.append(make(shop, template))
    )
    with pytest.raises(RefusedError, match="is not empty: it holds .copier-answers"):
        make(shop, template)
    assert_whole(shop, made[0])


def test_made_while_it_commits(
    template: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one has rendered, and would move in."""
    refused: list[RefusedError] = []

    def move_in() -> None:
        with pytest.raises(RefusedError) as error, destination.held(shop):
            pass
        refused.append(error.value)

    meanwhile(monkeypatch, ours, "knows_who", move_in)
    assert_whole(shop, make(shop, template))
    assert refused[0].remedy


def test_beside_one_that_is_interrupted(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found no folder around them: what is in it since is not its to remove."""
    made: list[new.Project] = []

    def interrupt() -> None:
        made.append(make(tmp_path / "team/other", template))
        raise KeyboardInterrupt

    meanwhile(monkeypatch, ours, "knows_who", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "team/shop", template)
    assert_whole(tmp_path / "team/other", made[0])
