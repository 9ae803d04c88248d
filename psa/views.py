from functools import wraps
from urllib.parse import urlsplit

from django.http import QueryDict
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import NotFound, UserError
from psa import lookups, queries, status
from psa.filters import Filters, record_id
from psa.problems import describe

NOTE_KINDS = {"": "All", "internal": "Internal", "discussion": "Discussion"}


def _panel(view):
    """A piece of a ticket's page: without htmx it leads to the page."""

    @require_GET
    @wraps(view)
    def panel(request, ticket_id):
        return view(request, _real(ticket_id)) if request.htmx else redirect("psa:ticket", ticket_id)

    return own_scope(panel)


@require_GET
@own_scope
def tickets(request):
    """The page at once with a queue that loads itself; to htmx, the queue that the filters ask for."""
    found = Filters.from_query(request.GET)
    if not request.htmx:
        return render(request, "psa/tickets.html", {**_page(found), "row": None})
    response = render(request, "psa/_queue.html", _queue(request, found))
    response["HX-Push-Url"] = _address(_open_ticket(request), found)
    return response


@require_GET
@own_scope
def queue(request):
    """The queue alone; without script, the page with the queue in it."""
    found = Filters.from_query(request.GET)
    context = _queue(request, found)
    if request.htmx:
        return render(request, "psa/_queue.html", context)
    return render(request, "psa/tickets.html", {**_page(found), **context, "row": None, "is_queue_here": True})


@require_GET
@own_scope
def filters(request):
    """The choices of the filters, from ConnectWise. A look-up that is not permitted leaves its list empty and is named."""
    found = Filters.from_query(request.GET)
    boards, names, problem = [], [], None
    try:
        client = queries.connectwise_of(request.account_id)
        boards = lookups.boards(request.account_id, client)
        chosen = [found.board_id] if found.board_id else [board.id for board in boards]
        names = lookups.status_names(request.account_id, client, chosen)
    except queries.NotConnected:
        pass  # the queue says so
    except UserError as error:
        problem = describe(error, "boards and statuses")
    context = {"filters": found, "boards": boards, "status_names": names, "problem": problem}
    return render(request, "psa/_filters.html#loaded", context)


@require_GET
@own_scope
def my_queue(request):
    context = {"page": None, "problem": None, "retry": reverse("psa:my-queue"), "target": "#my-queue"}
    try:
        context["page"] = queries.my_queue(account_id=request.account_id, user=request.user)
    except UserError as error:
        context["problem"] = describe(error, "tickets")
    return render(request, "psa/_my_queue.html", context)


@require_GET
@own_scope
def ticket(request, ticket_id):
    """A ticket beside the queue; to htmx, the ticket alone."""
    found = Filters.from_query(request.GET)
    context = {**_page(found), "row": None, "ticket_id": ticket_id, "problem": None, "is_piece": bool(request.htmx)}
    context |= {"retry": _address(ticket_id, found), "target": "#detail"}
    code = 200
    try:
        context["row"] = queries.ticket_row(account_id=request.account_id, ticket_id=_real(ticket_id))
    except UserError as error:
        context["problem"], code = describe(error, "tickets"), error.status
    return render(request, "psa/_detail.html" if request.htmx else "psa/tickets.html", context, status=code)


@_panel
def notes(request, ticket_id):
    kind = request.GET.get("show", "")
    kind = kind if kind in NOTE_KINDS else ""

    def ask(client):
        found = client.list_notes(ticket_id)
        shown = [note for note in found if not kind or getattr(note, f"is_{kind}")]
        return {"notes": shown, "note_count": len(found)}

    context = {"kind": kind, "kinds": NOTE_KINDS.items(), "notes": [], "note_count": 0}
    return render(request, "psa/_notes.html", {**context, **_asked(request, ticket_id, "notes", ask)})


@_panel
def configurations(request, ticket_id):
    asked = _asked(
        request, ticket_id, "configurations", lambda client: {"devices": client.list_configurations(ticket_id)}
    )
    return render(request, "psa/_configurations.html", {"devices": [], **asked})


@_panel
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
    change = status.set_status(account_id=request.account_id, ticket_id=_real(ticket_id), status_id=status_id)
    if not request.htmx:
        return redirect("psa:ticket", ticket_id)
    context = {"choice": change.choice, "problem": None, "ticket_id": ticket_id, "refusal": change.refusal}
    context |= {"row": change.choice.row, "filters": _filters_of_page(request), "open_id": _open_ticket(request)}
    return render(request, "psa/_status.html#changed", context)


def _asked(request, ticket_id, what, ask):
    """Return what one question to ConnectWise gave for a panel, or why it gave nothing."""
    context = {"ticket_id": ticket_id, "problem": None}
    try:
        return context | ask(queries.connectwise_of(request.account_id))
    except UserError as error:
        return context | {"problem": describe(error, what)}


def _queue(request, found):
    context = {"filters": found, "page": None, "problem": None, "open_id": _open_ticket(request)}
    context |= {"retry": f"{reverse('psa:queue')}{found.query}", "target": "#queue"}
    try:
        context["page"] = queries.queue(account_id=request.account_id, user=request.user, filters=found)
    except UserError as error:
        context["problem"] = describe(error, "tickets")
    return context


def _page(found):
    return {"at": "tickets", "filters": found, "page": None, "problem": None, "open_id": None, "ticket_id": None} | {
        "is_queue_here": False,
        "is_piece": False,
    }


def _real(ticket_id):
    if record_id(ticket_id) is None:
        raise NotFound(f"ConnectWise has no ticket #{ticket_id}.")
    return ticket_id


def _address(ticket_id, found):
    path = reverse("psa:ticket", args=[ticket_id]) if ticket_id else reverse("psa:tickets")
    return path + found.query


def _open_ticket(request):
    """Return the ticket that stands beside the queue, as the page's address says."""
    path = urlsplit(request.htmx.current_url or "").path if request.htmx else ""
    try:
        return resolve(path).kwargs.get("ticket_id")
    except Resolver404:
        return None


def _filters_of_page(request):
    return Filters.from_query(QueryDict(urlsplit(request.htmx.current_url or "").query))
