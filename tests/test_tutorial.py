"""docs/tutorial.md, typed as it stands, prints what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.matrix.documented import free_port
from tests import support
from tests.newcomer import PATIENCE, environment, skip_without_servers, wait_for
from tests.printed import Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = support.ROOT / "docs/tutorial.md"
STEP = re.compile(r"^```(\w+)\n(.*?)^```$|Press (Ctrl-C)", re.MULTILINE | re.DOTALL)
COMMAND = '#!/bin/sh\nPYTHONPATH="{}" exec "{}" -m generator "$@"\n'


class Reader:
    """Does what the page says, in a clone and the project that comes to lie beside it."""

    def __init__(self, clone: Path) -> None:
        home = clone.parent
        self._clone, self._project, self._log = clone, home / "shop", home / "log"
        self._log.touch()
        port = str(free_port())
        self._values = Values({"/home/ada": str(home), "127.0.0.1:8000": f"127.0.0.1:{port}"})
        self._environment = environment(home, SHOP_PORT=port, MAIL_PORT=str(free_port()))
        self._first: list[str] = []  # what a terminal is to remember
        self._printed = ""
        self._seen = 0  # of the log
        self._dev: subprocess.Popen[bytes] | None = None

    def read(self, page: str) -> None:
        acts = {"sh": self._type, "python": self._edit, "text": self._compare, "log": self._await}
        for step in STEP.finditer(page):
            if step[3]:
                self._interrupt()
            else:
                acts[step[1]](step[2])

    def leave(self) -> None:
        if self._dev and self._dev.poll() is None:
            os.killpg(self._dev.pid, signal.SIGKILL)
            self._dev.wait()

    def _type(self, command: str) -> None:
        self._seen = len(self._log.read_text())
        if command == "make dev\n":
            self._make_dev()
            return
        done = subprocess.run(
            ["bash", "-ec", "".join([*self._first, self._values.here(command)])],
            cwd=self._clone,
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        self._printed = done.stdout
        if command.startswith(("cd ", "export ")):
            self._first.append(command)

    def _make_dev(self) -> None:
        if self._dev:
            self._dev.wait(PATIENCE)
        with self._log.open("a") as output:
            self._dev = subprocess.Popen(
                ["make", "dev"],
                cwd=self._project,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _interrupt(self) -> None:
        assert self._dev
        os.killpg(self._dev.pid, signal.SIGINT)
        self._dev.wait(PATIENCE)

    def _edit(self, block: str) -> None:
        self._seen = len(self._log.read_text())
        path, _, text = block.removeprefix("# ").partition("\n")
        (self._project / path).write_text(text, encoding="utf-8")

    def _compare(self, written: str) -> None:
        fits = self._values.fit(written, f"{self._printed.strip()}\n")
        assert fits, f"The page says:\n\n{written}\nPrinted is:\n\n{self._printed}"

    def _await(self, written: str) -> None:
        """Wait until `make dev` has printed these lines, in whatever order."""
        for line in written.splitlines():
            wait_for(partial(self._is_logged, line), self._log, line)

    def _is_logged(self, line: str) -> bool:
        logged = self._log.read_text()[self._seen :]
        skip_without_servers(logged)
        return any(self._values.fit(line, each) for each in logged.splitlines())


@pytest.fixture
def reader(checkout: Path, tmp_path: Path) -> Iterator[Reader]:
    """Give somebody whose clone has the command where `make demo` puts it."""
    clone = tmp_path / "fastapi-tasks-template"
    support.git(tmp_path, "clone", "--quiet", str(checkout), str(clone))
    command = clone / ".venv/bin/fastapi-tasks"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND.format(clone, sys.executable), encoding="utf-8")
    command.chmod(0o755)
    reader = Reader(clone)
    try:
        yield reader
    finally:
        reader.leave()


def test_tutorial(reader: Reader) -> None:
    """Each command does what the page says, in that order, and prints what it shows."""
    reader.read(PAGE.read_text(encoding="utf-8"))
