"""What the panels of a session show: one context, so that a reply leaves the page as a reload would."""

from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from flowpilot.errors import Invalid
from sessions import queries
from sessions.models import ChatSession, Turn


def panels(chat: ChatSession) -> dict:
    """Return the context of the head, the lane, the fix and the facts."""
    fix_panel = queries.fix_panel(chat)
    return {
        "chat": chat,
        "lane": queries.lane(chat),
        "fix_panel": fix_panel,
        "script_hint": queries.script_hint(chat, fix_panel.active),
        "facts": queries.facts(chat),
        "client_key": uuid4(),
    }


def render_panels(
    request: HttpRequest, chat_id: UUID, *, turn: Turn | None = None, undo: dict | None = None
) -> HttpResponse:
    """Return every panel of the lane, with the new message when one was queued, and a toast that undoes when there is one."""
    if not request.htmx:  # a browser without script
        return redirect("sessions:chat", chat_id)
    chat = queries.get_chat(chat_id)
    context = {**panels(chat), "turn": turn, "undo": undo}
    response = render(request, "sessions/_changed.html", context)
    response["HX-Trigger"] = "chat-changed"
    return response


def client_key(request: HttpRequest) -> UUID:
    """Return the key of the form, by which a post that is sent twice is known. Raises Invalid."""
    try:
        return UUID(request.POST.get("client_key", ""))
    except ValueError as error:
        raise Invalid("This page is out of date. Reload it; what you typed is kept.") from error
