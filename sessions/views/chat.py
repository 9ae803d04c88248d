from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.providers.ai.registry import read_budget
from sessions import queries
from sessions.queries import escalation
from sessions.services import chats as services
from sessions.views._panels import panels, render_panels


@require_GET
def chat(request, chat_id):
    found = queries.get_chat(chat_id)
    # The pulse first: what moves while the rest is read is then sent once more, not missed.
    context = {"at": "pilot", "pulse": queries.pulse(chat_id), "turns": queries.thread(found), **panels(found)}
    context["pending"] = queries.pending_attachments(found, request.user)
    context |= _handed_over(found)
    return render(request, "sessions/chat.html", context)


@require_POST
def rename_chat(request, chat_id):
    services.rename_chat(chat_id=chat_id, title=request.POST.get("title", ""))
    return render_panels(request, chat_id)


@require_GET
def budget(request, chat_id):
    """What is left of the month's AI: a page that says it is used up looks again by itself."""
    return render(request, "sessions/_budget.html", {"chat": queries.get_chat(chat_id), "budget": read_budget()})


def _handed_over(chat):
    """Return the package that whoever got the session reads first, if there is one."""
    package = escalation.handed_over(chat)
    sections = queries.parts(package, queries.note_state(chat)) if package else []
    return {"package": package, "package_sections": sections}
