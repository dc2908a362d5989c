"""How modules are imported at start-up."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """What is imported stays: a tenth of the time would go into looking for garbage in it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
