from uuid import UUID

from django.shortcuts import render
from django.views.decorators.http import require_POST

from sessions import queries
from sessions.services import bringing as services
from sessions.views._panels import render_panels, shows_conflicts


@require_POST  # what is typed is too long for an address, and no log's business
def similar(request):
    found = queries.similar(_text(request))
    return render(request, "sessions/_similar.html", {"similar": found, "chat": None, "is_asked": False})


@require_POST
def similar_here(request, chat_id):
    chat, text, is_asked = queries.get_chat(chat_id), _text(request), "asked" in request.POST
    is_wanted = is_asked or bool(text) or not chat.turns.exists()
    found = queries.similar(text, chat=chat) if is_wanted and chat.is_open else []
    return render(request, "sessions/_similar.html", {"similar": found, "chat": chat, "is_asked": is_asked})


@require_POST
@shows_conflicts
def bring_fix(request, chat_id, fix_id):
    services.bring_fix(chat_id=chat_id, fix_id=fix_id)
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def bring_check(request, chat_id, item_id):
    services.bring_check(chat_id=chat_id, from_id=_from(request, chat_id), item_id=str(item_id))
    return render_panels(request, chat_id)


def _text(request) -> str:
    return request.POST.get("text", "").replace("\x00", "").strip()


def _from(request, chat_id: UUID) -> UUID:
    try:
        return UUID(request.POST.get("from", ""))
    except ValueError:
        return chat_id
