from django.shortcuts import render
from django.views.decorators.http import require_GET

from sessions import queries
from sessions.models import ChatSession
from sessions.queries import ListFilter, Place


@require_GET
def history(request):
    wanted, after = _wanted(request), Place.read(request.GET.get("after", ""))
    page = queries.list_chats(wanted, request.user, after)
    context = {"at": "pilot", "page": page, "wanted": wanted, "query": _query(request), "is_older": after is not None}
    if request.htmx:
        return render(request, "sessions/history.html#rows" if after else "sessions/history.html#list", context)
    context |= {"companies": queries.companies(), "statuses": ChatSession.Status.choices, "shown": queries.SHOWN}
    return render(request, "sessions/history.html", context)


def _wanted(request) -> ListFilter:
    def clean(name: str) -> str:
        return request.GET.get(name, "").replace("\x00", "").strip()[:200]

    shown, status = clean("show"), clean("status")
    return ListFilter(
        shown=shown if shown in queries.SHOWN else "all",
        is_mine=clean("who") == "mine",
        status=status if status in ChatSession.Status.values else "",
        company=clean("company"),
        text=clean("q"),
    )


def _query(request) -> str:
    """Return the filters as they stand in the address, without the place in the list."""
    asked = request.GET.copy()
    asked.pop("after", None)
    return asked.urlencode()
