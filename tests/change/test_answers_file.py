"""Answers in a file of another name, as Copier takes them: `copier copy --answers-file`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.change import project, undo
from generator.errors import RefusedError
from tests import projects, support
from tests.projects import RELEASED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

OURS = ".copier-answers.service.yml"
OTHER = "_commit: v1\n_src_path: https://github.com/example/other\nlicence: MIT\n"


def made(shop: Path, template: Path, name: str) -> Path:
    words = ("--defaults", "--quiet", "--vcs-ref", RELEASED[0], "--answers-file", name)
    shop.mkdir()
    done = projects.copier(shop, "copy", *words, "--data", "project_name=shop", str(template), ".")
    assert done.returncode == 0, done.stderr
    support.git(shop, "init", "--quiet", "--initial-branch=main")
    return shop


@pytest.mark.parametrize(
    ("name", "beside", "words"),
    [
        (OURS, False, []),
        (OURS, True, []),
        ("config/mine.yml", False, ["--answers-file", "config/mine.yml"]),
    ],
)
def test_every_command_takes_it(  # noqa: PLR0913 (three are fixtures)
    command: Command, template: Path, tmp_path: Path, name: str, words: list[str], *, beside: bool
) -> None:
    """Found by itself, alone or beside another template's answers; or where the flag says."""
    shop = made(tmp_path / "shop", template, name)
    if beside:
        (shop / ".copier-answers.yml").write_text(OTHER)
    support.commit(shop, "Start")
    before = support.files(shop)

    for arguments in (["status", "--json"], ["update"], ["switch", "--ci", "none"], ["status"]):
        code, printed, error = command([*arguments, "shop", *words])
        assert code == 0, error
        if "--json" in arguments:
            [found] = json.loads(printed)["projects"]
            assert (found["error"], found["problems"]) == ("", [])
            assert (found["drift"]["edited"], found["drift"]["deleted"]) == ([], [])
    assert "ci: none" in (shop / name).read_text()
    if beside:
        assert (shop / ".copier-answers.yml").read_text() == OTHER
    elif words:
        assert not (shop / ".copier-answers.yml").exists()
    undo.undo(project.find_repository(shop))
    support.git(shop, "reset", "--quiet", "--hard", "HEAD^")
    assert support.files(shop) == before
    assert projects.is_clean(shop)


def test_two_that_are_ours(template: Path, tmp_path: Path) -> None:
    """Which one is meant has to be said."""
    shop = made(tmp_path / "shop", template, OURS)
    (shop / ".copier-answers.yml").write_bytes((shop / OURS).read_bytes())
    support.commit(shop, "Start")
    with pytest.raises(RefusedError, match="several answers") as refused:
        project.find(shop)
    assert "--answers-file" in refused.value.remedy
    assert project.find(shop, OURS).answers_file == OURS


def test_from_the_root_of_a_monorepo(template: Path, tmp_path: Path) -> None:
    """As older Renovate calls Copier: new files would come into the root."""
    shop = projects.make(tmp_path / "services/shop", template, RELEASED[0])
    with pytest.raises(RefusedError, match="The project of services/shop") as refused:
        project.find(tmp_path, "services/shop/.copier-answers.yml")
    assert refused.value.remedy == f"Give its path: {shop}"
