"""The job that brings what was written on a ticket's page to the ticket. Its arguments carry the account and ids only."""

from uuid import UUID

from procrastinate.contrib.django import app

from flowpilot.accounts.scope import run_in_scope
from psa import details, outbox
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


def _open_posts(ticket_id: int) -> list[UUID]:
    waiting = [PsaPost.State.PENDING, PsaPost.State.SENDING, PsaPost.State.UNCERTAIN]
    posts = PsaPost.objects.filter(ticket_id=ticket_id, state__in=waiting, idempotency_key__contains=f":{KEY}")
    return list(posts.order_by("created_at", "id").values_list("id", flat=True))
