"""What the commands print."""

from __future__ import annotations

import codecs
import json
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.errors import GeneratorError
    from generator.template.new import Project


# The bytes of a path that the locale has no letters for.
_UNREAD = re.compile("[\udc80-\udcff]+")


def as_json(data: dict[str, Any]) -> None:
    text = _UNREAD.sub(_as_utf_8, json.dumps(data, indent=2, ensure_ascii=False))
    if codecs.lookup(sys.stdout.encoding).name != "utf-8":
        text = json.dumps(json.loads(text), indent=2)
    print(text, flush=True)


def _as_utf_8(found: re.Match[str]) -> str:
    return found[0].encode(errors="surrogateescape").decode(errors="replace")


def error(found: GeneratorError, *, to_json: bool) -> None:
    if to_json:
        as_json(problem(found))
        return
    print(f"Error: {found.message}", file=sys.stderr)
    if found.remedy:
        print(found.remedy, file=sys.stderr)


def problem(found: GeneratorError) -> dict[str, Any]:
    remedy = {"remedy": found.remedy} if found.remedy else {}
    return {"error": found.message, **remedy, "exit_code": int(found.exit_code)}


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show what is being done: with its seconds at a terminal, else in a line; on stderr."""
    if not sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)
        yield
        return
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.progress import (  # noqa: PLC0415 (slow to load)
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    shown = TextColumn("{task.description}", markup=False)
    on_stderr = Console(stderr=True)
    columns = (SpinnerColumn(), shown, TimeElapsedColumn())
    with Progress(*columns, console=on_stderr, transient=True) as progress:
        progress.add_task(text, total=None)
        yield


def project(made: Project) -> None:
    print("\n".join(_project_lines(made)))


def choices(data: dict[str, Any]) -> None:
    # Rich takes a tenth of a second to load.
    from rich import box  # noqa: PLC0415 (slow to load)
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.table import Table  # noqa: PLC0415 (slow to load)

    backends = data["backends"]
    table = Table("", *backends, box=box.SIMPLE_HEAD, show_lines=False)
    table.add_row("is", *(backend["title"] for backend in backends.values()))
    table.add_row("in a sentence", *(b["sentence"] for b in backends.values()), end_section=True)
    for key, promise in data["promises"].items():
        table.add_row(
            promise.replace("**", ""), *(backend["promises"][key] for backend in backends.values())
        )
    Console(highlight=False, markup=False).print(table)
    print(f"Next: fastapi-tasks new DEST --task-backend {data['default']}")


def _project_lines(made: Project) -> list[str]:
    needs = ", ".join(made.services) or "none"
    if made.written:
        head = [f"{made.destination}: {len(made.files)} files, services it needs: {needs}."]
    else:
        files = [f"  {file}" for file in made.files]
        head = [f"Would write to {made.destination}:", *files, f"Services it would need: {needs}."]
    if made.created_repository:
        first = "a first" if made.committed else "no"
        head.append(f"A git repository with {first} commit, on the branch main.")
    elif made.committed:
        head.append(f"Committed in the git repository {made.repository}.")
    notes = [f"Note: {note}" for note in made.notes]
    same = ["The same with Copier alone:", f"  {made.copier}"] if made.copier else []
    last = [f"Next: {made.next}"] if made.written else ["Nothing was written."]
    return [*head, *notes, *same, *last]
