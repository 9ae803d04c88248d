"""What happened in an account, for its owner: written once, chained by the database, never changed.

The app role may only add and read. A trigger numbers the events of an account and lets each carry the hash of the one before, so that a
change made past the app, by whoever owns the database, is found by `first_broken`.
"""

import re
from contextvars import ContextVar
from typing import Any

from django.db import connection, models

from flowpilot.accounts.models import AuditEvent, User

seen_from: ContextVar[str] = ContextVar("seen_from", default="")  # the address a request came from; middleware sets it
_SECRET = re.compile(r"password|secret|token|api_?key|private|cookie|recovery", re.IGNORECASE)


class Action(models.TextChoices):
    """What is written down. Its part before the dot is its kind."""

    SIGNED_IN = "sign_in.done", "Signed in"
    SIGN_IN_FAILED = "sign_in.failed", "Sign-in failed"
    SIGNED_OUT = "sign_in.ended", "Signed out"
    SIGNED_OUT_ELSEWHERE = "sign_in.ended_elsewhere", "Signed out elsewhere"
    PASSWORD_CHANGED = "sign_in.password", "Password changed"
    FACTOR_ADDED = "sign_in.factor_added", "Second factor added"
    FACTOR_REMOVED = "sign_in.factor_removed", "Second factor removed"
    IDENTITY_LINKED = "sign_in.linked", "Microsoft account linked"
    IDENTITY_UNLINKED = "sign_in.unlinked", "Microsoft account unlinked"
    INVITED = "people.invited", "Invited"
    INVITATION_REVOKED = "people.invitation_revoked", "Invitation revoked"
    JOINED = "people.joined", "Joined"
    ROLE_CHANGED = "people.role", "Role changed"
    DEACTIVATED = "people.deactivated", "Deactivated"
    REACTIVATED = "people.reactivated", "Reactivated"
    OWNERSHIP_MOVED = "people.ownership", "Ownership transferred"
    SETTING_CHANGED = "settings.changed", "Setting changed"
    CREDENTIAL_CHANGED = "settings.credential", "Credential changed"
    PSA_CONNECTED = "psa.connected", "PSA connection changed"
    PURGED = "retention.purged", "Old sessions purged"
    HELD = "retention.held", "Session put on hold"
    RELEASED = "retention.released", "Session released from hold"
    PSA_POSTED = "psa.posted", "Posted to the PSA"
    EXPORT_ASKED = "account.export_asked", "Export asked for"
    EXPORT_TAKEN = "account.export_taken", "Export downloaded"
    DELETION_ASKED = "account.deletion_asked", "Deletion of the account asked for"
    DELETION_TAKEN_BACK = "account.deletion_taken_back", "Deletion of the account taken back"
    STAFF_ENTERED = "staff.entered", "Platform staff entered"
    STAFF_LEFT = "staff.left", "Platform staff left"
    STAFF_VIEWED = "staff.viewed", "Platform staff looked"
    STAFF_CHANGED = "staff.changed", "Platform staff changed"
    STAFF_SENT_AWAY = "staff.sent_away", "Ended the visit of platform staff"
    ADMIN_CHANGED = "admin.changed", "Changed in the admin"


class HoldsSecret(ValueError):
    """The detail of an event names something secret: it must not be written down."""


def record(action: Action, *, by: User | None = None, about: str = "", detail: dict[str, Any] | None = None) -> None:
    """Write down what happened in the open account. `about` says to what or whom, `detail` how; neither holds a secret.

    The account's chain is locked until the transaction ends: record last, and never before asking the outside.
    """
    if named := [key for key in detail or {} if _SECRET.search(key)]:
        raise HoldsSecret(", ".join(named))
    AuditEvent.objects.create(
        action=action,
        actor_id=by.pk if by else None,
        actor=str(by)[:200] if by else "",
        object=about[:200],
        detail=detail or {},
        ip=seen_from.get(),
    )


def first_broken() -> int | None:
    """Return the number of the open account's first event that was changed, or that follows one taken away; None if all hold."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_BROKEN)
        row = cursor.fetchone()
        return row[0] if row else None


_FIRST_BROKEN = """
    SELECT number FROM (
        SELECT number, hash = audit_hash(event) AS is_whole, prev_hash = lag(hash, 1, '') OVER chain AS is_chained,
               number = lag(number, 1, 0::bigint) OVER chain + 1 AS is_next
        FROM accounts_auditevent event WHERE account_id = NULLIF(current_setting('app.current_account_id', true), '')::uuid
        WINDOW chain AS (ORDER BY number)
    ) checked
    WHERE NOT (is_whole AND is_chained AND is_next) ORDER BY number LIMIT 1
"""
