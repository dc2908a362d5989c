"""What is written where, what is told of it, and what becomes of it if that fails."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import copier
import pytest

from generator.add import names
from generator.add.new_slice import SliceRequest, add_slice
from generator.add.new_task import TaskRequest, add_task
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INVOICES = [
    *(f"src/shop/invoices/{name}.py" for name in ("__init__", "models", "tasks", "router")),
    "migrations/versions/0001_invoices.py",
    "tests/test_invoices.py",
]


@pytest.mark.parametrize("page", ["README.md", "AGENTS.md"])
def test_the_text_is_that_of_the_pages(shop: Path, page: str) -> None:
    """A project's README shows `add slice invoices`, its AGENTS.md `add task remind`."""
    add_slice(SliceRequest("invoices", shop))
    add_task(TaskRequest("remind", shop))
    blocks = BLOCK.findall((shop / page).read_text(encoding="utf-8"))
    assert len(blocks) == 3
    for file, code in blocks:
        assert (shop / file).read_text(encoding="utf-8") == code


def test_a_slice(shop: Path, command: Command) -> None:
    """It is told file by file, with what to make of it and what to run."""
    before = support.files(shop)
    code, printed, _ = command(["add", "slice", "invoices", "shop"])
    assert code == 0
    assert support.files(shop).keys() - before.keys() == set(INVOICES)
    assert printed.splitlines() == [
        f"{shop}: written, no commit made:",
        *(f"  {name}" for name in INVOICES),
        "Make it yours:",
        "  src/shop/invoices/models.py: the columns of Invoice; the same in 0001_invoices.py",
        "  src/shop/invoices/tasks.py: what process_invoice does",
        "  src/shop/invoices/router.py: what POST /invoices takes",
        f"Next: cd {shop} && make migrate && uv run pytest tests/test_invoices.py && make check",
    ]


def test_a_task_for_programs(shop: Path, command: Command) -> None:
    """--json has the same, with the same keys for both commands."""
    _, printed, _ = command(["add", "task", "remind", "shop", "--slice", "signup", "--json"])
    assert json.loads(printed) == {
        "project": str(shop),
        "written": True,
        "added": ["tests/test_signup_remind.py"],
        "edited": ["src/shop/signup/tasks.py", "src/shop/signup/router.py"],
        "yours": {"src/shop/signup/tasks.py": "the arguments of remind, and what it does"},
        "next": ["uv run pytest tests/test_signup_remind.py", "make check"],
    }


@pytest.mark.parametrize(
    "words", [["slice", "invoices"], ["task", "remind"], ["task", "remind", "--slice", "signup"]]
)
def test_a_dry_run(shop: Path, command: Command, words: list[str]) -> None:
    """It tells the same and writes nothing."""
    before = support.files(shop)
    _, planned, _ = command(["add", *words, "shop", "--dry-run", "--json"])
    assert command(["add", *words, "shop", "--dry-run"])[1].endswith("Nothing was written.\n")
    assert support.files(shop) == before
    _, done, _ = command(["add", *words, "shop", "--json"])
    assert {**json.loads(planned), "written": True} == json.loads(done)


def test_a_refusal(shop: Path, command: Command) -> None:
    """It ends with 3, for programs too."""
    code, _, said = command(["add", "slice", "signup", "shop"])
    assert (code, said) == (3, f"Error: {shop}/src/shop/signup exists.\nChoose another name.\n")
    code, printed, _ = command(["add", "slice", "Orders", "shop", "--json"])
    assert (code, json.loads(printed)["remedy"]) == (3, "For example: orders.")


def test_the_command_alone(command: Command) -> None:
    """It lists what can be added."""
    code, printed, _ = command(["add"])
    assert code == 0
    assert re.search(r"^  task .*\n  slice ", printed, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "model", "one"),
    [
        ("invoices", "Invoice", "invoice"),
        ("order_items", "OrderItem", "order_item"),
        ("categories", "Category", "category"),
        ("mail", "Mail", "mail"),
        ("access", "Access", "access"),
        ("status", "Status", "status"),
        ("v2_calls", "V2Call", "v2_call"),
    ],
)
def test_the_name_of_a_model(name: str, model: str, one: str) -> None:
    """It loses its last s and no more, or has a y for ies."""
    assert names.model_of(name) == model
    assert names.check_model(model) == one


def test_another_package_in_a_monorepo(checkout: Path, tmp_path: Path, command: Command) -> None:
    """The package is that of the answers, wherever the project and its answers are."""
    shop = tmp_path / "services/a b (c) & d's"
    copier.run_copy(
        str(checkout),
        shop,
        data={"package_name": "till"},
        answers_file=".answers.till.yml",
        defaults=True,
        quiet=True,
        vcs_ref="HEAD",
    )
    (shop / ".answers.other.yml").write_text("_src_path: other\npackage_name: other\n")
    pyproject = shop / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("line-length = 100", "line-length = 88"))
    assert command(["add", "slice", "as_long_as_a_name_can_be_27", str(shop)])[0] == 0
    code, printed, _ = command(["add", "task", "remind", str(shop), "--slice", "signup"])
    assert code == 0
    assert "src/till/signup/tasks.py" in printed
    files = [name for name in support.files(shop) if "27" in name or "remind" in name]
    ruff = ["ruff", "--no-cache", "--isolated", "--line-length", "88"]
    subprocess.run([*ruff[:1], "format", "--check", *ruff[1:], *files], cwd=shop, check=True)


def test_a_disk_that_fails(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is as it was, though some of the files had their place already."""
    before, folders = support.files(shop), sorted(shop.rglob("*"))
    real, calls = type(shop).replace, []

    def replace(file: Path, place: Path) -> Path:
        calls.append(place)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return real(file, place)

    monkeypatch.setattr(type(shop), "replace", replace)
    with pytest.raises(OSError, match="No space left"):
        add_slice(SliceRequest("invoices", shop))
    assert len(calls) == 3
    calls.clear()
    with pytest.raises(OSError, match="No space left"):
        add_task(TaskRequest("remind", shop, slice="signup"))
    assert len(calls) == 3
    assert support.files(shop) == before
    assert sorted(shop.rglob("*")) == folders


def test_links_and_modes(shop: Path) -> None:
    """A file is written where it leads, and keeps its mode."""
    tasks, elsewhere = shop / "src/shop/signup/tasks.py", shop.parent / "elsewhere.py"
    shutil.move(tasks, elsewhere)
    elsewhere.chmod(0o640)
    tasks.symlink_to(elsewhere)
    add_task(TaskRequest("remind", shop, slice="signup"))
    assert tasks.readlink() == elsewhere
    assert "def remind" in elsewhere.read_text()
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_a_folder_of_what_python_compiled(shop: Path) -> None:
    """It is what git leaves of a slice that was taken back, and in nobody's way."""
    (shop / "src/shop/invoices/__pycache__").mkdir(parents=True)
    assert add_slice(SliceRequest("invoices", shop)).added == INVOICES
