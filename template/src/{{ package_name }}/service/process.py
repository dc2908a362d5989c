"""How a process of the service begins, and what it forks."""

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local

STOPPING = {signal.SIGTERM, signal.SIGINT}
_forking = local()


@contextmanager
def nothing_collected() -> Iterator[None]:
    """What is imported stays: a tenth of the time would go into looking for garbage in it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def reset_signals_in_children() -> None:
    """What a task forks, by a pool of processes perhaps, has signals of its own.

    It would inherit the handlers of this process, and with them the pipe by which its signals wake
    the event loop here: a SIGTERM for the child would stop the parent.
    """
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_reset)


def _hold() -> None:
    """Keep a signal that comes at once from the handlers which the child has until _reset."""
    _forking.blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def _let_go() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.blocked)


def _reset() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _let_go()
