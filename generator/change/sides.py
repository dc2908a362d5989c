"""A project as its template gives it, before a change of version or answers, and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.change import trees
from generator.errors import RefusedError
from generator.template import questions
from generator.template.answers import recorded
from generator.template.new import remember
from generator.template.render import BadChoiceError, Rendered, copied

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.change.project import Project
    from generator.change.trees import Tree
    from generator.template.versions import Versions


@dataclass(frozen=True)
class Version:
    old: str
    new: str


@dataclass(frozen=True)
class Render:
    rendered: Rendered
    answers: dict[str, Any]
    """As they are recorded: what was answered to a question that is gone may have changed them."""
    folder: Path
    tree: Tree


@dataclass(frozen=True)
class Renders:
    known: Versions
    folder: Path
    found: Project
    version: Version
    given: Mapping[str, str]

    def before(self) -> Render:
        return self._render("before", self.version.old, self.found.answers, self.found.url)

    def after(self) -> Render:
        files = self.known.files(self.version.new)
        ours = (files / "backends.yml").is_file()
        given = questions.told(self.given, strict=ours, root=files) if ours else self.given
        answers = {**self.found.answers, **given}
        try:
            render = self._render("after", self.version.new, answers, self.known.url)
        except BadChoiceError as error:
            if error.name in self.given or error.name not in self.found.answers:
                raise
            raise self._gone(error.name, error.answer) from error
        self._require_kept(render)
        return render

    def _render(self, name: str, version: str, answers: Mapping[str, Any], url: str) -> Render:
        folder = self.folder / name
        rendered = copied(
            self.known.files(version),
            folder,
            answers,
            prefer=name == "after",
            answers_file=self.found.answers_file,
        )
        file = folder / self.found.answers_file
        remember(file, url, version)
        noted = recorded(file) if file.is_file() else {}
        answers = {name: noted.get(name, value) for name, value in rendered.answers.items()}
        return Render(rendered, answers, folder, trees.of_folder(self.found.git_dir, folder))

    def _require_kept(self, render: Render) -> None:
        """Refuse where Copier would quietly answer anew."""
        rendered = render.rendered
        for name in self.given:
            if name not in rendered.answers:
                asked = (
                    "asked for with these answers" if name in rendered.computed else "a question"
                )
                raise RefusedError(
                    f'"{name}" is not {asked}.', f"Questions: {', '.join(rendered.answers)}."
                )
            if (became := render.answers[name]) != rendered.answers[name]:
                raise RefusedError(
                    f"{self.version.new} makes {name} {became}, of what was answered before.",
                    "Update without that answer, then give it with fastapi-tasks switch.",
                )
        for name, value in self.found.answers.items():
            if name in self.given or not isinstance(value, list):
                continue
            gone = [word for word in value if word not in rendered.answers.get(name, value)]
            if gone:
                raise self._gone(name, gone[0])

    def _gone(self, name: str, choice: str) -> RefusedError:
        return RefusedError(
            f'{self.version.new} no longer has "{choice}" among the choices of {name}.',
            f"Choose anew: --data {name}=…",
        )
