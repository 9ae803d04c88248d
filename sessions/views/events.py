"""What happens to a session while a page shows it: new messages, facts, decisions of others, its end. One stream a page.

An event's id is the session's pulse, and the page gives back the last one it saw: what moved since then is sent, and only that. No database
connection is held while waiting. Changes ring (`sessions/news.py`); without a ring the stream looks by itself. The pages of a session's documents
only hear that it moved: they ask for their preview once it has been quiet for a moment.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import NotFound
from sessions import queries
from sessions.news import news
from sessions.queries import Pulse
from sessions.views._panels import panels
from sessions.views._sse import OVER, SIGNED_OUT, SignIn, event_stream, sse_event

QUIET = 5.0  # seconds without a ring until the stream looks by itself
BREATH = 0.15  # seconds between two looks: what changes together is shown together


@require_GET
async def chat_events(request, chat_id: UUID):
    await run_in_scope(request.account_id, queries.pulse, chat_id)
    return event_stream(_events(request, chat_id, queries.read_pulse(_seen(request)), _render_since))


@require_GET
async def note_events(request, chat_id: UUID):
    await run_in_scope(request.account_id, queries.get_version, chat_id)
    return event_stream(_events(request, chat_id, _seen(request), _say_moved))


def _seen(request) -> str:
    return request.headers.get("Last-Event-ID") or request.GET.get("seen", "")


async def _events[Seen](
    request, chat_id: UUID, seen: Seen, look: Callable[..., tuple[Seen, str]]
) -> AsyncIterator[str]:
    await sync_to_async(connections.close_all)()
    sign_in = SignIn(request)
    async with news.listen((request.account_id, chat_id)) as listener:
        while await sign_in.holds():
            try:
                seen, event = await run_in_scope(request.account_id, look, request, chat_id, seen)
            except NotFound:  # deleted while it was shown
                yield OVER
                return
            yield event or ": still here\n\n"
            await asyncio.sleep(BREATH)
            await listener.wait(QUIET)
    yield SIGNED_OUT


def _say_moved(_request, chat_id: UUID, seen: str) -> tuple[str, str]:
    """Return the version a session is at, and the event that says it is another one."""
    now = str(queries.get_version(chat_id))
    return now, "" if now == seen else f"id: {now}\nevent: chat-changed\ndata: \n\n"


def _render_since(request, chat_id: UUID, seen: Pulse) -> tuple[Pulse, str]:
    """Return where the session stands, and the event that brings a page there from where it stood."""
    now = queries.pulse(chat_id)
    if now == seen:
        return now, ""
    chat = queries.get_chat(chat_id)
    context = {
        **panels(chat),
        "has_new_panels": now.panels != seen.panels,
        "turns": queries.thread(chat, since=seen.turned_at),
        "turn_ids": queries.turn_ids(chat),
        "pending": queries.pending_attachments(chat, request.user),
    }
    return now, sse_event(render_to_string("sessions/_news.html", context, request=request), str(now))
