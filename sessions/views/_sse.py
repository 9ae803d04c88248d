"""What every stream of server-sent events does: its headers, its events, and looking again whether its reader may still read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from flowpilot.accounts.scope import run_in_scope
from flowpilot.accounts.signed_in import is_still_signed_in
from sessions.relay import Glimpse
from sessions.relaying import relay

OVER = "event: done\ndata: \n\n"
LOOK_AGAIN = 2.0  # seconds without news until the database is asked; it also keeps proxies from closing the stream
SIGNED_OUT = f"event: signed-out\ndata: \n\n{OVER}"


def event_stream(events: AsyncIterator[str]) -> StreamingHttpResponse:
    """Return a reply of events, which nobody keeps or holds back."""
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def sse_event(html: str, event_id: str) -> str:
    """Return one unnamed event; whatever ends a line in Unicode starts a field of its own, so nothing breaks out."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"id: {event_id}\n{lines}\n"


class SignIn:
    """The sign-in that opened a stream, looked at again every few seconds."""

    def __init__(self, request: HttpRequest) -> None:
        self._request, self._seen_at = request, monotonic()

    async def holds(self) -> bool:
        """Return whether its person is still signed in, active and of the same account."""
        if monotonic() - self._seen_at < settings.STREAM_SIGN_IN_SECONDS:
            return True
        self._seen_at = monotonic()
        return await run_in_scope(self._request.account_id, is_still_signed_in, self._request)  # type: ignore[attr-defined]


class Sent(Protocol):
    """What one connection has sent of what is written; `breath` is the seconds between two events."""

    breath: float

    def next_event(self, written_id: UUID, glimpse: Glimpse) -> str:
        """Return the event that brings a page up to `glimpse`, or nothing when it is."""


async def follow(
    request: Any, written_id: UUID, sent: Sent, look: Callable[[], tuple[Glimpse, str]]
) -> AsyncIterator[str]:
    """Yield the growth of what a worker writes, then what closes it. `look` returns what the database has, and the closing events once it ended."""
    await sync_to_async(connections.close_all)()
    watch = SignIn(request)
    glimpse, ended = await run_in_scope(request.account_id, look)
    if event := ended or sent.next_event(written_id, glimpse):
        yield event
    if ended:
        return
    async for news in relay.watch((request.account_id, written_id), every=LOOK_AGAIN):
        if not await watch.holds():
            yield SIGNED_OUT
            return
        if news is None or news.is_done:  # the relay is silent or forgot: the database knows
            news, ended = await run_in_scope(request.account_id, look)
            if ended:
                yield ended
                return
        yield sent.next_event(written_id, news) or ": still here\n\n"
        await asyncio.sleep(sent.breath)
