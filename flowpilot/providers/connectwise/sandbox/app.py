"""The sandbox as an ASGI app: sign-in, faults, delay, and the answer."""

import asyncio
import json
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from flowpilot.providers.connectwise.sandbox.control import PREFIX
from flowpilot.providers.connectwise.sandbox.door import Door, Seen
from flowpilot.providers.connectwise.sandbox.endpoints import Endpoints, Request
from flowpilot.providers.connectwise.sandbox.faults import AFTER, Fault, Faults
from flowpilot.providers.connectwise.sandbox.replies import Reply, coded, too_many
from flowpilot.providers.connectwise.sandbox.switches import Switches

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Seconds = float | tuple[float, float]  # so long, or somewhere between

_LONGEST_URL = 2000


class App:
    """Speaks ConnectWise's REST API. One instance holds one MSP."""

    def __init__(self, endpoints: Endpoints, faults: Faults, control: Callable[[Seen], Reply]) -> None:
        self.endpoints, self.faults, self.control = endpoints, faults, control
        self.door = Door()
        self.days = 0  # how often it was reset
        self.seen: deque[Seen] = deque(maxlen=500)
        self.writes: deque[Seen] = deque(maxlen=20_000)
        self.reset()

    def reset(self) -> None:
        """Answer at once again, and forget who asked."""
        self.days += 1
        self.latency: _Seconds = 0.0
        self.late_seconds: _Seconds = 0.5  # after which a late commit is done
        self.stall_seconds = 60.0
        self.seen.clear()
        self.writes.clear()
        self.door.reset()

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        raw = await _body(receive)
        self.door.inside += 1
        self.door.most_inside = max(self.door.most_inside, self.door.inside)
        try:
            await self._respond(scope, raw, receive, send)
        finally:
            self.door.inside -= 1

    async def _respond(self, scope: MutableMapping[str, Any], raw: bytes, receive: _Receive, send: _Send) -> None:
        is_lever = scope["path"].startswith(PREFIX)
        day = self.days
        await _wait(0.0 if is_lever else self.latency)
        if day != self.days:  # asked before a reset: it sees nothing of what came after, and takes no fault away
            await _send(send, coded(404, "NotFound", "The sandbox began anew."))
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        fault = None if is_lever else self.faults.take(f"{scope['method']} {scope['path']}")
        if fault is None:
            await _send(send, self.answer(scope, headers, raw))
        elif fault.answer is not None:
            self._look(scope, headers, raw)
            await _send(send, self._fault_answer(fault))
        else:
            await self._fail(fault, scope, headers, raw, receive, send)

    def answer(self, scope: MutableMapping[str, Any], headers: dict[str, str], raw: bytes) -> Reply:
        """Return the answer to one whole request."""
        if scope["path"].startswith(PREFIX):
            seen = _read(scope, headers, raw)
            return self.door.refusal(headers, "", Switches()) or self.control(seen)
        seen, switches = self._look(scope, headers, raw), self.endpoints.store.switches
        if reply := self.door.limit(switches):
            return reply
        if reply := self.door.open_answer(seen, switches):
            return reply
        if len(seen.path) + len(scope.get("query_string", b"")) > _LONGEST_URL:
            return Reply(414, "<html><body><h2>HTTP Error 414. The request URL is too long.</h2></body></html>")
        path, refusal = self.door.routed(seen.path, switches)
        if refusal or (refusal := self.door.refusal(headers, path, switches)):
            return refusal
        reply = self.endpoints.answer(
            Request(
                method=seen.method,
                path=path,
                query=seen.query,
                body=seen.body,
                url=f"http://{headers.get('host', 'sandbox')}/v4_6_release/apis/3.0/{path}",
                is_forward_only=headers.get("pagination-type") == "forward-only",
                content_type=headers.get("content-type", ""),
                raw=raw.decode(errors="replace"),
            )
        )
        if seen.method != "GET" and reply.status < 300:
            self.writes.append(seen)
        return reply

    def _look(self, scope: MutableMapping[str, Any], headers: dict[str, str], raw: bytes) -> Seen:
        seen = _read(scope, headers, raw)
        self.seen.append(seen)
        return seen

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


def _read(scope: MutableMapping[str, Any], headers: dict[str, str], raw: bytes) -> Seen:
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = None
    query = dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True))
    return Seen(scope["method"], scope["path"], query, headers, body)


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
