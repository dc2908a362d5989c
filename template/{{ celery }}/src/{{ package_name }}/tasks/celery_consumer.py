"""What Celery's consumer would drop is kept: as a failed task, with the reason."""

from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer

from .celery_tasks import UNREADABLE


class KeepingConsumer(Consumer):
    """Passes what no task can take to one that writes it down, in a process of the pool."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        handle = super().create_task_handler(*args, **kwargs)
        return lambda message: (handle if _is_task(message) else self._keep)(message)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's
        self._keep(message)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's
        self._keep(message)

    def _keep(self, message: Any) -> None:
        self.app.send_task(UNREADABLE, args=[_body(message)])
        message.ack()  # only now: a crash between the two keeps the message twice


def _is_task(message: Any) -> bool:
    """Whether it has the parts that Celery takes for granted, and would stumble over."""
    headers = message.headers
    if not isinstance(headers, dict):
        return False
    names = (headers.get("id"), headers.get("task"))
    payload = _payload(message)
    kinds = [type(part) for part in payload] if isinstance(payload, list) else []
    return kinds == [list, dict, dict] and all(isinstance(name, str) for name in names)


def _body(message: Any) -> str:
    """Return our envelope, where there is one in it, or what came."""
    match _payload(message):
        case [[str(body)], {}, _]:
            return body
    raw = message.body
    return raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)


def _payload(message: Any) -> Any:
    try:
        return message.payload
    except Exception:  # noqa: BLE001 - anything may be wrong with it
        return None
