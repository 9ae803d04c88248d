from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import Invalid, UserError
from psa import choices, creating, details, drafts
from psa.drafts import Draft
from psa.problems import describe


@require_GET
@own_scope
def new_ticket(request):
    """The form, as a dialog over the list; without htmx a page of its own."""
    draft = Draft.from_post({})
    context = _context(request, draft, drafts.fill(request.account_id, draft), uuid4())
    return render(request, "psa/new_ticket.html#dialog" if request.htmx else "psa/new_ticket.html", context)


@require_POST
@own_scope
def fill_ticket(request):
    """The fields again: after a text was pasted, or a board or a company chosen. Nothing is created."""
    draft = Draft.from_post(request.POST)
    context = _context(request, draft, drafts.fill(request.account_id, draft), _key(request))
    if not request.htmx:
        return render(request, "psa/new_ticket.html", context)
    return render(request, "psa/_new_fields.html#filled", context)


@require_GET
@own_scope
def find_company(request):
    """The companies whose names hold what was typed, for the form."""
    context = {"companies": [], "problem": None, "chosen": request.GET.get("company", "")}
    try:
        context["companies"] = choices.companies(
            request.account_id, request.GET.get("find", "").replace("\x00", "")[:60]
        )
    except UserError as error:
        context["problem"] = describe(error, "companies")
    return render(request, "psa/_new_fields.html#companies", context)


@require_POST
@own_scope
def create_ticket(request):
    """Create the ticket, once; go to it, or on to a session on it."""
    draft, key = Draft.from_post(request.POST), _key(request)
    try:
        number = creating.create_ticket(account_id=request.account_id, draft=draft, by=request.user, client_key=key)
    except UserError as error:
        if request.htmx:
            raise  # a toast; the form stays as it is
        context = _context(request, draft, drafts.fill(request.account_id, draft), key) | {"error": error.message}
        return render(request, "psa/new_ticket.html", context, status=error.status)
    details.doubt_ticket(request.account_id, number)
    if not request.htmx:
        return redirect("psa:ticket", number)
    if request.POST.get("start") == "1":  # the page asks for the session itself: psa knows no sessions
        response = render(request, "psa/_created.html", {"number": number})
        response["HX-Retarget"], response["HX-Reswap"] = "#new-said", "innerHTML"
        return response
    response = HttpResponse()
    response["HX-Redirect"] = reverse("psa:ticket", args=[number])
    return response


def _key(request) -> UUID:
    try:
        return UUID(request.POST.get("client_key", ""))
    except ValueError as error:
        raise Invalid("This page is out of date. Reload it; what you typed is kept.") from error


def _context(request, draft, offered, client_key):
    refusals = [describe(error, what) for what, error in offered.problems.items()]
    context = {"at": "tickets", "draft": draft, "offered": offered, "client_key": client_key, "error": ""}
    return context | {"problems": refusals, "values": draft.values, "marks": draft.marks}
