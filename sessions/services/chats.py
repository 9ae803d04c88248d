"""Starting a session, from a ticket or from words."""

from uuid import UUID

from django.db import transaction

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import Invalid
from psa.queries import TicketBundle, connectwise_of, ticket_bundle
from sessions.models import ChatSession, Turn
from sessions.services._ticket_facts import add_facts, name_ticket
from sessions.services._turns import queue_turn
from sessions.services.turns import LONGEST_MESSAGE

LONGEST_TITLE = 200  # characters


def start_from_ticket(*, account_id: UUID, ticket_id: int, by: User) -> ChatSession:
    """Start a session on a ticket: its summary, first note, company, contact and configurations are facts already.

    Asks ConnectWise first, with no scope open. Raises NotFound, Refused or Unavailable. An open session that the same person has on this
    ticket is gone on with.
    """
    refuse_open_transaction()
    with account_scope(account_id):
        mine = ChatSession.objects.filter(ticket_id=ticket_id, owner=by, status=ChatSession.Status.ACTIVE).first()
    if mine:
        return mine
    bundle = ticket_bundle(connectwise_of(account_id), ticket_id)
    with account_scope(account_id):
        return _keep(bundle, by)


@transaction.atomic
def start_from_words(*, text: str, by: User, client_key: UUID) -> ChatSession:
    """Start a session on what somebody typed, and queue its first answer. Raises Invalid. The same key twice is one session."""
    text = text.replace("\x00", "").strip()
    if not text:
        raise Invalid("Describe the problem, or give a ticket number.")
    if len(text) > LONGEST_MESSAGE:
        raise Invalid(f"That is {len(text):,} characters; {LONGEST_MESSAGE:,} is the most. Your text is still here.")
    already = Turn.objects.filter(client_key=client_key).select_related("chat").first()
    if already:
        return already.chat
    title = text.splitlines()[0][:80]
    chat = ChatSession.objects.create(title=title, problem=text, owner=by)
    queue_turn(chat, text=text, kind=Turn.Kind.MESSAGE, by=by, client_key=client_key)
    return chat


@transaction.atomic
def rename_chat(*, chat_id: UUID, title: str) -> ChatSession:
    """Give a session a title by hand; no answer renames it from then on. Raises Invalid or NotFound."""
    title = " ".join(title.replace("\x00", "").split())
    if not title:
        raise Invalid("A session needs a title. Write a few words.")
    if len(title) > LONGEST_TITLE:
        raise Invalid(f"That is {len(title)} characters; a title takes {LONGEST_TITLE}. Your text is still here.")
    chat = ChatSession.objects.lock(chat_id)
    chat.title, chat.is_named_by_hand = title, True
    chat.save(update_fields=["title", "is_named_by_hand", "updated_at"])
    return chat


def _keep(bundle: TicketBundle, by: User) -> ChatSession:
    chat = ChatSession(title=bundle.ticket.summary[:LONGEST_TITLE], owner=by, state_version=1)
    name_ticket(chat, bundle)
    chat.save(force_insert=True)
    add_facts(chat, bundle)
    return chat
