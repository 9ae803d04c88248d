from django.shortcuts import render
from django.views.decorators.http import require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import NotFound, UserError
from sessions import queries
from sessions.models import NoteDraft
from sessions.services import notes as services
from sessions.services import wording
from sessions.views._notes import kind_of, resolution_context, to_page
from sessions.views.escalate import package_context

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


@require_POST
@own_scope
def word_note(request, chat_id):
    """Have a model word the note. Costs money, so it is a POST; the page says when the rules' own note stays.

    While another page asks for the same, this one looks again.
    """
    service = "escalation_package" if request.POST.get("kind") == NoteDraft.Kind.ESCALATION else "resolution_note"
    problem, is_being_worded = "", False
    try:
        wording.word_notes(account_id=request.account_id, chat_id=chat_id, service=service)
    except NotFound:
        raise
    except wording.BeingWorded:
        is_being_worded = True
    except UserError as error:
        problem = error.message
    with account_scope(request.account_id):
        kind = NoteDraft.Kind.ESCALATION if service == "escalation_package" else NoteDraft.Kind.RESOLUTION
        shown = {"ai_problem": problem, "is_ai_asked": is_being_worded, "is_being_worded": is_being_worded}
        return _changed(request, chat_id, kind, **shown)


def _changed(request, chat_id, kind, **more):
    """Return the panels of the note; what is chosen in the form beside it stays."""
    if not request.htmx:
        return to_page(request, PAGES.get(kind, "resolution"), chat_id)
    chat = queries.get_chat(chat_id)
    if kind == NoteDraft.Kind.ESCALATION:
        return render(request, "sessions/_package.html#changed", package_context(chat) | more)
    return render(request, "sessions/_note.html#changed", resolution_context(chat, request.user) | more)
