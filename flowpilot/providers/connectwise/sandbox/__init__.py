"""A ConnectWise to develop, test and demonstrate against. It speaks HTTP and is as strict as the real one."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from flowpilot.providers.connectwise.sandbox.app import App
from flowpilot.providers.connectwise.sandbox.control import control
from flowpilot.providers.connectwise.sandbox.door import (
    SANDBOX_CLIENT_ID,
    SANDBOX_COMPANY_ID,
    SANDBOX_PRIVATE_KEY,
    SANDBOX_PUBLIC_KEY,
    Seen,
)
from flowpilot.providers.connectwise.sandbox.endpoints import ALL_PERMISSIONS, ROUTES, Endpoints
from flowpilot.providers.connectwise.sandbox.faults import Faults
from flowpilot.providers.connectwise.sandbox.replies import Reply
from flowpilot.providers.connectwise.sandbox.sender import Sender
from flowpilot.providers.connectwise.sandbox.store import Store
from flowpilot.providers.connectwise.sandbox.switches import Switches
from flowpilot.providers.connectwise.sandbox.tables import Record

__all__ = [
    "ALL_PERMISSIONS",
    "SANDBOX_CLIENT_ID",
    "SANDBOX_COMPANY_ID",
    "SANDBOX_PRIVATE_KEY",
    "SANDBOX_PUBLIC_KEY",
    "Reply",
    "Sandbox",
    "Seen",
    "Switches",
]

BASE_PATH = "/v4_6_release/apis/3.0"
STOPPED_WITHIN = 10.0  # seconds


class Sandbox:
    """One invented MSP behind ConnectWise's API.

    `path` names a journal that keeps what was written, over restarts. `start` is the moment the seed's ages count from;
    `more_tickets` are added to the seed's own.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        switches: Switches | None = None,
        start: datetime | None = None,
        more_tickets: int = 0,
    ) -> None:
        self.path = path
        self.sender = Sender()
        self.endpoints = Endpoints(self._watched(Store(switches or Switches(), path, start, more_tickets)), ROUTES)
        self.faults = Faults()
        self.app = App(self.endpoints, self.faults, lambda seen: control(self, seen))

    @property
    def store(self) -> Store:
        """Its records."""
        return self.endpoints.store

    @property
    def switches(self) -> Switches:
        """Where sources disagree; set the position a test wants."""
        return self.store.switches

    def reset(self) -> None:
        """Start over as on the first day, the journal too."""
        if self.path:
            self.path.unlink(missing_ok=True)
        self.endpoints.store = self._watched(Store(Switches(), self.path))
        self.endpoints.permissions = set(ALL_PERMISSIONS)
        self.faults.clear()
        self.sender.clear()
        self.app.reset()

    def close_for(self, seconds: float, codebase: str | None = None) -> None:
        """Answer nothing but 503 for a while; an upgrade ends with another codebase."""
        self.app.door.closed_until = time.monotonic() + seconds
        if codebase:
            self.switches.codebase = codebase

    @property
    def permissions(self) -> set[str]:
        """What the API member may do, such as "service_tickets:edit"; take away what a test should miss."""
        return self.endpoints.permissions

    @property
    def credentials(self) -> dict[str, str]:
        """The keys it accepts, as ConnectWise() takes them."""
        return {
            "company_id": SANDBOX_COMPANY_ID,
            "public_key": SANDBOX_PUBLIC_KEY,
            "private_key": SANDBOX_PRIVATE_KEY,
            "client_id": SANDBOX_CLIENT_ID,
        }

    @property
    def seen(self) -> list[Seen]:
        """The latest requests, oldest first."""
        return list(self.app.seen)

    @property
    def writes(self) -> list[Seen]:
        """Every write that was taken, oldest first."""
        return list(self.app.writes)

    def fail_next(self, kind: str | Reply, times: int = 1, match: str | None = None) -> None:
        """Let the next requests fail; `match` is a part of e.g. "POST /v4_6_release/apis/3.0/service/tickets/1/notes"."""
        self.faults.add(kind, times, match)

    @contextmanager
    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Serve over HTTP in a thread of its own, and give the base URL for ConnectWise()."""
        listener = socket.create_server((host, port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each answer waits 40 ms for an ACK
        config = uvicorn.Config(
            self.app,
            http=_QuietProtocol,
            lifespan="off",
            log_config=None,  # another server in this process keeps its own
            log_level=None,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,  # longer than a client keeps idle connections, so none is cut under a write
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True, name="connectwise-sandbox")
        thread.start()
        self.sender.host = f"{host}:{listener.getsockname()[1]}"
        try:
            # the socket listens already, so early requests wait instead of failing
            yield f"http://{host}:{listener.getsockname()[1]}{BASE_PATH}"
        finally:
            server.should_exit = True
            thread.join(STOPPED_WITHIN)
            listener.close()

    def _watched(self, store: Store) -> Store:
        def tell(table: str, action: str, row: Record) -> None:
            self.sender.tell(list(store.tables.callbacks.values()), table, action, row)

        store.on_change = tell
        return store


class _QuietProtocol(H11Protocol):
    """Logs no requests: their addresses hold what people searched for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
