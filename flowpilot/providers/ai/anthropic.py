"""Claude, through the official SDK: its client and its errors, but the stream's events raw.

The SDK's typed events and snapshots cost more than reading the socket does. Nothing here imports the SDK before the first call: the import
takes over a second and 70 MB, which a process that never asks Claude (a page, a command, the guided engine) should not pay.
"""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from flowpilot.errors import Invalid
from flowpilot.providers.ai.anthropic_errors import describe
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.failures import BrokeOff, Failure
from flowpilot.providers.ai.remote import Answer, RemoteProvider

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

EPHEMERAL = {"type": "ephemeral"}
_MOST_BREAKPOINTS = 4
_CONNECTED_WITHIN = 5.0  # seconds


class AnthropicProvider(RemoteProvider["AsyncAnthropic"]):
    """Claude. Any server that speaks the Messages API works by its `base_url`."""

    name = "anthropic"

    def _body(
        self,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        *,
        is_chat: bool = False,
        schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        system = build_anthropic_system(system_prompt)
        # A chat's breakpoint lives as long as the system prompt's last: a longer-lived one may not come after a shorter.
        controls = [block["cache_control"] for block in system if isinstance(block, dict) and "cache_control" in block]
        control = controls[-1] if is_chat and 0 < len(controls) < _MOST_BREAKPOINTS else None
        body: dict[str, Any] = {
            "model": model,
            "max_tokens": max_tokens,
            "messages": build_anthropic_messages(messages, cache_control=control),
        }
        if schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return {**body, "system": system} if system else body

    def _new_client(self) -> "AsyncAnthropic":
        import httpx2
        from anthropic import AsyncAnthropic

        client = AsyncAnthropic(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,  # the SDK sleeps as long as a retry-after says, be it an hour; ours is capped
            timeout=httpx2.Timeout(self._limits.idle, connect=min(self._limits.first, _CONNECTED_WITHIN)),
            open_telemetry=False,
        )
        _ = client.messages.with_streaming_response  # imports the rest
        return client

    @asynccontextmanager
    async def _open(self, client: "AsyncAnthropic", body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[Any]]:
        from anthropic import AsyncStream

        messages: Any = client.beta.messages if "betas" in body else client.messages
        async with messages.with_streaming_response.create(**body, stream=True) as response:
            yield AsyncStream.raw_events(response.http_response)

    def _take(self, event: Any, answer: Answer) -> str:
        """Thinking and kinds unknown to us bring no text."""
        match event.event:
            case "content_block_delta":
                data = json.loads(event.data)
                return answer.blocks.grow(data["index"], data["delta"])
            case "content_block_start":
                data = json.loads(event.data)
                return answer.blocks.start(data["index"], data["content_block"])
            case "error":
                raise BrokeOff(str((json.loads(event.data).get("error") or {}).get("type") or "api_error"))
            case "message_start":
                message = json.loads(event.data)["message"]
                answer.model = message.get("model") or answer.model
                _count(message.get("usage"), answer)
            case "message_delta":
                data = json.loads(event.data)
                answer.stop_reason = data["delta"].get("stop_reason") or answer.stop_reason
                _count(data.get("usage"), answer)  # cumulative, and with server tools more than message_start said
            case "message_stop":
                answer.is_over = True
        return ""

    def _errors(self) -> tuple[type[Exception], ...]:
        from anthropic import APIError

        return (BrokeOff, APIError)

    def _describe(self, error: Exception) -> Failure:
        return describe(error)


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


def _count(usage: dict[str, Any] | None, answer: Answer) -> None:
    told = usage or {}
    answer.usage.update({name: value for name, value in told.items() if isinstance(value, int)})
    written = (told.get("cache_creation") or {}).get("ephemeral_1h_input_tokens")
    if isinstance(written, int):
        answer.usage["cache_creation_1h_input_tokens"] = written
