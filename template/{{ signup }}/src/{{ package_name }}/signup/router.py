from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, EmailStr
from sqlalchemy.exc import IntegrityError

from ..service.idempotency import IdempotentDep
from ..service.problems import Problem
from ..service.unit_of_work import UnitOfWorkDep
from ..tasks.router import accepted
from .models import User
from .tasks import notify_admin, send_welcome_email

router = APIRouter(prefix="/signups", tags=["signup"])


class SignUp(BaseModel):
    email: EmailStr


class SignUpAccepted(BaseModel):
    user_id: UUID
    task_id: UUID
    """Of the welcome mail; see GET /tasks/{id}."""


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def sign_up(
    body: SignUp, work: UnitOfWorkDep, response: Response, idempotent: IdempotentDep
) -> SignUpAccepted:
    answer = await idempotent.recall(work.session, SignUpAccepted)
    if answer is None:
        user = User(email=body.email.lower())
        work.session.add(user)
        try:
            await work.session.flush()
        except IntegrityError as error:
            raise Problem(409, f"{body.email} has an account already.") from error
        receipt = work.enqueue(send_welcome_email, user_id=user.id)
        work.enqueue(notify_admin, user_id=user.id)
        answer = SignUpAccepted(user_id=user.id, task_id=receipt.task_id)
        idempotent.remember(answer)
        await work.commit()
    accepted(response, answer.task_id)
    return answer
