"""`fastapi-tasks add task`: a task with a route and a test, in a slice of its own or another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.add import names, place, route
from generator.add.added import Added, Request, bring_in
from generator.add.imports import imported
from generator.add.text import rendered
from generator.errors import RefusedError

if TYPE_CHECKING:
    from generator.add.module import Module
    from generator.add.place import Place


@dataclass(frozen=True)
class TaskRequest(Request):
    slice: str | None = None
    """The folder that gets it; by default a new one, of the task's name."""


def add_task(request: TaskRequest) -> Added:
    """Write a task.

    Raises:
        RefusedError: it cannot be, or is there; nothing was written.

    """
    names.check_task(request.name)
    if request.slice is None:
        names.check_slice(request.name)
    with place.alone(request.path, request.answers_file) as found:
        words = {
            "task": request.name,
            "words": names.words_of(request.name),
            "package": found.package,
        }
        if request.slice is None:
            files = _in_new_slice(found, words)
        else:
            files = _in_slice(found, request.slice, words)
        [tasks] = [name for name in files if name.endswith("/tasks.py")]
        yours = {tasks: f"the arguments of {request.name}, and what it does"}
        return bring_in(found, files, yours, dry_run=request.dry_run)


def _in_new_slice(found: Place, words: dict[str, str]) -> dict[str, bytes]:
    name = words["task"]
    folder, prefix = found.folder(name), names.path_of(name)
    texts = {
        f"{folder}/tasks.py": "task/tasks.py",
        f"{folder}/router.py": "task/router.py",
        f"tests/test_{name}.py": "task/test.py",
    }
    found.require_new(folder, *texts)
    found.require_unused(prefix)
    words = {**words, "slice": name, "prefix": prefix, "path": ""}
    files = {file: rendered(text, found.width, **words) for file, text in texts.items()}
    return {f"{folder}/__init__.py": b"", **files}


def _in_slice(found: Place, slice_: str, words: dict[str, str]) -> dict[str, bytes]:
    name = words["task"]
    folder = found.slice(slice_)
    tasks, router = f"{folder}/tasks.py", f"{folder}/router.py"
    test = f"tests/test_{slice_.lower()}_{name}.py"
    found.require_new(test, *(() if (found.path / tasks).exists() else (tasks,)))
    words = {**words, "slice": slice_, "path": names.path_of(name)}
    if (found.path / tasks).exists():
        files = {tasks: _with_task(found.module(tasks), found.width, words)}
    else:
        files = {tasks: rendered("task/tasks.py", found.width, **words)}
    if not (found.path / router).exists():
        return {**files, test: rendered("task/test_without_route.py", found.width, **words)}
    module = found.module(router)
    words["prefix"] = route.prefix(module)
    files[router] = _with_route(module, found.width, words)
    return {**files, test: rendered("task/test.py", found.width, **words)}


def _with_task(module: Module, width: int, words: dict[str, str]) -> bytes:
    _require_free(module, words["task"])
    module = imported(module, "..tasks", ["Retry", "task"], width)
    return module.appended(rendered("task/function.py", width, **words)).content


def _with_route(module: Module, width: int, words: dict[str, str]) -> bytes:
    _require_free(module, words["task"], f"enqueue_{words['task']}")
    route.require_free(module, words["path"])
    for source, name in (
        ("fastapi", "Response"),
        ("..service.unit_of_work", "UnitOfWorkDep"),
        ("..tasks.router", "accepted"),
        (".tasks", words["task"]),
    ):
        module = imported(module, source, [name], width)
    return module.appended(rendered("task/route.py", width, **words)).content


def _require_free(module: Module, *wanted: str) -> None:
    for name in wanted:
        if name in module.names:
            raise RefusedError(f"{module.file} has {name} already.", "Choose another name.")
