"""What we know: adding, editing and removing by hand."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid, NotFound
from sessions.models import ChatSession, SessionFact
from sessions.services._turns import require_open

LONGEST_FACT = 1000  # characters


@transaction.atomic
def add_fact(*, chat_id: UUID, text: str, by: User) -> ChatSession:
    """Add a fact by hand. Raises Invalid, Conflict or NotFound."""
    text = _checked(text)
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    SessionFact.objects.create(chat=chat, text=text, source_type=SessionFact.SourceType.HAND, author=by)
    return chat


@transaction.atomic
def edit_fact(*, chat_id: UUID, fact_id: UUID, text: str, by: User) -> ChatSession:
    """Change a fact's words; it then stands in the person's name. Raises Invalid, Conflict or NotFound."""
    text = _checked(text)
    chat = ChatSession.objects.advance(chat_id)
    fact = _find(chat, fact_id)
    if fact.is_answer:
        raise Conflict("This fact is an answer from the task lane. Change the answer there.")
    fact.text, fact.author = text, by
    fact.save(update_fields=["text", "author", "updated_at"])
    return chat


@transaction.atomic
def remove_fact(*, chat_id: UUID, fact_id: UUID) -> ChatSession:
    """Take a fact out of the session; `restore_fact` brings it back. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    fact = _find(chat, fact_id)
    if fact.is_answer:
        raise Conflict("This fact is an answer from the task lane. Take the answer back there.")
    fact.deleted_at = timezone.now()
    fact.save(update_fields=["deleted_at", "updated_at"])
    return chat


@transaction.atomic
def restore_fact(*, chat_id: UUID, fact_id: UUID) -> ChatSession:
    """Bring a removed fact back. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    fact = _find(chat, fact_id, is_removed=True)
    if fact.is_answer:
        raise Conflict("This fact was an answer from the task lane. Answer the task again there.")
    fact.deleted_at = None
    fact.save(update_fields=["deleted_at", "updated_at"])
    return chat


def _find(chat: ChatSession, fact_id: UUID, *, is_removed: bool = False) -> SessionFact:
    require_open(chat)
    fact = chat.facts.filter(pk=fact_id, deleted_at__isnull=not is_removed).first()
    if fact is None:
        raise NotFound("That fact is no longer part of this session.")
    return fact


def _checked(text: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if not text:
        raise Invalid("A fact needs words. Write one line.")
    if len(text) > LONGEST_FACT:
        raise Invalid(f"That is {len(text):,} characters; a fact takes {LONGEST_FACT:,}. Your text is still here.")
    return text
