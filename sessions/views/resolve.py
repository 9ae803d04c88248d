from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from sessions import queries
from sessions.queries import options
from sessions.services import resolving as services
from sessions.services._posts import SecretFound, StaleNote
from sessions.views._notes import number, resolution_context, to_page
from sessions.views._panels import client_key


@require_GET
def resolution(request, chat_id):
    chat = queries.get_chat(chat_id)
    context = resolution_context(chat, request.user)
    is_editing = request.GET.get("edit") == "1" and context["is_form_open"]
    return render(request, "sessions/resolution.html", {**context, "is_editing": is_editing})


@require_GET
def note_preview(request, chat_id):
    """The preview alone; nothing is sent while the session stands as it was seen."""
    chat = queries.get_chat(chat_id)
    if request.GET.get("seen") == str(chat.state_version):
        return HttpResponse(status=204)
    return render(request, "sessions/_note.html#changed", resolution_context(chat, request.user))


@require_GET
@own_scope
def post_options(request, chat_id):
    """What ConnectWise offers for the ticket; the panel says so when it cannot be had."""
    with account_scope(request.account_id):
        chat = queries.get_chat(chat_id)
    found = options.Options(problem="This session has no ticket.")
    if chat.ticket_id:
        found = options.post_options(account_id=request.account_id, ticket_id=chat.ticket_id, user=request.user)
    return render(request, "sessions/_options.html", {"options": found, "is_escalation": "for" in request.GET})


@require_POST
def post_note(request, chat_id):
    form = _form(request)
    try:
        services.post_note(chat_id=chat_id, form=form, by=request.user, client_key=client_key(request))
    except StaleNote as error:
        return _render_refused(request, chat_id, form, error, stale=error)
    except SecretFound as error:
        return _render_refused(request, chat_id, form, error, secrets=error.found)
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


def _render_posting(request, chat_id):
    chat = queries.get_chat(chat_id)
    if not request.htmx:  # a browser without script
        return redirect("sessions:resolution", chat_id)
    context = resolution_context(chat, request.user)
    return render(request, "sessions/_posting.html#changed", context)


def _render_refused(request, chat_id, form, error, **shown):
    """Return what stands in the way of the post and the note as it is now; what is chosen in the form stays."""
    context = {**resolution_context(queries.get_chat(chat_id), request.user), "chosen": set(form.shown_in), **shown}
    page = "sessions/_note.html#changed" if request.htmx else "sessions/resolution.html"
    return render(request, page, context, status=error.status)


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
        time=_time(request) if request.POST.get("time") else None,
        is_owner_taken=bool(request.POST.get("take_ticket")),
        confirmed=request.POST.getlist("confirmed"),
    )


def _time(request):
    kind, _, name = request.POST.get("work_type", "").partition(":")
    return services.TimeForm(
        minutes=number(request, "minutes"),
        work_type_id=int(kind) if kind.isdecimal() else None,
        work_type=name,
        billable=request.POST.get("billable", ""),
        invoice_text=request.POST.get("invoice_text", ""),
    )
