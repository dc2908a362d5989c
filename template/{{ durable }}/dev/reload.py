"""Run a command, anew after each change of source. `python -m dev.reload FOLDER COMMAND …`"""

import signal
import subprocess
import sys
import threading

from watchfiles import watch

TICK = 500  # milliseconds after which it is seen that the command has ended


def main(folder: str, *command: str) -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    child = subprocess.Popen(command)
    told = False
    # All changes, not those of .py alone: of a new folder it may be the only one that is seen.
    for changes in watch(folder, stop_event=stopped, rust_timeout=TICK, yield_on_timeout=True):
        if changes:
            print("source changed: starting anew", flush=True)
            child.terminate()
            child.wait()  # it has its own limit of time, as in production
            if stopped.is_set():
                break
            child = subprocess.Popen(command)
            told = False
        elif child.poll() is not None and not told:
            print(f"ended with {child.returncode}: a change of source starts it anew", flush=True)
            told = True
    child.wait()  # honcho has told our whole group: to some, a second word means to hurry


if __name__ == "__main__":
    main(*sys.argv[1:])
