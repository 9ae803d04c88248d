from uuid import uuid4

from django.shortcuts import render
from django.views.decorators.http import require_GET

from sessions import queries


@require_GET
def dashboard(request):
    context = {
        "at": "home",
        "tiles": queries.tiles(request.user),
        "waiting": queries.waiting(request.user),
        "active": queries.active_chats(request.user),
        "recent": queries.recent_chats(),
        "client_key": uuid4(),
    }
    return render(request, "sessions/dashboard.html", context)
