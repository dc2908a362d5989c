"""What the documents say is so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import copier
import pytest

from generator.cli.choices import choices
from generator.errors import ExitCode
from generator.template import questions
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

README = (support.ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "shop"
    copier.run_copy(str(checkout), folder, defaults=True, quiet=True, unsafe=False, vcs_ref="HEAD")
    return folder


def promise_rows(backends: dict[str, Any]) -> list[str]:
    rows = [["", *(f"`{name}`" for name in backends)]]
    rows += [
        [text, *(backend["promises"][key] for backend in backends.values())]
        for key, text in choices()["promises"].items()
    ]
    return [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in rows]


def test_promises_of_the_readme() -> None:
    """The table is that of backends.yml, a column per backend."""
    backends = choices()["backends"]
    sentences = " | ".join(backend["sentence"] for backend in backends.values())
    head, *rows = promise_rows(backends)
    dashes = "|---" * (len(backends) + 1) + "|"
    assert "\n".join([head, dashes, f"| in a sentence | {sentences} |", *rows]) in README


def test_promises_of_a_project(project: Path) -> None:
    """A project's README has the column of its own backend and no other."""
    head, *rows = promise_rows({"background": choices()["backends"]["background"]})
    assert "\n".join([head, "|---|---|", *rows]) in (project / "README.md").read_text()


def test_questions_of_the_readme() -> None:
    """The table names every question, its answers and its default."""
    named = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", README, re.MULTILINE)
    asked = questions.load()
    assert [name for name, _, _ in named] == [question.name for question in asked]
    for question, (_, answers, default) in zip(asked, named, strict=True):
        if question.choices:
            assert re.findall(r"`(.+?)`", answers) == list(question.choices)
        if question.default and question.name != "project_name":
            assert default.strip("`") == question.default


def test_exit_codes_of_the_readme() -> None:
    """The table lists the codes that the command can end with."""
    listed = re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)
    assert listed == [str(code.value) for code in ExitCode]


def test_tree_of_the_readme(project: Path) -> None:
    """Every path that the README lists is rendered."""
    [tree] = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for line in tree.splitlines():
        assert (project / line.split()[0]).exists(), line


def test_quotations_of_the_readme(project: Path) -> None:
    """Quoted code stands in the project as it is quoted."""
    quoted = BLOCK.findall(README)
    assert quoted
    for path, code in quoted:
        assert code in (project / path).read_text(encoding="utf-8"), path


def test_documents_are_in_order(project: Path) -> None:
    """Links lead somewhere, prose keeps to 100 columns, decisions are numbered."""
    for root in (support.ROOT, project):
        support.check_documents(root)
    numbers = sorted(int(page.name[:4]) for page in (support.ROOT / "docs/decisions").iterdir())
    assert numbers == list(range(1, len(numbers) + 1))


def test_each_claim_has_its_tests() -> None:
    """The tests that docs/claims.md names are there: in this repository or in a project."""
    text = (support.ROOT / "docs/claims.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith('| "')]
    assert len(rows) >= 10
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row.rsplit(" | ", 1)[1])
        assert named, row
        for file, test in named:
            there = [
                path
                for part in ("tests", "template", "template_tests")
                for path in (support.ROOT / part).rglob(f"{file}*")
                if re.search(rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE)
            ]
            assert there, f"{file}::{test}"
