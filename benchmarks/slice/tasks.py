from ..tasks import task
from .mark import mark


@task(name="nothing")
async def nothing(number: int) -> None:
    mark(number)


@task(name="nothing_in_thread")
def nothing_in_thread(number: int) -> None:
    mark(number)


@task(name="silent")
async def silent() -> None:
    pass
