"""A server on loopback that speaks Claude's Messages API, as strictly as the real one where FlowPilot depends on it.

    with MessagesServer() as server:
        server.answer("Does webmail work?")
        provider = AnthropicProvider(api_key=server.api_key, base_url=server.base_url)

By hand: `python -m flowpilot.testing.messages_server --port 9101`, then point ANTHROPIC_BASE_URL at it.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flowpilot.testing.messages_cache import PrefixCache
from flowpilot.testing.messages_rules import check_betas, check_request
from flowpilot.testing.scripted_server import (
    DEMO_ANSWER,
    BadRequest,
    Reply,
    ScriptedServer,
    count_tokens,
    loads,
    serve_until_interrupted,
    split,
)

API_VERSION = "2026-10-21"
API_KEY = "sk-ant-stand-in"
_THINKING = {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}
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


class MessagesServer(ScriptedServer):
    """A scripted Claude. `mcp_error` is what every request that names an MCP server gets, while it is set."""

    api_key = API_KEY

    def __init__(
        self,
        script: Callable[[dict[str, Any]], str | Reply] = lambda request: DEMO_ANSWER,
        *,
        api_key: str = "",
        delay: float = 0.0,
        cacheable_from: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(script, api_key=api_key, delay=delay)
        self.mcp_error = ""
        self._cache = PrefixCache(cacheable_from, clock=clock)
        self._paused: list[list[dict[str, Any]]] = []

    def reset(self) -> None:
        """Forget what was queued, received and cached."""
        super().reset()
        self.mcp_error = ""
        self._cache.clear()
        self._paused.clear()

    def pass_time(self, seconds: float) -> None:
        """Let the cache grow older."""
        self._cache.pass_time(seconds)

    def _check(self, scope, headers: dict[str, str], raw: bytes) -> dict[str, Any]:
        if scope["method"] != "POST" or scope["path"] != "/v1/messages" or scope["query_string"]:
            raise BadRequest("Not Found", 404)
        if headers.get("authorization") != f"Bearer {self.api_key}":
            raise BadRequest("invalid x-api-key", 401)
        if headers.get("anthropic-version") != API_VERSION:
            raise BadRequest(f"anthropic-version: expected {API_VERSION}")
        body = loads(raw)
        has_mcp = check_betas(headers.get("anthropic-beta", ""))
        check_request(body, has_mcp=has_mcp, paused=self._paused)
        if self.mcp_error and body.get("mcp_servers"):
            raise BadRequest(self.mcp_error)
        return body

    def _error(self, status: int, message: str, details: dict[str, Any]) -> dict[str, Any]:
        kind = _ERROR_TYPES.get(status, "api_error")
        error = {"type": kind, "message": message or kind.replace("_", " "), **details}
        return {"type": "error", "error": error, "request_id": "req_0123456789"}

    def _whole(self, body: dict[str, Any], text: str, reply: Reply) -> dict[str, Any] | None:
        if body.get("stream"):
            return None
        usage = {**self._cache.use(body), "output_tokens": count_tokens(text) + 3}
        return _message(body, self._content(text, reply), reply.stop_reason, _final_usage(usage, reply))

    def _content(self, text: str, reply: Reply) -> list[dict[str, Any]]:
        """Return an answer's blocks, and remember those of a turn that pauses: they must come back unchanged."""
        content = [_THINKING, *reply.blocks]
        if text:
            content.append({"type": "text", "text": text, "citations": list(reply.citations) or None})
        if reply.stop_reason == "pause_turn":
            self._paused.append(content)
        return content

    def _events(self, body: dict[str, Any], text: str, reply: Reply) -> Iterator[tuple[bytes, bool]]:
        usage = {**self._cache.use(body), "output_tokens": count_tokens(text) + 3}
        *blocks, last = self._content(text, reply)
        pieces = list(reply.pieces) if reply.pieces is not None else split(text)
        if not pieces and last["type"] != "text":
            blocks.append(last)
        yield _event("message_start", message=_message(body, [], None, {**usage, "output_tokens": 1})), False
        for index, block in enumerate(blocks):
            for event in _block_events(index, block):
                yield event, False
        yield _event("ping"), False
        index = len(blocks)
        if pieces:
            yield _event("content_block_start", index=index, content_block={"type": "text", "text": ""}), False
            for piece in pieces:
                yield _delta(index, type="text_delta", text=piece), True
            for citation in reply.citations:
                yield _delta(index, type="citations_delta", citation=citation), False
            yield _event("content_block_stop", index=index), False
        stop = {"stop_reason": reply.stop_reason, "stop_sequence": None}
        yield _event("message_delta", delta=stop, usage=_final_usage(usage, reply)), False
        yield _event("message_stop"), False

    def _stream_error(self, reply: Reply) -> bytes:
        return _event("error", error={"type": reply.error_type, "message": "Overloaded"})


def mcp_blocks(name: str, given: dict[str, Any], result: str, *, is_error: bool = False) -> list[dict[str, Any]]:
    """Return the blocks of one call of a tool of the Microsoft Learn server."""
    call = {"type": "mcp_tool_use", "id": "mcptoolu_0123456789", "name": name, "input": given}
    content = [{"type": "text", "text": result}]
    return [
        {**call, "server_name": "microsoft-learn"},
        {"type": "mcp_tool_result", "tool_use_id": call["id"], "is_error": is_error, "content": content},
    ]


def _final_usage(usage: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """What tools brought in is counted at the end only."""
    results = [block for block in reply.blocks if block["type"].endswith("_tool_result")]
    return {**usage, "input_tokens": usage["input_tokens"] + sum(count_tokens(json.dumps(block)) for block in results)}


def _block_events(index: int, block: dict[str, Any]) -> Iterator[bytes]:
    """Yield how a block that is not the answer's text streams: its long part comes as a delta."""
    opening, delta = block, {}
    if block["type"] == "thinking":
        opening, delta = {**block, "signature": ""}, {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "mcp_tool_use":
        opening, delta = (
            {**block, "input": {}},
            {"type": "input_json_delta", "partial_json": json.dumps(block["input"])},
        )
    yield _event("content_block_start", index=index, content_block=opening)
    if delta:
        yield _delta(index, **delta)
    yield _event("content_block_stop", index=index)


def _message(body: dict[str, Any], content, stop_reason, usage) -> dict[str, Any]:
    return {
        "id": "msg_0123456789",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _delta(index: int, **delta: Any) -> bytes:
    return _event("content_block_delta", index=index, delta=delta)


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, separators=(',', ':'))}\n\n".encode()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    serve_until_interrupted(MessagesServer(), "ANTHROPIC", 9101, arguments)


if __name__ == "__main__":
    main()
