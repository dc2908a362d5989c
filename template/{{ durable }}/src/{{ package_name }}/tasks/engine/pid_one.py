"""A container without an init runs its command as PID 1, which inherits all orphans."""

import os
import signal


def leave_pid_one() -> None:
    """As PID 1, go on in a child, and reap what is orphaned; else do nothing."""
    if os.getpid() != 1 or (child := os.fork()) == 0:
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: os.kill(child, number))
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
