"""Deciding on the suggested fix. The steps that are allowed stand in `_STEPS`; any other is refused.

What becomes of its script is decided where that is read (`services/scripts.py`).
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid, NotFound
from sessions.models import ChatSession, SessionFact, SuggestedFix, Turn
from sessions.services._scripts import settle_scripts
from sessions.services._turns import queue_turn, require_open

Outcome, Decision = SuggestedFix.Outcome, SuggestedFix.Decision
_STEPS: dict[str, set[str]] = {
    Outcome.NONE: {Outcome.VERIFYING},
    Outcome.VERIFYING: {Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED, Outcome.WAITING},
    Outcome.WAITING: {Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED},
}
_BECOMES_FACT = {
    Outcome.SUCCESS: "Fixed by: {title}",
    Outcome.PARTIAL: "Tried: {title}. It helped partly",
    Outcome.FAILED: "Tried: {title}. It didn’t work",
}
_LONGEST_REASON = 500


@transaction.atomic
def apply_fix(*, chat_id: UUID, fix_id: UUID) -> ChatSession:
    """Record that the technician carries the fix out; a decision made before stands. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    fix = _active(chat, fix_id)
    if fix.user_decision == Decision.PENDING:
        _decide(fix, Decision.ONE_OFF if fix.script else Decision.ACCEPTED)
    _apply(fix)
    fix.save(update_fields=["user_decision", "outcome", "applied_at", "updated_at"])
    return chat


@transaction.atomic
def record_outcome(
    *,
    chat_id: UUID,
    fix_id: UUID,
    outcome: str,
    reason: str,
    by: User,
    client_key: UUID | None = None,
    remind_at: datetime | None = None,
) -> tuple[ChatSession, Turn | None]:
    """Record what came of an applied fix; with a `client_key`, tell the assistant and queue its answer.

    Raises Invalid, Conflict or NotFound. What worked or failed becomes a fact; what waits may name when to look again.
    """
    reason = _reason(reason)
    if outcome not in {Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED, Outcome.WAITING}:
        raise Invalid("There is no such outcome.")
    if outcome == Outcome.WAITING and not reason:
        raise Invalid("Say what you are waiting for, in one line.")
    chat = ChatSession.objects.advance(chat_id)
    fix = _active(chat, fix_id)
    _step(fix, outcome)
    fix.reason = reason
    fix.verified_at = timezone.now() if outcome == Outcome.SUCCESS else None
    fix.remind_at = remind_at if outcome == Outcome.WAITING else None
    fix.save(update_fields=["outcome", "reason", "verified_at", "remind_at", "updated_at"])
    settle_scripts(fix)
    if outcome in _BECOMES_FACT:
        _add_fact(chat, fix, _BECOMES_FACT[Outcome(outcome)], by)
    turn = _tell(chat, fix, by, client_key) if client_key else None
    return chat, turn


@transaction.atomic
def remind_of_fix(*, chat_id: UUID, fix_id: UUID, remind_at: datetime | None) -> ChatSession:
    """Change when to look again at a fix that waits. No note says it, so the version stays. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    fix = _active(chat, fix_id)
    if fix.outcome != Outcome.WAITING:
        raise Conflict("This fix waits for nothing any more. The panel shows where it stands.")
    fix.remind_at = remind_at
    fix.save(update_fields=["remind_at", "updated_at"])
    return chat


@transaction.atomic
def dismiss_fix(
    *, chat_id: UUID, fix_id: UUID, reason: str, by: User, client_key: UUID | None = None
) -> tuple[ChatSession, Turn | None]:
    """Dismiss a fix that was not applied; that supersedes it. Raises Invalid, Conflict or NotFound."""
    reason = _reason(reason)
    if not reason:
        raise Invalid("Say in one line why this fix is not the one.")
    chat = ChatSession.objects.advance(chat_id)
    fix = _active(chat, fix_id)
    if fix.outcome != Outcome.NONE:
        raise Conflict("This fix was applied already. Say what came of it instead.")
    _decide(fix, Decision.DISMISSED)
    fix.reason, fix.superseded_at = reason, timezone.now()
    fix.save(update_fields=["user_decision", "reason", "superseded_at", "updated_at"])
    turn = _tell(chat, fix, by, client_key) if client_key else None
    return chat, turn


def _active(chat: ChatSession, fix_id: UUID) -> SuggestedFix:
    require_open(chat)
    fix = chat.fixes.filter(pk=fix_id).first()
    if fix is None:
        raise NotFound("That fix is not part of this session.")
    if fix.superseded_at is not None:
        raise Conflict("A newer suggestion has replaced this fix.")
    return fix


def _decide(fix: SuggestedFix, decision: str) -> None:
    if fix.user_decision != Decision.PENDING:
        raise Conflict("This fix was decided on already. The panel shows where it stands.")
    fix.user_decision = decision


def _apply(fix: SuggestedFix) -> None:
    _step(fix, Outcome.VERIFYING)
    fix.applied_at = timezone.now()


def _step(fix: SuggestedFix, outcome: str) -> None:
    if outcome not in _STEPS.get(fix.outcome, set()):
        raise Conflict("That step is not open any more; this fix has moved on. The panel shows where it stands.")
    fix.outcome = outcome


def _add_fact(chat: ChatSession, fix: SuggestedFix, template: str, by: User) -> None:
    text = template.format(title=fix.title.rstrip(".")) + (f": {fix.reason}" if fix.reason else "")
    SessionFact.objects.create(
        chat=chat, text=text[:1000], source_type=SessionFact.SourceType.FIX, source_ref=str(fix.id), author=by
    )


def _tell(chat: ChatSession, fix: SuggestedFix, by: User, client_key: UUID) -> Turn:
    words = {
        Outcome.SUCCESS: "worked",
        Outcome.PARTIAL: "helped partly",
        Outcome.FAILED: "didn’t work",
        Outcome.WAITING: "waits",
    }
    came = "was dismissed" if fix.user_decision == Decision.DISMISSED else words[Outcome(fix.outcome)]
    text = f"The fix “{fix.title}” {came}." + (f" {fix.reason}" if fix.reason else "")
    return queue_turn(chat, text=text, kind=Turn.Kind.FIX, by=by, client_key=client_key)


def _reason(reason: str) -> str:
    reason = " ".join(reason.replace("\x00", "").split())
    if len(reason) > _LONGEST_REASON:
        raise Invalid(f"Keep the reason under {_LONGEST_REASON} characters; the details fit in the chat.")
    return reason
