import re
from dataclasses import replace
from uuid import uuid4

from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import NotFound, UserError
from psa import details, queries, status
from psa.filters import Filters, record_id
from psa.problems import describe
from psa.views import _page, queue
from psa.views._page import panel, real

_REFERENCE = re.compile(r"\s*\[FP-[0-9A-Z]{26}\]\s*$")
NOTE_KINDS = {"": "All", "internal": "Internal", "discussion": "Discussion"}


@require_GET
@own_scope
def ticket(request, ticket_id):
    """A ticket beside the queue; to htmx, the ticket alone."""
    found = Filters.from_query(request.GET)
    shell = {}
    if not request.htmx:
        queries.begin_queue(account_id=request.account_id, user=request.user, filters=found)
        shell = queue.shell(request, found)
    context = {**_page.page(found), **shell, "ticket_id": ticket_id, "is_piece": bool(request.htmx)}
    context |= {"retry": _page.address(ticket_id, found), "target": "#detail", "since": None, "choice": None}
    code = 200
    try:
        opened = details.open_ticket(account_id=request.account_id, ticket_id=real(ticket_id))
    except UserError as error:
        context["problem"], code = describe(error, "tickets"), error.status
    else:
        context |= {"row": opened.value, "since": opened.at if opened.error else None}
        context["choice"] = status.choice_at_hand(request.account_id, opened.value)
    return render(request, "psa/_detail.html" if request.htmx else "psa/tickets.html", context, status=code)


@panel
def notes(request, ticket_id):
    """The notes, newest first or oldest first, of one kind or all, after those that are still on their way."""
    return render(request, "psa/_notes.html", notes_context(request, ticket_id))


@panel
def note_feed(request, ticket_id):
    """What is written, without the form below it."""
    return render(request, "psa/_notes.html#moved", notes_context(request, ticket_id))


@panel
def configurations(request, ticket_id):
    is_complete = "complete" in request.GET
    context = {"ticket_id": ticket_id, "devices": None, "problem": None, "is_complete": is_complete}
    try:
        found = details.devices(account_id=request.account_id, ticket_id=ticket_id, is_complete=is_complete)
        context |= {"devices": found, "problem": found.error and describe(found.error, "configurations")}
    except UserError as error:
        context["problem"] = describe(error, "configurations")
    return render(request, "psa/_configurations.html", context)


@panel
def related(request, ticket_id):
    return _panel(request, ticket_id, "related", "related tickets", details.related)


@panel
def time_entries(request, ticket_id):
    return _panel(request, ticket_id, "time_entries", "time entries", details.time_entries)


@panel
def status_select(request, ticket_id):
    context = {"choice": None, "problem": None, "ticket_id": ticket_id}
    try:
        context["choice"] = status.status_choice(account_id=request.account_id, ticket_id=ticket_id)
    except UserError as error:
        context["problem"] = describe(error, "statuses")
    return render(request, "psa/_status.html", context)


@require_POST
@own_scope
def set_status(request, ticket_id):
    status_id = record_id(request.POST.get("status", ""))
    if status_id is None:
        raise NotFound("That status does not exist. Reload the page and choose again.")
    change = status.set_status(
        account_id=request.account_id, ticket_id=real(ticket_id), status_id=status_id, by=request.user
    )
    if not request.htmx:
        return redirect("psa:ticket", ticket_id)
    context = {"choice": change.choice, "problem": None, "ticket_id": ticket_id, "refusal": change.refusal}
    context |= {"row": change.choice.row, "filters": _page.filters_of_page(request)}
    context["open_id"] = _page.open_ticket(request)
    return render(request, "psa/_status.html#changed", context)


def notes_context(request, ticket_id):
    """Return what the notes panel shows."""
    kind, order = request.GET.get("show", ""), request.GET.get("order", "")
    kind = kind if kind in NOTE_KINDS else ""
    context = {"kind": kind, "kinds": NOTE_KINDS.items(), "is_oldest_first": order == "oldest", "note_count": 0}
    context |= {"ticket_id": ticket_id, "notes": [], "problem": None, "client_key": uuid4()}
    context["waiting"] = details.waiting_posts(account_id=request.account_id, ticket_id=ticket_id)
    try:
        found = details.notes(account_id=request.account_id, ticket_id=ticket_id).value
    except UserError as error:
        return context | {"problem": describe(error, "notes")}
    shown = [_bare(note) for note in found if not kind or getattr(note, f"is_{kind}")]
    return context | {"notes": shown[::-1] if order == "oldest" else shown, "note_count": len(found)}


def _bare(note):
    """Return a note without the mark by which a post of ours is found again."""
    return replace(note, text=_REFERENCE.sub("", note.text))


def _panel(request, ticket_id, name, words, ask):
    context = {"ticket_id": ticket_id, name: [], "problem": None, "retry": reverse(f"psa:{name}", args=[ticket_id])}
    try:
        context[name] = ask(account_id=request.account_id, ticket_id=ticket_id)
    except UserError as error:
        context["problem"] = describe(error, words)
    return render(request, f"psa/_{name}.html", context)
