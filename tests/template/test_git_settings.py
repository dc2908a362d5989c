"""A person's git settings stop none of our commands, and hold for the commits that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.change import project, status, undo, update
from generator.template import new
from tests import projects, support
from tests.projects import NEXT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GPG = """#!/bin/sh
cat > /dev/null
echo "[GNUPG:] SIG_CREATED D" >&2
echo "-----BEGIN PGP SIGNATURE-----"
echo "-----END PGP SIGNATURE-----"
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a settings file of git's for this test alone."""
    file = tmp_path / "gitconfig"
    file.write_text("[user]\nname = Ada\nemail = ada@example.com\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    return file


def script(file: Path, text: str = "#!/bin/sh\nexit 1\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def hooks_path(folder: Path) -> str:
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        script(folder / "hooks" / name)
    return f"[core]\nhooksPath = {folder}/hooks"


def template_folder(folder: Path) -> str:
    hooks_path(folder / "templates")
    return f"[init]\ntemplateDir = {folder}/templates"


SETTINGS: dict[str, Callable[[Path], str]] = {
    "hooks": hooks_path,
    "templates": template_folder,
    "bare": lambda _: "[safe]\nbareRepository = explicit",
    "texts": lambda _: "[core]\nautocrlf = true\neol = crlf\nsafecrlf = true\nquotePath = false",
    "colours": lambda _: "[color]\nui = always\ndiff = always\nstatus = always",
    "submodules": lambda _: "[submodule]\nrecurse = true\n[fetch]\nrecurseSubmodules = true",
    "diffs": lambda _: (
        "[diff]\nnoprefix = true\nmnemonicPrefix = true\nrenames = copies\n"
        "external = false\n[log]\nshowSignature = true\nfollow = true\n[status]\nbranch = true\n"
        "short = true\nrelativePaths = false\n[merge]\nconflictStyle = zdiff3\n"
    ),
    "commits": lambda _: (
        "[commit]\nverbose = true\ncleanup = scissors\nstatus = true\n"
        "[core]\neditor = false\ncommentChar = S\n[i18n]\ncommitEncoding = ISO-8859-1"
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_stopped(template: Path, tmp_path: Path, settings: Path, name: str) -> None:
    """A project of a template in a repository is made, told of, changed and taken back."""
    with settings.open("a") as file:
        file.write(SETTINGS[name](tmp_path))
    shop = projects.make(tmp_path / "shop", template, projects.RELEASED[0])
    before = support.files(shop)

    assert update.update(update.Request(shop, {"ci": "none"}, NEXT)).applied
    [found] = status.status([shop])
    assert (found.error, found.problems, found.drift.edited) == ("", [], [])
    assert not undo.undo(project.find(shop)).kept
    assert support.files(shop) == before


def test_the_language_of_git(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says is read, so it speaks English."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    shop = projects.make(tmp_path / "shop", template, NEXT)
    assert update.switch(update.Request(shop, {"ci": "none"})).applied


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_object_format(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    """The project has the one that the user wants; changes, conflicts and undo go as ever."""
    monkeypatch.setenv("GIT_DEFAULT_HASH", algorithm)
    shop = projects.make(tmp_path / "shop", template, projects.RELEASED[0])
    assert support.git(shop, "rev-parse", "--show-object-format").strip() == algorithm
    before = support.files(shop)

    assert update.update(update.Request(shop, to=NEXT)).applied
    undo.undo(project.find(shop))
    assert support.files(shop) == before
    assert update.update(update.Request(shop, to=NEXT)).applied
    assert projects.conflicting(shop).conflicts
    assert status.status([shop])[0].problems
    undo.undo(project.find(shop))
    assert projects.is_clean(shop)


def author(shop: Path) -> str:
    return support.git(shop, "log", "-1", "--format=%ae %ce").strip()


@pytest.mark.parametrize("condition", ["gitdir:{}/", "gitdir:{}/shop/", "onbranch:main"])
def test_the_author_is_of_the_projects_folder(
    template: Path, tmp_path: Path, settings: Path, condition: str
) -> None:
    """As git itself would take them there, in the first commit and in all others."""
    (tmp_path / "work.config").write_text("[user]\nname = Ada\nemail = ada@work.example\n")
    condition = condition.format(tmp_path.resolve() / "work")
    for identity in ("", "[user]\nname = Ada\nemail = ada@home.example\n"):
        settings.write_text(f'{identity}[includeIf "{condition}"]\npath = {tmp_path}/work.config\n')
        (tmp_path / "work").mkdir(exist_ok=True)
        shop = projects.make(tmp_path / "work/shop", template, NEXT)
        assert author(shop) == "ada@work.example ada@work.example"
        assert update.switch(update.Request(shop, {"ci": "none"})).applied
        assert author(shop) == "ada@work.example ada@work.example"
        shop.rename(tmp_path / f"made{len(identity)}")


def test_commits_are_signed_where_settings_say_so(
    template: Path, tmp_path: Path, settings: Path
) -> None:
    gpg = script(tmp_path / "gpg", GPG)
    with settings.open("a") as file:
        file.write(f"[commit]\ngpgSign = true\n[gpg]\nprogram = {gpg}\n")

    shop = projects.make(tmp_path / "shop", template, NEXT)
    assert update.switch(update.Request(shop, {"ci": "none"})).applied

    for commit in ("HEAD", "HEAD^"):
        assert "gpgsig" in support.git(shop, "cat-file", "commit", commit)


def test_what_cannot_be_signed_is_not_committed(
    template: Path, tmp_path: Path, settings: Path
) -> None:
    """The project is there, and git's own reason is told."""
    with settings.open("a") as file:
        file.write("[commit]\ngpgSign = true\n[gpg]\nprogram = false\n")

    made = new.new(new.Request(tmp_path / "shop", template=str(template)))

    assert not made.committed
    assert "gpg failed to sign" in made.notes[-1]
    assert (tmp_path / "shop/README.md").is_file()


def test_without_an_identity(template: Path, tmp_path: Path, settings: Path) -> None:
    """The project has a repository and all is staged; the note says what makes the commit."""
    settings.write_text("[user]\nname = Ada\n")

    made = new.new(new.Request(tmp_path / "shop", template=str(template)))

    shop = tmp_path / "shop"
    assert made.created_repository
    assert not made.committed
    assert set(support.git(shop, "ls-files").split()) == set(support.files(shop))
    [_, commands] = made.notes[-1].split("Run: ")
    said = commands.replace("Your Name", "Ada").replace("you@", "ada@")
    support.run_shell(said, tmp_path)
    assert update.switch(update.Request(shop, {"ci": "none"})).applied


@pytest.mark.parametrize("place", ["ignored", "empty .git", "bare", "worktrees", "in .git"])
def test_a_place_that_no_repository_has(template: Path, tmp_path: Path, place: str) -> None:
    """What git would not track there gets a repository of its own."""
    folder = tmp_path / "around"
    folder.mkdir()
    if place == "ignored":
        support.git(folder, "init", "--quiet")
        (folder / ".gitignore").write_text("*\n")
        support.git(folder, "commit", "--quiet", "--allow-empty", "--message", "Home")
    elif place == "empty .git":
        (folder / ".git").mkdir()
    elif place == "bare":
        support.git(folder, "init", "--quiet", "--bare")
    elif place == "worktrees":
        support.git(folder, "init", "--quiet", "--bare", ".bare")
        (folder / ".git").write_text("gitdir: ./.bare\n")
    else:
        support.git(folder, "init", "--quiet")
        folder /= ".git"

    made = new.new(new.Request(folder / "services/shop", template=str(template)))

    assert (made.created_repository, made.committed) == (True, True)
    assert update.switch(update.Request(folder / "services/shop", {"ci": "none"})).applied


@pytest.mark.parametrize("place", ["ignored", "empty .git", "worktrees"])
def test_a_project_that_no_repository_has(
    template: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As older versions left it: what they are told to run helps."""
    folder = tmp_path / "around"
    shop = projects.make(folder / "shop", template, NEXT)
    (shop / ".git").rename(tmp_path / "away")
    if place == "ignored":
        support.git(folder, "init", "--quiet")
        (folder / ".gitignore").write_text("*\n")
        support.git(folder, "commit", "--quiet", "--allow-empty", "--message", "Home")
    elif place == "empty .git":
        (folder / ".git").mkdir()
    else:
        support.git(folder, "init", "--quiet", "--bare", ".bare")
        (folder / ".git").write_text("gitdir: ./.bare\n")
    with pytest.raises(Exception, match=r"git repository|ignores") as refused:
        update.switch(update.Request(shop, {"ci": "none"}))

    support.run_shell(str(refused.value).split("run: ")[1], shop)

    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    assert update.switch(update.Request(shop, {"ci": "none"})).applied
