"""Faults that were put into the template: the right stage finds each, with file and combination."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from generator.matrix import matrix, workspace
from generator.matrix.outcomes import Outcome, Status
from generator.matrix.stages import STAGES, Stage, references
from tests import support
from tests.matrix.faults import Break, found

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "src/{{ package_name }}"
TREES = [
    ("README.md.jinja", "<<<<<<< ours\n", "README.md: has a conflict marker"),
    ("dev/con.py", "", "dev/con.py: is no legal path on Windows"),
    ("dev/mail.py.rej", "", "dev/mail.py.rej: is a rejected"),
    ("dev/SERVERS.py", "", "dev/SERVERS.py: differs from another by case alone"),
    ("dev/mail.py", "\n" * 400, "dev/mail.py: has 4"),
    ("dev/odd.json", "{", "dev/odd.json: is no valid JSON"),
    ("compose.yaml.jinja", "a: [", "compose.yaml: is no valid YAML"),
    ("docs/odd.md", '{{ "x" if y }}\n', "docs/odd.md: has Jinja left in line 1"),
    ("dev/odd.py", "# {%if x %}\n", "dev/odd.py: has Jinja left in line 1"),
    ("dev/odd.toml", "# {# note #}\n", "dev/odd.toml: has Jinja left in line 1"),
    (".env.example.jinja", "# for RabbitMQ\n", '.env.example: names "RabbitMQ" in line'),
    ("Makefile", "# for PostgreSQL\n", 'Makefile: names "PostgreSQL" in line'),
    ("docs/tasks.md.jinja", "[x](nowhere.md)\n", "docs/tasks.md: links to nowhere.md"),
]


def together(root: Path, stage: str) -> dict[tuple[str, str], Outcome]:
    """Run the stage of two combinations that differ in their database, in one run."""
    rq = {"task_backend": "rq", "python_version": "3.11"}
    outcomes = matrix.run(matrix.Request(rq, [stage], root=root))
    return {(outcome.combination.name, outcome.stage): outcome for outcome in outcomes}


def test_a_missing_import_in_one_overlay(broken: Break) -> None:
    """Lint names the file, for the combination with that overlay and not for its sibling."""
    root = broken("template/{{ rabbitmq }}/dev/rabbitmq.py.jinja", "import secrets\n", "")
    failed = found(root, "lint", "celery-rabbitmq-sqlite", "celery-redis-sqlite")
    assert list(failed) == ["celery-rabbitmq-sqlite"]
    assert "dev/rabbitmq.py" in failed["celery-rabbitmq-sqlite"]
    assert "F821" in failed["celery-rabbitmq-sqlite"]


def test_what_only_a_newer_python_has_a_rule_for(broken: Break) -> None:
    """Lint reads the code of combinations, too, that cannot be installed here."""
    quoted = '\n\ndef itself(one: "int") -> int:\n    return one\n'
    root = broken("template/tests/test_migrations.py", "", quoted)
    assert not found(root, "lint", "background-sqlite")
    newer = matrix.Request({"name": "background-sqlite~python-3.14"}, ["lint"], root=root)
    statuses = {outcome.stage: outcome.status for outcome in matrix.run(newer)}
    assert (statuses["install"], statuses["lint"]) == (Status.SKIPPED, Status.FAILED)


def test_a_service_that_does_not_come_up(broken: Break) -> None:
    """Nobody waits for an answer of what is gone: the time for one is two minutes."""
    up = "        # A full collection"
    root = broken(f"template/{PACKAGE}/main.py", up, f"        raise SystemExit(3)\n{up}")
    began = time.monotonic()
    failed = found(root, "commands", "background-sqlite")
    assert time.monotonic() - began < 60
    assert re.match(r"GET /livez got no answer|serve ended with 3", failed["background-sqlite"])
    assert "SystemExit: 3" in failed["background-sqlite"]


def test_a_worker_that_does_not_heed_sigterm(broken: Break) -> None:
    """To die at once by the signal is the API's way alone, after uvicorn has stopped it."""
    worker = f"template/{{{{ outbox }}}}/{PACKAGE}/tasks/engine/worker.py"
    root = broken(worker, "(signal.SIGTERM, signal.SIGINT)", "(signal.SIGINT,)")
    [said] = found(root, "commands", "outbox-sqlite").values()
    assert said.startswith("worker ended with -15 on SIGTERM")


def test_a_tool_among_the_dependencies_of_the_image(
    broken: Break,
) -> None:
    """That the Makefile runs it makes it no dependency of the service."""
    root = broken("template/pyproject.toml.jinja", '"alembic', '"ruff>=0.15",\n  "alembic')
    [said] = found(root, "imports", "background-sqlite").values()
    assert said == "pyproject.toml: ruff>=0.15 is declared, and nothing uses it"


def test_an_undeclared_dependency(broken: Break) -> None:
    """Imports names file, line, module and the distribution that happens to be there."""
    overlay = f"template/{{{{ rq }}}}/{PACKAGE}/tasks/engine/rq.py"
    root = broken(overlay, "", "import anyio\n")
    [said] = found(root, "imports", "rq-sqlite").values()
    assert "src/shop/tasks/engine/rq.py:" in said
    assert "imports anyio of anyio, which pyproject.toml does not declare" in said


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("from ..orders import tasks", "imports orders"),
        ("from ..service.nothing import x", "imports nothing"),
        ("from ..service import nothing", "imports service.nothing"),
        ("from shop.orders.tasks import x", "imports tasks"),
    ],
)
def test_a_module_that_this_combination_has_not(broken: Break, written: str, named: str) -> None:
    """Imports tells of it: its types are checked where it may be there."""
    tasks = f"template/{{{{ signup }}}}/{PACKAGE}/signup/tasks.py"
    root = broken(tasks, "", f"\n\ndef late() -> None:\n    {written}\n")
    [said] = found(root, "imports", "rq-sqlite").values()
    assert re.search(rf"src/shop/signup/tasks.py:\d+: {named}, which is not there", said)


def test_an_unused_dependency(broken: Break) -> None:
    """Imports names what is declared for nothing, though a comment and a docstring tell of it."""
    root = broken("template/pyproject.toml.jinja", '"alembic', '"anyio>=4",\n  "alembic')
    with (root / f"template/{PACKAGE}/main.py").open("a") as file:
        file.write('# anyio\ndef odd() -> None:\n    """Do without anyio."""\n')
    [said] = found(root, "imports", "background-sqlite").values()
    assert said == "pyproject.toml: anyio>=4 is declared, and nothing uses it"


def test_a_jinja_leftover(broken: Break) -> None:
    """Tree names file and line."""
    root = broken(f"template/{PACKAGE}/main.py", "", "# {{ task_backend }}\n")
    [said] = found(root, "tree", "rq-sqlite").values()
    assert said.startswith("src/shop/main.py: has Jinja left in line")


def test_a_backend_s_name_in_a_shared_file(broken: Break) -> None:
    """Tree names the file in projects that do not use the backend, and only there."""
    root = broken(f"template/{PACKAGE}/main.py", "", "# Celery does this otherwise.\n")
    failed = found(root, "tree", "rq-sqlite", "celery-redis-sqlite")
    assert list(failed) == ["rq-sqlite"]
    assert failed["rq-sqlite"].startswith('src/shop/main.py: names "Celery" in line')


def test_trees(tmp_path: Path) -> None:
    """Each thing that can be seen of a tree is seen, with its file."""
    root = tmp_path / "root"
    workspace.snapshot(support.ROOT, root)
    for file, text, _ in TREES:
        with (root / "template" / file).open("a", encoding="utf-8") as opened:
            opened.write(text)
    [told] = found(root, "tree", "background-sqlite").values()
    for _, _, said in TREES:
        assert said in told


def test_deployment(broken: Break) -> None:
    """Compose file and image each have their own reader."""
    root = broken("template/compose.yaml.jinja", "init: true", "innit: true")
    image = root / "template" / "Dockerfile.jinja"
    image.write_text(
        image.read_text(encoding="utf-8").replace("WORKDIR /app", "WORKDIR app", 1),
        encoding="utf-8",
    )
    request = matrix.Request({"name": "rq-sqlite"}, ["compose", "image"], root=root)
    told = {outcome.stage: outcome.detail for outcome in matrix.run(request)}
    assert "innit" in told["compose"]
    assert "DL3000" in told["image"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timeout-minutes:", "timeout-minute:", "'timeout-minute' was unexpected"),
        ("setup-python@", "setup-python@v6 #", "unpinned-uses"),
        ("ubuntu-24.04", "ubuntu-24.4", 'label "ubuntu-24.4" is unknown'),
    ],
    ids=["schema", "zizmor", "actionlint"],
)
def test_a_workflow(broken: Break, old: str, new: str, said: str) -> None:
    """What each of its three readers alone finds."""
    root = broken("template/{{ github }}/.github/workflows/ci.yml.jinja", old, new)
    [told] = found(root, "workflow", "rq-sqlite").values()
    assert said in told


def test_a_syntax_error_in_one_overlay(broken: Break) -> None:
    """Imports names file and line, and the sibling goes on."""
    root = broken("template/{{ sqlite }}/dev/sqlite.py", "", "def broken(:\n")
    outcomes = together(root, "imports")
    failed = outcomes["rq-sqlite", "imports"]
    assert failed.status is Status.FAILED
    assert re.search(r'File "dev/sqlite.py", line \d+\n.*SyntaxError: ', failed.detail, re.DOTALL)
    assert outcomes["rq-postgresql", "imports"].status is Status.OK


def test_a_broken_pyproject_of_one_combination(broken: Break) -> None:
    """Tree names the file, though its dependencies were wanted before; the sibling goes on."""
    fault = "{{ '[broken' if database == 'sqlite' else '' }}\n"
    root = broken("template/pyproject.toml.jinja", "", fault)
    outcomes = together(root, "tree")
    failed = outcomes["rq-sqlite", "tree"]
    assert failed.status is Status.FAILED
    assert failed.detail.startswith("pyproject.toml: is no valid TOML: ")
    assert outcomes["rq-postgresql", "tree"].status is Status.OK


def test_a_path_that_cannot_be_written(broken: Break) -> None:
    """Render tells of the system's error as of any other, and the sibling goes on."""
    root = broken("template/Makefile", "", "\n")
    (root / "template" / "{{ 'x' * (300 if database == 'sqlite' else 3) }}").touch()
    outcomes = together(root, "render")
    assert outcomes["rq-sqlite", "render"].status is Status.FAILED
    assert "File name too long" in outcomes["rq-sqlite", "render"].detail
    assert outcomes["rq-postgresql", "render"].status is Status.OK


def test_a_fault_that_no_stage_foresees(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that stage's failure, told with its type; the stages after it are run."""
    stages = [
        STAGES[0],
        Stage("odd", lambda job: job.answers["odd"]),
        Stage("next", lambda _job: None),
    ]
    monkeypatch.setattr(matrix, "STAGES", stages)
    _, odd, after = matrix.run(matrix.Request({"name": "rq-sqlite"}))
    assert (odd.status, odd.detail) == (Status.FAILED, "KeyError: 'odd'")
    assert after.status is Status.OK


def test_what_a_compose_file_refers_to() -> None:
    """Services, volumes and ports that its schema knows nothing of."""
    content = {
        "services": {
            "api": {"depends_on": ["db"], "volumes": ["data:/d", "./x:/x"], "ports": ["80:80"]},
            "worker": {"depends_on": {"api": {}}, "ports": ["80:80"]},
        },
    }
    assert list(references(content)) == [
        "api depends on db, which is no service",
        "api uses the volume data, which is not declared",
        "worker publishes 80:80, as another service does",
    ]
