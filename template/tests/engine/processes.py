"""Real processes: started as the README says, seen through their logs, ended by their own pid."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

PATIENCE = 20.0  # seconds after which an awaited event is taken for missing


class Process:
    """A command of the service, with its JSON log lines as they come."""

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        fds: Sequence[int] = (),
        within: Sequence[str] = (),
    ) -> None:
        self.name = "".join(arguments[1:2])
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._ended = False
        self._popen = subprocess.Popen(
            [*within, sys.executable, "-m", *arguments],
            env=_without_recompiling({**os.environ, **environment}),
            pass_fds=fds,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: we end it
        )
        self.pid = self._popen.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for text in self._popen.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                line = {"event": text.rstrip()}
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def find(self, **fields: Any) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if fields.items() <= line.items()]

    def wait_for_line(self, **fields: Any) -> dict[str, Any]:
        """Return the first line that has the fields, as soon as it is there."""
        with self._news:
            self._news.wait_for(lambda: self.find(**fields) or self._ended, PATIENCE)
        found = self.find(**fields)
        assert found, f"no line has {fields}; the log:\n{self.log()}"
        return found[0]

    def log(self) -> str:
        return "\n".join(map(str, self.lines))

    def terminate(self) -> None:
        self._popen.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        try:
            code = self._popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} runs on; the log:\n{self.log()}") from None
        self._reader.join(PATIENCE)
        return code

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def family(self) -> list[int]:
        """Return its pid and those of all that it began, orphans too: they share its session."""
        command = ["ps", "-A", "-o", "pid=,sid="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return [pid for pid, session in found if session == self.pid]

    def freeze(self) -> None:
        """Halt it and all below it where they are; only thaw() and kill() are left then."""
        self._halt()
        os.waitpid(self.pid, os.WUNTRACED)  # it runs on until then

    def thaw(self) -> None:
        send(signal.SIGCONT, self.family())

    def _halt(self) -> list[int]:
        halted: list[int] = []
        while new := set(self.family()) - set(halted):  # one may have forked meanwhile
            send(signal.SIGSTOP, new)
            halted += new
        return halted

    def kill(self) -> None:
        """End it and all below it at once."""
        if self.is_running():
            send(signal.SIGKILL, self._halt())
        self.wait()
        assert self._popen.stdout is not None
        self._popen.stdout.close()


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def running(pids: Iterable[int]) -> list[int]:
    """Return those of the processes that are there, and no zombies."""
    command = ["ps", "-A", "-o", "pid=,stat="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    states = dict(line.split() for line in listed.splitlines())
    return [pid for pid in pids if not states.get(str(pid), "Z").startswith("Z")]


def wait_until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Ask again and again, where nothing tells."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not so after {within} s"
        time.sleep(0.05)


def _without_recompiling(environment: dict[str, str]) -> dict[str, str]:
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each start would compile all modules anew
    return environment


def listening_socket() -> socket.socket:
    """Return a socket to hand to a child: who answers there is that child and no other."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
