"""The containers of compose.yaml, as processes: without what is for development, and healthy."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from generator.matrix.documented import MisbehavedError, Service, watch
from generator.matrix.processes import CommandFailedError

if TYPE_CHECKING:
    from generator.matrix.job import Job

INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")
LIMIT = 60.0  # seconds for a command that ends by itself
IMAGE_HAS = ("pyproject.toml", "migrations")


def check(job: Job) -> None:
    watch(job, "production", Containers)


class Containers(Service):
    """What compose.yaml has of our image; its servers are those of development."""

    api = "api"

    def start(self) -> None:
        self._read()
        self._build()
        self.start_servers()
        commands = {
            name: self._command(service.get("command", self._image["CMD"]))
            for name, service in self._ours.items()
        }
        for name in [*filter(self._comes_first, commands)]:
            self._job.processes.run(commands.pop(name), self._app, LIMIT, **self._around(name))
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
        self._image = image((self._job.project / "Dockerfile").read_text(encoding="utf-8"))

    def _build(self) -> None:
        self._app = self._folder / "app"
        (self._app / "data").mkdir(parents=True)
        for name in IMAGE_HAS:
            copy = shutil.copytree if (self._job.project / name).is_dir() else shutil.copy
            copy(self._job.project / name, self._app / name)
        venv, processes = self._app / ".venv", self._job.processes
        self._job.environments.install_for_production(self._job.project, venv, processes)

    def _command(self, words: list[str]) -> list[str]:
        """Run scripts by our Python: those of the libraries name another environment's."""
        program, *arguments = words
        place = self._app / ".venv/bin"
        script = [] if program == "python" else [str(place / program)]
        return [str(place / "python"), *script, *arguments]

    def _around(self, name: str) -> dict[str, str]:
        """Return the environment that compose gives the container."""
        service, prefix = self._ours[name], self._job.prefix
        own = self._folder / f"{name}.tmp"
        own.mkdir(exist_ok=True)
        files = [file["path"] for file in service.get("env_file", [])]
        given = {name: self._address(filled(str(v))) for name, v in service["environment"].items()}
        return {
            **self._image["ENV"],
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
        test = self._ours[name].get("healthcheck", {}).get("test") or self._image["HEALTHCHECK"]
        command = self._command(test[1:] if test[0] == "CMD" else test)
        try:
            self._job.processes.run(command, self._app, LIMIT, **self._around(name))
        except CommandFailedError as error:
            return error.output.strip() or str(error)
        return ""


def filled(text: str) -> str:
    """Give each variable of compose.yaml its default."""
    return INTERPOLATED.sub(r"\2", text)


def image(dockerfile: str) -> dict[str, Any]:
    """Return what the last stage of a Dockerfile says of its containers."""
    last = dockerfile.replace("\\\n", " ").rpartition("\nFROM ")[2]
    told = dict(re.findall(r"^(CMD|ENV|HEALTHCHECK) (.*)$", last, re.MULTILINE))
    pairs = [pair.partition("=") for pair in shlex.split(told["ENV"])]
    return {
        "CMD": json.loads(told["CMD"]),
        "ENV": {name: value for name, _, value in pairs if name != "PATH"},
        "HEALTHCHECK": json.loads(told["HEALTHCHECK"].partition("CMD ")[2]),
    }
