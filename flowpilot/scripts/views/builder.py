from uuid import UUID, uuid4

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid
from flowpilot.providers.ai import calls
from flowpilot.scripts import queries
from flowpilot.scripts.checking import check
from flowpilot.scripts.comparing import compare
from flowpilot.scripts.languages import CHOICES, LANGUAGES
from flowpilot.scripts.risks import find_risks, summary
from flowpilot.scripts.services import builder as services
from flowpilot.scripts.services.templates import may_edit


@require_GET
@own_scope
def builder(request):
    """The person's chats, and the start of another."""
    is_on = async_to_sync(calls.is_on)(request.account_id, "script_builder")
    with account_scope(request.account_id):
        return render(request, "scripts/builder.html", {**_mine(request), "is_on": is_on})


@require_GET
@own_scope
def builder_pane(request, template_id):
    """The builder beside a script of the library."""
    with account_scope(request.account_id):
        found = queries.get_template(template_id)
    if not request.htmx:
        return redirect(found)
    is_on = async_to_sync(calls.is_on)(request.account_id, "script_builder")
    with account_scope(request.account_id):
        chats = queries.conversations(request.user, template=found, limit=5)
        return render(request, "scripts/_builder_pane.html", {"template": found, "chats": chats, "is_on": is_on})


@require_POST
def start_conversation(request):
    template = request.POST.get("template", "")
    started = services.start_conversation(
        language=request.POST.get("language", ""), by=request.user, template_id=_id(template) if template else None
    )
    text = request.POST.get("text", "").strip()
    if text:
        services.ask_builder(conversation_id=started.id, text=text, by=request.user, client_key=started.id)
    return _go(request, started.get_absolute_url())


@require_GET
def conversation(request, conversation_id):
    found = queries.get_conversation(conversation_id)
    context = {**_mine(request), "is_on": True, **_chat(request, found)}
    if request.htmx:  # the page asks again while the builder writes
        return render(request, "scripts/_builder.html#changed", context)
    return render(request, "scripts/builder.html", context)


@require_POST
def ask_builder(request, conversation_id):
    try:
        key = UUID(request.POST.get("client_key", ""))
    except ValueError as error:
        raise Invalid("This page is out of date. Reload it; what you typed is kept.") from error
    services.ask_builder(
        conversation_id=conversation_id, text=request.POST.get("text", ""), by=request.user, client_key=key
    )
    return _changed(request, conversation_id)


@require_POST
def retry_builder(request, conversation_id):
    services.retry_builder(conversation_id=conversation_id)
    return _changed(request, conversation_id)


@require_POST
def save_built(request, conversation_id):
    number = request.POST.get("number", "")
    kept = services.save_built(
        conversation_id=conversation_id,
        number=int(number) if number.isdecimal() and len(number) < 6 else 0,
        by=request.user,
    )
    return _go(request, kept.get_absolute_url())


def _changed(request, conversation_id):
    if not request.htmx:
        return redirect("scripts:conversation", conversation_id)
    found = queries.get_conversation(conversation_id)
    return render(request, "scripts/_builder.html#changed", {**_mine(request), **_chat(request, found)})


def _mine(request) -> dict:
    shown = {"conversations": queries.conversations(request.user), "languages": CHOICES}
    return {"at": "scripts", "conversation": None, "client_key": uuid4(), **shown}


def _chat(request, found) -> dict:
    """Return a chat with its versions; one of them is looked at, the newest unless another was asked for."""
    said = queries.exchanges(found)
    versions = [each for each in said if each.code.strip() and not each.is_live]
    asked = request.GET.get("version", "")
    at = next((place for place, each in enumerate(versions) if str(each.number) == asked), len(versions) - 1)
    live = next((each for each in said if each.is_live), None)
    writing = live if live is not None and live.code.strip() and not asked else None
    shown = writing or (versions[at] if versions else None)
    code = shown.code if shown else found.opening_code
    before = versions[at - 1].code if at > 0 and not writing else found.opening_code
    is_editor = found.template is not None and may_edit(found.template, request.user)
    return {
        "conversation": found,
        "exchanges": said,
        "versions": versions,
        "shown": shown,
        "live": live,
        "code": code,
        "lexer": LANGUAGES[found.language].lexer,
        "risks": summary(find_risks(code, found.language)),
        "report": check(code, found.language) if code and not writing else None,
        "difference": compare(before, code) if shown and before and not writing else None,
        "saves_as": f"v{found.template.version + 1}" if is_editor else "template",
    }


def _go(request, url: str):
    if not request.htmx:
        return redirect(url)
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("There is no such script.") from error
