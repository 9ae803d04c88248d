"""What the panels of a session show: one context, so that a reply leaves the page as a reload would."""

from datetime import timedelta
from functools import wraps
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from flowpilot.accounts.preferences import all_settings
from flowpilot.errors import Conflict, Invalid, NotFound, UserError
from flowpilot.providers.ai.registry import read_budget
from sessions import queries
from sessions.models import ChatSession, Turn


def panels(chat: ChatSession) -> dict:
    """Return the context of the head, the lane, the fix and the facts."""
    facts = queries.facts(chat)
    fix_panel = queries.fix_panel(chat, facts)
    rules = all_settings(chat.account_id)
    time = _time(chat, timedelta(minutes=rules["time.idle_minutes"]))
    return {
        "chat": chat,
        "lane": queries.lane(chat),
        "fix_panel": fix_panel,
        "script_hint": queries.script_hint(chat, fix_panel.active),
        "facts": facts,
        "ended": queries.ended(chat),
        "cost": queries.cost(chat),
        **time,
        "escalation_reason": queries.escalation_reason(chat, fix_panel, time["active_minutes"], rules),
        "budget": read_budget(),
        "client_key": uuid4(),
    }


def _time(chat: ChatSession, pause: timedelta) -> dict:
    moments = queries.moments(chat)
    return {
        "active_minutes": queries.active_minutes(moments, idle_after=pause),
        "has_breaks": bool(queries.idle_gaps(moments, idle_after=pause)),
        "pause_minutes": int(pause.total_seconds() // 60),
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


def shows_conflicts(view):
    """Mark a view of a session's panels: what the state refuses is answered with the panels as they stand by now."""

    @wraps(view)
    def checked(request, chat_id, **kwargs):
        try:
            return view(request, chat_id, **kwargs)
        except (Conflict, NotFound) as error:
            if not request.htmx:
                raise
            return _render_conflict(request, chat_id, error)

    return checked


def _render_conflict(request: HttpRequest, chat_id: UUID, error: UserError) -> HttpResponse:
    context = {**panels(queries.get_chat(chat_id)), "tone": "red", "text": error.message}
    response = render(request, "sessions/_conflict.html", context, status=error.status)
    response["HX-Retarget"] = "#toasts"
    response["HX-Reswap"] = "beforeend"
    return response


def client_key(request: HttpRequest) -> UUID:
    """Return the key of the form, by which a post that is sent twice is known. Raises Invalid."""
    try:
        return UUID(request.POST.get("client_key", ""))
    except ValueError as error:
        raise Invalid("This page is out of date. Reload it; what you typed is kept.") from error
