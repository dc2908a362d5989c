from typing import Annotated

from pydantic import HttpUrl, SecretStr

from ..service.settings import ServiceSettings, url_of


class SignupSettings(ServiceSettings):
    smtp_url: Annotated[SecretStr, url_of("smtp", "smtps")] = SecretStr("smtp://localhost:1025")
    """smtp:// or smtps://, with user:password@ where the server wants it."""
    mail_from: str = "welcome@example.com"
    admin_webhook_url: HttpUrl | None = None
    """Told of each new account by POST; unset, nobody is."""
