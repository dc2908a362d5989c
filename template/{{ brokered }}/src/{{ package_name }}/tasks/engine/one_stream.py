"""Let many processes log to one pipe: the kernel mixes up lines of more than 4 kB."""

import fcntl
import logging
from tempfile import TemporaryFile

_lock = TemporaryFile()  # noqa: SIM115 - open as long as we log; all that is forked shares it


class OneAtATime(logging.Handler):
    """Holds a lock while it writes; it dies with its process."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def emit(self, record: logging.LogRecord) -> None:
        fcntl.lockf(_lock, fcntl.LOCK_EX)
        try:
            self._handler.handle(record)
        finally:
            fcntl.lockf(_lock, fcntl.LOCK_UN)


def share_stdout() -> None:
    root = logging.getLogger()
    root.handlers = [OneAtATime(handler) for handler in root.handlers]
