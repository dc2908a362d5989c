"""Copier's own settings answer questions by default, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import copier
import pytest
import yaml

from generator.change import project, status, update
from generator.errors import GeneratorError
from generator.template import new
from tests import projects, support
from tests.projects import NEXT

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = {
    "github": "ada",
    "slug": "x",
    "processes": ["x"],
    "backends": {},
    "rq": ".",
    "backend": "rq",
    "_subdirectory": "docs",
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "settings.yml"
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(file))
    file.write_text(yaml.safe_dump({"defaults": {**HIDDEN, "ci": "gitlab"}}))
    return file


def test_hidden_answers_stay_the_templates(
    renders: projects.Renders, template: Path, tmp_path: Path, settings: Path
) -> None:
    """The settings' default answers what is asked; nothing computed is taken from there."""
    shop = projects.make(tmp_path / "shop", template, NEXT)

    settings.write_text("{}")
    assert support.files(shop) == renders.files({"ci": "gitlab"})
    settings.write_text(yaml.safe_dump({"defaults": HIDDEN}))
    [found] = status.status([shop])
    assert (found.problems, found.drift.edited) == ([], [])
    assert update.switch(update.Request(shop, {"task_backend": "celery"})).conflicts == []
    assert project.find(shop).answers["ci"] == "gitlab"


@pytest.mark.usefixtures("settings")
def test_recorded_answers_stay_the_projects(template: Path, tmp_path: Path) -> None:
    shop = projects.make(tmp_path / "shop", template, NEXT, ci="github")
    assert update.switch(update.Request(shop, {"task_backend": "rq"})).applied
    assert project.find(shop).answers["ci"] == "github"


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("database", "oracle"),
        ("database", ["sqlite"]),
        ("examples", "none of them"),
        ("package_name", "class"),
        ("project_name", 5.5),
    ],
)
def test_a_bad_default_is_told_with_its_place(
    template: Path, tmp_path: Path, settings: Path, name: str, default: Any
) -> None:
    settings.write_text(yaml.safe_dump({"defaults": {name: default}}))
    answers = {} if name == "project_name" else {"project_name": "shop"}
    request = new.Request(tmp_path / "shop", answers, template=str(template))
    if name == "project_name":  # the folder's name comes first
        new.new(request)
        return
    with pytest.raises(GeneratorError) as refused:
        new.new(request)
    assert f"{settings} has defaults of: {name}" in refused.value.remedy


def test_settings_that_cannot_be_read(
    template: Path, tmp_path: Path, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are told to be at fault, not the project."""

    def denied() -> None:
        raise PermissionError(13, "Permission denied", str(settings))

    monkeypatch.setattr(copier, "load_settings", denied)
    with pytest.raises(GeneratorError, match=r"Copier's own settings file cannot be used: .*yml"):
        new.new(new.Request(tmp_path / "shop", template=str(template)))


def test_a_cache_that_cannot_be_written(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copier's cache is not needed."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "file/cache"))
    assert new.new(new.Request(tmp_path / "shop", template=template.as_uri())).committed
