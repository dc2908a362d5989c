"""What a task forks, by a pool of processes perhaps, has signals of its own.

It would inherit the handlers of this process, and with them the pipe by which its signals wake the
event loop here: a SIGTERM for the child would stop the parent.
"""

import os
import signal


def reset_signals_in_children() -> None:
    os.register_at_fork(after_in_child=_reset)


def _reset() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
