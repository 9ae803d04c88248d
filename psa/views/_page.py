"""What the views of tickets share: where the page stands, and how a panel asks."""

from functools import wraps
from urllib.parse import urlsplit

from django.http import QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_GET

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import NotFound
from psa.filters import Filters, record_id


def panel(view):
    """Mark a piece of a ticket's page: without htmx it leads to the page."""

    @require_GET
    @wraps(view)
    def wrapped(request, ticket_id):
        return view(request, real(ticket_id)) if request.htmx else redirect("psa:ticket", ticket_id)

    return own_scope(wrapped)


def real(ticket_id):
    """Return a ticket's number, or raise NotFound for what cannot be one."""
    if record_id(ticket_id) is None:
        raise NotFound(f"ConnectWise has no ticket #{ticket_id}.")
    return ticket_id


def page(filters):
    """Return the context of the whole page, before anything was asked."""
    context = {"at": "tickets", "filters": filters, "page": None, "problem": None, "open_id": None, "ticket_id": None}
    return context | {"is_queue_here": False, "is_piece": False, "row": None}


def address(ticket_id, filters):
    """Return the address of the list as filtered, with a ticket open where there is one."""
    path = reverse("psa:ticket", args=[ticket_id]) if ticket_id else reverse("psa:tickets")
    return path + filters.query


def open_ticket(request):
    """Return the ticket that stands beside the queue, as the page's address says."""
    try:
        return resolve(_here(request).path).kwargs.get("ticket_id")
    except Resolver404:
        return None


def filters_of_page(request):
    """Return the filters of the page that asked, as its address says."""
    return Filters.from_query(QueryDict(_here(request).query))


def _here(request):
    return urlsplit(request.htmx.current_url or "" if request.htmx else "")
