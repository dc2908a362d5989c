from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, EmailStr
from sqlalchemy.exc import IntegrityError

from ..service.idempotency import IdempotentDep
from ..service.problems import Problem
from ..service.unit_of_work import UnitOfWork, UnitOfWorkDep
from ..signup.models import User
from ..tasks.router import accepted
from .tasks import silent

router = APIRouter(prefix="/bench", tags=["bench"])


class SignUp(BaseModel):
    email: EmailStr


class Accepted(BaseModel):
    user_id: UUID


@router.post("/without", status_code=status.HTTP_202_ACCEPTED)
async def without(
    body: SignUp, work: UnitOfWorkDep, response: Response, idempotent: IdempotentDep
) -> Accepted:
    answer = await _inserted(body, work, idempotent)
    await work.commit()
    accepted(response, answer.user_id)
    return answer


@router.post("/with", status_code=status.HTTP_202_ACCEPTED)
async def with_tasks(
    body: SignUp, work: UnitOfWorkDep, response: Response, idempotent: IdempotentDep
) -> Accepted:
    """Do what /signups does, with tasks that send nothing."""
    answer = await _inserted(body, work, idempotent)
    receipt = work.enqueue(silent)
    work.enqueue(silent)
    await work.commit()
    accepted(response, receipt.task_id)
    return answer


async def _inserted(body: SignUp, work: UnitOfWork, idempotent: IdempotentDep) -> Accepted:
    await idempotent.recall(work.session, Accepted)
    user = User(email=body.email.lower())
    work.session.add(user)
    try:
        await work.session.flush()
    except IntegrityError as error:
        raise Problem(409, f"{body.email} has an account already.") from error
    answer = Accepted(user_id=user.id)
    idempotent.remember(answer)
    return answer
