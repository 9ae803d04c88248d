"""Platform staff in an account: one at a time, for a reason, for an hour, and its people see it.

Staff belong to no account. They name whom they help, which opens a grant in that account together with its audit event; the login session
keeps which. Each request asks the database whether the grant still holds, inside the transaction that reads or writes for it.
"""

from datetime import UTC, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from flowpilot.accounts import audit
from flowpilot.accounts.login_sessions import end_sessions
from flowpilot.accounts.models import Account, StaffGrant, User
from flowpilot.accounts.permissions import Right, require
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, NotFound, Refused

LASTS = timedelta(hours=1)
_HELD = "staff_grant"  # in the login session: the account and the grant
_SHORTEST_REASON, _LONGEST_REASON = 10, 500


def enter(*, whom: str, reason: str, by: User, session) -> StaffGrant:
    """Open an account for an hour in this login session alone, and leave the one before.

    `whom` is an e-mail address of one of its people, or its ID. Raises Invalid, NotFound, Refused.
    """
    if by.role != User.Role.SUPER_ADMIN or by.account_id is not None:
        raise Refused("Only platform staff enter accounts.")
    reason = " ".join(reason.replace("\x00", "").split())
    if len(reason) < _SHORTEST_REASON:
        raise Invalid("Write why, in a sentence: the account’s people will read it.")
    if len(reason) > _LONGEST_REASON:
        raise Invalid(f"Shorten the reason to {_LONGEST_REASON} characters.")
    account_id = _account_of(whom.strip().lower())
    leave_held(session=session, by=by)
    with account_scope(account_id):
        Account.objects.select_for_update().get(pk=account_id)
        leave(by=by)  # what another browser may have left open
        until = timezone.now() + LASTS
        grant = StaffGrant.objects.create(staff_id=by.pk, staff=str(by)[:200], reason=reason, expires_at=until)
        detail = {"until": f"{until.astimezone(UTC):%H:%M} UTC", "reason": reason}
        audit.record(audit.Action.STAFF_ENTERED, by=by, about=by.email, detail=detail)
    end_sessions(by, but=session.session_key)  # one account at a time, in one browser
    session[_HELD] = [str(account_id), str(grant.pk)]
    return grant


def held(session) -> tuple[UUID, UUID] | None:
    """Return the account and the grant that a login session keeps, whether it still holds or not."""
    kept = session.get(_HELD)
    return (UUID(kept[0]), UUID(kept[1])) if kept else None


def current(grant_id: UUID, user: User) -> StaffGrant | None:
    """Return the grant in the open account if it is this person's, was not ended and is not over."""
    return _open().filter(pk=grant_id, staff_id=user.pk).first()


def visits() -> list[StaffGrant]:
    """Return who of the platform's staff is in the open account now."""
    return list(_open().order_by("created_at"))


def leave_held(*, session, by: User) -> None:
    """End the visit that a login session keeps, if it keeps one: its staff sign out, or go on to another account."""
    if kept := held(session):
        with account_scope(kept[0]):
            leave(by=by)


@transaction.atomic
def leave(*, by: User) -> None:
    """End one's own visit to the open account."""
    if _ours(by).update(ended_at=timezone.now(), ended_by=str(by)[:200]):
        audit.record(audit.Action.STAFF_LEFT, by=by, about=by.email)


@transaction.atomic
def send_away(*, grant_id: UUID, by: User) -> None:
    """End a visit of staff, as an admin of the account; their next request is refused. Raises NotFound, NotYourRole."""
    require(by, Right.MANAGE)
    grant = StaffGrant.objects.select_for_update().filter(pk=grant_id).first()
    if grant is None:
        raise NotFound("There is no such visit.")
    if grant.ended_at is None:
        grant.ended_at, grant.ended_by = timezone.now(), str(by)[:200]
        grant.save(update_fields=["ended_at", "ended_by", "updated_at"])
        audit.record(audit.Action.STAFF_SENT_AWAY, by=by, about=grant.staff)


def _open():
    return StaffGrant.objects.filter(ended_at=None, expires_at__gt=Now())


def _ours(by: User):
    return StaffGrant.objects.filter(staff_id=by.pk, ended_at=None)


def _account_of(whom: str) -> UUID:
    """Return the account that an address or an ID names."""
    person = User.objects.filter(email=whom, account__isnull=False).first() if "@" in whom else None
    if person is not None and person.account_id is not None:
        return person.account_id
    try:
        account_id = UUID(whom)
    except ValueError:
        raise NotFound("Nobody signs in with that address, and no account has that ID.") from None
    with account_scope(account_id):
        if not Account.objects.filter(pk=account_id).exists():
            raise NotFound("Nobody signs in with that address, and no account has that ID.")
    return account_id
