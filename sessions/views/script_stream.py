"""A script while an AI drafts it, over server-sent events; its card replaces itself once it is there."""

from uuid import UUID

from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from flowpilot.accounts.scope import run_in_scope
from flowpilot.scripts.answers import take_apart
from flowpilot.scripts.languages import LANGUAGES
from sessions import queries
from sessions.queries.scripts import get_generation
from sessions.relay import Glimpse
from sessions.views._script_card import draft_card
from sessions.views._sse import OVER, event_stream, follow, sse_event


@require_GET
async def stream_draft(request, chat_id: UUID, generation_id: UUID):
    generation = await run_in_scope(request.account_id, _get, chat_id, generation_id)
    sent = _Sent(LANGUAGES[generation.language].lexer)
    return event_stream(follow(request, generation_id, sent, lambda: _look(request, chat_id, generation_id)))


class _Sent:
    """What one connection has sent of a script: which claim wrote it, and how much there was."""

    breath = 0.2  # seconds between two events: all of it is coloured anew each time

    def __init__(self, lexer: str) -> None:
        self.lexer, self.epoch, self.length = lexer, 0, 0

    def next_event(self, generation_id: UUID, glimpse: Glimpse) -> str:
        """Return the event that shows the script as far as `glimpse`, or nothing when it is shown."""
        code = take_apart(glimpse.text).code
        is_new = glimpse.epoch > self.epoch
        if not code or glimpse.epoch < self.epoch or (not is_new and len(code) <= self.length):
            return ""
        self.epoch, self.length = glimpse.epoch, len(code)
        context = {"id": generation_id, "code": code, "lexer": self.lexer}
        return sse_event(render_to_string("sessions/_script_growing.html", context), f"{glimpse.epoch}.{len(code)}")


def _look(request, chat_id: UUID, generation_id: UUID) -> tuple[Glimpse, str]:
    """Return what the database has of the script, and the closing events once it ended."""
    generation = _get(chat_id, generation_id)
    saved = Glimpse(generation.epoch, f"```\n{generation.rendered}", is_done=not generation.is_live)
    if generation.is_live:
        return saved, ""
    context = draft_card(generation.chat, generation)
    html = render_to_string("sessions/_script_draft.html#streamed", context, request=request)
    return saved, sse_event(html, f"{generation.epoch}.end") + OVER


def _get(chat_id: UUID, generation_id: UUID):
    return get_generation(queries.get_chat(chat_id), generation_id)
