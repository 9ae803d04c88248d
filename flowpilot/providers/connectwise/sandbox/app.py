"""The sandbox as an ASGI app: sign-in, faults, delay, and the answer."""

import asyncio
import base64
import binascii
import json
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from flowpilot.providers.connectwise.sandbox.endpoints import Endpoints, Request
from flowpilot.providers.connectwise.sandbox.faults import AFTER, Fault, Faults
from flowpilot.providers.connectwise.sandbox.replies import (
    HTML_404,
    Reply,
    coded,
    no_endpoint,
    too_many,
)

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Seconds = float | tuple[float, float]  # so long, or somewhere between

SANDBOX_COMPANY_ID = "summit"
SANDBOX_PUBLIC_KEY = "SandboxPublicKey"
SANDBOX_PRIVATE_KEY = "SandboxPrivateKey"
SANDBOX_CLIENT_ID = "5f1a0c9e-0d5b-4c7e-9a44-3f7c2d1b8e60"
_CODEBASES = ("v4_6_release", "v2026_1")
_LONGEST_URL = 2000
_UNAUTHENTICATED = coded(401, "ConnectWiseApi", "UserNotAuthenticated")
_CANNOT_ROUTE = Reply(400, "Cannot route. Codebase/company is invalid")


@dataclass
class Seen:
    """A request as it came in, for tests to look at."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class App:
    """Speaks ConnectWise's REST API. One instance holds one MSP."""

    def __init__(self, endpoints: Endpoints, faults: Faults) -> None:
        self.endpoints, self.faults = endpoints, faults
        self.seen: deque[Seen] = deque(maxlen=500)
        self.reset()

    def reset(self) -> None:
        """Answer at once again, and forget who asked."""
        self.latency: _Seconds = 0.0
        self.late_seconds: _Seconds = 0.5  # after which a late commit is done
        self.stall_seconds = 60.0
        self.seen.clear()

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        raw = await _body(receive)
        await _wait(self.latency)
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        fault = self.faults.take(f"{scope['method']} {scope['path']}")
        if fault is None:
            await _send(send, self.answer(scope, headers, raw))
        elif fault.answer is not None:
            self._look(scope, headers, raw)
            await _send(send, self._fault_answer(fault))
        else:
            await self._fail(fault, scope, headers, raw, receive, send)

    def answer(self, scope: MutableMapping[str, Any], headers: dict[str, str], raw: bytes) -> Reply:
        """Return the answer to one whole request."""
        seen = self._look(scope, headers, raw)
        if len(seen.path) + len(scope.get("query_string", b"")) > _LONGEST_URL:
            return Reply(414, "<html><body><h2>HTTP Error 414. The request URL is too long.</h2></body></html>")
        path, refusal = self._routed(seen.path)
        if refusal or (refusal := self._refusal(headers, path)):
            return refusal
        host = headers.get("host", "sandbox")
        return self.endpoints.answer(
            Request(
                method=seen.method,
                path=path,
                query=seen.query,
                body=seen.body,
                url=f"http://{host}/v4_6_release/apis/3.0/{path}",
                is_forward_only=headers.get("pagination-type") == "forward-only",
            )
        )

    def _look(self, scope: MutableMapping[str, Any], headers: dict[str, str], raw: bytes) -> Seen:
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        query = dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True))
        seen = Seen(scope["method"], scope["path"], query, headers, body)
        self.seen.append(seen)
        return seen

    def _routed(self, whole: str) -> tuple[str, Reply | None]:
        """Return the path below apis/3.0, or why there is none."""
        codebase, _, rest = whole.removeprefix("/").partition("/apis/3.0")
        if codebase not in _CODEBASES:
            return "", Reply(404, HTML_404)
        if "/apis/3.0" in rest:
            return "", _CANNOT_ROUTE
        if not rest.startswith("/"):
            return "", no_endpoint(as_html=self.endpoints.store.switches.html_for_unknown_endpoint)
        return rest.rstrip("/"), None

    def _refusal(self, headers: dict[str, str], path: str) -> Reply | None:
        """Return why the caller is not let in, if so."""
        switches = self.endpoints.store.switches
        if path == "/system/info" and switches.open_system_info:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return _UNAUTHENTICATED
        try:
            given = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return coded(500, "ConnectWiseApi", "Length cannot be less than zero.\r\nParameter name: length")
        if given != f"{SANDBOX_COMPANY_ID}+{SANDBOX_PUBLIC_KEY}:{SANDBOX_PRIVATE_KEY}":
            if switches.auth_failure_status == 404:
                return Reply(404, HTML_404)
            return coded(401, "Unauthorized", "Unauthorized")
        if headers.get("clientid") != SANDBOX_CLIENT_ID:
            return coded(switches.client_id_failure_status, "Unauthorized", "The clientId is missing or not valid.")
        return None

    def _fault_answer(self, fault: Fault) -> Reply:
        if fault.kind == "429" and not self.endpoints.store.switches.says_retry_after:
            return too_many(None)
        assert fault.answer is not None
        return fault.answer

    async def _fail(
        self,
        fault: Fault,
        scope: MutableMapping[str, Any],
        headers: dict[str, str],
        raw: bytes,
        receive: _Receive,
        send: _Send,
    ) -> None:
        """Do the write or not, and leave the caller without the truth."""
        if fault.kind == "late_commit":
            await _wait(self.late_seconds)
        if fault.kind in AFTER:
            self.answer(scope, headers, raw)
        else:
            self._look(scope, headers, raw)
        if fault.kind == "commit_then_500":
            await _send(send, coded(500, "ConnectWiseApi", "An internal error has occurred: timeout expired."))
        elif fault.kind.endswith("drop"):
            await _hang_up(send, receive)
        else:
            await _silence(receive, self.stall_seconds)


async def _wait(seconds: _Seconds) -> None:
    low, high = seconds if isinstance(seconds, tuple) else (seconds, seconds)
    if high:
        await asyncio.sleep(random.uniform(low, high))  # noqa: S311  (a delay is no secret)


async def _body(receive: _Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: _Send, reply: Reply) -> None:
    headers = {
        "Cache-Control": "no-cache",
        "x-cw-request-id": str(uuid.uuid4()),
        "x-server-name": "SANDBOX-01",
        "api-current-version": "2026.1",
        **reply.headers,
    }
    if reply.status != 204:
        headers["Content-Type"] = reply.content_type()
    raw = [(key.lower().encode(), value.encode("latin-1")) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.content()})


async def _silence(receive: _Receive, seconds: float) -> None:
    """Say nothing until the caller gives up, or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _hang_up(send: _Send, receive: _Receive) -> None:
    """Cut the connection. ASGI knows no way to, so this reaches for uvicorn's transport behind `send`."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("The sandbox dropped this request.")
    transport.abort()
    await _silence(receive, 5)
