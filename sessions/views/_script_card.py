"""What the card of a session's script shows: one context for the page, a reply and a reload."""

from uuid import UUID

from django.shortcuts import redirect, render
from django.urls import reverse

from flowpilot.accounts.preferences import get_setting
from flowpilot.errors import Invalid
from flowpilot.scripts.checking import check
from flowpilot.scripts.languages import CHOICES, LANGUAGES
from flowpilot.scripts.risks import find_risks, summary
from sessions import queries
from sessions.queries import drafts
from sessions.queries import scripts as finding
from sessions.views._panels import panels
from sessions.views.drafts import review


def choose(request, chat) -> dict:
    """Return what the card shows: what was asked for, else the newest draft, else the best match, else the ways to get one."""
    if not chat.is_open:
        return _after_resolve(request, chat)
    fix = queries.fix_panel(chat).active
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    asked = request.GET.get("template", "")
    found = finding.matches(chat, fix, text=text)
    if asked:
        percent = next((each.percent for each in found if str(each.template.id) == asked), 0)
        return _match(chat, _id(asked), percent, found, text)
    draft = None if text else finding.latest_draft(chat, fix)
    if draft:
        return draft_card(chat, draft)
    if found and found[0].is_good and not text:
        return _match(chat, found[0].template.id, found[0].percent, found, text)
    return {
        "chat": chat,
        "fix": fix,
        "others": found[: finding.MOST_OTHERS],
        "best": found[0] if found else None,
        "q": text,
        "languages": CHOICES,
    }


def _after_resolve(request, chat) -> dict:
    """Return the review of the session's drafts, unless the account only counts them; else what could still be kept."""
    context = {"chat": chat, "after_resolve": True, "draft": None, "offered": []}
    if get_setting(request.user.account, "scripts.after_resolve", "ask") != "ask" or chat.status != "resolved":
        return context
    waiting = drafts.drafts_of(chat)
    if waiting:
        return {**context, **review(drafts.get_draft(waiting[0].id), waiting), "came_from": "session"}
    return {**context, "offered": drafts.scripts_to_offer(chat)}


def _match(chat, template_id, percent, found, text) -> dict:
    card = finding.match_card(chat, template_id, percent=percent)
    others = [each for each in found if each.template.id != template_id][: finding.MOST_OTHERS]
    return {"chat": chat, "card": card, "shown": card.shown, "fields": card.fields, "others": others, "q": text}


def draft_card(chat, generation) -> dict:
    if not generation.is_draft:
        return {"chat": chat, "ran": generation}
    code, language = generation.rendered, generation.language
    looked = {
        "risks": summary(find_risks(code, language)),
        "report": check(code, language) if not generation.is_live else None,
    }
    return {"chat": chat, "generation": generation, "lexer": LANGUAGES[language].lexer, **looked}


def changed(request, chat_id, generation_id):
    """Redraw the session's panels and the script's card."""
    if not request.htmx:
        return redirect(f"{reverse('sessions:script-panel', args=[chat_id])}")
    chat = queries.get_chat(chat_id)
    generation = finding.get_generation(chat, generation_id)
    shown = draft_card(chat, generation) if generation.ran_at is None else {"ran": generation}
    context = {**panels(chat), "turn": None, "undo": None, **shown}
    response = render(request, "sessions/_script_changed.html", context)
    response["HX-Trigger"] = "chat-changed"
    return response


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("There is no such script.") from error
