from uuid import uuid4

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import UserError
from psa.problems import describe
from sessions.queries.palette import TICKETS, palette
from sessions.views.tickets import find

MOST_TICKETS = 5


@require_GET
def open_palette(request):
    """The palette as a dialog; without script, a page with the same form."""
    context = {"found": palette(_typed(request), request.user), "typed": _typed(request), "client_key": uuid4()}
    return render(request, "palette.html#dialog" if request.htmx else "palette.html", context)


@require_GET
def palette_results(request):
    if not request.htmx:
        return redirect("palette")
    return render(request, "palette.html#results", {"found": palette(_typed(request), request.user)})


@require_GET
@own_scope
def palette_tickets(request):
    """The tickets among the results: of what was typed, or the person's own."""
    if not request.htmx:
        return redirect("psa:tickets")
    text, rows, problem = _typed(request).removeprefix(TICKETS).strip(), [], None
    try:
        rows = find(request, text)[:MOST_TICKETS]
    except UserError as error:
        problem = describe(error, "tickets")
    return render(request, "palette.html#tickets", {"rows": rows, "problem": problem, "text": text})


def _typed(request) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:200]
