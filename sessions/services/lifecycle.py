"""The life of a session beside its work: a pause, the archive, and opening it again."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.errors import Conflict
from sessions import queries
from sessions.models import ChatSession, NoteDraft

Status = ChatSession.Status


@transaction.atomic
def pause_chat(*, chat_id: UUID) -> ChatSession:
    """Lay an active session aside. Raises Conflict or NotFound."""
    return _move(chat_id, {Status.ACTIVE}, Status.PAUSED, "Only an active session can be paused.")


@transaction.atomic
def resume_chat(*, chat_id: UUID) -> ChatSession:
    """Go on with a paused session. Raises Conflict or NotFound."""
    return _move(chat_id, {Status.PAUSED}, Status.ACTIVE, "This session is not paused.")


@transaction.atomic
def archive_chat(*, chat_id: UUID) -> ChatSession:
    """Put a session away; it stays in the history. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    if any(each and each.is_under_way for each in map(queries.posting, (chat.resolution_batch, chat.escalation_batch))):
        raise Conflict("A part of this session is on its way to the ticket. Archive it once that is there.")
    return _move(chat_id, set(Status) - {Status.ARCHIVED}, Status.ARCHIVED, "This session is archived already.")


@transaction.atomic
def unarchive_chat(*, chat_id: UUID) -> ChatSession:
    """Bring a session back from the archive to where it was. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    is_handed_over = chat.escalated_at is not None and chat.picked_up_at is None and chat.escalated_by_id is not None
    before = Status.RESOLVED if chat.resolved_at else Status.ESCALATED if is_handed_over else Status.ACTIVE
    return _move(chat_id, {Status.ARCHIVED}, before, "This session is not in the archive.")


@transaction.atomic
def reopen_chat(*, chat_id: UUID) -> ChatSession:
    """Open a resolved session again; the note that is on the ticket stays there, and a new one can be posted. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    sent = queries.posting(chat.resolution_batch)
    if sent and sent.is_under_way:
        raise Conflict("A part of this session is on its way to the ticket. Open it again once that is there.")
    if chat.status != Status.RESOLVED:
        raise Conflict("Only a resolved session can be opened again.")
    chat.drafts.exclude(kind=NoteDraft.Kind.ESCALATION).delete()
    chat.status, chat.resolved_at, chat.reopened_at = Status.ACTIVE, None, timezone.now()
    chat.resolution_note_markdown, chat.resolution_note_posted_at, chat.resolution_note_external_id = "", None, ""
    chat.resolution_batch = None
    chat.save()
    return chat


def _move(chat_id: UUID, allowed: set, to: str, refusal: str) -> ChatSession:
    chat = ChatSession.objects.lock(chat_id)
    if chat.status not in allowed:
        raise Conflict(refusal)
    chat.status = to
    chat.save(update_fields=["status", "updated_at"])
    return chat
