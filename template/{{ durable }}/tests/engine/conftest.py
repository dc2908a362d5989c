from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from .peer import Peer
from .scenario import Scenario, Scene
from .service import StartService
from .test_when_things_go_wrong import SCENARIOS

TOGETHER = 2


@pytest.fixture(scope="session", autouse=True)
def begun(
    request: pytest.FixtureRequest,
    start_service: StartService,
    peer: Peer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Scenario, Future[None]]]:
    """Begin the chosen scenarios: most of each is waiting, and other tests run meanwhile."""
    chosen = {item.name for item in request.session.items}
    with ThreadPoolExecutor(TOGETHER) as pool:
        yield {
            each: pool.submit(each, Scene(start_service, peer, tmp_path_factory.mktemp("scene")))
            for each in SCENARIOS
            if f"test_scenario[{each.__name__}]" in chosen
        }
        pool.shutdown(cancel_futures=True)
