"""`fastapi-tasks add slice`: a model with its migration, a task, a route and a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.add import names, place
from generator.add.added import Added, Request, bring_in
from generator.add.text import rendered

if TYPE_CHECKING:
    from generator.add.place import Place


@dataclass(frozen=True)
class SliceRequest(Request):
    model: str | None = None
    """The model's name, if that is not to be made of the slice's."""


def add_slice(request: SliceRequest) -> Added:
    """Write a slice.

    Raises:
        RefusedError: it cannot be, or is there; nothing was written.

    """
    names.check_slice(request.name)
    with place.alone(request.path, request.answers_file) as found:
        return _added(request, found)


def _added(request: SliceRequest, found: Place) -> Added:
    name = request.name
    revision, prefix, folder = f"0001_{name}", names.path_of(name), found.folder(name)
    files = {
        f"{folder}/models.py": "slice/models.py",
        f"{folder}/tasks.py": "slice/tasks.py",
        f"{folder}/router.py": "slice/router.py",
        f"migrations/versions/{revision}.py": "slice/migration.py",
        f"tests/test_{name}.py": "slice/test.py",
    }
    found.require_new(folder, *files)
    found.require_unused(name, revision, prefix)
    model = request.model or names.model_of(name)
    one = names.check_model(model)
    words = {"slice": name, "model": model, "one": one, "prefix": prefix, "revision": revision}
    texts = {file: rendered(text, found.width, **words) for file, text in files.items()}
    yours = {
        f"{folder}/models.py": f"the columns of {model}; the same in {revision}.py",
        f"{folder}/tasks.py": f"what process_{one} does",
        f"{folder}/router.py": f"what POST {prefix} takes",
    }
    added = {f"{folder}/__init__.py": b"", **texts}
    return bring_in(found, added, yours, dry_run=request.dry_run)
