from __future__ import annotations

import ast
import keyword
import re
import shutil
import sys
import tempfile
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import copier
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from generator.template import questions

if TYPE_CHECKING:
    from collections.abc import Mapping

RESERVED = questions.table("reserved_names", "reserved_names.yml")

# What breaks formats and shells, thick enough to meet in a short name.
letters = st.one_of(
    st.sampled_from(
        "aZ9_- \"'`\\{}%#$&<>:;,|!?*@/.\t\n\u00e9\u0130\u6771\U0001f600\u2028\ufeff\u202e"
    ),
    st.characters(),
)
texts = st.text(letters, max_size=64)
package_names = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True),
    st.sampled_from([name for names in RESERVED.values() for name in names]),
    st.text(st.sampled_from("ab_1AZ-./ \né"), max_size=6),
)


@pytest.fixture(scope="session")
def template(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template as a plain folder, from which Copier renders fastest."""
    folder = tmp_path_factory.mktemp("plain") / "template"
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns(".git"))
    return folder


def rendered(template: Path, folder: Path, answers: Mapping[str, Any]) -> dict[str, Any]:
    done = copier.run_copy(
        str(template), folder, dict(answers), defaults=True, quiet=True, unsafe=False
    )
    return dict(done.answers.combined)


def test_reserved_names_hold_all_of_this_python() -> None:
    """No keyword or standard module of the running Python can name a package."""
    public = {name for name in sys.stdlib_module_names if not name.startswith("_")}

    assert public <= set(RESERVED["standard_library"])
    assert {word for word in keyword.kwlist if word.islower()} <= set(RESERVED["keywords"])
    for names in RESERVED.values():
        assert len(set(names)) == len(names)


def test_reserved_names_hold_the_dependencies(template: Path, tmp_path: Path) -> None:
    """No package that the rendered service depends on can name the service."""
    for database in ("sqlite", "postgresql"):
        rendered(template, folder := tmp_path / database, {"database": database})
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
        for requirement in filter(lambda item: isinstance(item, str), wanted):
            name = re.split(r"[^A-Za-z0-9_.-]", requirement)[0].replace("-", "_").lower()
            # A distribution may be named longer than the package in it: opentelemetry-api.
            assert any(f"{name}_".startswith(f"{r}_") for r in RESERVED["dependencies"]), name


def test_every_default_works(template: Path, tmp_path: Path) -> None:
    """Nobody has to answer anything, and the defaults that flags and prompts show are true."""
    answers = rendered(template, tmp_path / "shop", {})

    for question in questions.load(template):
        if question.default:
            value = answers[question.name]
            assert question.default == (", ".join(value) if question.several else value)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("Shop API", "shop_api"),
        ("JSON", "json_service"),
        ("class", "class_service"),
        ("2048", "app_2048"),
        ("é", "app"),
        ("x", "x_service"),
        ("東京", "app"),
        ("a" * 60, "a" * 32),
    ],
)
def test_package_is_named_after_the_project(
    template: Path, tmp_path: Path, name: str, package: str
) -> None:
    """Whatever the project's name, the package's default is valid and near it."""
    assert rendered(template, tmp_path / "p", {"project_name": name})["package_name"] == package


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        ("project_name", "", "The name is empty"),
        ("project_name", " shop", "begins or ends with a space"),
        ("project_name", "shop\n", "begins or ends with a space"),
        ("project_name", "x" * 61, "has 61 characters: use at most 60"),
        ("project_name", "a\x00b", "holds a control character"),
        ("project_name", "a\u2028b", "holds a control character"),
        ("project_name", "a\udcffb", "holds a control character"),
        ("package_name", "Shop", "use a-z, 0-9 and _"),
        ("package_name", "s", "two characters or more"),
        ("package_name", "shop_", "not ending with _"),
        ("package_name", "1shop", "beginning with a letter"),
        ("package_name", "shop\n", "cannot name the package"),
        ("package_name", "x" * 41, "use at most 40 characters"),
        ("package_name", "a__b", "two underscores in a row"),
        ("package_name", "async", "a keyword of Python"),
        ("package_name", "test", "a module of Python's standard library"),
        ("package_name", "pydantic", "a package that the service depends on"),
        ("package_name", "migrations", "a folder of the project"),
        ("description", "one\ntwo", "line break or control character"),
        ("description", "one\n", "line break or control character"),
        ("description", "x" * 201, "has 201 characters: use at most 200"),
    ],
)
def test_validators_say_what_is_wrong(
    template: Path, tmp_path: Path, question: str, answer: str, message: str
) -> None:
    """Each rule of a validator refuses in a sentence of its own."""
    with pytest.raises(ValueError, match=re.escape(message)):
        rendered(template, tmp_path / "shop", {question: answer})


@given(name=texts, description=texts)
@example(name="{{ 7 * 7 }}", description="{% raw %}")
@example(name='"""', description="'''")
@example(name="\\", description="\\N{BULLET} \\u12 ${HOME} $(id)")
@example(name="--help", description="# - : [x] \u202e")
@example(name="]]> ~ null", description="yes")
@example(name="null", description="")
def test_any_accepted_project_name_renders_to_a_project_that_imports(
    template: Path, name: str, description: str
) -> None:
    """A project and description of any characters render, or are refused; nothing between."""
    _render_and_check(template, {"project_name": name, "description": description})


@given(package=package_names)
def test_any_accepted_package_name_renders_to_a_project_that_imports(
    template: Path, package: str
) -> None:
    """A package of any name renders and is the one that Python imports, or is refused."""
    _render_and_check(template, {"package_name": package})


def _render_and_check(template: Path, answers: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        try:
            final = rendered(template, project, answers)
        except ValueError as refusal:
            assert "Validation error" in str(refusal)  # noqa: PT017 (any other is a failure)
            return
        assert {name: final[name] for name in answers} == answers
        _assert_imports(project, final["package_name"])
        for path in project.rglob("*"):
            if path.is_file():
                _assert_parses(path)


def _assert_imports(project: Path, package: str) -> None:
    # In an installed service the package comes after everything that it may be confused with.
    found = PathFinder.find_spec(package, [*sys.path, str(project / "src")])
    assert found
    assert found.origin == str(project / "src" / package / "__init__.py")
    assert package not in sys.builtin_module_names


def _assert_parses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[{,}] ?_copier", text)
    match path.suffix:
        case ".py":
            ast.parse(text, str(path))
        case ".toml":
            tomllib.loads(text)
        case ".yml" | ".yaml":
            list(yaml.safe_load_all(text))
