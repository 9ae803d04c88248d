import re
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from sessions.services import chats
from sessions.views._panels import client_key

_TICKET = re.compile(r"#?(\d{1,9})")


@require_POST
@own_scope
def start_chat(request):
    text = request.POST.get("text", "").strip()
    if found := _TICKET.fullmatch(text):
        return _go(request, _from_ticket(request, int(found[1])))
    with account_scope(request.account_id):
        chat = chats.start_from_words(text=text, by=request.user, client_key=client_key(request))
    return _go(request, chat)


@require_POST
@own_scope
def start_from_ticket(request, ticket_id: int):
    return _go(request, _from_ticket(request, ticket_id))


def _from_ticket(request, ticket_id: int):
    account_id: UUID = request.account_id
    return chats.start_from_ticket(account_id=account_id, ticket_id=ticket_id, by=request.user)


def _go(request, chat):
    if not request.htmx:
        return redirect(chat)
    response = HttpResponse()
    response["HX-Redirect"] = chat.get_absolute_url()
    return response
