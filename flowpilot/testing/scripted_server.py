"""What the stand-in AI servers share: a queue of scripted replies, served on loopback, and every way a reply can go wrong."""

import argparse
import asyncio
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import uvicorn

STOPPED_WITHIN = 10.0  # seconds
_LARGEST = 32 * 1024 * 1024
DEMO_ANSWER = """Outlook cannot reach the mailbox. Let us tell the account from the device first.

[QUESTIONS][{"text": "Does webmail work?", "why": "tells account from device", "kind": "yes_no"}][/QUESTIONS]
[ACTIONS][{"text": "Start Outlook in safe mode", "why": "rules add-ins out", "command": "outlook.exe /safe"}][/ACTIONS]
[TITLE]Outlook stuck on "Trying to connect"[/TITLE]
"""


@dataclass(frozen=True)
class Received:
    """A request as it came, and the status it was answered with."""

    headers: dict[str, str]
    body: Any
    status: int
    path: str = ""
    port: int = 0  # the caller's: one port is one connection


@dataclass(frozen=True)
class Reply:
    """One scripted reply. `blocks` stand before the text; `cut` drops the socket after so many bytes of the body."""

    text: str | None = None
    pieces: Sequence[str] | None = None
    delay: float = 0.0
    stop_reason: str = "end_turn"
    fault: str = ""  # error, drop, end, stall, garbage
    after: int | None = None  # pieces before the fault; None is before anything
    status: int = 200
    error_type: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    blocks: Sequence[dict[str, Any]] = ()
    citations: Sequence[dict[str, Any]] = ()
    raw: bytes | None = None
    cut: int | None = None
    to: str = ""  # the words that a request must hold to get this reply


class BadRequest(Exception):
    """The real service would refuse this."""

    def __init__(self, message: str, status: int = 400, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class ScriptedServer:
    """A scripted AI. Replies queue up; when the queue is empty, `script` answers from the request's body."""

    api_key = ""

    def __init__(
        self,
        script: Callable[[dict[str, Any]], str | Reply] = lambda request: DEMO_ANSWER,
        *,
        api_key: str = "",
        delay: float = 0.0,
    ) -> None:
        self.script = script
        self.api_key = api_key or self.api_key
        self.delay = delay
        self.base_url = ""
        self.requests: list[Received] = []
        self._queue: deque[Reply] = deque()

    def answer(
        self,
        text: str,
        pieces: Sequence[str] | None = None,
        delay: float = 0.0,
        stop_reason: str = "end_turn",
        *,
        blocks: Sequence[dict[str, Any]] = (),
        citations: Sequence[dict[str, Any]] = (),
        to: str = "",
    ) -> None:
        """Queue an answer; `pieces` are its deltas, `delay` the seconds before each, `blocks` what stands before its text.

        With `to`, it waits for a request that holds these words: jobs behind a page ask too, and must not take the page's answer.
        """
        self._queue.append(Reply(text, pieces, delay, stop_reason, blocks=blocks, citations=citations, to=to))

    def fail(self, status: int, message: str = "", *, times: int = 1, retry_after: float | None = None) -> None:
        """Queue an error status."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        self._queue.extend([Reply(status=status, message=message, headers=headers)] * times)

    def fail_raw(self, status: int, body: bytes, content_type: str = "text/html", *, times: int = 1) -> None:
        """Queue a reply that is not the service's own: what a proxy in front of it says."""
        self._queue.extend([Reply(status=status, raw=body, headers={"content-type": content_type})] * times)

    def break_off(
        self, fault: str, after: int | None = 3, *, error_type: str = "overloaded_error", times: int = 1
    ) -> None:
        """Queue a stream that goes wrong after so many pieces of text.

        `error` sends an error, `drop` drops the socket, `end` ends the body before the stream's end, `stall` falls silent, `garbage` is no
        JSON. With `after=None` a stall sends nothing at all.
        """
        self._queue.extend([Reply(fault=fault, after=after, error_type=error_type)] * times)

    def cut(self, at: int, text: str | None = None, *, times: int = 1) -> None:
        """Queue an answer whose socket drops after so many bytes of its body."""
        self._queue.extend([Reply(text, cut=at)] * times)

    def reset(self) -> None:
        """Forget what was queued, received and cached."""
        self._queue.clear()
        self.requests.clear()

    def recording(self, body: dict[str, Any], reply: Reply) -> bytes:
        """Return every byte of the stream that answers a request."""
        return b"".join(event for event, _ in self._events(body, reply.text or "", reply))

    def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve in a thread of its own; return the base URL. `stop` ends it."""
        self._listener = socket.create_server((host, port))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http="h11",
            lifespan="off",
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        sockets = [self._listener]
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), daemon=True, name=type(self).__name__)
        self._thread.start()
        self.base_url = f"http://{host}:{self._listener.getsockname()[1]}"
        return self.base_url

    def stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join(STOPPED_WITHIN)
        self._listener.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _check(self, scope, headers: dict[str, str], raw: bytes) -> dict[str, Any]:
        """Return the request's body, or raise BadRequest for what the service would refuse."""
        raise NotImplementedError

    def _error(self, status: int, message: str, details: dict[str, Any]) -> dict[str, Any]:
        """Return the body of an error."""
        raise NotImplementedError

    def _whole(self, body: dict[str, Any], text: str, reply: Reply) -> dict[str, Any] | None:
        """Return the body of an answer that is not streamed, or None for one that is."""
        raise NotImplementedError

    def _events(self, body: dict[str, Any], text: str, reply: Reply) -> Iterator[tuple[bytes, bool]]:
        """Yield the events of a stream, and whether each carries a piece of the text."""
        raise NotImplementedError

    def _stream_error(self, reply: Reply) -> bytes:
        """Return the event of an error inside a stream."""
        raise NotImplementedError

    async def _app(self, scope, receive, send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        raw = await _read(receive)
        path, port = scope["path"], scope["client"][1]
        try:
            if len(raw) > _LARGEST:
                raise BadRequest("Request exceeds the maximum size", 413)
            body = self._check(scope, headers, raw)
        except BadRequest as error:
            self.requests.append(Received(headers, loads(raw), error.status, path, port))
            await _send_json(send, error.status, self._error(error.status, str(error), error.details))
            return
        reply = self._next(body)
        self.requests.append(Received(headers, body, reply.status, path, port))
        if reply.raw is not None:
            await _send(send, reply.status, reply.raw, reply.headers)
        elif reply.status != 200:
            await _send_json(send, reply.status, self._error(reply.status, reply.message, {}), reply.headers)
        elif reply.fault == "stall" and reply.after is None:
            await _wait_for_disconnect(receive)
        else:
            whole = self._whole(body, reply.text or "", reply)
            await (self._stream(body, reply, receive, send) if whole is None else _send_json(send, 200, whole))

    def _next(self, body: dict[str, Any]) -> Reply:
        reply = next((queued for queued in self._queue if not queued.to or queued.to in json.dumps(body)), None)
        if reply is not None:
            self._queue.remove(reply)
        if reply is not None and (reply.text is not None or reply.raw is not None or reply.status != 200):
            return reply
        scripted = self.script(body)
        if reply is None:
            return scripted if isinstance(scripted, Reply) else Reply(scripted, delay=self.delay)
        return replace(reply, text=scripted.text if isinstance(scripted, Reply) else scripted)

    async def _stream(self, body: dict[str, Any], reply: Reply, receive, send) -> None:
        await _start(send, 200, "text/event-stream; charset=utf-8")
        text, sent, pieces = reply.text or "", 0, 0
        for event, is_piece in self._events(body, text, reply):
            if reply.fault and (pieces == reply.after if is_piece else pieces > 0):
                break
            if is_piece:
                await asyncio.sleep(
                    reply.delay
                )  # without a delay too: it lets the server notice that the client has gone
                pieces += 1
            if reply.cut is not None and sent + len(event) > reply.cut:
                await _send_part(send, event[: reply.cut - sent])
                raise _Dropped
            await _send_part(send, event)
            sent += len(event)
        if reply.cut is not None:
            raise _Dropped
        match reply.fault:
            case "error":
                await _send_part(send, self._stream_error(reply))
            case "drop":
                raise _Dropped
            case "stall":
                await _wait_for_disconnect(receive)
            case "garbage":
                await _send_part(send, b'event: content_block_delta\ndata: {"delta"\n\n')
        await send({"type": "http.response.body", "body": b""})


class _Dropped(Exception):
    """Closes the socket in the middle of an answer."""


def split(text: str) -> list[str]:
    """Cut a text into 20 pieces or more, anywhere."""
    size = max(1, min(16, len(text) // 20))
    return [text[at : at + size] for at in range(0, len(text), size)]


def count_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    return -(-len(text) // 4)


def loads(raw: bytes) -> Any:
    """Return what a body says, or None."""
    try:
        return json.loads(raw)
    except ValueError:
        return None


def serve_until_interrupted(server: ScriptedServer, name: str, port: int, arguments: Sequence[str] | None) -> None:
    """Run a server by hand and print what points FlowPilot at it."""
    parser = argparse.ArgumentParser(description=server.__doc__)
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--delay", type=float, default=0.03, help="seconds before each piece")
    options = parser.parse_args(arguments)
    server.delay = options.delay
    print(f"{name}_BASE_URL={server.start(port=options.port)} {name}_API_KEY={server.api_key}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


async def _send_part(send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _send_json(send, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
    await _send(send, status, json.dumps(data).encode(), {"content-type": "application/json", **(headers or {})})


async def _send(send, status: int, body: bytes, headers: dict[str, str]) -> None:
    await _start(send, status, "text/html", headers)
    await send({"type": "http.response.body", "body": body})


async def _start(send, status: int, content_type: str, headers: dict[str, str] | None = None) -> None:
    pairs = {"content-type": content_type, "request-id": "req_0123456789", **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _read(receive) -> bytes:
    parts, is_more = [], True
    while is_more:
        message = await receive()
        parts.append(message.get("body", b""))
        is_more = message.get("more_body", False)
    return b"".join(parts)


async def _wait_for_disconnect(receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
