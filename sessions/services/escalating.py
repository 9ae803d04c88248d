"""Handing a session over: the package to the ticket, a new owner or a co-assignee, and the way back."""

from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid
from psa import services as psa
from psa.models import PsaMemberLink
from sessions import queries
from sessions.models import ChatSession, NoteDraft, SessionFact
from sessions.services._posts import defer_posts, keep_posted, require_no_secret, require_seen
from sessions.services._turns import require_open

Status, PACKAGE = ChatSession.Status, NoteDraft.Kind.ESCALATION
OWNER, BESIDE = "owner", "beside"  # what the next person becomes on the ticket


@dataclass(frozen=True)
class AskForm:
    """What only the person who hands over can say."""

    ask: str = ""
    due: str = ""
    client: str = ""


@dataclass(frozen=True)
class HandOverForm:
    """What the technician agreed to: the package as it was shown, who gets it, and what becomes of the ticket."""

    package: str
    seen_version: int
    ask: AskForm
    member_id: int | None = None  # of the ticket system
    member_name: str = ""
    user_id: UUID | None = None  # where there is no ticket
    role: str = OWNER
    is_staying: bool = False  # whether the one who hands over stays on the ticket
    status_id: int | None = None
    status_name: str = ""
    status_before: str = ""
    confirmed: list[str] = field(default_factory=list)


@transaction.atomic
def save_ask(*, chat_id: UUID, form: AskForm) -> ChatSession:
    """Keep what is asked of the next person; the package shows it at once. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    require_open(chat)
    _take_ask(chat, form)
    return chat


@transaction.atomic
def escalate_chat(*, chat_id: UUID, form: HandOverForm, by: User, client_key: UUID) -> ChatSession:
    """Hand a session over; a worker brings the package, and what goes along, to the ticket.

    Raises Invalid (SecretFound among it), StaleNote, Conflict or NotFound. The same `client_key` twice is one hand-over.
    """
    chat = ChatSession.objects.lock(chat_id)
    if chat.escalation_batch == client_key:
        return chat
    require_open(chat)
    to, name = _next_person(chat, form)
    if to and to.pk == by.pk:
        raise Invalid("Choose somebody else: this session is with you already.")
    require_seen(chat, form.seen_version, [(form.package, queries.reading(chat, PACKAGE))])
    _take_ask(chat, form.ask)
    package = queries.reading(chat, PACKAGE)
    require_no_secret(form.confirmed, package.markdown)
    if chat.ticket_id:
        _enqueue(chat, package.markdown, form, by, client_key)
    keep_posted(chat, package, by)
    _hand_over(chat, package.markdown, to, name, by, client_key)
    if chat.ticket_id:
        defer_posts(chat)
    return chat


@transaction.atomic
def pick_up(*, chat_id: UUID, by: User) -> ChatSession:
    """Take over a session that was handed over; from now on it is the person's own. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    if chat.status != Status.ESCALATED:
        raise Conflict("Nobody has to pick this session up, or somebody was faster.")
    chat.status, chat.owner, chat.picked_up_at = Status.ACTIVE, by, timezone.now()
    chat.save(update_fields=["status", "owner", "picked_up_at", "updated_at"])
    return chat


@transaction.atomic
def hand_back(*, chat_id: UUID, reason: str, by: User) -> ChatSession:
    """Give a session back to whoever handed it over; the reason becomes a fact. Raises Invalid, Conflict or NotFound."""
    reason = " ".join(reason.replace("\x00", "").split())
    if not reason:
        raise Invalid("Say in one line why you hand it back.")
    if len(reason) > 500:
        raise Invalid("Keep the reason under 500 characters; the details fit in the chat.")
    chat = ChatSession.objects.advance(chat_id)
    is_with_me = chat.status == Status.ESCALATED or (chat.is_open and chat.picked_up_at is not None)
    if not is_with_me or chat.escalated_by_id is None:
        raise Conflict("This session was not handed over, so it cannot go back.")
    chat.status, chat.owner = Status.ACTIVE, chat.escalated_by
    chat.escalated_to, chat.escalated_to_name, chat.picked_up_at, chat.escalated_by = None, "", None, None
    chat.save()
    SessionFact.objects.create(
        chat=chat, text=f"Handed back by {by}: {reason}", source_type=SessionFact.SourceType.HAND, author=by
    )
    return chat


def _take_ask(chat: ChatSession, form: AskForm) -> None:
    chat.escalation_ask = " ".join(form.ask.replace("\x00", "").split())[:2000]
    chat.escalation_due = " ".join(form.due.replace("\x00", "").split())[:200]
    chat.escalation_client = " ".join(form.client.replace("\x00", "").split())[:500]
    chat.save(update_fields=["escalation_ask", "escalation_due", "escalation_client", "updated_at"])


def _next_person(chat: ChatSession, form: HandOverForm) -> tuple[User | None, str]:
    """Return who gets the session: their account here, if they have one, and their name. Raises Invalid."""
    if form.user_id and not chat.ticket_id:
        user = User.objects.filter(pk=form.user_id, is_active=True).first()
        if user:
            return user, str(user)
    if form.member_id and chat.ticket_id:
        link = PsaMemberLink.objects.select_related("user").filter(member_id=form.member_id).first()
        return (link.user if link else None), form.member_name[:200] or f"Member {form.member_id}"
    raise Invalid("Choose who gets the session.")


def _enqueue(chat: ChatSession, text: str, form: HandOverForm, by: User, client_key: UUID) -> None:
    ticket, key, slots = chat.ticket_id, str(client_key), (psa.Slot(client_key, place) for place in count())
    assert ticket is not None
    assert form.member_id is not None
    psa.enqueue_note(
        ticket_id=ticket, key=key, text=text, shown_in=["internal"], by=by, role="package", slot=next(slots)
    )
    enqueue = psa.enqueue_resource if form.role == BESIDE else psa.enqueue_owner
    enqueue(ticket_id=ticket, key=key, member_id=form.member_id, name=form.member_name[:200], by=by, slot=next(slots))
    mine = PsaMemberLink.objects.filter(user=by).first()
    if form.is_staying and form.role != BESIDE and mine and mine.member_id != form.member_id:
        psa.enqueue_resource(ticket_id=ticket, key=key, member_id=mine.member_id, name=str(by), by=by, slot=next(slots))
    if form.status_id is not None:
        psa.enqueue_status(
            ticket_id=ticket,
            key=key,
            status_id=form.status_id,
            status_name=form.status_name,
            before=form.status_before,
            by=by,
            slot=next(slots),
        )


def _hand_over(chat: ChatSession, text: str, to: User | None, name: str, by: User, client_key: UUID) -> None:
    chat.status, chat.escalated_to, chat.escalated_to_name = Status.ESCALATED, to, name
    chat.escalated_by, chat.escalated_at, chat.picked_up_at = by, timezone.now(), None
    chat.escalation_package_markdown, chat.escalation_batch = text, client_key
    chat.escalation_package_posted_at, chat.escalation_package_external_id = None, ""
    chat.save()
