from django.shortcuts import render
from django.views.decorators.http import require_POST

from sessions import queries
from sessions.models import NoteDraft
from sessions.services import notes as services
from sessions.views._notes import kind_of, resolution_context, to_page

PAGES = {NoteDraft.Kind.ESCALATION: "escalation"}


@require_POST
def save_note(request, chat_id):
    kind = kind_of(request)
    services.save_note(chat_id=chat_id, kind=kind, markdown=request.POST.get("markdown", ""), by=request.user)
    return to_page(request, PAGES.get(kind, "resolution"), chat_id)


@require_POST
def rebuild_note(request, chat_id):
    kind = kind_of(request)
    services.rebuild_note(chat_id=chat_id, kind=kind, by=request.user)
    return _changed(request, chat_id, kind)


@require_POST
def drop_edits(request, chat_id):
    kind = kind_of(request)
    services.drop_edits(chat_id=chat_id, kind=kind)
    return _changed(request, chat_id, kind)


@require_POST
def keep_sentence(request, chat_id):
    kind = kind_of(request)
    services.keep_sentence(chat_id=chat_id, kind=kind, key=request.POST.get("sentence", ""), by=request.user)
    return _changed(request, chat_id, kind)


@require_POST
def mask_note(request, chat_id):
    kinds = [kind for kind in request.POST.getlist("kind") if kind in NoteDraft.Kind.values]
    services.mask_note(chat_id=chat_id, kinds=kinds, by=request.user)
    return _changed(request, chat_id, kinds[0] if kinds else "")


def _changed(request, chat_id, kind):
    """Return the panels of the note; what is chosen in the form beside it stays."""
    if not request.htmx:
        return to_page(request, PAGES.get(kind, "resolution"), chat_id)
    chat = queries.get_chat(chat_id)
    return render(request, "sessions/_note.html#changed", resolution_context(chat, request.user))
