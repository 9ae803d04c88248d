"""Having an AI write, while what it wrote so far is kept every moment: a page looks, and a worker that dies loses little.

What is written is a row with `status`, `epoch` and `updated_at`: each claim raises the epoch, which every later write checks, and each write shows
that its worker lives. So whoever was overtaken writes nothing, and what a worker left that is gone is written anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from flowpilot.errors import Unavailable
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Completion, Message, SystemBlock

SAVE_EVERY = 0.7  # seconds
LOOK_AGAIN = 3  # seconds until somebody looks whether a worker that writes is still there
MOST_CLAIMS = 5  # what kills its worker is not tried for ever
_CUT_SHORT = {
    "max_tokens": "The script became too long. Ask for less at once.",
    "refusal": "The AI declined to write this. Word it differently, or write it by hand.",
}


class ClaimLost(Exception):
    """Somebody else writes this now."""


class ClaimedElsewhere(Exception):
    """A worker that may be gone writes this; look again in a moment."""


def claim(rows: QuerySet, **fresh: Any) -> bool:
    """Take on what waits to be written, or what nobody has shown to be writing for a while; `fresh` is how it begins.

    Return whether there is anything to write. Raises ClaimedElsewhere.
    """
    now = timezone.now()
    lost = Q(status="running", updated_at__lt=now - timedelta(seconds=settings.TURN_LOST_SECONDS))
    free = rows.filter(Q(status="queued") | lost)
    if free.update(status="running", epoch=F("epoch") + 1, updated_at=now, **fresh):
        return True
    if rows.filter(status__in=["queued", "running"]).exists():
        raise ClaimedElsewhere
    return False


async def write(
    *,
    account_id: UUID,
    service: str,
    system_prompt: list[SystemBlock],
    messages: Sequence[Message],
    save: Callable[[str], Awaitable[bool]],
    show: Callable[[str], None] = lambda piece: None,
    chat_id: UUID | None = None,
) -> tuple[str, Completion]:
    """Return what the AI wrote. `save` keeps the text so far, and says no when the claim is lost; `show` hears each piece at once.

    Raises ClaimLost and the door's errors.
    """
    parts: list[str] = []
    completion = None
    stream = calls.generate_text_stream(
        account_id=account_id, service=service, system_prompt=system_prompt, messages=messages, chat_id=chat_id
    )
    beat = asyncio.create_task(_beat(save, parts, asyncio.current_task()))
    try:
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    completion = piece
                else:
                    parts.append(piece)
                    show(piece)
    except asyncio.CancelledError:
        if beat.done():  # it stopped us
            raise ClaimLost from None
        raise
    finally:
        beat.cancel()
    if completion is None:
        raise Unavailable("The answer ended early. Try again.")
    if completion.stop_reason in _CUT_SHORT:
        raise Unavailable(_CUT_SHORT[completion.stop_reason])
    return "".join(parts), completion


async def _beat(save: Callable[[str], Awaitable[bool]], parts: list[str], work: asyncio.Task | None) -> None:
    """Save what arrived, and now and then that nothing did: an AI may think for minutes. Stop the work when the claim is lost."""
    saved, saved_at = 0, time.monotonic()
    while True:
        await asyncio.sleep(SAVE_EVERY)
        if len(parts) == saved and time.monotonic() - saved_at < settings.TURN_BEAT_SECONDS:
            continue
        saved, saved_at = len(parts), time.monotonic()
        if not await save("".join(parts)):
            if work:
                work.cancel()
            return


@cache
def prompt(service: str) -> str:
    """Return the static prompt of a service."""
    return (Path(__file__).parent / "prompts" / f"{service}.v1.md").read_text(encoding="utf-8")


def system_prompt(service: str, language: str) -> list[SystemBlock]:
    """Return a service's prompt for a language: the same bytes each time, so that the provider's cache hits."""
    return [SystemBlock(prompt(service).replace("{language}", language), {"type": "ephemeral"})]
