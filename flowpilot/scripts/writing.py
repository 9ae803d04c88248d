"""Having an AI write, while what it wrote so far is kept every moment: a page looks, and a worker that dies loses little."""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from uuid import UUID

from flowpilot.errors import Unavailable
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Completion, Message, SystemBlock

SAVE_EVERY = 0.7  # seconds
_CUT_SHORT = {
    "max_tokens": "The script became too long. Ask for less at once.",
    "refusal": "The AI declined to write this. Word it differently, or write it by hand.",
}


class ClaimLost(Exception):
    """Somebody else writes this now."""


async def write(
    *,
    account_id: UUID,
    service: str,
    system_prompt: list[SystemBlock],
    messages: Sequence[Message],
    save: Callable[[str], Awaitable[bool]],
    chat_id: UUID | None = None,
) -> tuple[str, Completion]:
    """Return what the AI wrote. `save` keeps the text so far, and says no when the claim is lost. Raises ClaimLost and the door's errors."""
    parts: list[str] = []
    completion = None
    saved_at = time.monotonic()
    stream = calls.generate_text_stream(
        account_id=account_id, service=service, system_prompt=system_prompt, messages=messages, chat_id=chat_id
    )
    async for piece in stream:
        if isinstance(piece, Completion):
            completion = piece
            continue
        parts.append(piece)
        if time.monotonic() - saved_at >= SAVE_EVERY:
            if not await save("".join(parts)):
                raise ClaimLost
            saved_at = time.monotonic()
    if completion is None:
        raise Unavailable("The answer ended early. Try again.")
    if completion.stop_reason in _CUT_SHORT:
        raise Unavailable(_CUT_SHORT[completion.stop_reason])
    return "".join(parts), completion


@cache
def prompt(service: str) -> str:
    """Return the static prompt of a service."""
    return (Path(__file__).parent / "prompts" / f"{service}.v1.md").read_text(encoding="utf-8")


def system_prompt(service: str, language: str) -> list[SystemBlock]:
    """Return a service's prompt for a language: the same bytes each time, so that the provider's cache hits."""
    return [SystemBlock(prompt(service).replace("{language}", language), {"type": "ephemeral"})]
