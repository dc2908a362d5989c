from pydantic import PositiveFloat

from ..service.settings import ServiceSettings


class HousekeepingSettings(ServiceSettings):
    housekeeping_max_age: PositiveFloat = 24.0
    """Hours after which a temporary file is deleted."""
