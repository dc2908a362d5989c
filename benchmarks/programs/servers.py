"""Run a rendered project's servers; for each line that is read, print an empty database's URL.

The lines are ``database`` and ``broker``. Runs in the project, with its Python.
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from dev import __main__ as dev

with ExitStack() as stack:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    folder.chmod(0o755)
    databases = stack.enter_context(dev.database_server(folder))
    makers = {"database": databases.create}
    if hasattr(dev, "broker_server"):
        makers["broker"] = stack.enter_context(dev.broker_server(folder)).create
    for line in sys.stdin:
        print(makers[line.strip()](), flush=True)
