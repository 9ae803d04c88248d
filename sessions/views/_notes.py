"""What the pages that post show: one context, so that a reply leaves the page as a reload would."""

from uuid import uuid4

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import User
from flowpilot.accounts.preferences import all_settings
from flowpilot.errors import Invalid
from flowpilot.providers.ai import calls
from psa.queries import member_of
from sessions import queries
from sessions.models import ChatSession, NoteDraft, SuggestedFix

Kind = NoteDraft.Kind


def resolution_context(chat: ChatSession, user: User) -> dict:
    """Return what the resolution page shows, before anybody tried to post."""
    state = queries.note_state(chat)
    internal, client = (queries.reading(chat, kind, state) for kind in (Kind.RESOLUTION, Kind.CLIENT))
    posting = queries.posting(chat.resolution_batch)
    rules = all_settings(chat.account_id)
    above, below = queries.framing(chat, user)
    fix_panel = queries.fix_panel(chat)
    return {
        "chat": chat,
        "internal": internal,
        "client": client,
        "readings": [(each, queries.parts(each, state)) for each in (internal, client)],
        "posting": posting,
        "is_form_open": chat.is_open and (posting is None or posting.lead.is_stuck),
        "fix_panel": fix_panel,
        "client_key": uuid4(),
        "worked": queries.worked(chat),
        **_how_it_went(chat, fix_panel),
        "is_linked": member_of(user) is not None,
        "invoice_text": _invoice_text(client),
        "ai_problem": "",
        "is_being_worded": False,
        "is_ai_asked": is_ai_asked(chat, "resolution_note", internal, client),
        "is_editing": False,
        "stale": None,
        "secrets": queries.secrets(internal.markdown, client.markdown),
        "chosen": {rules["notes.default_tab"]},
        "is_time_offered": rules["time.offer"],
        "billable": rules["time.billable"],
        "billings": SETTINGS["time.billable"].choices,
        "above": above,
        "below": below,
    }


def _how_it_went(chat: ChatSession, fix_panel: queries.FixPanel) -> dict:
    every = [*fix_panel.earlier, *fix_panel.ruled_out, *([fix_panel.active] if fix_panel.active else [])]
    outcomes = [fix.outcome for fix in every if fix.outcome != SuggestedFix.Outcome.NONE]
    worked = outcomes.count(SuggestedFix.Outcome.SUCCESS)
    ended = queries.ended(chat)
    return {"ended": ended, "cost": queries.cost(chat), "fixes_tried": len(outcomes), "fixes_worked": worked}


def is_ai_asked(chat: ChatSession, service: str, *readings: queries.Shown) -> bool:
    """Return whether the page should ask for a model's words: it is open, by rule so far, and there is an AI to ask."""
    if not chat.is_open or any(each.origin != "rules" for each in readings):
        return False
    return async_to_sync(calls.is_on)(chat.account_id, service)


def _invoice_text(client: queries.Shown) -> str:
    """Return what the customer's reading says was reported and done: its farewell is not for an invoice."""
    told = [each.text for each in client.document.sentences if each.is_supported and "please reply" not in each.text]
    return " ".join(told)


def to_page(request, name: str, chat_id) -> HttpResponse:
    """Send the browser to a session's page, with htmx or without."""
    url = reverse(f"sessions:{name}", args=[chat_id])
    if not request.htmx:
        return redirect(url)
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response


def number(request, name: str) -> int:
    """Return a number of the form. Raises Invalid."""
    value = request.POST.get(name, "")
    if not value.isdecimal():
        raise Invalid("This page is out of date. Reload it; what you typed is kept.")
    return int(value)


def kind_of(request) -> str:
    """Return which of a session's documents the form is about. Raises Invalid."""
    kind = request.POST.get("kind", "")
    if kind not in Kind.values:
        raise Invalid("There is no such note. Reload the page.")
    return kind
