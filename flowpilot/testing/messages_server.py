"""A server on loopback that speaks Claude's Messages API, as strictly as the real one where FlowPilot depends on it.

    with MessagesServer() as server:
        server.answer("Does webmail work?")
        provider = AnthropicProvider(api_key=server.api_key, base_url=server.base_url)

By hand: `python -m flowpilot.testing.messages_server --port 9101`, then point ANTHROPIC_BASE_URL at it.
"""

import argparse
import asyncio
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from flowpilot.testing.messages_rules import BadRequest, PrefixCache, check_request, count_tokens

API_VERSION = "2026-10-21"
API_KEY = "sk-ant-stand-in"
STOPPED_WITHIN = 10.0  # seconds
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}
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


@dataclass(frozen=True)
class _Reply:
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


class _Dropped(Exception):
    """Closes the socket in the middle of an answer."""


class MessagesServer:
    """A scripted Claude. Answers and faults queue up; when the queue is empty, `script` answers from the request's body."""

    def __init__(
        self,
        script: Callable[[dict[str, Any]], str] = lambda request: DEMO_ANSWER,
        *,
        api_key: str = API_KEY,
        delay: float = 0.0,
        cacheable_from: int = 512,
    ) -> None:
        self.script = script
        self.api_key = api_key
        self.delay = delay
        self.base_url = ""
        self.requests: list[Received] = []
        self._queue: deque[_Reply] = deque()
        self._cache = PrefixCache(cacheable_from)

    def answer(
        self, text: str, pieces: Sequence[str] | None = None, delay: float = 0.0, stop_reason: str = "end_turn"
    ) -> None:
        """Queue an answer; `pieces` are its deltas, `delay` the seconds before each."""
        self._queue.append(_Reply(text, pieces, delay, stop_reason))

    def fail(self, status: int, message: str = "", *, times: int = 1, retry_after: float | None = None) -> None:
        """Queue an error status."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        self._queue.extend([_Reply(status=status, message=message, headers=headers)] * times)

    def break_off(
        self, fault: str, after: int | None = 3, *, error_type: str = "overloaded_error", times: int = 1
    ) -> None:
        """Queue a stream that goes wrong after so many pieces of text.

        `error` sends an error event, `drop` drops the socket, `end` ends the body before message_stop, `stall` falls silent, `garbage` is no
        JSON. With `after=None` a stall sends nothing at all.
        """
        self._queue.extend([_Reply(fault=fault, after=after, error_type=error_type)] * times)

    def reset(self) -> None:
        """Forget what was queued, received and cached."""
        self._queue.clear()
        self.requests.clear()
        self._cache.clear()

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
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), daemon=True, name="messages-server")
        self._thread.start()
        self.base_url = f"http://{host}:{self._listener.getsockname()[1]}"
        return self.base_url

    def stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join(STOPPED_WITHIN)
        self._listener.close()

    def __enter__(self) -> "MessagesServer":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def _app(self, scope, receive, send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        raw = await _read(receive)
        try:
            body = self._check(scope, headers, raw)
        except BadRequest as error:
            self.requests.append(Received(headers, _loads(raw), error.status))
            await _send_error(send, error.status, str(error))
            return
        reply = self._queue.popleft() if self._queue else _Reply(delay=self.delay)
        self.requests.append(Received(headers, body, reply.status))
        if reply.status != 200:
            await _send_error(send, reply.status, reply.message, reply.headers)
        elif reply.fault == "stall" and reply.after is None:
            await _wait_for_disconnect(receive)
        else:
            text = self.script(body) if reply.text is None else reply.text
            answer = _Answer(body, text, reply, self._cache.use(body))
            await (_stream(answer, receive, send) if body.get("stream") else _send_json(send, 200, answer.whole()))

    def _check(self, scope, headers: dict[str, str], raw: bytes) -> dict[str, Any]:
        if scope["method"] != "POST" or scope["path"] != "/v1/messages" or scope["query_string"]:
            raise BadRequest("Not Found", 404)
        if headers.get("authorization") != f"Bearer {self.api_key}":
            raise BadRequest("invalid x-api-key", 401)
        if headers.get("anthropic-version") != API_VERSION:
            raise BadRequest(f"anthropic-version: expected {API_VERSION}")
        if len(raw) > 32 * 1024 * 1024:
            raise BadRequest("Request exceeds the maximum size", 413)
        body = _loads(raw)
        check_request(body)
        return body


class _Answer:
    """What goes over the wire for one request."""

    def __init__(self, request: dict[str, Any], text: str, reply: _Reply, usage: dict[str, int]) -> None:
        self.reply = reply
        self.text = text
        self.pieces = list(reply.pieces) if reply.pieces is not None else _split(text)
        self.model = request["model"]
        self.usage = {**usage, "output_tokens": count_tokens(text) + 3}

    def whole(self) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}]
        if self.text:
            content.append({"type": "text", "text": self.text, "citations": None})
        return self._message(content, self.reply.stop_reason, self.usage)

    def opening(self) -> Iterator[dict[str, Any]]:
        yield {"type": "message_start", "message": self._message([], None, {**self.usage, "output_tokens": 1})}
        thinking = {"type": "thinking", "thinking": "", "signature": ""}
        yield {"type": "content_block_start", "index": 0, "content_block": thinking}
        signature = {"type": "signature_delta", "signature": "c2lnbmVk"}
        yield {"type": "content_block_delta", "index": 0, "delta": signature}
        yield {"type": "content_block_stop", "index": 0}
        yield {"type": "ping"}
        if self.pieces:
            yield {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}

    def closing(self) -> Iterator[dict[str, Any]]:
        if self.pieces:
            yield {"type": "content_block_stop", "index": 1}
        stop = {"stop_reason": self.reply.stop_reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": stop, "usage": self.usage}
        yield {"type": "message_stop"}

    def _message(self, content, stop_reason, usage) -> dict[str, Any]:
        return {
            "id": "msg_0123456789",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }


async def _stream(answer: _Answer, receive, send) -> None:
    await _start(send, 200, "text/event-stream; charset=utf-8")
    reply = answer.reply
    for event in answer.opening():
        await _send_event(send, event)
    pieces = answer.pieces[: reply.after] if reply.fault else answer.pieces
    for piece in pieces:
        await asyncio.sleep(reply.delay)  # without a delay too: it lets the server notice that the client has gone
        await _send_event(
            send, {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": piece}}
        )
    if reply.fault == "error":
        await _send_event(send, {"type": "error", "error": {"type": reply.error_type, "message": "Overloaded"}})
    elif reply.fault == "drop":
        raise _Dropped
    elif reply.fault == "stall":
        await _wait_for_disconnect(receive)
    elif reply.fault == "garbage":
        await send(
            {"type": "http.response.body", "body": b'event: content_block_delta\ndata: {"delta"\n\n', "more_body": True}
        )
    elif not reply.fault:
        for event in answer.closing():
            await _send_event(send, event)
    await send({"type": "http.response.body", "body": b""})


async def _send_event(send, event: dict[str, Any]) -> None:
    body = f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n"
    await send({"type": "http.response.body", "body": body.encode(), "more_body": True})


async def _send_error(send, status: int, message: str, headers: dict[str, str] | None = None) -> None:
    kind = _ERROR_TYPES.get(status, "api_error")
    error = {"type": kind, "message": message or kind.replace("_", " ")}
    await _send_json(send, status, {"type": "error", "error": error, "request_id": "req_0123456789"}, headers)


async def _send_json(send, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
    await _start(send, status, "application/json", headers)
    await send({"type": "http.response.body", "body": json.dumps(data).encode()})


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


def _split(text: str) -> list[str]:
    """Cut a text into 20 pieces or more, anywhere."""
    size = max(1, min(16, len(text) // 20))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _loads(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for Claude's Messages API.")
    parser.add_argument("--port", type=int, default=9101)
    parser.add_argument("--delay", type=float, default=0.03, help="seconds before each piece")
    options = parser.parse_args(arguments)
    server = MessagesServer(delay=options.delay)
    url = server.start(port=options.port)
    print(f"ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY={server.api_key}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
