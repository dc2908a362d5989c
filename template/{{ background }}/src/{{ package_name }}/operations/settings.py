from pydantic import SecretStr

from ..settings import ServiceSettings


class OperationsSettings(ServiceSettings):
    operations_token: SecretStr | None = None
    """Bearer token of /operations; without one these routes refuse every request."""
    operations_url: str = "http://127.0.0.1:8000"
    """Where `tasks stats|failed|retry` find the API."""
