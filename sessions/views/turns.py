from uuid import UUID, uuid4

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.errors import Invalid
from sessions import queries
from sessions.services import turns as services
from sessions.views._panels import client_key, panels, render_panels, shows_conflicts


@require_POST
def ask(request, chat_id):
    text = request.POST.get("text", "")
    attachments = _ids(request.POST.getlist("attachment"))
    key = client_key(request)
    turn = services.ask(chat_id=chat_id, text=text, by=request.user, client_key=key, attachments=attachments)
    return _render(request, queries.get_turn(chat_id, turn.pk), "asked")


@require_POST
@shows_conflicts
def tell_answers(request, chat_id):
    turn = services.tell_answers(chat_id=chat_id, by=request.user, client_key=client_key(request))
    return render_panels(request, chat_id, turn=turn)


@require_POST
def retry_turn(request, chat_id, turn_id):
    turn = services.retry_turn(chat_id=chat_id, turn_id=turn_id)
    return _render(request, turn, "answer")


@require_POST
def stop_turn(request, chat_id, turn_id):
    turn = services.stop_turn(chat_id=chat_id, turn_id=turn_id)
    return _render(request, turn, "answer")


@require_POST
def edit_turn(request, chat_id, turn_id):
    services.edit_turn(chat_id=chat_id, turn_id=turn_id, text=request.POST.get("text", ""))
    return _render(request, queries.get_turn(chat_id, turn_id), "changed")


@require_POST
def remove_turn(request, chat_id, turn_id):
    turn = services.remove_turn(chat_id=chat_id, turn_id=turn_id)
    return _render(request, turn, "removed")


@require_GET
def turn(request, chat_id, turn_id):
    found = queries.get_turn(chat_id, turn_id)
    context = {**panels(queries.get_chat(chat_id)), "turn": found}
    return render(request, "sessions/_turn.html#ended", context)


def _render(request, turn, part):
    if not request.htmx:  # a browser without script
        return redirect("sessions:chat", turn.chat_id)
    chat = queries.get_chat(turn.chat_id)
    context = {"turn": turn, "chat": chat, "client_key": uuid4()}
    context["pending"] = queries.pending_attachments(chat, request.user)
    return render(request, f"sessions/_turn.html#{part}", context)


def _ids(values: list[str]) -> list[UUID]:
    try:
        return [UUID(value) for value in values]
    except ValueError as error:
        raise Invalid("This page is out of date. Reload it; what you typed is kept.") from error
