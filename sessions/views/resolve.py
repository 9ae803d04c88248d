from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, UserError
from psa.queries import connectwise_of
from sessions import queries
from sessions.services import notes as services
from sessions.views._panels import client_key


@require_GET
def resolution(request, chat_id):
    chat = queries.get_chat(chat_id)
    is_editing = request.GET.get("edit") == "1" and not chat.resolution_post_id
    return render(request, "sessions/resolution.html", {**_context(chat), "is_editing": is_editing, "at": "pilot"})


@require_GET
def note_preview(request, chat_id):
    """The preview alone; nothing is sent while the session stands as it was seen."""
    chat = queries.get_chat(chat_id)
    if request.GET.get("seen") == str(chat.state_version):
        return HttpResponse(status=204)
    return render(request, "sessions/_note.html#changed", _context(chat))


@require_POST
def save_note(request, chat_id):
    services.save_note(chat_id=chat_id, markdown=request.POST.get("markdown", ""))
    return _to_resolution(request, chat_id)


@require_POST
def rebuild_note(request, chat_id):
    services.rebuild_note(chat_id=chat_id)
    return _to_resolution(request, chat_id)


@require_GET
@own_scope
def statuses(request, chat_id):
    """The statuses of the ticket's own board, from ConnectWise; the panel says so when they cannot be had."""
    with account_scope(request.account_id):
        chat = queries.get_chat(chat_id)
    context = {"chat": chat, "statuses": [], "current": None, "preset": None, "problem": ""}
    try:
        client = connectwise_of(request.account_id)
        ticket = client.get_ticket(chat.ticket_id)
        context["current"] = ticket.status
        context["statuses"] = client.list_statuses(ticket.board.id) if ticket.board else []
        context["preset"] = next((status.id for status in context["statuses"] if status.is_closed), None)
    except UserError as error:
        context["problem"] = error.message
    return render(request, "sessions/_statuses.html", context)


@require_POST
def post_note(request, chat_id):
    services.post_note(chat_id=chat_id, form=_form(request), by=request.user, client_key=client_key(request))
    return _render_posting(request, chat_id)


@require_GET
def posting(request, chat_id):
    return _render_posting(request, chat_id)


@require_POST
def retry_posts(request, chat_id):
    services.retry_posts(chat_id=chat_id)
    return _render_posting(request, chat_id)


@require_POST
def resolve_chat(request, chat_id):
    services.resolve_chat(chat_id=chat_id, seen_version=_number(request, "seen_version"))
    return _to_resolution(request, chat_id)


def _context(chat):
    return {"chat": chat, "note": queries.note(chat), "client_key": uuid4(), "fix_panel": queries.fix_panel(chat)}


def _render_posting(request, chat_id):
    chat = queries.get_chat(chat_id)
    if not request.htmx:  # a browser without script
        return redirect("sessions:resolution", chat_id)
    return render(request, "sessions/_posting.html#changed", _context(chat))


def _to_resolution(request, chat_id):
    url = reverse("sessions:resolution", args=[chat_id])
    if not request.htmx:
        return redirect(url)
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response


def _form(request):
    status_id, _, status_name = request.POST.get("status", "").partition(":")
    return services.NoteForm(
        markdown=request.POST.get("markdown", ""),
        seen_version=_number(request, "seen_version"),
        shown_in=request.POST.getlist("shown_in"),
        status_id=int(status_id) if status_id.isdecimal() else None,
        status_name=status_name,
    )


def _number(request, name: str) -> int:
    value = request.POST.get(name, "")
    if not value.isdecimal():
        raise Invalid("This page is out of date. Reload it; what you typed is kept.")
    return int(value)
