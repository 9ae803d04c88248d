from django.views.decorators.http import require_POST

from sessions.services import lifecycle as services
from sessions.views._notes import to_page


@require_POST
def pause_chat(request, chat_id):
    services.pause_chat(chat_id=chat_id)
    return to_page(request, "chat", chat_id)


@require_POST
def resume_chat(request, chat_id):
    services.resume_chat(chat_id=chat_id)
    return to_page(request, "chat", chat_id)


@require_POST
def archive_chat(request, chat_id):
    services.archive_chat(chat_id=chat_id)
    return to_page(request, "chat", chat_id)


@require_POST
def unarchive_chat(request, chat_id):
    services.unarchive_chat(chat_id=chat_id)
    return to_page(request, "chat", chat_id)


@require_POST
def reopen_chat(request, chat_id):
    services.reopen_chat(chat_id=chat_id)
    return to_page(request, "chat", chat_id)
