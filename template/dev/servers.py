"""Servers for development and tests: they end with us, and a second terminal shares them."""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

PATIENCE = 120.0  # seconds after which a server is taken for broken


class ServerMissing(Exception):  # noqa: N818 - says what is wrong, as its siblings do
    """No server can be had; the message says why, and what to do."""


class Server:
    """A child process; each start takes the same port and data."""

    def __init__(
        self,
        *command: str,
        folder: Path,
        answers: Callable[[int], bool],
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
        stops_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._command = command
        self._folder = folder
        self._answers = answers  # given the pid: others may have taken the port meanwhile
        self._environment = environment
        self._user = user
        self._stops_by = stops_by
        self._child: subprocess.Popen[bytes] | None = None
        self._frozen = False
        self.lock: TextIO | None = None

    def start(self) -> None:
        if self._child and self._child.poll() is None:
            return
        self.kill()  # what is left of one that ended by itself
        log = self._folder / "log"
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us: we end it after what uses it
                pass_fds=[self.lock.fileno()] if self.lock else [],
            )
        self._guard = _guard(self._child.pid)
        deadline = time.monotonic() + PATIENCE
        while not self._answers(self._child.pid):
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerMissing(f"{self._command[0]} did not start: {log} says why.")
            time.sleep(0.05)

    def stop(self, by: signal.Signals | None = None) -> None:
        self._signal(by or self._stops_by)
        self.thaw()  # a frozen process does not see it
        self._wait()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._wait()

    def freeze(self) -> None:
        """Halt it where it is: calls get no answer until thaw()."""
        if self._child and not self._frozen:
            self._signal(signal.SIGSTOP)
            os.waitpid(self._child.pid, os.WUNTRACED)  # some threads run on until then
            self._frozen = True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self._frozen = False

    def end(self) -> None:
        """End it whatever its state; raise ServerMissing if it is gone already."""
        died = self._child is not None and self._child.poll() is not None
        with suppress(subprocess.TimeoutExpired):
            self.stop()
        self.kill()
        if died:
            raise ServerMissing(f"{self._command[0]} ended by itself: {self._folder}/log says why.")

    def _signal(self, number: signal.Signals) -> None:
        if self._child:
            self._child.send_signal(number)

    def _wait(self) -> None:
        if self._child:
            self._child.wait(PATIENCE)
            with self._guard:
                self._guard.kill()  # before the block closes its pipe: it would kill the pid
            self._child = None
            self._frozen = False


def _guard(pid: int) -> subprocess.Popen[bytes]:
    """Kill the process as soon as we are gone, even by SIGKILL: then our end of the pipe closes."""
    command = ["/bin/sh", "-c", 'read -r _; kill -9 "$0"', str(pid)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


class Broker(ABC):
    """A broker of ours, or one of others."""

    def __init__(self, url: str, server: Server | None) -> None:
        self.url = url
        self._server = server

    @abstractmethod
    def create(self) -> str:
        """Return the URL of a fresh namespace."""

    @property
    def is_ours(self) -> bool:
        return self._server is not None

    @property
    def server(self) -> Server:
        assert self._server, "it is not ours to stop or freeze"  # noqa: S101 - ask before
        return self._server


@contextmanager
def shared(folder: Path, prepare: Callable[[int], Server]) -> Iterator[tuple[int, Server | None]]:
    """Run the server until the end of the block, or find the port of who runs it already."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "port").open("a+") as file:
        deadline = time.monotonic() + PATIENCE
        while not _lock(file):
            if port := _port_of_other(file):
                yield port, None
                return
            if time.monotonic() > deadline:
                raise ServerMissing(f"A process holds {file.name}, but runs no server: end it.")
            time.sleep(0.1)
        file.truncate(0)
        port = free_port()
        server = prepare(port)
        server.lock = file  # held by the child too: its data are in use until it is gone
        try:
            server.start()
            file.write(str(port))
            file.flush()
            yield port, server
        finally:
            server.end()


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _port_of_other(file: TextIO) -> int | None:
    file.seek(0)
    port = file.read()
    return int(port) if port and not _is_free(int(port)) else None


def free_port() -> int:
    """Choose below what clients get: one that calls a stopped server could get its port."""
    while not _is_free(port := 20_000 + secrets.randbelow(12_000)):
        pass
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
