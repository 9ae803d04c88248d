from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.ai import calls
from flowpilot.scripts.views.library import as_file
from sessions import queries
from sessions.queries import scripts as finding
from sessions.services import scripts as services
from sessions.views._script_card import changed, choose, draft_card


@require_POST
@own_scope
def draft_script(request, chat_id):
    """Have the AI write one; without an AI this says so, and the card offers the other ways."""
    if not async_to_sync(calls.is_on)(request.account_id, "script_generator"):
        with account_scope(request.account_id):
            queries.get_chat(chat_id)
        raise calls.NoAI(
            "No AI can write a script now: none is set up, or its budget is used up. Write or paste one instead."
        )
    with account_scope(request.account_id):
        generation = services.draft_script(chat_id=chat_id, by=request.user)
        return changed(request, chat_id, generation.id)


@require_POST
def write_script(request, chat_id):
    typed = {name: request.POST.get(name, "") for name in ("name", "language", "code")}
    generation = services.write_script(chat_id=chat_id, by=request.user, **typed)
    return changed(request, chat_id, generation.id)


@require_GET
def script_draft(request, chat_id, generation_id):
    """A drafted script as it stands; while it is written the page asks again."""
    chat = queries.get_chat(chat_id)
    return render(request, "sessions/_script.html", draft_card(chat, finding.get_generation(chat, generation_id)))


@require_POST
def edit_script(request, chat_id, generation_id):
    services.edit_script(chat_id=chat_id, generation_id=generation_id, code=request.POST.get("code", ""))
    chat = queries.get_chat(chat_id)
    context = draft_card(chat, finding.get_generation(chat, generation_id))
    return render(request, "sessions/_script_draft.html#looked_at", context)


@require_POST
def keep_script(request, chat_id, generation_id):
    """Keep a draft as was chosen, and give it to copy."""
    generation, conversation = _keep(request, chat_id, generation_id)
    reply = HttpResponse(generation.rendered, content_type="text/plain; charset=utf-8")
    reply["HX-Trigger"] = "script-kept"
    if conversation:
        reply["HX-Redirect"] = conversation.get_absolute_url()
    return reply


@require_POST
def download_draft(request, chat_id, generation_id):
    generation, _ = _keep(request, chat_id, generation_id)
    return as_file(generation.rendered, generation.name, generation.language)


@require_POST
def mark_draft_run(request, chat_id, generation_id):
    services.mark_draft_run(chat_id=chat_id, generation_id=generation_id, by=request.user)
    return changed(request, chat_id, generation_id)


@require_POST
def offer_script(request, chat_id, generation_id):
    services.offer_script(chat_id=chat_id, generation_id=generation_id, by=request.user)
    return _go(request, chat_id)


def _keep(request, chat_id, generation_id):
    return services.keep_script(
        chat_id=chat_id,
        generation_id=generation_id,
        keep=request.POST.get("keep", ""),
        code=request.POST.get("code", ""),
        has_read=request.POST.get("has_read") == "on",
        by=request.user,
    )


def _go(request, chat_id):
    if not request.htmx:
        return redirect("sessions:chat", chat_id)
    chat = queries.get_chat(chat_id)
    response = render(request, "sessions/_script.html", choose(request, chat))
    response["HX-Trigger"] = "chat-changed"
    return response
