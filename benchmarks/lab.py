"""Where the contenders are: rendered services, the peers' environment, and the servers of all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.processes import ContenderError, Environment, Worker, run, running
from generator.template import releases

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parent.parent
HERE = ROOT / "benchmarks"
PROGRAMS = HERE / "programs"
UV = str(Path(sys.executable).with_name("uv"))
COPIER = str(Path(sys.executable).with_name("copier"))
FIRST_DESIGN = "v0.2.0"
PACKAGES = ("celery", "fastapi", "pgqueuer", "procrastinate", "rq", "sqlalchemy", "uvicorn")


@dataclass(frozen=True)
class Rendered:
    """A service: its answers, and the release that it is of; without one, this work tree."""

    backend: str
    database: str = "postgresql"
    release: str = ""


SERVING = Rendered("rq")  # has both servers
SERVING_FIRST_DESIGN = Rendered("outbox", release=FIRST_DESIGN)  # has the tables of its time


@dataclass(frozen=True)
class Place:
    """Where a contender's programs run."""

    folder: Path
    python: str
    environment: Environment

    def program(self, name: str, *arguments: str, **more: str) -> str:
        """Run one of ``programs`` there; return what it prints."""
        command = [self.python, str(PROGRAMS / f"{name}.py"), *arguments]
        return run(command, self.folder, {**self.environment, **more})


class Lab:
    """Set up once for a run; what a subject does not use is not made."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._numbers = count()
        self._projects: dict[Rendered, Path] = {}
        self._servers: dict[Rendered, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server in self._servers.values():
            server.communicate()
        self._stack.__exit__(kind, error, traceback)

    def ours(self, backend: str, database: str = "postgresql") -> Place:
        """Return a rendered service with an empty database, and an empty broker of its own."""
        rendered = Rendered(backend, database)
        return self._service(rendered, SERVING if database == "postgresql" else rendered)

    def first_design(self, backend: str) -> Place:
        """Return what `ours` does, rendered from the last release of the first design."""
        return self._service(Rendered(backend, release=FIRST_DESIGN), SERVING_FIRST_DESIGN)

    def _service(self, rendered: Rendered, serving: Rendered) -> Place:
        project = self._project(rendered)
        environment = {
            **self._marks(),
            "SHOP_LOG_FORMAT": "json",  # as in the image
            "SHOP_DATABASE_URL": self._made("database", serving),
        }
        if rendered.backend in ("rq", "celery"):
            environment["SHOP_BROKER_URL"] = self._made("broker", SERVING)
        return Place(project, str(project / ".venv/bin/python"), environment)

    def peer(self) -> Place:
        """Return the peers' environment with an empty database and broker."""
        database = _plain(self._made("database", SERVING)).replace("+asyncpg", "")
        broker = self._made("broker", SERVING)
        environment = {
            **self._marks(),
            "DATABASE_URL": database,
            "PGDSN": database,
            "BROKER_URL": broker,
            "RQ_REDIS_URL": broker,
            "PATH": f"{self._peers / 'bin'}:/usr/bin:/bin",
        }
        return Place(PROGRAMS, str(self._peers / "bin/python"), environment)

    def peer_program(self, name: str, *arguments: str, **environment: str) -> str:
        """Run one of ``programs`` in the peers' environment; return what it prints."""
        return run(
            [str(self._peers / "bin/python"), str(PROGRAMS / f"{name}.py"), *arguments],
            PROGRAMS,
            environment,
        )

    def peer_running(self, name: str, *arguments: str) -> AbstractContextManager[Worker]:
        command = [str(self._peers / "bin/python"), str(PROGRAMS / f"{name}.py"), *arguments]
        return running(command, PROGRAMS, {}, self.log())

    def log(self) -> Path:
        return self.folder / f"log-{next(self._numbers)}"

    def _marks(self) -> Environment:
        marks = self.folder / f"marks-{next(self._numbers)}"
        return {"BENCH_MARKS": str(marks), "PYTHONPATH": str(PROGRAMS)}

    @cached_property
    def _peers(self) -> Path:
        """Install the peers into an environment of their own."""
        venv = self.folder / "peers"
        run([UV, "venv", "--quiet", "--python", sys.executable, str(venv)], self.folder)
        install = [UV, "pip", "install", "--quiet", "--compile-bytecode"]
        wanted = ["--requirements", str(PROGRAMS / "requirements.txt")]
        run([*install, "--python", str(venv / "bin/python"), *wanted], self.folder)
        return venv

    def _project(self, rendered: Rendered) -> Path:
        made = self._projects.get(rendered)
        if made is None:
            made = self._projects[rendered] = self._render(rendered)
        return made

    def _render(self, rendered: Rendered) -> Path:
        """Render a service; lay over it what is measured; install it."""
        project = self.folder / "-".join(filter(None, astuple(rendered)))
        answers = {
            "project_name": "shop",
            "task_backend": rendered.backend,
            "database": rendered.database,
        }
        given = [word for name, value in answers.items() for word in ("-d", f"{name}={value}")]
        copy = [COPIER, "copy", "--quiet", "--defaults", *given]
        run([*copy, *self._template(rendered.release), str(project)], self.folder)
        shutil.copytree(HERE / "slice", project / "src/shop/bench")
        shutil.copy(PROGRAMS / "mark.py", project / "src/shop/bench")
        if rendered.release:  # its routes need what that release had elsewhere
            (project / "src/shop/bench/router.py").unlink()
        sync = [UV, "sync", "--quiet", "--compile-bytecode", "--python", sys.executable]
        run(sync, project)
        return project

    def _template(self, release: str) -> list[str]:
        if not release:
            return ["--vcs-ref", "HEAD", str(ROOT)]
        folder = self.folder / release
        releases.unpack(ROOT / f"releases/{release}{releases.SUFFIX}", folder)
        return [str(folder)]

    def _made(self, what: str, serving: Rendered) -> str:
        """Return the URL of a new database or broker."""
        server = self._servers.get(serving) or self._start(serving)
        assert server.stdin is not None  # noqa: S101 - a pipe
        assert server.stdout is not None  # noqa: S101 - likewise
        server.stdin.write(f"{what}\n")
        server.stdin.flush()
        if not (url := server.stdout.readline().strip()):
            raise ContenderError(f"The servers of {serving} ended: see above.")
        return url

    def _start(self, serving: Rendered) -> subprocess.Popen[str]:
        project = self._project(serving)
        environment = {"PYTHONPATH": str(project), "PATH": "/usr/sbin:/usr/bin:/bin"}
        if serving.release:  # its tables, in the server of all
            environment["SHOP_TEST_DATABASE_URL"] = _plain(self._made("database", SERVING))
        self._servers[serving] = subprocess.Popen(
            [str(project / ".venv/bin/python"), str(PROGRAMS / "servers.py")],
            cwd=project,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._servers[serving]


def _plain(url: str) -> str:
    """Return it without what only our services understand."""
    return url.partition("?")[0]
