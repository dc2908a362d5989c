"""Programs of tutorials, run for real: each line that one prints is seen as it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0  # seconds after which an awaited line is taken for missing

TELL = """
import os

def tell(text):
    os.write(1, f"{text}\\n".encode())
"""


class Program:
    """A running one, in a session of its own."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._popen = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout
        for line in self._popen.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def found(self, *texts: str) -> list[str]:
        """Return the lines that have all of the texts."""
        return [line for line in list(self.lines) if all(text in line for text in texts)]

    def expect(self, *texts: str, count: int = 1) -> str:
        """Return the first line with all of the texts, as soon as there are ``count``."""
        with self._news:
            self._news.wait_for(lambda: len(self.found(*texts)) >= count or self._ended, PATIENCE)
        log = "\n".join(self.lines)
        assert len(self.found(*texts)) >= count, f"not {count} lines have {texts}:\n{log}"
        return self.found(*texts)[0]

    def order(self, *texts: str) -> None:
        """Assert that the first lines with these texts came in this order."""
        at = [next(i for i, line in enumerate(self.lines) if text in line) for text in texts]
        assert at == sorted(at), self.lines

    def go_on(self) -> None:
        """Answer a program that waits for a line of its input."""
        assert self._popen.stdin
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def wait(self) -> None:
        assert self._popen.wait(PATIENCE) == 0, "\n".join(self.lines)
        self._reader.join(PATIENCE)

    def kill(self) -> None:
        """End it with all that it began, as a machine does: none sees another one's end."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self._family():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        self._popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self._popen.stdin, self._popen.stdout):
            assert stream
            stream.close()

    def _family(self) -> list[int]:
        """Return its pid and those of all that it began: they share its session."""
        command = ["ps", "-A", "-o", "pid=,sid="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = (map(int, line.split()) for line in listed.splitlines())
        return [pid for pid, session in found if session == self._popen.pid]


@dataclass
class Stage:
    """Where they run: a folder, an environment with the libraries, a port for a server."""

    python: str
    folder: Path
    environment: dict[str, str]
    running: list[Program]

    def start(self, *command: str) -> Program:
        program = Program([self.python, *command], self.folder, self.environment)
        self.running.append(program)
        return program

    def run(self, code: str) -> list[str]:
        """Run a few lines of Python to their end; return what they print."""
        program = self.start("-c", code)
        program.wait()
        return program.lines

    def write(self, name: str, code: str) -> None:
        (self.folder / name).write_text(TELL + code, encoding="utf-8")

    def close(self) -> None:
        for program in self.running:
            program.kill()
