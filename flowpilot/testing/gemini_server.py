"""A server on loopback that speaks Gemini's API (v1), as strictly as the real one where FlowPilot depends on it.

    with GeminiServer() as server:
        server.answer("Does webmail work?")
        provider = GeminiProvider(api_key=server.api_key, base_url=server.base_url)

By hand: `python -m flowpilot.testing.gemini_server --port 9102`, then point GEMINI_BASE_URL at it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flowpilot.testing.gemini_rules import ImplicitCache, check_model, check_request, count_prompt
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

API_KEY = "gemini-stand-in"
_TYPE = "type.googleapis.com/google.rpc"
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_MESSAGES = {
    429: "You exceeded your current quota, please check your plan and billing details.",
    500: "An internal error has occurred. Please retry or report.",
    503: "The model is overloaded. Please try again later.",
}
_FINISHES = {"end_turn": "STOP", "max_tokens": "MAX_TOKENS", "refusal": "SAFETY"}
_THINKING_TOKENS = 8


class GeminiServer(ScriptedServer):
    """A scripted Gemini. A `stop_reason` is one of ours or a finishReason; `blocked` is a prompt that was refused unread."""

    api_key = API_KEY

    def __init__(
        self,
        script: Callable[[dict[str, Any]], str | Reply] = lambda request: DEMO_ANSWER,
        *,
        api_key: str = "",
        delay: float = 0.0,
        cacheable_from: int = 4096,
    ) -> None:
        super().__init__(script, api_key=api_key, delay=delay)
        self._cache = ImplicitCache(cacheable_from)

    def fail(self, status: int, message: str = "", *, times: int = 1, retry_after: float | None = None) -> None:
        """Queue an error status; what to wait stands in its details, not in a header."""
        details = [] if retry_after is None else [{"@type": f"{_TYPE}.RetryInfo", "retryDelay": f"{retry_after}s"}]
        body = json.dumps(self._error(status, message, {"details": details} if details else {}))
        self.fail_raw(status, body.encode(), "application/json; charset=UTF-8", times=times)

    def reset(self) -> None:
        """Forget what was queued, received and cached."""
        super().reset()
        self._cache.clear()

    def _check(self, scope, headers: dict[str, str], raw: bytes) -> dict[str, Any]:
        model, is_streamed = check_model(scope["path"])
        if scope["method"] != "POST" or scope["query_string"] != (b"alt=sse" if is_streamed else b""):
            raise BadRequest("Not Found", 404)
        key = headers.get("x-goog-api-key")
        if not key:
            raise BadRequest("Method doesn't allow unregistered callers (callers without established identity).", 403)
        if key != self.api_key:
            reason = {"@type": f"{_TYPE}.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            raise BadRequest("API key not valid. Please pass a valid API key.", details=[reason])
        return {"model": model, "stream": is_streamed, **check_request(loads(raw))}

    def _error(self, status: int, message: str, details: dict[str, Any]) -> dict[str, Any]:
        words = message or _MESSAGES.get(status, "Request failed.")
        return {"error": {"code": status, "message": words, "status": _STATUSES.get(status, "UNKNOWN"), **details}}

    def _whole(self, body: dict[str, Any], text: str, reply: Reply) -> dict[str, Any] | None:
        if body["stream"]:
            return None
        return self._chunk(body, self._usage(body, text), text, reply.stop_reason)

    def _events(self, body: dict[str, Any], text: str, reply: Reply) -> Iterator[tuple[bytes, bool]]:
        usage = self._usage(body, text)
        pieces = list(reply.pieces) if reply.pieces is not None else split(text)
        if pieces:
            thought = {"parts": [{"text": "**Reading the ticket**", "thought": True}], "role": "model"}
            opening = {
                "candidates": [{"content": thought, "index": 0}],
                "usageMetadata": {**usage, "candidatesTokenCount": 0},
            }
            yield _event({**opening, "modelVersion": body["model"]}), False
        for piece in pieces:
            yield _event(self._chunk(body, usage, piece)), True
        yield _event(self._chunk(body, usage, "", reply.stop_reason)), False

    def _stream_error(self, reply: Reply) -> bytes:
        return _event(self._error(503, "", {}))

    def _usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        prompt, written, cached = count_prompt(body), count_tokens(text), self._cache.use(body["model"], body)
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": written,
            "thoughtsTokenCount": _THINKING_TOKENS,
            "totalTokenCount": prompt + written + _THINKING_TOKENS,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        }
        return {**usage, "cachedContentTokenCount": cached} if cached else usage

    def _chunk(self, body: dict[str, Any], usage: dict[str, Any], text: str, stop_reason: str = "") -> dict[str, Any]:
        """A candidate that was cut or blocked before its first word has no parts; a blocked prompt has no candidate."""
        chunk = {"usageMetadata": usage, "modelVersion": body["model"], "responseId": "r0123456789"}
        if stop_reason == "blocked":
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **chunk}
        content: dict[str, Any] = {"role": "model"}
        if text:
            content["parts"] = [{"text": text}]
        candidate: dict[str, Any] = {"content": content, "index": 0}
        if stop_reason:
            candidate["finishReason"] = _FINISHES.get(stop_reason, stop_reason)
        return {"candidates": [candidate], **chunk}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, separators=(',', ':'))}\r\n\r\n".encode()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    serve_until_interrupted(GeminiServer(), "GEMINI", 9102, arguments)


if __name__ == "__main__":
    main()
