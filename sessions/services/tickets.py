"""What joins sessions and tickets: a note written on the ticket's page, and the link itself."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import Conflict, Invalid, Unavailable
from psa import details, known
from psa import services as psa_services
from psa.delivery import KEY, defer_delivery
from psa.queries import connectwise_of, ticket_bundle
from sessions.models import ChatSession, SessionFact
from sessions.services._ticket_facts import add_facts, name_ticket
from sessions.services._turns import require_open
from sessions.services.chats import start_from_ticket

LONGEST_NOTE = 20_000  # characters
_LONGEST_FACT = 600


def add_ticket_note(
    *, account_id: UUID, ticket_id: int, text: str, is_internal: bool, by: User, client_key: UUID
) -> ChatSession:
    """Put a note for a ticket into the outbox, and what it says into the session that stands behind it.

    That is an open session on this ticket, the person's own first, or one made on the spot. A note that the customer sees carries the
    person's signature. The same key twice is one note. Raises Invalid, NotFound or Refused; where ConnectWise cannot be reached the note waits.
    """
    refuse_open_transaction()
    text = _checked(text)
    chat = _session_on(account_id, ticket_id, by)
    with account_scope(account_id):
        post = psa_services.enqueue_note(
            ticket_id=ticket_id,
            key=f"{KEY}{client_key}",
            text=text if is_internal or not by.signature else f"{text}\n\n{by.signature}",
            shown_in=["internal" if is_internal else "discussion"],
            by=by,
        )
        source = f"post:{post.id}"
        if not chat.facts.filter(source_ref=source).exists():
            chat = ChatSession.objects.advance(chat.id)
            words = " ".join(text.split())
            fact = words[:_LONGEST_FACT] + ("…" if len(words) > _LONGEST_FACT else "")
            SessionFact.objects.create(
                chat=chat, text=fact, source_type=SessionFact.SourceType.TICKET, source_ref=source, author=by
            )
            defer_delivery(account_id, ticket_id)
    details.doubt_ticket(account_id, ticket_id)
    return chat


def link_ticket(*, account_id: UUID, chat_id: UUID, ticket_id: int) -> ChatSession:
    """Put a session on a ticket, in place of another: its facts come in, the other's go. Moves the version.

    Asks ConnectWise first, with no scope open. Raises NotFound, Conflict (closed, or its note is on its way), Refused or Unavailable.
    """
    refuse_open_transaction()
    with account_scope(account_id):
        if _linkable(chat_id).ticket_id == ticket_id:
            return ChatSession.objects.get(pk=chat_id)
    bundle = ticket_bundle(connectwise_of(account_id), ticket_id)
    with account_scope(account_id):
        chat = _unlinked(chat_id)
        chat.save(update_fields=name_ticket(chat, bundle))
        add_facts(chat, bundle)
        return chat


@transaction.atomic
def unlink_ticket(*, chat_id: UUID) -> ChatSession:
    """Take a session off its ticket, with what the ticket told. Moves the version. Raises NotFound or Conflict."""
    if _linkable(chat_id).ticket_id is None:
        raise Conflict("This session has no ticket.")
    return _unlinked(chat_id)


def _unlinked(chat_id: UUID) -> ChatSession:
    """Return a session at its next version without a ticket and without what a ticket told."""
    _linkable(chat_id)
    chat = ChatSession.objects.advance(chat_id)
    told = chat.facts.filter(source_type=SessionFact.SourceType.TICKET, deleted_at=None)
    told.exclude(source_ref__startswith="post:").update(deleted_at=timezone.now())
    chat.ticket_id, chat.ticket_summary, chat.ticket_company, chat.ticket_contact = None, "", "", ""
    chat.save(update_fields=["ticket_id", "ticket_summary", "ticket_company", "ticket_contact", "updated_at"])
    return chat


def _linkable(chat_id: UUID) -> ChatSession:
    chat = ChatSession.objects.lock(chat_id)
    require_open(chat)
    if chat.resolution_batch or chat.escalation_batch:
        raise Conflict("What this session posted belongs to its ticket, so the link stays.")
    return chat


def _session_on(account_id: UUID, ticket_id: int, by: User) -> ChatSession:
    with account_scope(account_id):
        chats = ChatSession.objects.filter(ticket_id=ticket_id, status__in=["active", "paused"])
        found = sorted(chats.order_by("-updated_at"), key=lambda chat: chat.owner_id != by.id)
    if found:
        return found[0]
    try:
        return start_from_ticket(account_id=account_id, ticket_id=ticket_id, by=by)
    except Unavailable:
        return _start_unseen(account_id, ticket_id, by)


def _start_unseen(account_id: UUID, ticket_id: int, by: User) -> ChatSession:
    """Start a session on a ticket of which only what is known already can be said."""
    kept = known.peek(account_id, f"psa:ticket:{ticket_id}")
    summary = kept.value.summary[:200] if kept else f"Ticket #{ticket_id}"
    with account_scope(account_id):
        return ChatSession.objects.create(
            title=summary, owner=by, ticket_id=ticket_id, ticket_summary=summary, state_version=1
        )


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise Invalid("Write the note first.")
    if len(text) > LONGEST_NOTE:
        raise Invalid(f"That is {len(text):,} characters; a note takes {LONGEST_NOTE:,}. Your text is still here.")
    return text
