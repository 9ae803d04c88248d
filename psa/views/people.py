from contextlib import suppress

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import NotFound, UserError
from psa import details, lookups
from psa import resources as services
from psa.filters import record_id
from psa.problems import describe
from psa.queries import connectwise_of
from psa.views import _page
from psa.views._page import panel, real


@panel
def resources(request, ticket_id):
    """Who works on a ticket, with a way to add and remove."""
    context = {"ticket_id": ticket_id, "resources": None, "problem": None}
    try:
        context["resources"] = details.people(account_id=request.account_id, ticket_id=ticket_id)
    except UserError as error:
        context["problem"] = describe(error, "resources")
    return render(request, "psa/_resources.html", context)


@require_GET
@own_scope
def find_resources(request, ticket_id):
    """The members whose names hold what was typed, to be put on a ticket."""
    context = {"ticket_id": real(ticket_id), "members": [], "problem": None}
    try:
        client = connectwise_of(request.account_id)
        text = request.GET.get("find", "").replace("\x00", "")[:60]
        context["members"] = lookups.members_named(request.account_id, client, text)
    except UserError as error:
        context["problem"] = describe(error, "members")
    return render(request, "psa/_resources.html#found", context)


@require_POST
@own_scope
def assign(request, ticket_id):
    member_id = _member_id(request)
    client = connectwise_of(request.account_id)
    member = next((each for each in lookups.members(request.account_id, client) if each.id == member_id), None)
    if member is None:
        raise NotFound("ConnectWise has no such member. Search again.")
    found = services.assign(request.account_id, real(ticket_id), member)
    return _changed(request, ticket_id, found, f"{member.name} is on the ticket.")


@require_POST
@own_scope
def unassign(request, ticket_id):
    found = services.unassign(request.account_id, real(ticket_id), _member_id(request))
    return _changed(request, ticket_id, found, "")


def _member_id(request):
    number = record_id(request.POST.get("member", ""))
    if number is None:
        raise NotFound("ConnectWise has no such member. Search again.")
    return number


def _changed(request, ticket_id, found, said):
    details.doubt_ticket(request.account_id, ticket_id)
    if not request.htmx:
        return redirect("psa:ticket", ticket_id)
    context = {"ticket_id": ticket_id, "resources": found, "problem": None, "said": said, "row": None}
    context |= {"filters": _page.filters_of_page(request), "open_id": _page.open_ticket(request)}
    with suppress(UserError):  # then the list follows when it is next asked for
        context["row"] = details.ticket(account_id=request.account_id, ticket_id=ticket_id).value
    return render(request, "psa/_resources.html#changed", context)
