"""Delivering what must reach a ticket exactly once.

ConnectWise knows no idempotency key, so a note or a time entry carries a reference, `[FP-…]`. A call whose answer was lost leaves the post
`uncertain`: the ticket is searched for it, and only a search made after the settle time that finds nothing allows another try.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least

from flowpilot.accounts import audit
from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import Unavailable, UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import Throttled, Uncertain
from psa import sending
from psa.models import PsaPost
from psa.queries import get_connectwise

log = logging.getLogger("flowpilot.psa")
State = PsaPost.State
LEASE = timedelta(seconds=60)  # above the client's longest wait
MOST_ATTEMPTS = 8
LOOK_AGAIN = timedelta(seconds=15)
UNREACHED = timedelta(seconds=10)  # between two tries while ConnectWise cannot be reached
_LATE = 0.25  # the part of its lease after which a claim is not acted upon any more
_LONGEST_BACKOFF = 30


@dataclass(frozen=True)
class Claim:
    """The right of one worker to act on a post, until its lease ends."""

    post: PsaPost
    is_search: bool
    claimed_at: datetime
    held_since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Step:
    """What a call to ConnectWise made of a post."""

    state: str
    external_id: str = ""
    error: str = ""
    wait: timedelta = timedelta()
    is_unsent: bool = False  # nothing went out, so it counts as no attempt: an outage may be long


async def deliver(account_id: UUID, post_id: UUID) -> PsaPost:
    """Take one post as far as it goes now, and return it. Trying again later is the caller's."""
    claim = await run_in_scope(account_id, _claim, post_id)
    if claim is not None:
        step = await _next_step(account_id, claim)
        await run_in_scope(account_id, _record, claim, step)
    return await run_in_scope(account_id, _read, post_id)


async def _next_step(account_id: UUID, claim: Claim) -> Step:
    try:
        client = await run_in_scope(account_id, get_connectwise)
    except (
        UserError
    ) as error:  # disconnected meanwhile: nothing is sent, and what may have landed stays to be looked for
        if claim.is_search:
            return Step(State.UNCERTAIN, error=error.message, wait=LOOK_AGAIN)
        return Step(State.REJECTED, error=error.message)
    return await asyncio.to_thread(_search if claim.is_search else _send, client, claim)


def _read(post_id: UUID) -> PsaPost:
    return PsaPost.objects.get(pk=post_id)


def _claim(post_id: UUID) -> Claim | None:
    """Claim a post that is due, or return None. What was being sent when its worker vanished becomes uncertain."""
    now = _database_now()
    post = PsaPost.objects.select_for_update().get(pk=post_id)
    if post.state == State.SENDING and post.lease_until and post.lease_until < now:
        post.state = State.PENDING if post.kind in sending.SAFE_TO_REPEAT else State.UNCERTAIN
        post.save(update_fields=["state", "updated_at"])
    is_due = post.next_at is None or post.next_at <= now
    if not is_due or post.state not in {State.PENDING, State.UNCERTAIN} or _must_wait(post):
        return None
    if post.state == State.PENDING and post.attempts >= MOST_ATTEMPTS:
        PsaPost.objects.filter(pk=post_id).update(state=State.DEAD)
        return None
    is_search = post.state == State.UNCERTAIN
    changes: dict = {"epoch": F("epoch") + 1, "lease_until": now + LEASE}
    if not is_search:
        changes |= {"state": State.SENDING, "attempts": F("attempts") + 1, "attempted_at": now}
    try:
        with transaction.atomic():
            PsaPost.objects.filter(pk=post_id).update(**changes)
    except IntegrityError:  # another post of this ticket is in flight: their order is kept
        return None
    post.refresh_from_db()
    return Claim(post, is_search, now)


def _must_wait(post: PsaPost) -> bool:
    """Return whether an older post of the ticket was begun and is not there yet: their order is kept."""
    older = PsaPost.objects.filter(ticket_id=post.ticket_id, created_at__lt=post.created_at, attempts__gt=0)
    return older.filter(state__in=[State.PENDING, State.SENDING, State.UNCERTAIN]).exists()


def _send(client: ConnectWise, claim: Claim) -> Step:
    post = claim.post
    if time.monotonic() - claim.held_since > LEASE.total_seconds() * _LATE:
        return Step(
            State.PENDING, error=post.error, is_unsent=True
        )  # paused meanwhile: somebody else may be at it soon
    try:
        return Step(State.SENT, external_id=sending.send(client, post)[:40])
    except Throttled as error:
        return Step(State.PENDING, error=error.message, wait=timedelta(seconds=error.retry_after), is_unsent=True)
    except Uncertain as error:
        if post.kind in sending.SAFE_TO_REPEAT:
            return Step(State.PENDING, error=error.message, wait=_backoff(post))
        return Step(State.UNCERTAIN, error=error.message, wait=timedelta(seconds=2))
    except Unavailable as error:
        return Step(State.PENDING, error=error.message, wait=UNREACHED, is_unsent=True)
    except UserError as error:
        return Step(State.REJECTED, error=error.message)


def _search(client: ConnectWise, claim: Claim) -> Step:
    post = claim.post
    assert post.attempted_at is not None
    settled_at = post.attempted_at + timedelta(seconds=settings.PSA_SETTLE_SECONDS)
    try:
        found = sending.find(client, post)
    except UserError as error:
        return Step(State.UNCERTAIN, error=error.message, wait=LOOK_AGAIN)
    if found:
        return Step(State.SENT, external_id=found)
    if claim.claimed_at > settled_at:
        return Step(State.PENDING, error="It did not arrive; it is sent again.")
    return Step(State.UNCERTAIN, error=post.error, wait=LOOK_AGAIN)


def _record(claim: Claim, step: Step) -> None:
    """Keep what came of a claim, unless the post was claimed again since."""
    now = _database_now()
    kept = PsaPost.objects.filter(pk=claim.post.pk, epoch=claim.post.epoch).update(
        state=step.state,
        external_id=step.external_id,
        error=step.error[:500],
        next_at=now + step.wait,
        lease_until=None,
        sent_at=now if step.state == State.SENT else None,
        attempts=Greatest(
            F("attempts") - int(step.is_unsent), Least(F("attempts"), 1)
        ),  # begun once, it keeps its place
    )
    log.info("psa.post post=%s kind=%s state=%s kept=%s", claim.post.pk, claim.post.kind, step.state, bool(kept))
    if kept and step.state == State.SENT:
        post, detail = claim.post, {"kind": claim.post.kind, "number": step.external_id}
        audit.record(audit.Action.PSA_POSTED, by=post.created_by, about=f"Ticket #{post.ticket_id}", detail=detail)


def _backoff(post: PsaPost) -> timedelta:
    return timedelta(seconds=min(_LONGEST_BACKOFF, 2**post.attempts))


def _database_now() -> datetime:
    """Return the database's time: the only clock that all workers share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
