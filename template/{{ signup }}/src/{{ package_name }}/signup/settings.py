from pydantic import HttpUrl

from ..service.settings import ServiceSettings


class SignupSettings(ServiceSettings):
    admin_webhook_url: HttpUrl | None = None
    """Told of each new account by POST; unset, nobody is."""
