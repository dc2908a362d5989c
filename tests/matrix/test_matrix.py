"""The combinations that are built, and the command that builds them."""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from generator.errors import ExitCode, GeneratorError, RefusedError
from generator.matrix import combinations, matrix, workspace
from generator.matrix import many_renders as rendering
from generator.matrix.outcomes import BAD, History, Outcome, Status
from generator.matrix.stages import STAGES
from generator.template import questions
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

ALL = combinations.combinations()
ASKED = questions.load()


@pytest.mark.matrix
@pytest.mark.parametrize("name", [row.name for row in ALL])
def test_combination(name: str) -> None:
    """It goes through all of its stages."""
    outcomes = matrix.run(matrix.Request(only={"name": name}))
    assert [outcome.detail for outcome in outcomes if outcome.status in BAD] == []


def test_the_whole_product_is_built() -> None:
    """Each combination of backend, broker and database that can be asked for, once."""
    rows = [tuple(row.answers.items()) for row in ALL if not row.others]
    assert len(rows) == len(set(rows)) == 10
    assert {row.name for row in ALL[:10]} == {row.name for row in ALL if not row.others}
    assert len({row.name for row in ALL}) == len(ALL)


def test_whether_a_question_is_asked_may_depend_on_a_computed_answer(tmp_path: Path) -> None:
    """On one that stands before it, as when a question was asked under another name."""
    text = """
kind: {type: str, choices: [a, b], default: a}
task_backend: {type: str, when: false, default: "{{ 'x' ~ kind }}"}
backend: {type: str, when: false, default: "{{ task_backend | upper }}"}
broker: {type: str, choices: [c, d], default: c, when: "{{ backend == 'XB' }}"}
"""
    (tmp_path / "copier.yml").write_text(text.replace("kind", "database"))
    found = combinations.product(questions.load(tmp_path))
    assert [[value.shown for _, value in row] for row in found] == [["a"], ["b", "c"], ["b", "d"]]


def test_every_pair_of_answers_is_built() -> None:
    """The ratchet: an answer that no combination builds, with each answer of others, fails."""
    tried = {q.name: combinations.values(q) for q in ASKED if q.name not in combinations.PRODUCT}
    built = [
        {name: tried[name][0].shown for name in tried}
        | {name: value.shown for name, value in (*row.product, *row.others)}
        for row in ALL
    ]
    shown = {name: [value.shown for value in found] for name, found in tried.items()}
    product = {q.name: list(q.choices) for q in ASKED if q.name in combinations.PRODUCT}
    for one, two in itertools.combinations({**product, **shown}, 2):
        if one in product and two in product:
            continue
        for pair in itertools.product({**product, **shown}[one], {**product, **shown}[two]):
            assert any((row.get(one), row.get(two)) == pair for row in built), (one, two, pair)


def test_every_choice_is_built() -> None:
    """No choice of any question is left out."""
    for question in ASKED:
        for choice in question.choices:
            found = [row.all_answers(ASKED).get(question.name, "") for row in ALL]
            assert any(choice in text.split(", ") for text in found), (question.name, choice)


def test_every_folder_of_the_template_is_built_and_left_out(tmp_path: Path) -> None:
    """An overlay that no combination has, or that all have, is not tested or is none."""
    source = tmp_path / "source"
    overlays = set()
    for folder in (support.ROOT / "template").iterdir():
        if folder.is_dir() and folder.name.startswith("{{ "):
            name = folder.name.strip("{} ")
            overlays.add(name)
            (source / "template" / folder.name).mkdir(parents=True)
            (source / "template" / folder.name / name).touch()
    for file in workspace.SOURCE:
        shutil.copy(support.ROOT / file, source)
    built = []
    for row in ALL:
        _, error = rendering.render(source, tmp_path / row.name, row.answers)
        assert not error
        built.append({path.name for path in (tmp_path / row.name).iterdir()})
    assert overlays.difference(*built) == set()
    assert overlays.intersection(*built) == set()


def test_a_question_that_nobody_can_try_is_refused(tmp_path: Path) -> None:
    """A new question without choices needs an odd answer."""
    text = (support.ROOT / "copier.yml").read_text()
    (tmp_path / "copier.yml").write_text(f"{text}\nmotto:\n  type: str\n  default: none\n")
    with pytest.raises(RefusedError, match="motto has no choices"):
        combinations.combinations(tmp_path)


def test_a_new_choice_is_built(tmp_path: Path) -> None:
    """Combinations come from the questions: another choice makes more of them."""
    text = (support.ROOT / "copier.yml").read_text()
    more = text.replace('"3.13", "3.14"]', '"3.13", "3.14", "3.15"]')
    (tmp_path / "copier.yml").write_text(more)
    found = combinations.combinations(tmp_path)
    assert any("python-3.15" in row.name for row in found)
    assert len(found) > len(ALL)


def test_list(command: support.Command) -> None:
    """Without a filter it lists all, with one those that have the answer."""
    code, printed, _ = command(["matrix", "list", "--json"])
    assert code == ExitCode.DONE
    assert len(json.loads(printed)["combinations"]) == len(ALL)
    _, printed, _ = command(["matrix", "list", "--only", "task_backend=rq", "--json"])
    rows = json.loads(printed)["combinations"]
    assert {row["answers"]["task_backend"] for row in rows} == {"rq"}


def test_without_a_command_it_prints_its_help(command: support.Command) -> None:
    code, printed, error = command(["matrix"])
    assert (code, error) == (ExitCode.DONE, "")
    assert printed.startswith("Usage: fastapi-tasks matrix")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--only", "backend=rq"], "no question"),
        (["list", "--only", "task_backend=rabbit"], 'No combination has task_backend="rabbit"'),
        (["list", "--only", "task_backend"], "not KEY=VALUE"),
        (["list", "--only", "task_backend=rq", "--only", "broker=redis"], "all these answers"),
        (["list", "--only", "broker=redis", "--only", "broker=rabbitmq"], "broker is given twice"),
        (["test", "--stage", "typos"], 'Did you mean "types"?'),
        (["test", "--lane", "newest"], "no lane"),
    ],
)
def test_refusals(command: support.Command, arguments: list[str], said: str) -> None:
    """What cannot be run is refused, with what could be meant."""
    code, _, error = command(["matrix", *arguments])
    assert code == ExitCode.REFUSED
    assert said in error.replace("is not a question", "is no question")


def test_render(command: support.Command, tmp_path: Path) -> None:
    """Each gets a folder of its own, which is not written over."""
    arguments = ["matrix", "render", str(tmp_path / "all"), "--only", "name=rq-sqlite"]
    code, printed, _ = command(arguments)
    assert code == ExitCode.DONE, printed
    assert support.answers(tmp_path / "all/rq-sqlite")["task_backend"] == "rq"
    code, _, error = command(arguments)
    assert code == ExitCode.REFUSED
    assert "exists" in error


def test_json_and_the_command_that_repeats_a_failure(
    command: support.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure ends with 1 and names the one command that repeats it alone."""
    row = ALL[20]
    failed = Outcome(row, "lint", Status.FAILED, 1.0, "src/shop/main.py:1:1: F401")
    monkeypatch.setattr(matrix, "run", lambda request: request.tell(failed))
    code, printed, _ = command(["matrix", "test", "--json", "--lane", "oldest"])
    [found] = json.loads(printed)["outcomes"]
    assert code == ExitCode.ERROR
    assert shlex.split(found["again"]) == [
        *("fastapi-tasks", "matrix", "test", "--only", f"name={row.name}"),
        *("--stage", "lint", "--lane", "oldest"),
    ]
    _, printed, _ = command(["matrix", "test"])
    assert f"lint of {row.name} failed:\n  src/shop/main.py:1:1: F401" in printed
    assert printed.splitlines()[-1] == f"failed: lint of {row.name}: src/shop/main.py:1:1: F401"


def test_a_run_that_ends_by_an_error_prints_one_document(
    command: support.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it has found, and the error."""

    def run(request: matrix.Request) -> None:
        request.tell(Outcome(ALL[20], "render", Status.OK, 1.0))
        raise GeneratorError("The disk is full.", "Free some space.")

    monkeypatch.setattr(matrix, "run", run)
    code, printed, _ = command(["matrix", "test", "--json"])
    found = json.loads(printed)
    assert code == found["exit_code"] == ExitCode.ERROR
    assert (len(found["outcomes"]), found["error"]) == (1, "The disk is full.")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["test"], "Interrupted: nothing was left behind."), (["render", "all"], "is in all.")],
)
def test_an_interrupted_run_says_what_it_left(
    command: support.Command, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    def run(_: matrix.Request) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(matrix, "run", run)
    code, _, error = command(["matrix", *words])
    assert code == ExitCode.INTERRUPTED
    assert error.rstrip().endswith(said)


def test_where_nothing_is_known_the_longest_tests_begin_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI remembers nothing; begun last, those of RQ keep one core idle for minutes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    history = History.load()
    longest = max(ALL, key=lambda each: history.takes(each, "tests"))
    assert longest.name == "rq-postgresql~all-examples"


def test_what_failed_comes_first_until_it_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run, or one of another stage, does not tell that there is no failure."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    row = ALL[20]
    rendered = Outcome(row, "render", Status.OK, 1.0)
    failed, passed = (Outcome(row, "lint", status, 1.0) for status in (Status.FAILED, Status.OK))

    def comes_first() -> bool:
        history = History.load()
        return min(ALL, key=lambda each: history.rank(each, failed_first=True)) is row

    for outcomes, expected in (
        ([rendered, failed], True),
        ([rendered], True),
        ([rendered, Outcome(row, "types", Status.OK, 1.0)], True),
        ([rendered, passed], False),
    ):
        History.load().save(outcomes)
        assert comes_first() == expected


def test_stages_bring_what_they_need() -> None:
    """A stage alone is run after those without which it cannot be."""
    assert [stage.name for stage in matrix.chosen_stages(["types"])] == [
        *("render", "install", "types")
    ]
    assert matrix.chosen_stages([]) == STAGES
