from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import UserError
from psa import choices, queries
from psa.filters import Filters
from psa.problems import describe
from psa.views import _page

_KEPT_FOR = 60 * 60 * 24 * 365  # seconds that a browser keeps a person's filters


@require_GET
@own_scope
def tickets(request):
    """The page at once with a queue that loads itself; to htmx, the queue that the filters ask for."""
    found = Filters.from_query(request.GET)
    if request.htmx:
        response = render(request, "psa/_queue.html#filtered", _queue(request, found))
        response["HX-Push-Url"] = _page.address(_page.open_ticket(request), found)
        return _keeping(request, response, found)
    if not request.GET and (kept := request.COOKIES.get(_cookie(request), "")):
        return redirect(_page.address(None, Filters.from_query(choices.read(kept))))
    queries.begin_queue(account_id=request.account_id, user=request.user, filters=found)
    return _keeping(request, render(request, "psa/tickets.html", shell(request, found)), found)


@require_GET
@own_scope
def queue(request):
    """The queue alone; without script, the page with the queue in it."""
    found = Filters.from_query(request.GET)
    context = _queue(request, found)
    if request.htmx:
        return render(request, "psa/_queue.html#refreshed", context)
    whole = {**shell(request, found), **context, "is_queue_here": True}
    return _keeping(request, render(request, "psa/tickets.html", whole), found)


@require_GET
@own_scope
def next_ticket(request):
    """Lead to the first ticket of the person's own queue, but for the one they come from; to the list where there is none."""
    after = request.GET.get("after", "")
    try:
        rows = queries.my_queue(account_id=request.account_id, user=request.user).rows
    except UserError:
        return redirect("psa:tickets")
    numbers = [row.ticket.id for row in rows if str(row.ticket.id) != after]
    return redirect("psa:ticket", numbers[0]) if numbers else redirect("psa:tickets")


@require_GET
@own_scope
def filters(request):
    """The choices of the filters, from ConnectWise. A look-up that is not permitted leaves its list empty and is named."""
    found = Filters.from_query(request.GET)
    offered = choices.offer(request.account_id, found)
    problems = [describe(error, what) for what, error in offered.failures.items()]
    context = {"filters": found, "offered": offered, "problems": problems, "labels": offered.labels}
    return render(request, "psa/_filters.html#loaded", context)


@require_GET
@own_scope
def find_members(request):
    """The members whose names hold what was typed, to filter by."""
    return _found(request, "psa/_filters.html#members", "members", choices.members)


@require_GET
@own_scope
def find_companies(request):
    """The companies whose names hold what was typed, to filter by."""
    return _found(request, "psa/_filters.html#companies", "companies", choices.companies)


@require_GET
@own_scope
def count(request):
    """How many tickets the filters find, for the head of the page. Where that cannot be had, it stays empty."""
    found = Filters.from_query(request.GET)
    try:
        number = queries.count(account_id=request.account_id, user=request.user, filters=found)
    except UserError:
        return HttpResponse()
    return render(request, "psa/_count.html", {"number": number, "filters": found})


@require_GET
@own_scope
def wider(request):
    """Which one filter to drop, and how many tickets that would find."""
    found = Filters.from_query(request.GET)
    ways = queries.wider(account_id=request.account_id, user=request.user, filters=found)
    return render(request, "psa/_wider.html", {"ways": ways})


@require_GET
@own_scope
def my_queue(request):
    context = {"page": None, "problem": None, "retry": reverse("psa:my-queue"), "target": "#my-queue"}
    try:
        context["page"] = queries.my_queue(account_id=request.account_id, user=request.user)
    except UserError as error:
        context["problem"] = describe(error, "tickets")
    return render(request, "psa/_my_queue.html", context)


def _found(request, template, what, find):
    context = {"filters": _page.filters_of_page(request), what: [], "problem": None}
    try:
        context[what] = find(request.account_id, request.GET.get("find", "").replace("\x00", "")[:60])
    except UserError as error:
        context["problem"] = describe(error, what)
    return render(request, template, context)


def _queue(request, found):
    context = {"filters": found, "page": None, "problem": None, "open_id": _page.open_ticket(request)}
    context |= {"retry": f"{reverse('psa:queue')}{found.query}", "target": "#queue"}
    context |= {"labels": choices.labels(request.account_id, found), "sorts": choices.SORTS.items()}
    try:
        context["page"] = queries.queue(
            account_id=request.account_id, user=request.user, filters=found, is_begun="begun" in request.GET
        )
    except UserError as error:
        context["problem"] = describe(error, "tickets")
    return context


def shell(request, found):
    """Return what the page around the queue shows at once."""
    words = {"labels": choices.labels(request.account_id, found), "sorts": choices.SORTS.items()}
    return {**_page.page(found), **words}


def _keeping(request, response, found):
    """Let the browser keep a person's filters between visits; a GET may not write them down here."""
    kept = found.first_page.query.removeprefix("?")
    if kept:
        where = {"path": "/tickets/", "secure": request.is_secure()}
        response.set_cookie(_cookie(request), kept, max_age=_KEPT_FOR, httponly=True, samesite="Lax", **where)
    else:
        response.delete_cookie(_cookie(request), path="/tickets/")
    return response


def _cookie(request):
    return f"tickets-{request.user.pk.hex}"
