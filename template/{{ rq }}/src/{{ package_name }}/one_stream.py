"""Let many processes log to one pipe: the kernel mixes up lines of more than 4 kB."""

import fcntl
import logging
from tempfile import TemporaryFile


class OneAtATime(logging.Handler):
    """Holds a lock that all the processes forked from this one share, and that dies with each."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as we log

    def emit(self, record: logging.LogRecord) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            self._handler.handle(record)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


def share_stdout() -> None:
    root = logging.getLogger()
    root.handlers = [OneAtATime(handler) for handler in root.handlers]
