"""The named queues in which tasks wait."""

from collections.abc import Sequence

import structlog

from .task import registry

log = structlog.get_logger(__name__)


def queue_names() -> list[str]:
    """Return the queues that this release's tasks name, "default" first."""
    named = {task.queue for task in registry.values()} - {"default"}
    return ["default", *sorted(named)]


def queues_to_work_on(chosen: Sequence[str] = ()) -> list[str]:
    """Return the chosen ones, in their order, or all."""
    known = queue_names()
    for name in chosen:
        if name not in known:  # the last tasks of a queue that an older release had, perhaps
            log.warning("no task names this queue", queue=name, known=known)
    return list(dict.fromkeys(chosen)) or known
