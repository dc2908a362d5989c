"""Mail by SMTP, sent from tasks."""

from email.message import EmailMessage
from typing import Annotated
from urllib.parse import unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

from ..tasks import current_message
from .settings import ServiceSettings, url_of


class MailSettings(ServiceSettings):
    smtp_url: Annotated[SecretStr, url_of("smtp", "smtps")] = SecretStr("smtp://localhost:1025")
    """smtp:// or smtps://, with user:password@ where the server wants it."""
    mail_from: str = "welcome@example.com"


async def send_mail(to: str, subject: str, text: str) -> None:
    """Send it; raises LookupError outside a task, what aiosmtplib raises if it is not taken."""
    settings = MailSettings.load()
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = subject
    # The same id at each attempt: a mail server or reader can drop a repeated mail.
    message["Message-ID"] = f"<{current_message().id}@{settings.mail_from.partition('@')[2]}>"
    message.set_content(text)
    server = urlsplit(settings.smtp_url.get_secret_value())
    await aiosmtplib.send(
        message,
        hostname=server.hostname,
        port=server.port,
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=server.scheme == "smtps",
        timeout=20,
    )
