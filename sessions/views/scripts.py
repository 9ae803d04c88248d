from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid
from flowpilot.providers.ai import calls
from flowpilot.scripts import forms
from flowpilot.scripts.queries import get_template
from flowpilot.scripts.views.library import as_file
from sessions import queries
from sessions.queries import scripts as finding
from sessions.services import scripts as services
from sessions.views._script_card import changed, choose


@require_GET
@own_scope
def script_panel(request, chat_id):
    """The script for the fix: a match from the library, a draft, or the ways to get one."""
    can_draft = async_to_sync(calls.is_on)(request.account_id, "script_generator")
    with account_scope(request.account_id):
        chat = queries.get_chat(chat_id)
        context = {**choose(request, chat), "can_draft": can_draft}
        if request.htmx:
            return render(request, "sessions/_script.html", context)
        return render(request, "sessions/script.html", {**context, "at": "pilot"})


@require_POST
def preview_script(request, chat_id, template_id):
    chat, template = queries.get_chat(chat_id), get_template(template_id)
    raw = forms.given_values(request.POST, template.asks)
    card = finding.match_card(chat, template_id, raw=raw)
    return render(request, "scripts/_preview.html", {"shown": card.shown, "template": template})


@require_POST
def copy_script(request, chat_id, template_id):
    """The one reply that holds a secret: for the person who typed it, kept nowhere."""
    _, code = _prepare(request, chat_id, template_id)
    reply = HttpResponse(code, content_type="text/plain; charset=utf-8")
    reply["HX-Trigger"] = "chat-changed"
    return reply


@require_POST
def download_script(request, chat_id, template_id):
    generation, code = _prepare(request, chat_id, template_id)
    return as_file(code, generation.name, generation.language)


@require_POST
def mark_script_run(request, chat_id, template_id):
    raw = forms.given_values(request.POST, get_template(template_id).asks)
    generation = services.mark_script_run(chat_id=chat_id, template_id=template_id, raw=raw, by=request.user)
    return changed(request, chat_id, generation.id)


@require_POST
def record_script_outcome(request, chat_id, generation_id):
    outcome = request.POST.get("outcome", "")
    services.record_script_outcome(chat_id=chat_id, generation_id=generation_id, outcome=outcome)
    return changed(request, chat_id, generation_id)


@require_GET
def script_uses(request, template_id):
    """Where a script of the library ran."""
    template = get_template(template_id)
    return render(request, "scripts/_uses.html", {"template": template, "uses": finding.script_uses(template.id)})


def _prepare(request, chat_id, template_id):
    raw = forms.given_values(request.POST, get_template(template_id).asks)
    return services.prepare_script(chat_id=chat_id, template_id=template_id, raw=raw, by=request.user)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("There is no such script.") from error
