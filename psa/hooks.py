"""What changed elsewhere: where ConnectWise tells it, and where an open page asks for it."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import UserError
from psa import callbacks, changes
from psa.filters import record_id
from psa.views._page import open_ticket


@csrf_exempt
@login_not_required
@require_POST
@own_scope
def receive(request, token):
    """Answer ConnectWise, at once and in no words. Nobody is signed in here: the address and the signature say who it is."""
    if int(request.headers.get("Content-Length") or 0) > callbacks.LARGEST_BODY:
        return HttpResponse(status=413)
    try:
        callbacks.take(token=token, body=request.body, signature=request.headers.get("X-Content-Signature", ""))
    except UserError as error:
        return HttpResponse(status=error.status)
    return HttpResponse(status=204)


@require_GET
@own_scope
def tell_changes(request):
    """The piece that asks again in a while. Panels hear `tickets-changed`; those of the open ticket, or a session's, `ticket-changed`."""
    since, has_banner = request.GET.get("since", ""), "banner" in request.GET
    ticket_id = record_id(request.GET.get("ticket", "")) or open_ticket(request)
    found = changes.changes(request.account_id, since)
    is_changed = ticket_id in found.ticket_ids
    context = {"ticket_id": ticket_id, "has_banner": has_banner and ticket_id, "is_changed": is_changed}
    context["until"] = since if is_changed and has_banner else found.until  # a banner stays until somebody follows it
    response = render(request, "psa/_changes.html", context)
    if found:
        response["HX-Trigger"] = "tickets-changed, ticket-changed" if is_changed else "tickets-changed"
    return response
