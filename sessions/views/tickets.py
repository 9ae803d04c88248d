from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from psa.views import detail
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
