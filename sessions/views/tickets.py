from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, UserError
from psa.filters import Filters, record_id
from psa.problems import describe
from psa.queries import NotLinked, my_queue, queue
from psa.views import detail
from sessions.queries import get_chat
from sessions.queries.tickets import chats_on_ticket
from sessions.services import tickets
from sessions.views._panels import client_key


@require_GET
def linked(request, ticket_id):
    """The sessions on a ticket, for its page."""
    if not request.htmx:
        return redirect("psa:ticket", ticket_id)
    return render(request, "sessions/_linked.html", {"chats": chats_on_ticket(ticket_id)})


@require_POST
@own_scope
def add_ticket_note(request, ticket_id):
    tickets.add_ticket_note(
        account_id=request.account_id,
        ticket_id=ticket_id,
        text=request.POST.get("text", ""),
        is_internal=request.POST.get("is_internal") == "1",
        by=request.user,
        client_key=client_key(request),
    )
    if not request.htmx:
        return redirect("psa:ticket", ticket_id)
    return render(request, "sessions/_noted.html", detail.notes_context(request, ticket_id))


@require_GET
def pick_ticket(request, chat_id):
    """The dialog in which a session gets its ticket; without script, the page with the same in it."""
    context = {"chat": get_chat(chat_id), "at": "pilot"}
    template = "sessions/pick_ticket.html#dialog" if request.htmx else "sessions/pick_ticket.html"
    return render(request, template, context)


@require_GET
@own_scope
def find_tickets(request, chat_id):
    """Tickets that hold what was typed; before that, the person's own."""
    with account_scope(request.account_id):
        chat = get_chat(chat_id)
    context = {"chat": chat, "rows": [], "problem": None}
    text = request.GET.get("ticket", "").replace("\x00", "").strip()[:200]
    try:
        context["rows"] = find(request, text)
    except UserError as error:
        context["problem"] = describe(error, "tickets")
    return render(request, "sessions/_found_tickets.html", context)


@require_POST
@own_scope
def link_ticket(request, chat_id):
    with account_scope(request.account_id):
        get_chat(chat_id)
    ticket_id = record_id(request.POST.get("ticket", "").strip().lstrip("#"))
    if ticket_id is None:
        raise Invalid("Choose a ticket, or type its number.")
    return _to_chat(request, tickets.link_ticket(account_id=request.account_id, chat_id=chat_id, ticket_id=ticket_id))


@require_POST
def unlink_ticket(request, chat_id):
    return _to_chat(request, tickets.unlink_ticket(chat_id=chat_id))


def find(request, text):
    """Return the open tickets that hold these words; without any, the person's own. Raises Refused or Unavailable."""
    asking = {"account_id": request.account_id, "user": request.user}
    if not text:
        try:
            return my_queue(**asking).rows
        except NotLinked:
            pass  # then the newest of everybody
    return queue(**asking, filters=Filters(text=text, order="newest")).rows[:10]


def _to_chat(request, chat):
    if not request.htmx:
        return redirect(chat)
    response = HttpResponse()
    response["HX-Redirect"] = chat.get_absolute_url()
    return response
