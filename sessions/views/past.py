from django.shortcuts import render
from django.views.decorators.http import require_GET

from sessions import queries


@require_GET
def past(request, chat_id):
    chat = queries.get_chat(chat_id)
    asked = request.GET.get("version", "")
    version = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    context = {"at": "pilot", "chat": chat, "past": queries.past(chat, version)}
    return render(request, "sessions/past.html#view" if request.htmx else "sessions/past.html", context)
