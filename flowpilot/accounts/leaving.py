"""An account that leaves: its owner asks, everybody is told for a week, the owner may think again, then nothing of it is left.

Rows go by one function of the database (docs/adr/0015): the app role may not delete from the audit log, but may call it once it is due.
"""

import logging
import shutil
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from flowpilot.accounts import archive, audit, caching, mail
from flowpilot.accounts.audit import Action
from flowpilot.accounts.models import Account, LoginSession, User
from flowpilot.accounts.permissions import Right, require
from flowpilot.accounts.rls import DELETION_GRACE_DAYS
from flowpilot.accounts.scope import account_scope, current_account_id
from flowpilot.errors import Conflict, Invalid, NotFound, Unavailable

log = logging.getLogger("flowpilot.leaving")
GRACE = timedelta(days=DELETION_GRACE_DAYS)


@transaction.atomic
def ask_deletion(*, typed: str, by: User) -> Account:
    """Have the open account deleted when its grace is over; `typed` is its name, as the confirmation. Raises NotYourRole, Invalid, Conflict."""
    require(by, Right.OWN)
    account = _locked()
    if account.deletion_due_at:
        raise Conflict("The account is going to be deleted already.")
    if " ".join(typed.split()) != " ".join(account.name.split()):
        raise Invalid(f"Type {account.name} to confirm.")
    account.deletion_due_at, account.deletion_asked_by = timezone.now() + GRACE, str(by)
    account.save(update_fields=["deletion_due_at", "deletion_asked_by"])
    account.refresh_from_db()
    audit.record(Action.DELETION_ASKED, by=by, detail={"due": account.deletion_due_at.isoformat(timespec="minutes")})
    return account


def tell_admins(account_id: UUID, *, link: str) -> None:
    """Write to the account's admins and owners that it is going to be deleted: whoever is away would not see the notice."""
    with account_scope(account_id):
        account = Account.objects.get(pk=account_id)
        others = User.objects.filter(is_active=True, role__in=[User.Role.ADMIN, User.Role.OWNER]).order_by("email")
        addresses = list(others.values_list("email", flat=True))
    for address in addresses:
        with suppress(Unavailable):  # the notice is there all the same, and the log says that mail is not
            mail.send("accounts/mail/deletion.txt", to=address, account=account, link=link)


@transaction.atomic
def keep_account(*, by: User) -> Account:
    """Take the deletion of the open account back. Raises NotYourRole, or Conflict once it has begun."""
    require(by, Right.OWN)
    account = _locked()
    if not User.objects.filter(pk=by.pk, is_active=True).exists():  # it was closed while we waited for the lock
        raise Conflict("It is too late: the account is being deleted.")
    if account.deletion_due_at:
        account.deletion_due_at, account.deletion_asked_by = None, ""
        account.save(update_fields=["deletion_due_at", "deletion_asked_by"])
        audit.record(Action.DELETION_TAKEN_BACK, by=by)
    return account


def erase(account_id: UUID) -> bool:
    """Delete everything of an account that is due: rows, files, what caches keep, jobs. Return whether it is gone.

    First it is closed, which ends every session; while a job of it still runs it is left for the next time. Files and caches go before rows,
    so that what is interrupted is found and ended by the next run.
    """
    with account_scope(account_id):
        if not _close(account_id):
            return False
        people = list(User.objects.values_list("pk", flat=True))
    for folder in settings.DATA_DIR.glob(f"*/{account_id}"):
        shutil.rmtree(folder)
    caching.forget_all([account_id, *people])
    with account_scope(account_id):
        rows = _delete_rows(account_id)
    log.info("account.erased account=%s people=%d rows=%d", account_id, len(people), rows)
    return True


def _close(account_id: UUID) -> bool:
    """End every session and waiting job of an account that is due; return whether nothing of it runs any more."""
    if not Account.objects.select_for_update().filter(pk=account_id, deletion_due_at__lte=timezone.now()).exists():
        return False
    LoginSession.objects.filter(user__account_id=account_id).delete()
    User.objects.update(is_active=False)
    with connection.cursor() as cursor:
        cursor.execute(_DROP_JOBS, [str(account_id)])
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'account_id' = %s", [str(account_id)])
        return cursor.fetchone()[0] == 0


def _delete_rows(account_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a large account takes its time
        for model, field in archive.of_people().items():
            model._default_manager.filter(**{f"{field}__account_id": account_id}).delete()
        cursor.execute(_DROP_JOBS, [str(account_id)])
        cursor.execute("SELECT forget_account()")
        return cursor.fetchone()[0]


def _locked() -> Account:
    account_id = current_account_id()
    if account_id is None:
        raise NotFound("No account is open.")
    return Account.objects.select_for_update().get(pk=account_id)


_DROP_JOBS = "DELETE FROM procrastinate_jobs WHERE args ->> 'account_id' = %s AND status <> 'doing'"
