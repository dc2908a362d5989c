"""Keep child processes running, and stop them in time."""

import math
import os
import signal
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger(__name__)
STOP = {signal.SIGTERM, signal.SIGINT}
SIGNALS = {*STOP, signal.SIGCHLD, signal.SIGALRM}
RESTART = 1  # seconds until a child that ended is started again
KILL = 7  # seconds beyond the grace after which a child is killed; compose.yaml allows for 10


class Supervisor:
    """One child for each role. It has no threads, so that what a child inherits is whole."""

    def __init__(self, roles: Sequence[Callable[[], None]], grace: float) -> None:
        self._missing = list(roles)
        self._running: dict[int, Callable[[], None]] = {}
        self._grace = grace

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, and then until the children have ended."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # one that is ignored would not arrive
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._start_missing()
        while (number := signal.sigwait(SIGNALS)) not in STOP:
            if number == signal.SIGALRM:
                self._start_missing()
            elif self._reap():
                signal.alarm(RESTART)
        self._stop()

    def _start_missing(self) -> None:
        missing, self._missing = self._missing, []
        for role in missing:
            if pid := os.fork():
                self._running[pid] = role
            else:
                _become(role)

    def _reap(self) -> bool:
        ended = False
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            role = self._running.pop(pid)
            log.info("process ended", role=role.__name__, status=os.waitstatus_to_exitcode(status))
            self._missing.append(role)
            ended = True
        return ended

    def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        signal.alarm(math.ceil(self._grace) + KILL)
        while self._running:
            match signal.sigwait(SIGNALS):
                case signal.SIGCHLD:
                    self._reap()
                case signal.SIGALRM:
                    self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._running:
            os.kill(pid, number)


def _become(role: Callable[[], None]) -> None:
    """Be the child; its signals stay blocked until it is ready for them."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGALRM})
        role()
        code = 0
    except Exception:
        log.exception("process failed", role=role.__name__)
    finally:
        os._exit(code)
