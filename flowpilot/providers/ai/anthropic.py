"""Claude, through the official SDK: its client and its errors, but the stream's events raw.

The SDK's typed events and snapshots cost more than reading the socket does. Nothing here imports the SDK before the first call: the import
takes over a second and 70 MB, which a process that never asks Claude (a page, a command, the guided engine) should not pay.
"""

import asyncio
import base64
import copy
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from flowpilot.errors import Invalid, Refused, Unavailable
from flowpilot.providers.ai.anthropic_errors import BrokeOff, explain, pause_after
from flowpilot.providers.ai.base import AIProvider, ChatState, Completion, Message, SystemBlock, Usage
from flowpilot.providers.ai.schema import find_mismatch

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

log = logging.getLogger("flowpilot.ai")
EPHEMERAL = {"type": "ephemeral"}
_MOST_BREAKPOINTS = 4


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds: for the first event (retries included), between two, for all; and for a retry."""

    first: float = 20.0
    idle: float = 30.0
    total: float = 180.0
    pause: float = 5.0
    retries: int = 2


@dataclass
class _Answer:
    """What has arrived of an answer."""

    model: str
    parts: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    stop_reason: str = ""

    def completion(self) -> Completion:
        known = {name: self.usage.get(name, 0) for name in Usage.__dataclass_fields__}
        text = "".join(self.parts)
        return Completion(text, AnthropicProvider.name, self.model, Usage(**known), self.stop_reason or "end_turn")


class AnthropicProvider(AIProvider):
    """Claude. Any server that speaks the Messages API works by its `base_url`."""

    name = "anthropic"

    def __init__(
        self, api_key: str, base_url: str | None = None, *, service: str = "chat", limits: Limits | None = None
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._service = service
        self._limits = limits or Limits()
        # A client's connections live and die with their event loop; one that outlives it fails every second call.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncAnthropic] = WeakKeyDictionary()

    def with_service(self, service: str) -> "AnthropicProvider":
        """Return the same provider under another service's name in the log; they share their connections."""
        other = copy.copy(self)
        other._service = service
        return other

    def generate_text_stream(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> AsyncGenerator[str | Completion]:
        """Yield the answer's text in pieces, then one Completion. The history is cached up to and with the new message."""
        return self._stream(_body(system_prompt, messages, model, max_tokens, is_chat=True))

    async def generate_text(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> Completion:
        """Return the whole answer. Only the system prompt is cached: the messages are not expected again."""
        return await self._whole(_body(system_prompt, messages, model, max_tokens))

    async def generate_json(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        schema: dict[str, Any],
    ) -> tuple[dict[str, Any], Completion]:
        """Return an object that fits the schema; an answer that does not is sent back once with what is wrong."""
        asked = list(messages)
        output = {"format": {"type": "json_schema", "schema": schema}}
        completion = await self._whole(_body(system_prompt, asked, model, max_tokens, output_config=output))
        value, mismatch = _read_json(completion, schema)
        if mismatch:
            log.warning("ai.json_mismatch service=%s model=%s", self._service, model)
            again = Message("user", f"That does not fit the schema: {mismatch}. Send the whole object again.")
            asked += [Message("assistant", completion.text), again]
            second = await self._whole(_body(system_prompt, asked, model, max_tokens, output_config=output))
            completion = replace(second, usage=_sum(completion.usage, second.usage))
            value, mismatch = _read_json(completion, schema)
        if mismatch:
            raise Unavailable("The AI sent an answer that cannot be read. Try again.")
        return value, completion

    async def _whole(self, body: dict[str, Any]) -> Completion:
        """Read a stream to its end: an answer that is not streamed has no first byte to set a deadline for."""
        completion = None
        async for piece in self._stream(body):
            if isinstance(piece, Completion):
                completion = piece
        assert completion is not None
        return completion

    async def _stream(self, body: dict[str, Any]) -> AsyncGenerator[str | Completion]:
        """Ask until an answer begins, read it, and say in our words what went wrong."""
        client = await self._client()
        import anthropic

        start = asyncio.get_running_loop().time()
        attempt = 0
        while True:
            answer = _Answer(body["model"])
            try:
                async with aclosing(self._read(client, body, answer, start)) as pieces:
                    async for piece in pieces:
                        yield piece
                break
            except (anthropic.APIError, BrokeOff) as error:
                pause = None if answer.parts or attempt == self._limits.retries else pause_after(error, attempt)
                if pause is None or not self._has_time_for(pause, start):
                    raise explain(error, bool(answer.parts)) from error
                log.info("ai.retry service=%s model=%s after=%.1f", self._service, body["model"], pause)
                await asyncio.sleep(pause)
                attempt += 1
        completion = answer.completion()
        self._report(completion)
        yield completion

    async def _read(
        self, client: "AsyncAnthropic", body: dict[str, Any], answer: _Answer, start: float
    ) -> AsyncGenerator[str]:
        """Yield one attempt's text. Raises BrokeOff where the stream does not reach message_stop."""
        import httpx2
        from anthropic import AsyncStream

        limits, clock = self._limits, asyncio.get_running_loop().time
        end, opening = start + limits.total, client.messages.with_streaming_response.create(**body, stream=True)
        try:
            async with asyncio.timeout_at(start + limits.first):
                response = await opening.__aenter__()
                events = AsyncStream.raw_events(response.http_response)
                event = await anext(events, None)
            while event is not None:
                if event.event == "message_stop":
                    return
                if text := _take(event.event, event.data, answer):
                    answer.parts.append(text)
                    yield text
                if (
                    clock() < end - limits.idle
                ):  # the client's own read timeout is the idle limit, and costs nothing more
                    event = await anext(events, None)
                else:
                    async with asyncio.timeout_at(end):
                        event = await anext(events, None)
            raise BrokeOff("ended_early")
        except TimeoutError:
            raise BrokeOff("too_slow") from None
        except httpx2.TransportError as error:
            raise BrokeOff("idle" if isinstance(error, httpx2.TimeoutException) else "dropped") from error
        finally:
            await opening.__aexit__(None, None, None)

    async def _client(self) -> "AsyncAnthropic":
        """Return the running loop's client, made in a thread: the first one imports the SDK."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for other in [other for other in self._clients if other.is_closed()]:
                self._clients.pop(other, None)  # its connections hold on to it, so weakness alone would keep both
            client = self._clients.setdefault(loop, await asyncio.to_thread(self._new_client))
        return client

    def _new_client(self) -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic

        client = AsyncAnthropic(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,  # the SDK sleeps as long as a retry-after says, be it an hour; ours is capped
            timeout=self._limits.idle,
            open_telemetry=False,
        )
        _ = client.messages.with_streaming_response  # imports the rest
        return client

    def _has_time_for(self, pause: float, start: float) -> bool:
        return pause <= self._limits.pause and asyncio.get_running_loop().time() + pause < start + self._limits.first

    def _report(self, completion: Completion) -> None:
        usage = completion.usage
        try:
            log.info(
                "anthropic.cache service=%s model=%s cache_read_input_tokens=%d cache_creation_input_tokens=%d input_tokens=%d output_tokens=%d",
                self._service,
                completion.model,
                usage.cache_read_input_tokens,
                usage.cache_creation_input_tokens,
                usage.input_tokens,
                usage.output_tokens,
            )
        except Exception:  # telemetry's one boundary: an answer that arrived is not lost to a log
            logging.getLogger("flowpilot.telemetry").exception("telemetry.failed")


def build_anthropic_messages(
    messages: Sequence[Message], reminder: str = "", *, cache_control: dict[str, Any] | None = EPHEMERAL
) -> list[dict[str, Any]]:
    """Return a chat as the API takes it: every text byte for byte in a block of its own, blank ones left out.

    The breakpoint stands on the new message's own text, so that the next turn finds it unchanged in the history; the reminder is a later
    block, sent but never part of what is kept.
    """
    built = [
        {"role": message.role, "content": _blocks(message)}
        for message in messages
        if message.text.strip() or message.images
    ]
    if not built or not _asks(messages[-1]):
        raise Invalid("There is nothing to ask. Write a message first.")
    content: list[dict[str, Any]] = built[-1]["content"]  # type: ignore[assignment]
    if cache_control:
        content[-1]["cache_control"] = cache_control
    if reminder.strip():
        content.append({"type": "text", "text": reminder})
    return built


def build_anthropic_system(system_prompt: str | list[SystemBlock]) -> str | list[dict[str, Any]]:
    """Return a system prompt as the API takes it. A string is not cached; of a list whose author marked nothing, the first block is."""
    if isinstance(system_prompt, str):
        return system_prompt if system_prompt.strip() else ""
    built: list[dict[str, Any]] = []
    is_marked = any(block.cache_control for block in system_prompt)
    for block in system_prompt:
        if block.text.strip():
            control = block.cache_control if is_marked or built else EPHEMERAL
            built.append({"type": "text", "text": block.text, **({"cache_control": control} if control else {})})
    return built


def _body(
    system_prompt: str | list[SystemBlock],
    messages: Sequence[Message],
    model: str,
    max_tokens: int,
    *,
    is_chat: bool = False,
    **options: Any,
) -> dict[str, Any]:
    system = build_anthropic_system(system_prompt)
    # A chat's breakpoint lives as long as the system prompt's last: a longer-lived one may not come after a shorter.
    controls = [block["cache_control"] for block in system if isinstance(block, dict) and "cache_control" in block]
    control = controls[-1] if is_chat and 0 < len(controls) < _MOST_BREAKPOINTS else None
    body = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": build_anthropic_messages(messages, cache_control=control),
        **options,
    }
    return {**body, "system": system} if system else body


def _asks(message: Message) -> bool:
    return message.role == "user" and bool(message.text.strip() or message.images)


def _blocks(message: Message) -> list[dict[str, Any]]:
    """Images first, then the text, so that the text ends the message and can carry its breakpoint."""
    blocks: list[dict[str, Any]] = []
    for media_type, data in message.images:
        source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
        blocks.append({"type": "image", "source": source})
    if message.text.strip():
        blocks.append({"type": "text", "text": message.text})
    return blocks


def _take(kind: str | None, data: str, answer: _Answer) -> str:
    """Take in one event; return the text it brings."""
    try:
        return _take_event(kind, data, answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokeOff("unreadable") from error


def _take_event(kind: str | None, data: str, answer: _Answer) -> str:
    """Thinking and kinds unknown to us bring no text."""
    if kind == "content_block_delta":
        delta = json.loads(data)["delta"]
        # PostgreSQL stores no NUL, so it must not get in here.
        return str(delta["text"]).replace("\x00", "") if delta.get("type") == "text_delta" else ""
    if kind == "content_block_start":
        block = json.loads(data)["content_block"]
        return str(block.get("text") or "") if block.get("type") == "text" else ""
    if kind == "error":
        raise BrokeOff(str((json.loads(data).get("error") or {}).get("type") or "api_error"))
    if kind == "message_start":
        message = json.loads(data)["message"]
        answer.model = message.get("model") or answer.model
        _count(message.get("usage"), answer)
    elif kind == "message_delta":
        event = json.loads(data)
        answer.stop_reason = event["delta"].get("stop_reason") or answer.stop_reason
        _count(event.get("usage"), answer)  # cumulative, and with server tools more than message_start said
    return ""


def _count(usage: dict[str, Any] | None, answer: _Answer) -> None:
    answer.usage.update({name: value for name, value in (usage or {}).items() if isinstance(value, int)})


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(*(a + b for a, b in zip(astuple(one), astuple(other), strict=True)))


def _read_json(completion: Completion, schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the object and what is wrong with it. A refusal or a cut makes any text a bad one, so they are asked first."""
    if completion.stop_reason == "refusal":
        raise Refused("The AI declined to answer this.")
    if completion.stop_reason == "max_tokens":
        raise Invalid("The AI's answer grew too long and was cut off. Ask for less at a time.")
    try:
        value = json.loads(completion.text)
    except ValueError:
        return {}, "it is not JSON"
    if not isinstance(value, dict):
        return {}, "it is not an object"
    return value, find_mismatch(value, schema)
