"""Jobs of the scripts. Their arguments carry the account and ids only."""

from uuid import UUID

from procrastinate.contrib.django import app

from flowpilot.scripts import building


@app.task(name="answer_builder", queue="turns")
async def answer_builder(*, account_id: str, message_id: str) -> None:
    await building.answer(UUID(account_id), UUID(message_id))
