"""What uploads do to the API's other answers: p99 of /livez, with and without.

    .venv/bin/python benchmarks/images.py [BACKEND …]

Renders a service with the example images, on SQLite, and starts it twice, each with its worker.
/livez of the first is asked a hundred times a second, in turns: while nothing is uploaded, while
photographs of 12 million pixels are uploaded to the second one, which takes as much of the machine,
and while they are uploaded to the first. What remains between the last two is what uploads block.
Target: at most 1.2. Run it on a machine that has nothing else to do.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BACKENDS = ("background", "outbox")
ROUNDS = 5
SITUATIONS = ("nothing", "elsewhere", "here")
UPLOADS = """
import io, sys, time
import httpx
from PIL import Image

address, every = sys.argv[1], float(sys.argv[2])
photo = Image.effect_noise((1000, 750), 40).resize((4000, 3000)).convert("RGB")
photo.save(file := io.BytesIO(), "JPEG")
with httpx.Client(base_url=address, timeout=60) as client:
    begun = time.perf_counter()
    for number in range(10_000):
        time.sleep(max(0.0, begun + number * every - time.perf_counter()))
        assert client.post("/images", files={"file": file.getvalue()}).status_code == 202
        if number == 0:
            print(len(file.getvalue()), flush=True)
"""
PROBES = """
import json, os, subprocess, sys, tempfile, time
from contextlib import ExitStack
from pathlib import Path
import httpx
from dev.sqlite import database_server

rounds, every, seconds, uploads = int(sys.argv[1]), float(sys.argv[2]), 5.0, sys.argv[3]
folder = Path(tempfile.mkdtemp())

def start(port):
    (folder / str(port)).mkdir()
    with database_server(folder / str(port)) as databases:
        url = databases.create()
    environment = {
        **os.environ, "SHOP_DATABASE_URL": url, "SHOP_FILES_FOLDER": f"{folder}/{port}/files",
        "SHOP_LOG_LEVEL": "warning",
    }
    commands = [["serve", "--port", str(port)], *([["worker"]] if sys.argv[4] else [])]
    return [
        subprocess.Popen([sys.executable, "-m", "shop", *c], env=environment, cwd=folder)
        for c in commands
    ]

def answers(client):
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False

def p99(client):
    times, begun = [], time.perf_counter()
    for number in range(int(seconds * 100)):
        time.sleep(max(0.0, begun + number / 100 - time.perf_counter()))
        asked = time.perf_counter()
        client.get("/livez")
        times.append(time.perf_counter() - asked)
    return sorted(times)[int(len(times) * 0.99)]

def situation(client, address):
    if address is None:
        return p99(client)
    load = subprocess.Popen(
        [sys.executable, "-c", uploads, address, str(every)], stdout=subprocess.PIPE
    )
    try:
        assert load.stdout.readline()
        return p99(client)
    finally:
        load.kill()
        load.wait()

ports = 8461, 8462
processes = [process for port in ports for process in start(port)]
try:
    here, elsewhere = (f"http://127.0.0.1:{port}" for port in ports)
    with httpx.Client(base_url=here, timeout=60) as client:
        with httpx.Client(base_url=elsewhere) as other:
            while not (answers(client) and answers(other)):
                time.sleep(0.1)
        found = [[situation(client, to) for to in (None, elsewhere, here)] for _ in range(rounds)]
    print(json.dumps(found))
finally:
    for process in processes:
        process.kill()
        process.wait()
"""


def main(chosen: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for backend in chosen or BACKENDS:
            project = Path(folder) / backend
            render(project, backend)
            told(backend, measured(project, backend))


def render(project: Path, backend: str) -> None:
    new = [sys.executable, "-m", "generator", "new", str(project), "--package-name", "shop"]
    answers = ["--defaults", "--task-backend", backend, "--examples", "images"]
    run([*new, *answers, "--template", str(ROOT), "--version", "HEAD"], ROOT)
    run([str(Path(sys.executable).with_name("uv")), "sync", "--quiet"], project)


def measured(project: Path, backend: str) -> list[list[float]]:
    python = str(project / ".venv/bin/python")
    worker = "" if backend == "background" else "worker"
    found: list[list[float]] = json.loads(
        run([python, "-c", PROBES, str(ROUNDS), "0.5", UPLOADS, worker], project)
    )
    return found


def told(backend: str, rounds: list[list[float]]) -> None:
    by_situation = dict(zip(SITUATIONS, zip(*rounds, strict=True), strict=True))
    medians = {name: statistics.median(each) for name, each in by_situation.items()}
    shown = ", ".join(
        f"{name} {medians[name] * 1000:.1f} ms ({min(each) * 1000:.1f} to {max(each) * 1000:.1f})"
        for name, each in by_situation.items()
    )
    ratios = (f"{medians['here'] / medians[name]:.2f} of {name}" for name in SITUATIONS[1::-1])
    print(f"{backend:11}{shown}: here is {', '.join(ratios)}", flush=True)


def run(command: list[str], folder: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PYTHON")}
    done = subprocess.run(
        command, cwd=folder, env=kept, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
