"""Connecting an account to its ConnectWise, and putting posts into the outbox."""

from uuid import uuid4

from django.db import transaction

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import current_account_id
from flowpilot.accounts.sealing import seal
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


def enqueue_note(*, ticket_id: int, key: str, text: str, shown_in: list[str], by: User) -> PsaPost:
    """Put a note into the outbox; the same key twice is one note. `shown_in`: internal, discussion, resolution."""
    member = PsaMemberLink.objects.filter(user=by).first()
    payload = {"text": text, "shown_in": shown_in, "member_id": member.member_id if member else None}
    return _enqueue(PsaPost.Kind.NOTE, ticket_id, f"note:{key}", payload, by)


def enqueue_status(*, ticket_id: int, key: str, status_id: int, status_name: str, by: User) -> PsaPost:
    """Put a status change into the outbox; the same key twice is one change."""
    payload = {"status_id": status_id, "status_name": status_name}
    return _enqueue(PsaPost.Kind.STATUS, ticket_id, f"status:{key}", payload, by)


def _enqueue(kind: str, ticket_id: int, key: str, payload: dict, by: User) -> PsaPost:
    post, _ = PsaPost.objects.get_or_create(
        idempotency_key=key, defaults={"kind": kind, "ticket_id": ticket_id, "payload": payload, "created_by": by}
    )
    return post
