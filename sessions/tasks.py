"""Jobs of the sessions. Their arguments carry the account and ids only; the body runs in the account's scope."""

import logging
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status

from flowpilot.accounts.queries import accounts_with_people
from flowpilot.scripts.writing import LOOK_AGAIN
from sessions import answering, drafting, posting, retention, synthesis

log = logging.getLogger("flowpilot.turns")
# A worker that was told to stop, a database out of reach: never the fault of what the job is about.
_AGAIN = RetryStrategy(max_attempts=100, wait=2)


@app.task(name="answer_turn", queue="turns", retry=_AGAIN)
async def answer_turn(*, account_id: str, turn_id: str) -> None:
    is_over = await answering.answer(UUID(account_id), UUID(turn_id))
    if not is_over:  # a worker that may be gone holds the turn: look again in a moment
        again = answer_turn.configure(schedule_in={"seconds": 3})
        await again.defer_async(account_id=account_id, turn_id=turn_id)


@app.task(name="deliver_posts", queue="posts", retry=_AGAIN)
async def deliver_posts(*, account_id: str, chat_id: str) -> None:
    is_over = await posting.deliver(UUID(account_id), UUID(chat_id))
    if not is_over:  # ConnectWise did not answer, or has yet to show whether it took the note
        again = deliver_posts.configure(lock=f"posts:{chat_id}", schedule_in={"seconds": 2})
        await again.defer_async(account_id=account_id, chat_id=chat_id)


@app.task(name="draft_script", queue="turns", retry=_AGAIN)
async def draft_script(*, account_id: str, generation_id: str) -> None:
    is_over = await drafting.draft(UUID(account_id), UUID(generation_id))
    if not is_over:
        again = draft_script.configure(schedule_in={"seconds": LOOK_AGAIN})
        await again.defer_async(account_id=account_id, generation_id=generation_id)


@app.task(name="word_fact", queue="turns")
async def word_fact(*, account_id: str, chat_id: str, item_id: str) -> None:
    await synthesis.synthesise(UUID(account_id), UUID(chat_id), item_id)


@app.periodic(cron=f"* * * * * */{settings.RESCUE_EVERY_SECONDS}", periodic_id="rescue")
@app.task(name="rescue_stalled_jobs", queue="rescue", queueing_lock="rescue", pass_context=True)
async def rescue_stalled_jobs(context, timestamp: int) -> None:
    """Hand the jobs of workers that are gone to the living. Nothing else rescues them."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=settings.WORKER_GONE_SECONDS):
        try:
            if job.task_name == rescue_stalled_jobs.name:  # the next one is queued, or is this one
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
            else:
                await manager.retry_job(job)
        except UniqueViolation:  # a periodic job whose successor waits already
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except ConnectorException as error:  # another was faster with this one; the others still wait
            log.warning("job.not_rescued job=%s error=%s", job.id, type(error).__name__)


@app.periodic(cron="17 3 * * *", periodic_id="purge")
@app.task(name="purge_sessions", queue="retention", queueing_lock="purge")
async def purge_sessions(timestamp: int) -> None:
    """Give every account its own job: a large one keeps nobody waiting."""
    for account_id in await sync_to_async(accounts_with_people)():
        await purge_account.configure(lock=f"purge:{account_id}").defer_async(account_id=str(account_id))


@app.task(name="purge_account", queue="retention")
async def purge_account(*, account_id: str) -> None:
    await sync_to_async(retention.purge)(UUID(account_id))
