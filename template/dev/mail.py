"""A mail server for development: it takes every mail and prints it. `python -m dev.mail PORT`"""

import asyncio
import email
import sys
from email.message import Message
from typing import Any

from aiosmtpd.smtp import SMTP


class Printer:
    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        mail: Message = email.message_from_bytes(envelope.content)
        print(f"mail to {', '.join(envelope.rcpt_tos)}: {mail['Subject']}", flush=True)
        return "250 OK"


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Printer()), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
