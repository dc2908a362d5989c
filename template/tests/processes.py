"""Real processes: started as the README says, seen through their logs, ended by their own pid."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

PATIENCE = 20.0  # seconds after which an awaited event is taken for missing


class Process:
    """A command of the service, with its JSON log lines as they come."""

    def __init__(
        self, *arguments: str, environment: Mapping[str, str], fds: Sequence[int] = ()
    ) -> None:
        self.name = "".join(arguments[1:2])
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._ended = False
        self._popen = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=_without_recompiling({**os.environ, **environment}),
            pass_fds=fds,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that kill() ends its children too
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

    def freeze(self) -> None:
        """Halt it and its children where they are; only kill() is left then."""
        os.killpg(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)  # it runs on until then

    def kill(self) -> None:
        if self.is_running():
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()
        assert self._popen.stdout is not None
        self._popen.stdout.close()


def _without_recompiling(environment: dict[str, str]) -> dict[str, str]:
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each start would compile all modules anew
    return environment


def listening_socket() -> socket.socket:
    """Return a socket to hand to a child: who answers there is that child and no other."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
