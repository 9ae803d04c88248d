"""The job that brings what was written on a ticket's page to the ticket. Its arguments carry the account and ids only."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from flowpilot.accounts.scope import run_in_scope
from psa import details, outbox, polling
from psa.models import PsaPost

LOOK_AGAIN = 3  # seconds
KEY = "ticket-"  # what the keys of these posts begin with; those of a session's notes are delivered with their session


def defer_delivery(account_id: UUID, ticket_id: int) -> None:
    """Have a worker bring what was written on a ticket's page to the ticket."""
    job = deliver_ticket.configure(lock=f"ticket:{account_id}:{ticket_id}")
    job.defer(account_id=str(account_id), ticket_id=ticket_id)


@app.task(name="deliver_ticket", queue="posts")
async def deliver_ticket(*, account_id: str, ticket_id: int) -> None:
    account = UUID(account_id)
    for post_id in await run_in_scope(account, _open_posts, ticket_id):
        post = await outbox.deliver(account, post_id)
        if post.is_open:  # the next ones wait for it: their order is kept
            again = deliver_ticket.configure(
                lock=f"ticket:{account_id}:{ticket_id}", schedule_in={"seconds": LOOK_AGAIN}
            )
            await again.defer_async(account_id=account_id, ticket_id=ticket_id)
            return
        details.doubt_ticket(account, ticket_id)


@app.periodic(cron="* * * * * */30", periodic_id="poll-tickets")
@app.task(name="poll_tickets", queue="poll", queueing_lock="poll-tickets")
async def poll_tickets(timestamp: int) -> None:
    """Give every account its own job, so that one whose ConnectWise hangs keeps nobody waiting."""
    for account_id in await sync_to_async(polling.connected_accounts)():
        job = poll_account.configure(queueing_lock=f"poll:{account_id}", lock=f"poll:{account_id}")
        with suppress(AlreadyEnqueued):  # the last one is not done yet
            await job.defer_async(account_id=str(account_id))


@app.task(name="poll_account", queue="poll")
async def poll_account(*, account_id: str) -> None:
    await sync_to_async(_apart(polling.poll), thread_sensitive=False)(UUID(account_id))


def _open_posts(ticket_id: int) -> list[UUID]:
    waiting = [PsaPost.State.PENDING, PsaPost.State.SENDING, PsaPost.State.UNCERTAIN]
    posts = PsaPost.objects.filter(ticket_id=ticket_id, state__in=waiting, idempotency_key__contains=f":{KEY}")
    return list(posts.order_by("created_at", "id").values_list("id", flat=True))


def _apart[T](work: Callable[[UUID], T]) -> Callable[[UUID], T]:
    """Return work that waits for the outside in a thread of its own, and leaves no connection behind there."""

    def unit(account_id: UUID) -> T:
        try:
            return work(account_id)
        finally:
            connection.close()

    return unit
