"""The jobs that ask ConnectWise what changed. Their arguments carry the account and ids only."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from psa import polling


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


def _apart[T](work: Callable[[UUID], T]) -> Callable[[UUID], T]:
    """Return work that waits for the outside in a thread of its own, and leaves no connection behind there."""

    def unit(account_id: UUID) -> T:
        try:
            return work(account_id)
        finally:
            connection.close()

    return unit
