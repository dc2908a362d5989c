from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from ..tasks import current_message
from .settings import SignupSettings


async def send_mail(to: str, subject: str, text: str) -> None:
    settings = SignupSettings.load()
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
