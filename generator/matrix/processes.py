"""Commands that are run to their end, or ended with every process that they have started."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Who carries it was started by us, however far down and in whatever session.
MARK = "FASTAPI_TASKS_MATRIX"
GRACE = 10.0  # seconds for what is told to end, to clear its own things away
PROC = Path("/proc")


class CommandFailedError(Exception):
    """The command's exit code was not 0; `output` is all that it printed."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(f"{_shown(command)} failed.")
        self.output = output


class TimeLimitError(CommandFailedError):
    def __init__(self, command: Sequence[str], output: str, limit: float) -> None:
        super().__init__(command, output)
        self.args = (f"{_shown(command)} ran for {limit:g} s: killed, with all that it started.",)


class StoppedError(Exception):
    """The whole run is being ended."""


class Processes:
    """Those of one combination. Only its own thread starts them; any thread may end them."""

    def __init__(self, mark: str, environment: Mapping[str, str]) -> None:
        self.mark = mark
        self._environment = {**environment, MARK: mark}
        self._scratch = environment.get("TMPDIR")
        self._running: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def hide(self, prefix: str) -> None:
        """Keep the settings of another service of that name to us, but for the tests' servers."""
        for name in list(self._environment):
            if name.startswith(prefix) and not name.startswith(f"{prefix}TEST_"):
                del self._environment[name]

    def alone(self) -> Processes:
        """Return the way to start some of them with nothing in their environment but what is given.

        They are ended with all the others.
        """
        same = copy.copy(self)
        same._environment = {MARK: self.mark}  # noqa: SLF001 (of our own kind)
        return same

    def run(self, command: Sequence[str], cwd: Path, limit: float, **more: str) -> str:
        """Return what it printed."""
        # A file: a pipe would stay open for as long as a forgotten child holds it.
        with tempfile.TemporaryFile(dir=self._scratch) as output:
            with self.started(command, cwd, output.fileno(), (), **more) as process:
                try:
                    code = process.wait(limit)
                except subprocess.TimeoutExpired:
                    self.end()
                    raise TimeLimitError(command, _read(output.fileno()), limit) from None
            if self.stopped.is_set():
                raise StoppedError
            text = _read(output.fileno())
            if code:
                raise CommandFailedError(command, text)
            return text

    @contextmanager
    def started(
        self, command: Sequence[str], cwd: Path, output: int, fds: Sequence[int], **more: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run it until the end of the block."""
        with self._lock:
            if self.stopped.is_set():
                raise StoppedError
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**self._environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=fds,
                start_new_session=True,  # Ctrl-C is for us: we end it in order
            )
            self._running.append(process)
        try:
            yield process
        finally:
            end_group(process)
            with self._lock:
                self._running.remove(process)

    def stop(self) -> None:
        """Tell all to end, and start nothing more."""
        with self._lock:
            self.stopped.set()
            for process in self._running:
                _signal_group(process, signal.SIGINT)

    def end(self) -> None:
        """End all, each with a moment to clear its own things away, and what they left behind."""
        with self._lock:
            running = list(self._running)
        for process in running:
            end_group(process)
        kill_marked(self.mark)


def heed_interrupts() -> None:
    """Let SIGINT end us and what we start, though a shell that put us behind ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it, as Ctrl-C does; kill what is left of it after the grace."""
    if process.poll() is None:
        _signal_group(process, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def kill_marked(mark: str) -> None:
    """Kill whoever carries the mark, in sessions of their own too.

    Linux alone tells what another process' environment is; elsewhere groups have to be enough.
    """
    deadline = time.monotonic() + GRACE
    while (found := marked(mark)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def marked(mark: str) -> set[int]:
    """Return those whose mark begins so: a combination's ends with a slash, as its run's does."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(wanted) for variable in variables):
                found.add(int(folder.name))
    return found - {os.getpid()}


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _read(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="replace")


def _shown(command: Sequence[str]) -> str:
    words = [Path(word).name if word.startswith("/") else word for word in command]
    text = " ".join(words)
    return text if len(text) <= 80 and "\n" not in text else f"{text.splitlines()[0][:70]} …"
