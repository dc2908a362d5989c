"""The commands for a project that exists, as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.change.plan import Verdict
from generator.template import questions
from tests import projects, support
from tests.projects import NEXT, RELEASED

if TYPE_CHECKING:
    from tests.support import Command

OLD = RELEASED[0]


@pytest.fixture
def shop(command: Command, tmp_path: Path) -> Path:
    """Give a project of the first release, made and updated without a network."""
    assert command(["new", "shop", "--version", OLD])[0] == 0
    return tmp_path / "shop"


def read(command: Command, *arguments: str, code: int = 0) -> dict[str, Any]:
    ended, printed, _ = command([*arguments, "--json"])
    assert ended == code, printed
    answer: dict[str, Any] = json.loads(printed)
    return answer


def test_a_whole_round(command: Command, shop: Path) -> None:
    """Plan, switch, status, undo: each says what it did and what to do next."""
    head = projects.head(shop)

    code, printed, _ = command(["switch", "shop", "--task-backend", "rq", "--dry-run"])
    assert code == 0
    assert "task_backend: background → rq" in printed
    assert "src/shop/tasks/rq.py" in printed
    assert "+ rq>=" in printed
    assert "+ SHOP_BROKER_URL" in printed
    assert "→ ✓ ~75 s" in printed
    assert "Nothing was changed" in printed
    assert projects.is_clean(shop)
    assert projects.head(shop) == head

    code, printed, _ = command(["switch", "shop", "--task-backend", "rq"])
    assert code == 0
    assert printed.splitlines()[-1].startswith("Next: cd ")
    assert support.git(shop, "log", "-1", "--format=%s").strip() == "Switch to task_backend rq"
    assert "Backend: rq → redis" in command(["status", "shop"])[1]

    assert command(["undo", "shop"])[0] == 0
    assert projects.head(shop) == head


def test_a_lock_that_is_committed(command: Command, shop: Path) -> None:
    """It is for uv to write: the next steps say so, and it is as it was."""
    (shop / "uv.lock").write_text("version = 1\n")
    support.commit(shop, "Lock")

    _, printed, _ = command(["switch", "shop", "--task-backend", "rq"])

    assert printed.splitlines()[-1].endswith("&& uv lock && make migrate test")
    assert "git restore uv.lock" in printed
    assert (shop / "uv.lock").read_text() == "version = 1\n"
    done = read(command, "switch", "shop", "--ci", "gitlab", "--dry-run")
    assert done["next"] == ["make migrate test"]


def test_an_example_that_goes_and_comes(command: Command) -> None:
    """Its migration stays; what drops its tables is to be written, and read before it is run."""
    assert command(["new", "till", "--package-name", "shop"])[0] == 0
    _, printed, _ = command(["switch", "till", "--examples", "none"])
    assert "0001_signup.py: it is no longer rendered, and stays" in printed
    assert printed.endswith('till && make migration m="drop what is gone" && make test\n')
    done = read(command, "switch", "till", "--examples", "signup")
    assert "migrations/versions/0001_signup.py" not in {each["path"] for each in done["changes"]}
    assert done["next"] == ["make migrate test"]


def test_a_package_with_another_name(command: Command, shop: Path) -> None:
    """The user's own imports are theirs to change, and what git does not know theirs to move."""
    own = {
        "mine.py": "from shop.unit_of_work import UnitOfWork\n",
        "also.py": "if True:\n    import json, shop\n",
        "none.py": "import shop_window\nfrom x import shop  # from shop\n",
    }
    for name, text in own.items():
        (shop / "src/shop" / name).write_text(text)
    support.commit(shop, "Mine")
    for name in ("local.py", "__pycache__/mine.pyc"):
        (shop / "src/shop" / name).parent.mkdir(exist_ok=True)
        (shop / "src/shop" / name).write_text("")

    done = read(command, "switch", "shop", "--package-name", "web", "--dry-run")
    assert done["old_imports"] == [
        {"path": "src/web/also.py", "line": 2, "old": "shop", "new": "web"},
        {
            "path": "src/web/mine.py",
            "line": 1,
            "old": "shop.unit_of_work",
            "new": "web.unit_of_work",
        },
    ]
    assert done["left_behind"] == ["src/shop/local.py"]
    code, printed, _ = command(["switch", "shop", "--package-name", "web"])

    assert code == 0
    assert "Imports by an old name, yours to change: 2\n" in printed
    assert "  src/web/also.py:2: shop → web\n" in printed
    assert "for git does not know them: 1\n  src/shop/local.py\n" in printed
    assert (shop / "src/shop/local.py").exists()
    done = read(command, "switch", "shop", "--ci", "none")
    assert (done["old_imports"], done["left_behind"]) == ([], [])


def test_what_a_flag_of_switch_is_by_default(command: Command) -> None:
    """The answer that the project has, whatever a new one would get."""
    words = command(["switch", "--help"])[1].split()
    assert " ".join(words).count("[default: as it is]") == len(questions.load())


def test_update_without_a_network(command: Command, shop: Path) -> None:
    """Every released version came with the command; so did what is to be known of each."""
    newest = RELEASED[-1]
    done = read(command, "update", "shop")

    assert done["version"] == {"old": OLD, "new": newest}
    assert done["applied"] == (newest != OLD)
    assert support.answers(shop)["_commit"] == newest
    assert set(done["release_notes"]) <= {each.removeprefix("v") for each in RELEASED[1:]}
    assert projects.is_clean(shop)


def test_conflicts(command: Command, shop: Path) -> None:
    """They end with 2, and the last lines say how to go on."""
    (shop / "docs/background.md").write_text("Ours.\n")
    support.commit(shop, "Ours")

    code, printed, _ = command(["switch", "shop", "--task-backend", "rq"])

    assert code == 2
    assert "docs/background.md: you edited it, and it is no longer rendered" in printed
    assert "git rm FILE" in printed
    assert (shop / "docs/background.md").read_text() == "Ours.\n"
    [found] = read(command, "status", "shop")["projects"]
    # OLD has no digest beside the answers, which would tell of another problem.
    assert found["problems"] == ["docs/background.md is in conflict: settle it, then git add"]


@pytest.mark.usefixtures("shop")
def test_confirmation(command: Command) -> None:
    """Without a terminal a promise is given up by --yes alone."""
    read(command, "switch", "shop", "--task-backend", "outbox")

    refused = read(command, "switch", "shop", "--task-backend", "background", code=3)
    assert refused["error"].startswith("Given up: ")
    assert refused["remedy"] == "If that is all right, pass --yes."
    done = read(command, "switch", "shop", "--task-backend", "background", "--yes")
    assert done["deploy"][1].startswith("When `shop tasks drain --check`")


def test_draining_under_traffic(command: Command) -> None:
    """Rows that the new release writes all the time do not count, where the command knows how."""
    command(["new", "shop", "--version", "0.2.0", "--task-backend", "rq"])

    steps = read(command, "switch", "shop", "--task-backend", "celery", "--dry-run")["deploy"]

    assert steps[2].startswith("When `shop tasks drain --check --older-than SECONDS` in the OLD")
    assert steps[3] == 'docs/tasks.md, "Changing the backend", has all of it.'


def test_every_given_answer_is_shown(command: Command, shop: Path) -> None:
    """One to a question that the project had not been asked, too."""
    arguments = ["--task-backend", "celery", "--broker", "rabbitmq"]
    done = read(command, "switch", "shop", *arguments)

    changed = {"task_backend": ["background", "celery"], "broker": [None, "rabbitmq"]}
    assert done["answers"]["changed"] == changed
    subject = support.git(shop, "log", "-1", "--format=%s").strip()
    assert subject == "Switch to task_backend celery, broker rabbitmq"


def test_status(command: Command, shop: Path) -> None:
    """Drift by file, conflict markers, and codes for CI."""
    (shop / "README.md").write_text("Ours.\n")
    (shop / "docs/tasks.md").unlink()
    (shop / "own.py").write_text("")
    [found] = read(command, "status", "shop")["projects"]

    assert found["version"] == OLD
    assert found["drift"]["edited"] == ["README.md"]
    assert found["drift"]["deleted"] == ["docs/tasks.md"]
    assert found["drift"]["added"] == ["own.py"]
    assert command(["status", "shop", "--check"])[0] == (1 if found["outdated"] else 0)

    (shop / "README.md").write_text("<<<<<<< yours\n=======\n>>>>>>> theirs\n")
    [found] = read(command, "status", "shop", "--check", code=2)["projects"]
    assert found["conflict_markers"] == ["README.md"]


def test_status_of_several(command: Command, shop: Path, tmp_path: Path) -> None:
    """A table; * stands for every project there; one that is none does not stop the others."""
    for name in ("a", "b", "c"):
        shutil.copytree(shop, tmp_path / "services" / name)
    (tmp_path / "services/none").mkdir()

    code, printed, _ = command(["status", "services/*", "shop"])

    assert code == 0
    assert printed.count(OLD) >= 4
    several = read(command, "status", "services/*", "services/none", code=3)["projects"]
    assert [Path(each["project"]).name for each in several] == ["a", "b", "c", "none"]


def test_status_of_a_pattern_without_a_project(command: Command, shop: Path) -> None:
    """A folder that is mistyped must not look like one where all is well."""
    first, second = read(command, "status", "--check", "shp/*", "shop", code=3)["projects"]

    assert "No project matches" in first["error"]
    assert second["project"] == str(shop)


@pytest.mark.parametrize("path", ["~nobody-here/x", "~nobody-here/*", "a" * 300])
def test_status_of_a_path_that_cannot_be(command: Command, shop: Path, path: str) -> None:
    """It stops no other."""
    first, second = read(command, "status", path, "shop", code=3)["projects"]

    assert "Give the path of a project." in first["error"]
    assert second["project"] == str(shop)


def test_verify(command: Command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's tests are run before and after; if they fail only after, so does the code."""
    monkeypatch.setenv("MAKEFLAGS", "w")  # as `make -C` sets it for what it calls
    makefile = shop / "Makefile"
    text = makefile.read_text().replace(
        "$(RUN) pytest", "@test -f docs/background.md && echo 7 passed"
    )
    makefile.write_text(text)
    support.commit(shop, "Quick tests")

    done = read(command, "switch", "shop", "--task-backend", "rq", "--verify", code=1)

    assert done["tests_before"] == {"passed": True, "summary": "7 passed"}
    assert not done["tests_after"]["passed"]


def test_verify_of_conflicts(command: Command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of a project with markers in it would tell nothing; it is said that there are none."""
    (shop / "src/shop/tasks/background.py").write_text("# all mine\n")
    support.commit(shop, "Mine")
    verdict = Verdict(passed=True, summary="7 passed")
    monkeypatch.setattr("generator.change.verify.run_tests", lambda _: verdict)

    code, printed, _ = command(["switch", "shop", "--task-backend", "rq", "--verify"])

    assert code == 2
    assert "Tests before: passed (7 passed); after: not run, conflicts\n" in printed


@pytest.mark.parametrize(("after", "code"), [("1 failed", 0), ("2 failed", 1)])
def test_verify_of_tests_that_failed_before(
    command: Command, shop: Path, after: str, code: int
) -> None:
    """The code is about what the change broke; how long tests take is no difference."""
    makefile = shop / "Makefile"
    said = f"test -d .github && echo 1 failed in 2.50s || echo {after} in 75.31s '(0:01:15)'"
    makefile.write_text(makefile.read_text().replace("$(RUN) pytest", f"@{said}; exit 1"))
    support.commit(shop, "Tests that fail")

    ended, printed, _ = command(["switch", "shop", "--ci", "none", "--verify"])

    assert ended == code
    assert f"FAILED ({after} in 75.31s (0:01:15))" in printed
    assert ("ends with 1" in printed) == bool(code)


def test_undo_says_what_it_cannot(command: Command, shop: Path) -> None:
    assert "nothing to undo" in read(command, "undo", "shop", code=3)["error"]
    assert shop.exists()


def test_other_sources_still_work(command: Command, template: Path, tmp_path: Path) -> None:
    """A template of one's own, in a repository, with its tags as versions."""
    assert command(["new", "own", "--template", str(template), "--version", OLD])[0] == 0
    done = read(command, "update", "own")

    assert done["version"]["new"] == NEXT
    assert projects.is_clean(tmp_path / "own")
