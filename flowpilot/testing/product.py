"""The product as a technician runs it: `manage.py demo` in a process of its own, on ports and a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings

from flowpilot.demo import EMAIL, PASSWORD
from flowpilot.providers.connectwise.sandbox import (
    SANDBOX_CLIENT_ID,
    SANDBOX_COMPANY_ID,
    SANDBOX_PRIVATE_KEY,
    SANDBOX_PUBLIC_KEY,
)

_PATIENCE = 90  # seconds until it must answer


class Product:
    """A running demo. `environment` is added to its own; `kill` leaves its data behind, `start` goes on with it."""

    email, password = EMAIL, PASSWORD

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self._environment = folder, environment
        self.port, self._sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox_url = f"http://127.0.0.1:{self._sandbox_port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> "Product":
        """Start it and wait until it serves the sign-in page."""
        command = [
            sys.executable,
            "manage.py",
            "demo",
            "--port",
            str(self.port),
            "--sandbox-port",
            str(self._sandbox_port),
        ]
        environment = {
            name: value for name, value in os.environ.items() if name not in {"DATABASE_ROLE", "DJANGO_SETTINGS_MODULE"}
        }
        environment |= {"FLOWPILOT_DATA_DIR": str(self.folder), **self._environment}
        log = (self.folder / "demo.log").open("ab")
        self._process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log)
        patience = time.monotonic() + _PATIENCE
        while time.monotonic() < patience:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "demo.log").read_text()[-2000:])
            try:
                httpx.get(f"{self.url}/accounts/login/", timeout=5)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return self
        raise RuntimeError("The demo did not answer in time.")

    def stop(self) -> int:
        """Stop it as Ctrl-C does; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=30)

    def kill(self) -> None:
        """Take the process away without a word, as a power cut does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """Return what it printed."""
        return (self.folder / "demo.log").read_text()

    def ask_connectwise(self, path: str, **params: str) -> Any:
        """Return what the sandbox answers over HTTP, as ConnectWise would."""
        return self._sandbox("GET", f"/v4_6_release/apis/3.0{path}", params=params)

    def change_ticket(self, number: int, **fields: Any) -> None:
        """Change a ticket in ConnectWise itself, as somebody else would there."""
        operations = [{"op": "replace", "path": name, "value": value} for name, value in fields.items()]
        self._sandbox("PATCH", f"/v4_6_release/apis/3.0/service/tickets/{number}", json=operations)

    def lever(self, method: str, name: str, body: Any = None) -> Any:
        """Pull a lever of the sandbox: latency, permissions, faults and the like."""
        return self._sandbox(method, f"/_sandbox/{name}", json=body)

    def connectwise(self) -> httpx.Client:
        """Return a client with the sandbox's keys."""
        auth = (f"{SANDBOX_COMPANY_ID}+{SANDBOX_PUBLIC_KEY}", SANDBOX_PRIVATE_KEY)
        headers = {"clientId": SANDBOX_CLIENT_ID}
        return httpx.Client(base_url=self.sandbox_url, auth=auth, headers=headers, timeout=30, trust_env=False)

    def _sandbox(self, method: str, path: str, **kwargs: Any) -> Any:
        with self.connectwise() as http:
            answer = http.request(method, path, **kwargs)
        return answer.raise_for_status().json() if answer.content else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
