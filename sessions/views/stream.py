"""One answer, as it comes, over server-sent events.

Each connection starts with all the text so far, so a reload or a reconnect has no gap and no double. Finished blocks are sent once as
rendered markdown; only the last, growing block is sent again with each piece. No database connection is held while waiting.
"""

from uuid import UUID

from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from flowpilot.accounts.scope import run_in_scope
from sessions import queries
from sessions.relay import Glimpse
from sessions.splitting import split_blocks
from sessions.views._panels import panels
from sessions.views._sse import OVER, event_stream, follow, sse_event


@require_GET
async def stream_turn(request, chat_id: UUID, turn_id: UUID):
    await run_in_scope(request.account_id, queries.get_turn, chat_id, turn_id)
    return event_stream(follow(request, turn_id, _Sent(), lambda: _look(request, chat_id, turn_id)))


class _Sent:
    """What one connection has sent of an answer: which claim wrote it, and how much of it is finished."""

    breath = 0.05  # seconds between two events: what is typed faster than that nobody reads

    def __init__(self) -> None:
        self.epoch, self.finished, self.length = 0, 0, -1

    def next_event(self, turn_id: UUID, glimpse: Glimpse) -> str:
        """Return the event that brings a page up to `glimpse`, or nothing when it is."""
        is_new = glimpse.epoch > self.epoch
        is_older = glimpse.epoch < self.epoch or (not is_new and len(glimpse.text) <= self.length)
        is_blank = not glimpse.text and self.length < 0  # the lines that wait stay until there is a word
        if is_older or is_blank:  # what the database has saved is behind what the relay has brought
            return ""
        finished, growing = split_blocks(glimpse.text)
        start = 0 if is_new else self.finished
        context = {"turn": turn_id, "is_new": is_new, "finished": finished[start:], "growing": growing}
        self.epoch, self.finished, self.length = glimpse.epoch, len(finished), len(glimpse.text)
        return sse_event(render_to_string("sessions/_delta.html", context), f"{glimpse.epoch}.{self.length}")


def _look(request, chat_id: UUID, turn_id: UUID) -> tuple[Glimpse, str]:
    """Return what the database has of the answer, and the closing events once it ended."""
    turn = queries.get_turn(chat_id, turn_id)
    saved = Glimpse(turn.epoch, turn.answer, is_done=not turn.is_live)
    if turn.is_live:
        return saved, ""
    context = {**panels(queries.get_chat(chat_id)), "turn": turn}
    html = render_to_string("sessions/_turn.html#ended", context, request=request)
    return saved, sse_event(html, f"{turn.epoch}.end") + OVER
