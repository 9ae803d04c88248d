"""Rows of a session as tests want them. Each needs its account's scope open."""

from uuid import uuid4

from django.utils import timezone

from sessions.models import ChatSession, SessionFact, SuggestedFix, Turn
from sessions.script_models import ScriptGeneration

STALE_TOKEN = "Clear the stale token"


def make_item(text="Does webmail work?", *, kind="question", **fields) -> dict:
    """An item of the task lane, open unless told otherwise."""
    blank = {"why": "", "answer_kind": "yes_no", "choices": [], "command": "", "expect": ""}
    closed = {"state": "open", "answer": "", "answered_by": "", "answered_at": "", "is_told": False, "turn": ""}
    return {"id": str(uuid4()), "kind": kind, "text": text, **blank, **closed, **fields}


def make_chat(**fields) -> ChatSession:
    return ChatSession.objects.create(**{"title": "Outlook asks for a password", **fields})


def make_turn(chat, **fields) -> Turn:
    defaults = {"number": chat.turns.count() + 1, "client_key": uuid4(), "text": "Outlook asks for a password."}
    return Turn.objects.create(chat=chat, **{**defaults, **fields})


def make_fact(chat, text="Only this user is affected", **fields) -> SessionFact:
    return SessionFact.objects.create(chat=chat, text=text, **{"source_type": "hand", **fields})


def make_fix(chat, title=STALE_TOKEN, **fields) -> SuggestedFix:
    defaults = {"rationale": "The token is from before MFA", "steps": ["Quit Outlook", "Clear it"], "confidence": 80}
    return SuggestedFix.objects.create(chat=chat, title=title, **{**defaults, **fields})


def at(fix, outcome):
    """Put a fix where an earlier step would have left it."""
    fix.outcome = outcome
    if outcome != "none":
        fix.user_decision, fix.applied_at = "accepted", timezone.now()
    fix.save()


def make_draft(chat, status, **fields):
    """A script that an AI drafts; call it inside the account's scope."""
    return ScriptGeneration.objects.create(
        chat=chat, kind="draft", name="Restart it", language="bash", status=status, **fields
    )
