from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from generator.template import new, questions
from tests.support import answers, child_environment, commit, fastapi_tasks, files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

OTHERS = {"broker"}  # asked only after another answer than the default


def test_defaults_make_a_project_in_its_own_repository(checkout: Path, tmp_path: Path) -> None:
    """The defaults give a clean repository on main with every file in its one commit."""
    done = fastapi_tasks(checkout, tmp_path, "new", "shop", "--defaults")

    project = tmp_path / "shop"
    assert done.returncode == 0, done.stderr
    assert git(project, "branch", "--show-current") == "main\n"
    assert git(project, "rev-list", "--count", "HEAD") == "1\n"
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert set(git(project, "ls-files").split()) == set(files(project))
    assert list(tmp_path.iterdir()) == [project]
    assert done.stdout.splitlines()[-1] == "Next: cd shop && make dev"
    assert done.stderr == ""
    recorded = answers(project)
    assert recorded["_src_path"] == str(checkout)
    assert git(checkout, "rev-parse", "HEAD").startswith(recorded["_commit"])


def test_copier_alone_updates_the_project(released: Path, tmp_path: Path) -> None:
    """Plain `copier update` brings the next release's files."""
    new.new(new.Request(tmp_path / "shop", template=str(released)))
    (released / "template" / "ADDED").write_text("new in 1.1\n")
    commit(released, "More")
    git(released, "tag", "v1.1.0")

    copier = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"]
    subprocess.run(copier, cwd=tmp_path / "shop", check=True, capture_output=True)

    assert answers(tmp_path / "shop")["_commit"] == "v1.1.0"
    assert (tmp_path / "shop" / "ADDED").read_text() == "new in 1.1\n"


def test_printed_copier_line_is_exact(checkout: Path, tmp_path: Path) -> None:
    """The printed `copier copy` line, pasted into a shell, gives the same files."""
    name = "The \"$HOME\" 'shop' {{ 1 }}"
    arguments = ["--project-name", name, "--data=database=postgresql", "--examples", "none"]
    done = fastapi_tasks(checkout, tmp_path, "new", "a shop", *arguments)
    assert done.returncode == 0, done.stderr
    (project := tmp_path / "a shop").rename(tmp_path / "ours")

    line = next(line for line in done.stdout.splitlines() if line.startswith("  copier copy"))
    module = f"{shlex.quote(sys.executable)} -m {line.strip()}"
    subprocess.run(module, shell=True, cwd=tmp_path, check=True, capture_output=True)  # noqa: S602 (as `new` prints it)

    assert files(project) == files(tmp_path / "ours")


def test_flag_and_data_answer_alike(command: Command) -> None:
    """A flag and --data are two spellings of one answer."""
    flags = ["--database", "postgresql", "--examples", "signup", "--python-version", "3.12"]
    data = ["--data=database=postgresql", "--data=examples=[signup]", "--data=python_version=3.12"]

    one, two = (command(["new", "shop", *more, "--json", "--dry-run"]) for more in (flags, data))

    assert one == two
    assert json.loads(one[1])["answers"]["examples"] == ["signup"]


def test_every_question_has_a_flag(
    command: Command, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question that Copier asks is a flag in the help, whose text is the question's."""
    monkeypatch.setenv("COLUMNS", "300")
    _, shown, _ = command(["new", "--help"])
    _, made, _ = command(["new", "shop", "--json", "--dry-run"])

    always = [question.name for question in questions.load(checkout) if question.name not in OTHERS]
    assert always == list(json.loads(made)["answers"])
    for question in questions.load(checkout):
        assert question.flag in shown


def test_an_answer_that_is_not_asked_for_is_refused(command: Command) -> None:
    """A broker for a backend that has none is a mistake, and not dropped in silence."""
    code, _, told = command(["new", "shop", "--task-backend", "background", "--broker", "redis"])
    assert code == 3
    assert "broker" in told


def test_json_tells_a_program_everything(checkout: Path, tmp_path: Path) -> None:
    """With --json stdout is one JSON object and nothing else."""
    done = fastapi_tasks(checkout, tmp_path, "new", "shop", "--database=postgresql", "--json")

    made = json.loads(done.stdout)
    assert made["destination"] == str(tmp_path / "shop")
    assert made["files"] == sorted(files(tmp_path / "shop"))
    assert made["services"] == ["postgresql"]
    assert made["next"] == "cd shop && make dev"


def test_dry_run_writes_nothing(checkout: Path, tmp_path: Path) -> None:
    """A dry run lists the files and services of the real run and leaves no trace."""
    dry = fastapi_tasks(checkout, tmp_path, "new", "shop", "--dry-run", "--database=postgresql")
    assert list(tmp_path.iterdir()) == []

    answer = {"database": "postgresql"}
    made = new.new(new.Request(tmp_path / "shop", answer, template=str(checkout)))
    listing = "".join(f"  {file}\n" for file in made.files)
    assert f"Would write to {tmp_path / 'shop'}:\n{listing}" in dry.stdout
    assert f"Services it would need: {made.services[0]}.\n" in dry.stdout


def test_without_a_terminal_it_never_waits(checkout: Path, tmp_path: Path) -> None:
    """An open pipe that says nothing gets the default answers."""
    command = [sys.executable, "-m", "generator", "new", "shop"]
    environment = child_environment(checkout)
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.wait(timeout=60) == 0
    assert answers(tmp_path / "shop")["project_name"] == "shop"


def test_a_terminal_is_asked(checkout: Path, tmp_path: Path) -> None:
    """At a terminal Copier asks what no flag has answered, the folder's name as first default."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "generator", "new", "tea-shop", "--ci", "none"]
    environment = child_environment(checkout, PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm")
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        asked = [question for question in questions.load(checkout) if question.name not in OTHERS]
        shown = _answer_with_enter(controller, asked)
        assert process.wait(timeout=60) == 0, shown

    assert "Where does the project run its checks" not in shown
    recorded = answers(tmp_path / "tea-shop")
    assert recorded["project_name"] == "tea-shop"
    assert recorded["package_name"] == "tea_shop"
    assert recorded["ci"] == "none"
    assert "--data database=sqlite" in shown


def _answer_with_enter(controller: int, asked: list[questions.Question]) -> str:
    """Press Enter whenever a question appears; return all that was shown."""
    shown, waiting = "", [q.help.split(" (")[0] for q in asked if q.name != "ci"]
    while True:
        try:
            shown += os.read(controller, 65536).decode(errors="replace")
        except OSError:  # the terminal is closed: the command has ended
            os.close(controller)
            return shown
        if waiting and waiting[0] in shown:
            waiting.pop(0)
            os.write(controller, b"\r")


def test_an_empty_folder_is_used_as_it_is(checkout: Path, tmp_path: Path) -> None:
    """`new .` fills the empty folder one stands in, and needs no cd afterwards."""
    (here := tmp_path / "shop").mkdir()
    inode = here.stat().st_ino

    done = fastapi_tasks(checkout, here, "new", ".", "--defaults")

    assert done.stdout.splitlines()[-1] == "Next: make dev"
    assert here.stat().st_ino == inode
    assert answers(here)["project_name"] == "shop"
    assert git(here, "status", "--porcelain") == ""


def test_inside_another_repository_it_makes_none(checkout: Path, tmp_path: Path) -> None:
    """A project in a monorepo is written, gets no repository of its own, and this is said."""
    git(tmp_path, "init", "--quiet")

    done = fastapi_tasks(checkout, tmp_path, "new", "services/shop", "--defaults")

    assert done.returncode == 0, done.stderr
    assert f"It lies in the git repository {tmp_path}" in done.stdout
    assert not (tmp_path / "services" / "shop" / ".git").exists()


def test_permissions_are_those_of_any_new_folder(checkout: Path, tmp_path: Path) -> None:
    """Other users may read the project as far as the umask allows."""
    new.new(new.Request(tmp_path / "shop", template=str(checkout)))
    (tmp_path / "plain").mkdir()

    assert (tmp_path / "shop").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("folder", "name"),
    [("shop", "shop"), ("Tea Shop ", "Tea Shop"), ("a\tb\n", "ab"), ("x" * 99, "x" * 60)],
)
def test_project_is_named_after_its_folder(folder: str, name: str) -> None:
    """The folder's name becomes a valid answer."""
    assert new.project_name(folder) == name
