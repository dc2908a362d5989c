from pydantic import Field, HttpUrl

from ..service.settings import ServiceSettings


class FeedsSettings(ServiceSettings):
    feeds_weather_url: HttpUrl | None = None
    """Asked with ?city=…; answers with a JSON object."""
    feeds_rates_url: HttpUrl | None = None
    """Asked with ?base=…; answers with a JSON object."""
    feeds_timeout: float = Field(default=2.0, gt=0)
    """Seconds for each call of an API."""
    feeds_fresh: float = Field(default=60.0, ge=0)
    """Seconds for which an answer is used again before the API is asked."""
