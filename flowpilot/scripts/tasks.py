"""Jobs of the scripts. Their arguments carry the account and ids only."""

from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from flowpilot.scripts import building
from flowpilot.scripts.writing import LOOK_AGAIN

# A worker that was told to stop, a database out of reach: never the fault of what the job is about.
_AGAIN = RetryStrategy(max_attempts=100, wait=2)


@app.task(name="answer_builder", queue="turns", retry=_AGAIN)
async def answer_builder(*, account_id: str, message_id: str) -> None:
    is_over = await building.answer(UUID(account_id), UUID(message_id))
    if not is_over:
        again = answer_builder.configure(schedule_in={"seconds": LOOK_AGAIN})
        await again.defer_async(account_id=account_id, message_id=message_id)
