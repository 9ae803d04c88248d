"""Gemini, through the official SDK. Its cache is implicit and finds the same append-only prefix; it has no breakpoints to set.

As in `anthropic`, nothing here imports the SDK before the first call.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from math import ceil
from typing import TYPE_CHECKING, Any

from flowpilot.errors import Invalid
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.failures import BrokeOff, Failure
from flowpilot.providers.ai.gemini_errors import describe
from flowpilot.providers.ai.remote import Answer, RemoteProvider

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse

_REFUSALS = {
    "BLOCKLIST",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
    "LANGUAGE",
    "MODEL_ARMOR",
    "PROHIBITED_CONTENT",
    "RECITATION",
    "SAFETY",
    "SPII",
}
_STOPS = {"STOP": "end_turn", "MAX_TOKENS": "max_tokens", **dict.fromkeys(_REFUSALS, "refusal")}


class GeminiProvider(RemoteProvider["Client"]):
    """Gemini. `cache_control` means nothing here: the blocks of a system prompt are joined."""

    name = "gemini"

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
        config: dict[str, Any] = {
            "max_output_tokens": max_tokens,
            "automatic_function_calling": {"disable": True},  # on by default, and a loop of calls of its own
        }
        if system := build_gemini_system(system_prompt):
            config["system_instruction"] = system
        if schema is not None:
            config |= {"response_mime_type": "application/json", "response_json_schema": schema}
        return {"model": model, "contents": build_gemini_contents(messages), "config": config}

    def _new_client(self) -> "Client":
        from google.genai import Client
        from google.genai.types import HttpOptions

        return Client(
            api_key=self._api_key,
            vertexai=False,
            http_options=HttpOptions(
                base_url=self._base_url,
                timeout=ceil(self._limits.idle * 1000),  # milliseconds between two pieces; the SDK retries nothing
                headers={
                    "X-Server-Timeout": str(ceil(self._limits.total))
                },  # else the SDK sends the one above for the whole
            ),
        )

    @asynccontextmanager
    async def _open(self, client: "Client", body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[Any]]:
        async with (
            aclosing(await client.aio.models.generate_content_stream(**body)) as events,  # type: ignore[type-var]
            aclosing(_readable(events)) as readable,
        ):
            yield readable

    def _take(self, event: "GenerateContentResponse", answer: Answer) -> str:
        """Thoughts bring no text. A blocked prompt has no candidate, and one that was cut or blocked may have no parts."""
        _count(event, answer)
        candidate = event.candidates[0] if event.candidates else None
        if candidate is None:
            if event.prompt_feedback and event.prompt_feedback.block_reason:
                answer.stop_reason, answer.is_over = "refusal", True
            return ""
        if candidate.finish_reason:
            answer.stop_reason, answer.is_over = _STOPS.get(candidate.finish_reason.value, "unknown"), True
        parts = candidate.content.parts if candidate.content else None
        text = "".join(part.text for part in parts or [] if part.text and not part.thought)
        if answer.stop_reason == "unknown" and not text:
            raise BrokeOff("ended_early")
        return text

    def _errors(self) -> tuple[type[Exception], ...]:
        from google.genai.errors import APIError

        return (BrokeOff, APIError)

    def _describe(self, error: Exception) -> Failure:
        return describe(error)


def build_gemini_system(system_prompt: str | list[SystemBlock]) -> str:
    """Return a system prompt as one text."""
    if isinstance(system_prompt, str):
        return system_prompt.strip() and system_prompt
    return "\n\n".join(block.text for block in system_prompt if block.text.strip())


def build_gemini_contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return a chat as the API takes it: every text byte for byte, blank messages left out."""
    last = messages[-1] if messages else None
    if last is None or last.role != "user" or not _says(last):
        raise Invalid("There is nothing to ask. Write a message first.")
    return [
        {"role": "user" if message.role == "user" else "model", "parts": _parts(message)}
        for message in messages
        if _says(message)
    ]


def _says(message: Message) -> bool:
    return bool(message.text.strip() or message.images)


def _parts(message: Message) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"inline_data": {"mime_type": media_type, "data": data}} for media_type, data in message.images
    ]
    if message.text.strip():
        parts.append({"text": message.text})
    return parts


def _count(event: "GenerateContentResponse", answer: Answer) -> None:
    """Gemini's prompt count holds what it found in its cache; ours does not. Thinking is paid as output."""
    usage = event.usage_metadata
    if usage is None:
        return
    cached = usage.cached_content_token_count or 0
    prompt = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
    answer.usage = {
        "input_tokens": max(0, prompt - cached),
        "output_tokens": (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        "cache_read_input_tokens": cached,
    }


async def _readable(events: AsyncIterator[Any]) -> AsyncGenerator[Any]:
    """Yield events; what the SDK cannot parse is no error of its own kind but a ValueError, or a TypeError further in."""
    try:
        async for event in events:
            yield event
    except (ValueError, TypeError, AttributeError) as error:
        raise BrokeOff("unreadable") from error
