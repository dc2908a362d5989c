"""The containers of compose.yaml, as processes: what the Dockerfile makes, and healthy."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from generator.matrix import dockerfile
from generator.matrix.documented import MisbehavedError, Service, watch
from generator.matrix.environments import uv
from generator.matrix.processes import CommandFailedError

if TYPE_CHECKING:
    from generator.matrix.job import Job

INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")
LIMIT = 60.0  # seconds for a command that ends by itself
INSTALLATION = 600.0  # seconds for a step of the image
READS = 2  # CAP_DAC_READ_SEARCH, as its bit


def check(job: Job) -> None:
    watch(job, "production", Containers)


class Containers(Service):
    """What compose.yaml has of our image; its servers are those of development."""

    api = "api"

    def start(self) -> None:
        self.processes = self._job.processes.alone()
        self._read()
        self._build()
        self.start_servers()
        commands = {
            name: self._command(service.get("command", self._image.command))
            for name, service in self._ours.items()
        }
        for name in [*filter(self._comes_first, commands)]:
            self.processes.run(commands.pop(name), self._app, LIMIT, **self._around(name))
        for name, command in commands.items():
            self.serve(name, command, self._app, self._around(name))

    def use(self) -> None:
        super().use()
        for name in self._serving:
            try:
                self._wait(lambda: not self._complaint(name), f"{name} is not healthy")  # noqa: B023 - called before the next one
            except MisbehavedError as error:
                raise MisbehavedError(f"{error}: {self._complaint(name)}") from error

    def _comes_first(self, name: str) -> bool:
        waits = [service.get("depends_on", {}) for service in self._ours.values()]
        ended = {"condition": "service_completed_successfully"}
        return any(others.get(name) == ended for others in waits)

    def _read(self) -> None:
        content = yaml.safe_load((self._job.project / "compose.yaml").read_text(encoding="utf-8"))
        self._services: dict[str, Any] = content["services"]
        self._ours = {n: service for n, service in self._services.items() if "build" in service}

    def _build(self) -> None:
        project, environments = self._job.project, self._job.environments
        context = dockerfile.make_context(project, self._folder / "context")
        environments.lock(project, context / "uv.lock", self._job.processes)
        text = (project / "Dockerfile").read_text(encoding="utf-8")
        self._image = dockerfile.build(text, context, self._folder, self._run_step)
        self._app = self._image.place()

    def _run_step(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        """Run a step with the uv of this machine, and with its libraries instead of downloads."""
        venv, processes = folder / ".venv", self._job.processes
        if "uv sync" in command[-1] and not venv.exists():
            self._job.environments.lend(venv, processes)
        path = f"{environment['PATH']}:{Path(uv()).parent}"
        around = {**environment, "PATH": path, "UV_PROJECT_ENVIRONMENT": venv.name}
        processes.run(command, folder, INSTALLATION, **around)

    def _command(self, words: list[str]) -> list[str]:
        """Find it as the container does, and run a script by the image's Python.

        Those of the libraries name another environment's.
        """
        program, *arguments = words
        found = shutil.which(program, path=self._image.environment["PATH"])
        if not found:
            raise MisbehavedError(f"{program} is not on the image's PATH")
        script = [] if program == "python" else [found]
        return [*self._as_user(), str(Path(found).with_name("python")), *script, *arguments]

    def _as_user(self) -> list[str]:
        """Return what makes root the image's user; who is not root is unprivileged as it is.

        That user may read all, as this Python may lie in a home that is root's alone: what the
        image does not let it read, was found before.
        """
        if os.getuid():
            return []
        user = str(self._image.user)
        held = re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
        reads = ",+dac_read_search" if held and int(held[1], 16) >> READS & 1 else ""
        capabilities = [f"--inh-caps=-all{reads}", f"--ambient-caps=-all{reads}"]
        return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *capabilities]

    def _around(self, name: str) -> dict[str, str]:
        """Return the environment that compose gives the container."""
        service, prefix = self._ours[name], self._job.prefix
        own = self._folder / f"{name}.tmp"
        own.mkdir(exist_ok=True)
        own.chmod(0o777)
        files = [file["path"] for file in service.get("env_file", [])]
        given = {name: self._address(filled(str(v))) for name, v in service["environment"].items()}
        return {
            **self._image.environment,
            "HOME": self._image.home,
            **(self._dotenv() if ".env" in files else {}),
            **given,
            # A container's loopback is its own: what is no API finds none there.
            f"{prefix}PORT": str(self._port) if name == self.api else "1",
            "TMPDIR": str(own),
        }

    def _dotenv(self) -> dict[str, str]:
        """Return what the file .env may say: the mail server, and what is for elsewhere."""
        prefix = self._job.prefix
        elsewhere = {"DATABASE_URL": "nowhere", "BROKER_URL": "nowhere", "HOST": "192.0.2.1"}
        right = {f"{prefix}SMTP_URL": self.settings.get(f"{prefix}SMTP_URL", "")}
        return {**{f"{prefix}{name}": value for name, value in elsewhere.items()}, **right}

    def _address(self, url: str) -> str:
        """Put the server of development in the place of a service of compose.yaml."""
        parts = urlsplit(url) if "://" in url else None
        if parts is None or parts.hostname not in self._services:
            return url
        [ours] = [
            theirs
            for theirs in map(urlsplit, self.settings.values())
            if theirs.scheme == parts.scheme
        ]
        login = parts.netloc.rpartition("@")
        where = f"{login[0]}{login[1]}{ours.hostname}:{ours.port}"
        return parts._replace(netloc=where, path=ours.path).geturl()

    def _complaint(self, name: str) -> str:
        """Return what the container's health check says, unless all is well."""
        test = self._ours[name].get("healthcheck", {}).get("test") or self._image.health
        command = self._command(test[1:] if test[0] == "CMD" else test)
        try:
            self.processes.run(command, self._app, LIMIT, **self._around(name))
        except CommandFailedError as error:
            return error.output.strip() or str(error)
        return ""


def filled(text: str) -> str:
    """Give each variable of compose.yaml its default."""
    return INTERPOLATED.sub(r"\2", text)
