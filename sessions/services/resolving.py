"""Resolving a session: posting its note with what goes along, trying a refused part again, closing it without a ticket."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid, NotFound, StaleState
from psa import delivery
from psa import services as psa
from psa.models import PsaPost
from sessions import queries
from sessions.models import ChatSession, NoteDraft
from sessions.services._posts import (
    defer_posts,
    keep_posted,
    refuse_posted,
    require_no_secret,
    require_outcome,
    require_seen,
)

BILLABLE = {"Billable", "DoNotBill", "NoCharge"}
INTERNAL, CUSTOMERS = "internal", ("discussion", "resolution")
Kind = NoteDraft.Kind


@dataclass(frozen=True)
class TimeForm:
    """The time entry as the technician agreed to it. Real minutes: nothing is rounded, and gaps are not filled."""

    minutes: int
    work_type_id: int | None = None
    work_type: str = ""
    billable: str = ""
    invoice_text: str = ""


@dataclass(frozen=True)
class NoteForm:
    """What the technician agreed to: both readings as they were shown, the version they were made on, and where they go.

    The internal reading goes to the Internal tab only; Discussion and Resolution, which customers read, take the client-safe one.
    """

    internal: str
    client: str
    seen_version: int
    shown_in: list[str]
    status_id: int | None = None
    status_name: str = ""
    status_before: str = ""
    time: TimeForm | None = None
    is_owner_taken: bool = False  # whether the ticket becomes the technician's own
    confirmed: list[str] = field(default_factory=list)  # marks of the likely secrets that may leave


@transaction.atomic
def post_note(*, chat_id: UUID, form: NoteForm, by: User, client_key: UUID) -> ChatSession:
    """Put the note, and what was chosen to go along, into the outbox; a worker brings them to the ticket.

    Raises Invalid (SecretFound among it), StaleNote, Conflict or NotFound. The same `client_key` twice is one post.
    """
    chat = ChatSession.objects.lock(chat_id)
    if chat.resolution_batch == client_key:
        return chat
    refuse_posted(chat)
    if chat.ticket_id is None:
        raise Invalid("This session has no ticket to post to.")
    places = set(form.shown_in)
    if not places or not places <= {INTERNAL, *CUSTOMERS}:
        raise Invalid("Choose where the note is shown: Internal, Discussion or Resolution.")
    require_outcome(chat)
    readings = _chosen(chat, places)
    seen = {Kind.RESOLUTION.value: form.internal, Kind.CLIENT.value: form.client}
    require_seen(chat, form.seen_version, [(seen[each.kind], each) for each in readings])
    if not all(each.markdown for each in readings):
        raise Invalid("The note is empty. Write it, or rebuild it from the session.")
    invoice = form.time.invoice_text if form.time else ""
    require_no_secret(form.confirmed, *(each.markdown for each in readings), invoice)
    _enqueue(chat, readings, form, by, client_key)
    _keep(chat, by, client_key)
    defer_posts(chat)
    return chat


@transaction.atomic
def retry_post(*, chat_id: UUID, post_id: UUID) -> ChatSession:
    """Try one part again that ConnectWise refused, after a person has looked. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    batches = [batch for batch in (chat.resolution_batch, chat.escalation_batch) if batch]
    if not PsaPost.objects.filter(pk=post_id, batch__in=batches).exists():
        raise NotFound("That is not part of what this session posted.")
    psa.retry(post_id)
    defer_posts(chat)
    return chat


@transaction.atomic
def retry_any_post(*, post_id: UUID) -> PsaPost:
    """Try a refused post again wherever it was written: with a session's notes, or on a ticket's page. Raises Conflict or NotFound."""
    post = psa.retry(post_id)
    if delivery.KEY in post.idempotency_key:
        delivery.defer_delivery(post.account_id, post.ticket_id)
        return post
    of_its_batch = Q(resolution_batch=post.batch) | Q(escalation_batch=post.batch)
    chat = ChatSession.objects.filter(of_its_batch, ticket_id=post.ticket_id).first() if post.batch else None
    if chat is None:
        raise Conflict("Its session has posted something newer, or is gone.")
    defer_posts(chat)
    return post


@transaction.atomic
def resolve_chat(*, chat_id: UUID, seen_version: int, by: User) -> ChatSession:
    """Close a session that has no ticket; its note stays here. Raises StaleState, Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    refuse_posted(chat)
    if chat.ticket_id is not None:
        raise Conflict("This session has a ticket: post its note to resolve it.")
    require_outcome(chat)
    if seen_version != chat.state_version:
        raise StaleState("This session changed while you were looking at it. Look at what changed, then try again.")
    for kind in (Kind.RESOLUTION, Kind.CLIENT):
        keep_posted(chat, queries.reading(chat, kind), by)
    chat.status, chat.resolved_at = ChatSession.Status.RESOLVED, timezone.now()
    chat.resolution_note_markdown = queries.reading(chat, Kind.RESOLUTION).markdown
    chat.save(update_fields=["status", "resolved_at", "resolution_note_markdown", "updated_at"])
    return chat


def _chosen(chat: ChatSession, places: set[str]) -> list[queries.Shown]:
    kinds = [Kind.RESOLUTION] if INTERNAL in places else []
    kinds += [Kind.CLIENT] if places & set(CUSTOMERS) else []
    return [queries.reading(chat, kind) for kind in kinds]


def _enqueue(chat: ChatSession, readings: list[queries.Shown], form: NoteForm, by: User, client_key: UUID) -> None:
    """Put every part into the outbox: the notes first, and the status last, because a closed ticket takes no time."""
    ticket, key, slots = chat.ticket_id, str(client_key), (psa.Slot(client_key, place) for place in count())
    assert ticket is not None
    for each in readings:
        is_internal = each.kind == Kind.RESOLUTION
        psa.enqueue_note(
            ticket_id=ticket,
            key=key,
            text=_framed(chat, each.markdown, by),
            shown_in=[INTERNAL] if is_internal else [place for place in CUSTOMERS if place in form.shown_in],
            by=by,
            role="note" if is_internal else "client_note",
            slot=next(slots),
        )
    if form.time:
        psa.enqueue_time(ticket_id=ticket, key=key, hours=_hours(chat, form.time), by=by, slot=next(slots))
    if form.is_owner_taken:
        psa.enqueue_owner_as(ticket_id=ticket, key=key, by=by, slot=next(slots))
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


def _framed(chat: ChatSession, text: str, by: User) -> str:
    above, below = queries.framing(chat, by)
    return "\n\n".join(part for part in (above, text, *below) if part)


def _hours(chat: ChatSession, form: TimeForm) -> psa.Hours:
    worked = queries.worked(chat)
    if not 0 < form.minutes <= max(worked.whole_minutes, 1):
        most = max(worked.whole_minutes, 1)
        raise Invalid(f"The session lasted {most} minutes; charge between 1 and {most}, or switch the time entry off.")
    return psa.Hours(
        starts_at=worked.starts_at,
        ends_at=worked.starts_at + timedelta(minutes=max(worked.whole_minutes, form.minutes)),
        idle_minutes=max(worked.whole_minutes - form.minutes, 0),
        minutes=form.minutes,
        work_type_id=form.work_type_id,
        work_type=form.work_type[:100],
        billable=form.billable if form.billable in BILLABLE else "",
        notes=form.invoice_text.replace("\x00", "").strip()[:2000],
    )


def _keep(chat: ChatSession, by: User, client_key: UUID) -> None:
    """Keep both readings as they stand: what is not posted today is still what was agreed to."""
    for kind in (Kind.RESOLUTION, Kind.CLIENT):
        current = queries.reading(chat, kind)
        keep_posted(chat, current, by)
        if kind == Kind.RESOLUTION:
            chat.resolution_note_markdown = current.markdown
    chat.resolution_batch = client_key
    chat.save(update_fields=["resolution_note_markdown", "resolution_batch", "updated_at"])
