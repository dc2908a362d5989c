"""What a scenario needs: it runs beside others, with a service of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from .peer import Peer
from .processes import PATIENCE
from .service import Service, StartService


@dataclass
class Scene:
    start: StartService
    peer: Peer
    folder: Path
    """For servers of its own."""
    name: str = field(default_factory=lambda: uuid4().hex)
    """What tells its reports from others'."""

    def labels(self, count: int) -> list[str]:
        return [f"{self.name}-{number}" for number in range(count)]

    def enqueue(self, service: Service, task: str, labels: Sequence[str]) -> list[str]:
        """Enqueue one task per label, in one commit; return their ids."""
        return service.enqueue_all([{"task": task, "arguments": {"label": x}} for x in labels])

    def await_all(self, event: str, labels: Sequence[str], within: float = PATIENCE) -> None:
        for label in labels:
            self.peer.expect(event=event, label=label, within=within)

    def counts(self, event: str, labels: Sequence[str]) -> list[int]:
        return [len(self.peer.found(event=event, label=label)) for label in labels]

    def pass_time(self, service: Service, seconds: float) -> None:
        """Let that time pass for the tasks too: a task is done after it."""
        label = f"{self.name}-after-{seconds}"
        service.enqueue("run_async", label=label, delay=seconds)
        self.peer.expect(event="ran", label=label, within=seconds + PATIENCE)


Scenario = Callable[[Scene], None]
