"""Jobs of the accounts. Their arguments carry the account and ids only."""

import logging
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from flowpilot.accounts import exports, leaving
from flowpilot.accounts.queries import accounts_with_people
from flowpilot.errors import UserError

log = logging.getLogger("flowpilot.leaving")


@app.task(name="export_account", queue="retention", retry=RetryStrategy(max_attempts=3, wait=10))
async def export_account(*, account_id: str, export_id: str) -> None:
    await sync_to_async(exports.make_export)(UUID(account_id), UUID(export_id))


@app.periodic(cron="*/10 * * * *", periodic_id="leave")
@app.task(name="let_accounts_go", queue="retention", queueing_lock="leave")
async def let_accounts_go(timestamp: int) -> None:
    """Delete exports that are too old, and accounts that are due. No job names an account here: its own would outlive it."""
    for account_id in await sync_to_async(accounts_with_people)():
        try:
            await sync_to_async(exports.forget_old)(account_id)
            await sync_to_async(leaving.erase)(account_id)
        except (DatabaseError, OSError, UserError) as error:  # the next run tries again; the other accounts do not wait
            log.warning("account.not_erased account=%s error=%s", account_id, type(error).__name__)
