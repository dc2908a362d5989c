from uuid import UUID

import structlog

from ..service.mail import send_mail
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWork
from ..tasks import DoNotRetry, Retry, current_message, task
from .models import User
from .settings import SignupSettings

log = structlog.get_logger(__name__)


@task(retry=Retry(max_attempts=6, first_delay=2), timeout=30)
async def send_welcome_email(user_id: UUID) -> None:
    async with UnitOfWork() as work:
        user = await work.session.get(User, user_id)
    if user is None:
        raise DoNotRetry(f"user {user_id} no longer exists")
    await send_mail(user.email, "Welcome", "Your account is ready.\n")


@task(timeout=15)
async def notify_admin(user_id: UUID) -> None:
    url = SignupSettings.load().admin_webhook_url
    if url is None:
        log.info("no ADMIN_WEBHOOK_URL is set, nobody is told")
        return
    # The receiver sees the same key at each attempt, so that it can ignore a second one.
    headers = {"Idempotency-Key": str(current_message().id)}
    body = {"event": "user.signed_up", "user_id": str(user_id)}
    response = await resources().http.post(str(url), json=body, headers=headers)
    response.raise_for_status()
