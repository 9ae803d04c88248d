"""Bringing a check or a fix over from a session like this one."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.errors import Conflict, NotFound
from sessions import lane
from sessions.models import ChatSession, SuggestedFix
from sessions.services._turns import require_open

_UNDER_WAY = {SuggestedFix.Outcome.VERIFYING, SuggestedFix.Outcome.WAITING}


@transaction.atomic
def bring_fix(*, chat_id: UUID, fix_id: UUID) -> ChatSession:
    """Suggest another session's fix in this one; it supersedes what was suggested. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    source = SuggestedFix.objects.select_related("chat").filter(pk=fix_id).first()
    if source is None:
        raise NotFound("That fix is no longer there.")
    if source.chat_id == chat.pk:
        raise Conflict("That fix is part of this session already.")
    active = chat.fixes.filter(superseded_at=None).first()
    if active and active.outcome in _UNDER_WAY:
        raise Conflict("A fix is being tried. Say first what came of it.")
    chat.fixes.filter(superseded_at=None).update(superseded_at=timezone.now())
    came = "It worked" if source.outcome == SuggestedFix.Outcome.SUCCESS else "It was tried"
    SuggestedFix.objects.create(
        chat=chat,
        title=source.title,
        rationale=f"{came} in “{source.chat.title}”. {source.rationale}".strip(),
        steps=source.steps,
        confidence=source.confidence,
        script=source.script,
    )
    return chat


@transaction.atomic
def bring_check(*, chat_id: UUID, from_id: UUID, item_id: str) -> ChatSession:
    """Put another session's check into this one's lane. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    source = chat if from_id == chat.pk else ChatSession.objects.filter(pk=from_id).first()
    if source is None:
        raise NotFound("That session is no longer there.")
    chat.pending_task_lane = lane.bring(chat.pending_task_lane, lane.find(source.pending_task_lane, item_id))
    chat.save(update_fields=["pending_task_lane", "updated_at"])
    return chat
