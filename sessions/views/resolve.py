from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from psa.queries import connectwise_of
from sessions import queries
from sessions.services import resolving as services
from sessions.services._posts import SecretFound, StaleNote
from sessions.views._notes import number, resolution_context, to_page
from sessions.views._panels import client_key


@require_GET
def resolution(request, chat_id):
    chat = queries.get_chat(chat_id)
    context = resolution_context(chat)
    is_editing = request.GET.get("edit") == "1" and context["is_form_open"]
    return render(request, "sessions/resolution.html", {**context, "is_editing": is_editing})


@require_GET
def note_preview(request, chat_id):
    """The preview alone; nothing is sent while the session stands as it was seen."""
    chat = queries.get_chat(chat_id)
    if request.GET.get("seen") == str(chat.state_version):
        return HttpResponse(status=204)
    return render(request, "sessions/_note.html#changed", resolution_context(chat))


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
    form = _form(request)
    try:
        services.post_note(chat_id=chat_id, form=form, by=request.user, client_key=client_key(request))
    except StaleNote as error:
        return _render_posting(request, chat_id, status=409, stale=error, chosen=set(form.shown_in))
    except SecretFound as error:
        return _render_posting(request, chat_id, status=422, secrets=error.found, chosen=set(form.shown_in))
    return _render_posting(request, chat_id)


@require_GET
def posting(request, chat_id):
    return _render_posting(request, chat_id)


@require_POST
def retry_post(request, chat_id, post_id):
    services.retry_post(chat_id=chat_id, post_id=post_id)
    return _render_posting(request, chat_id)


@require_POST
def resolve_chat(request, chat_id):
    services.resolve_chat(chat_id=chat_id, seen_version=number(request, "seen_version"), by=request.user)
    return to_page(request, "resolution", chat_id)


def _render_posting(request, chat_id, *, status=200, **changed):
    """Return the panels; what was refused is shown beside the form that it came from."""
    context = {**resolution_context(queries.get_chat(chat_id)), **changed}
    if request.htmx:
        return render(request, "sessions/_posting.html#changed", context, status=status)
    if status != 200:
        return render(request, "sessions/resolution.html", context, status=status)
    return redirect("sessions:resolution", chat_id)


def _form(request):
    status_id, _, status_name = request.POST.get("status", "").partition(":")
    return services.NoteForm(
        internal=request.POST.get("internal", ""),
        client=request.POST.get("client", ""),
        seen_version=number(request, "seen_version"),
        shown_in=request.POST.getlist("shown_in"),
        status_id=int(status_id) if status_id.isdecimal() else None,
        status_name=status_name,
        status_before=request.POST.get("status_before", ""),
        confirmed=request.POST.getlist("confirmed"),
    )
