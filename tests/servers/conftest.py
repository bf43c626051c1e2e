"""Real model servers on loopback, each in the environment that ``make test-servers`` builds for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
READY = {
    "fastapi": "/openapi.json",
    "mlflow": "/ping",
    "mlserver": "/v2/models/pricing/ready",
    "kserve": "/v2/models/pricing/ready",
    "bentoml": "/readyz",
}
"""Where each server says that it is ready."""

PATIENCE = 90.0


def python_of(server: str) -> Path:
    """Return the interpreter that a server lives with: ours, or that of its own environment."""
    if server == "fastapi":
        return Path(sys.executable)
    return ROOT / ".venv-servers" / server / "bin" / "python"


def free_ports(count: int) -> int:
    """Return the first of so many free ports in a row."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            first = int(one.getsockname()[1])
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Give a function that starts a server, once, and returns its address."""
    running: dict[str, tuple[subprocess.Popen[bytes], str]] = {}

    def start(server: str) -> str:
        if server not in running:
            python = python_of(server)
            if not python.exists():
                pytest.fail(f"{python} is missing: run make test-servers, which builds it")
            folder, port = tmp_path_factory.mktemp(server), free_ports(3)
            script = Path(__file__).with_name("serve.py")
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen(
                    [str(python), str(script), server, str(folder), str(port)],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            running[server] = process, f"http://127.0.0.1:{port}"
            wait_for(process, running[server][1] + READY[server], folder / "log")
        return running[server][1]

    yield start
    for process, _ in running.values():
        # a server may have workers: its session ends with it
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(process: Any, url: str, log: Path) -> None:
    """Wait until a server answers, or say what it wrote instead."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):  # an HTTPError is one too
            urlopen(url, timeout=1).close()  # noqa: S310  our own server, on loopback
            return
        time.sleep(0.1)
    pytest.fail(f"no server at {url}:\n{log.read_text('utf-8', 'replace')[-3000:]}")
