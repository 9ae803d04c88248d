"""Connecting an account to its ConnectWise, and putting posts into the outbox."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import current_account_id
from flowpilot.accounts.sealing import seal
from flowpilot.errors import Conflict, Invalid, NotFound
from flowpilot.providers.connectwise.address import checked
from psa.models import PsaConnection, PsaMemberLink, PsaPost


@transaction.atomic
def connect(*, base_url: str, company_id: str, client_id: str, public_key: str, private_key: str) -> PsaConnection:
    """Keep how the open account reaches ConnectWise, in place of what was kept before. Raises Invalid for its address."""
    base_url = checked(base_url).base_url
    account_id = current_account_id()
    existing = PsaConnection.objects.first()
    row_id = existing.id if existing else uuid4()
    sealed = seal(private_key, account_id=account_id, table="psa_psaconnection", row_id=row_id)
    connection, _ = PsaConnection.objects.update_or_create(
        id=row_id,
        defaults={
            "base_url": base_url,
            "company_id": company_id,
            "client_id": client_id,
            "public_key": public_key,
            "sealed_private_key": sealed,
        },
    )
    return connection


@transaction.atomic
def link_member(*, user: User, member_id: int, identifier: str) -> PsaMemberLink:
    """Keep which PSA member a person is."""
    link, _ = PsaMemberLink.objects.update_or_create(
        user=user, defaults={"member_id": member_id, "identifier": identifier}
    )
    return link


@dataclass(frozen=True)
class Slot:
    """Where a post stands among those of one click. The first leads, and the others wait for it."""

    batch: UUID | None = None
    position: int = 0


def enqueue_note(
    *, ticket_id: int, key: str, text: str, shown_in: list[str], by: User, role: str = "note", slot: Slot = Slot()
) -> PsaPost:
    """Put a note into the outbox; the same key twice is one note. `shown_in`: internal, discussion, resolution.

    `role` tells two notes of one click apart.
    """
    payload = {"text": text, "shown_in": shown_in, "member_id": _member_id(by), "role": role}
    return _enqueue(PsaPost.Kind.NOTE, ticket_id, f"{role}:{key}", payload, by, slot)


def enqueue_status(
    *, ticket_id: int, key: str, status_id: int, status_name: str, by: User, before: str = "", slot: Slot = Slot()
) -> PsaPost:
    """Put a status change into the outbox; the same key twice is one change. `before` is the name of what it was."""
    payload = {"status_id": status_id, "status_name": status_name, "before": before}
    return _enqueue(PsaPost.Kind.STATUS, ticket_id, f"status:{key}", payload, by, slot)


@dataclass(frozen=True)
class Hours:
    """Time to charge: from when to when, and how much of it was no work. `notes` may get onto an invoice."""

    starts_at: datetime
    ends_at: datetime
    idle_minutes: int
    minutes: int
    work_type_id: int | None = None
    work_type: str = ""
    billable: str = ""
    notes: str = ""


def enqueue_time(*, ticket_id: int, key: str, hours: Hours, by: User, slot: Slot = Slot()) -> PsaPost:
    """Put a time entry of a person's own member into the outbox; the same key twice is one entry. Raises Invalid."""
    member_id = _member_id(by)
    if member_id is None:
        raise Invalid(
            "You are not linked to a ConnectWise member, so no time can be charged. Switch the time entry off."
        )
    payload = asdict(hours) | {"member_id": member_id}
    payload |= {"starts_at": hours.starts_at.isoformat(), "ends_at": hours.ends_at.isoformat()}
    return _enqueue(PsaPost.Kind.TIME, ticket_id, f"time:{key}", payload, by, slot)


def enqueue_owner(*, ticket_id: int, key: str, member_id: int, name: str, by: User, slot: Slot = Slot()) -> PsaPost:
    """Put a change of a ticket's owner into the outbox; the same key twice is one change."""
    return _enqueue(PsaPost.Kind.OWNER, ticket_id, f"owner:{key}", {"member_id": member_id, "name": name}, by, slot)


def enqueue_owner_as(*, ticket_id: int, key: str, by: User, slot: Slot = Slot()) -> PsaPost:
    """Put it into the outbox that a person becomes a ticket's owner. Raises Invalid."""
    link = PsaMemberLink.objects.filter(user=by).first()
    if link is None:
        raise Invalid("You are not linked to a ConnectWise member, so you can’t become the owner of the ticket.")
    return enqueue_owner(
        ticket_id=ticket_id, key=key, member_id=link.member_id, name=by.name or link.identifier, by=by, slot=slot
    )


def enqueue_resource(*, ticket_id: int, key: str, member_id: int, name: str, by: User, slot: Slot = Slot()) -> PsaPost:
    """Put a place on a ticket, beside its owner, into the outbox; the same key and member twice is one place."""
    payload = {"member_id": member_id, "name": name}
    return _enqueue(PsaPost.Kind.RESOURCE, ticket_id, f"resource-{member_id}:{key}", payload, by, slot)


@transaction.atomic
def retry(post_id: UUID) -> PsaPost:
    """Let a post that was refused be sent again, after a person has looked. Raises Conflict or NotFound."""
    post = PsaPost.objects.select_for_update().filter(pk=post_id).first()
    if post is None:
        raise NotFound("There is no such post.")
    if not post.is_stuck:
        raise Conflict("Nothing waits to be tried again.")
    post.state, post.error, post.attempts, post.next_at = PsaPost.State.PENDING, "", 0, None
    post.save(update_fields=["state", "error", "attempts", "next_at", "updated_at"])
    return post


def _enqueue(kind: str, ticket_id: int, key: str, payload: dict, by: User, slot: Slot) -> PsaPost:
    made = {"kind": kind, "ticket_id": ticket_id, "payload": payload, "created_by": by}
    made |= {"batch": slot.batch, "position": slot.position}
    post, _ = PsaPost.objects.get_or_create(idempotency_key=key, defaults=made)
    return post


def _member_id(user: User) -> int | None:
    link = PsaMemberLink.objects.filter(user=user).first()
    return link.member_id if link else None
