"""See and mend the task queue of a running API: it lives in that process' memory, so by HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote
from uuid import UUID

from pydantic import SecretStr

from ...service.settings import PREFIX, ServiceSettings, url_of
from .queue import QueueStats, TaskOperations, TaskStatus

if TYPE_CHECKING:
    import httpx


class OperationsSettings(ServiceSettings):
    operations_token: SecretStr | None = None
    """Bearer token of /operations; without one these routes refuse every request."""
    operations_url: Annotated[str, url_of("http", "https", form="http://host:port")] = (
        "http://127.0.0.1:8000"
    )
    """Where `tasks stats|failed|retry` find the API."""


class OperationsError(Exception):
    pass


class _Client:
    def __init__(self, http: "httpx.AsyncClient") -> None:
        self._http = http

    async def stats(self) -> QueueStats:
        return QueueStats.model_validate(await self._request("GET", "/stats"))

    async def failed(self) -> list[TaskStatus]:
        return [TaskStatus.model_validate(item) for item in await self._request("GET", "/failed")]

    async def retry(self, task_id: UUID) -> bool:
        return bool(await self._request("POST", f"/retry/{task_id}"))

    async def cancel(self, task_id: UUID) -> bool:
        return bool(await self._request("POST", f"/cancel/{task_id}"))

    async def run(self, name: str) -> UUID | None:
        task_id = await self._request("POST", f"/run?name={quote(name)}")
        return UUID(task_id) if task_id else None

    async def purge(self) -> int:
        return int(await self._request("POST", "/purge"))

    async def pending(self) -> dict[str, int]:
        stats = await self.stats()
        return {"queued tasks": stats.queued, "running tasks": stats.running}

    async def _request(self, method: str, path: str) -> Any:
        from httpx import TransportError

        try:
            response = await self._http.request(method, path)
        except TransportError as error:
            raise OperationsError(
                f"The API does not answer at {self._http.base_url} ({type(error).__name__}): "
                f"start it, or set {PREFIX}OPERATIONS_URL."
            ) from error
        if response.status_code in {401, 403}:
            raise OperationsError(
                f"The API refused ({response.status_code}): {PREFIX}OPERATIONS_TOKEN must be set, "
                "for it and here, to one and the same token."
            )
        if response.is_error:
            raise OperationsError(f"The API failed ({response.status_code}): see its log.")
        return response.json()


@asynccontextmanager
async def open_operations() -> AsyncIterator[TaskOperations]:
    from httpx import AsyncClient

    settings = OperationsSettings.load()
    token = settings.operations_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    url = f"{settings.operations_url.rstrip('/')}/operations"
    direct = AsyncClient(base_url=url, headers=headers, timeout=10, trust_env=False)
    async with direct as http:  # the API is no web site that a proxy leads to
        yield _Client(http)
