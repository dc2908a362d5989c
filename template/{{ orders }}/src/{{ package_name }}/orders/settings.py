from pydantic import HttpUrl

from ..service.settings import ServiceSettings


class OrdersSettings(ServiceSettings):
    warehouse_url: HttpUrl | None = None
    """Told of each order, and of its end, by POST; unset, nobody is."""
