"""How people come in: a link by e-mail, good for a week, for one address, and dead once used, revoked or sent again."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from flowpilot.accounts import audit, mail, throttle
from flowpilot.accounts.models import Account, Invitation, User
from flowpilot.accounts.people import GIVEN
from flowpilot.accounts.permissions import Right, require
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid, NotFound, Refused, Unavailable

GOOD_FOR = timedelta(days=7)
_OPEN_AT_MOST = 200
_MAILS = throttle.Limit(60, timedelta(hours=1))
_SALT = "flowpilot.invitation"
_GONE = "This invitation does not work any more. Ask the person who invited you for a new one."


class DeadInvitation(NotFound):
    """A link that was used, revoked, replaced, is too old, or was never ours."""


def invite(*, account_id: UUID, email: str, role: str, by: User, link) -> Invitation:
    """Invite an address and send the mail; `link` makes an absolute address of a token.

    The answer is the same for an address that signs in elsewhere already: its owner is told by mail, the inviter is not.
    Raises NotYourRole, Invalid, Conflict, Unavailable (the invitation is kept, and can be sent again).
    """
    email = _clean_email(email)
    if role not in GIVEN:
        raise Invalid("Choose engineer or admin.")
    with account_scope(account_id):
        require(by, Right.MANAGE)
        if User.objects.filter(email=email).exists():
            raise Conflict(f"{email} is in your account already.")
        if _open().filter(email=email).exists():
            raise Conflict(f"{email} is invited already. Send it again from the list.")
        if _open().count() >= _OPEN_AT_MOST:
            raise Conflict("Too many invitations are open. Revoke some first.")
        _count_mail(account_id)
        key, now = secrets.token_urlsafe(24), timezone.now()
        invitation = Invitation.objects.create(
            email=email, role=role, invited_by=by, key_hash=_hashed(key), sent_at=now, expires_at=now + GOOD_FOR
        )
        audit.record(audit.Action.INVITED, by=by, about=email, detail={"role": role})
    _send(account_id, invitation, key, by, link)
    return invitation


def resend(*, account_id: UUID, invitation_id: UUID, by: User, link) -> Invitation:
    """Send an open invitation again, with a new link; the old one dies. Raises NotYourRole, NotFound, Unavailable."""
    key, now = secrets.token_urlsafe(24), timezone.now()
    with account_scope(account_id):
        require(by, Right.MANAGE)
        invitation = _get_open(invitation_id)
        _count_mail(account_id)
        invitation.key_hash, invitation.sent_at, invitation.expires_at = _hashed(key), now, now + GOOD_FOR
        invitation.save(update_fields=["key_hash", "sent_at", "expires_at"])
    _send(account_id, invitation, key, by, link)
    return invitation


@transaction.atomic
def revoke(*, invitation_id: UUID, by: User) -> Invitation:
    """Take an invitation back; its link dies. Raises NotYourRole, NotFound."""
    require(by, Right.MANAGE)
    invitation = _get_open(invitation_id)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    audit.record(audit.Action.INVITATION_REVOKED, by=by, about=invitation.email)
    return invitation


def read(token: str) -> tuple[Account, Invitation]:
    """Return the account and the invitation that a link stands for. Raises DeadInvitation, in one wording for all causes."""
    account_id, invitation_id, key = _parts(token)
    with account_scope(account_id):
        return Account.objects.get(pk=account_id), _alive(invitation_id, key)


def accept(token: str, *, name: str, password: str) -> User:
    """Make the person an invitation is for. Raises DeadInvitation, and Invalid for a name or password that does not do."""
    account_id, invitation_id, key = _parts(token)
    try:
        with account_scope(account_id):
            invitation = _alive(invitation_id, key, lock=True)
            user = _join(account_id, invitation, name, password)
            invitation.accepted_at = timezone.now()
            invitation.save(update_fields=["accepted_at"])
            audit.record(audit.Action.JOINED, by=user, about=user.email, detail={"role": user.role})
    except IntegrityError as error:  # the address signs in to another account
        raise DeadInvitation(_GONE) from error
    return user


def _join(account_id: UUID, invitation: Invitation, name: str, password: str) -> User:
    name = " ".join(name.replace("\x00", "").split())[:200]
    if not name:
        raise Invalid("Write your name: colleagues and notes show it.")
    try:
        validate_password(password, User(email=invitation.email, name=name))
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from error
    return User.objects.create_user(invitation.email, password, account_id=account_id, name=name, role=invitation.role)


def _send(account_id: UUID, invitation: Invitation, key: str, by: User, link) -> None:
    token = signing.dumps([str(account_id), str(invitation.id), key], salt=_SALT)
    is_known = User.objects.filter(email=invitation.email).exists()  # no scope is open: over all accounts
    template = "accounts/mail/invited_elsewhere.txt" if is_known else "accounts/mail/invitation.txt"
    with account_scope(account_id):
        account = Account.objects.get(pk=account_id)
    context = {"account": account, "by": by, "invitation": invitation, "link": link(token), "days": GOOD_FOR.days}
    try:
        mail.send(template, to=invitation.email, **context)
    except Unavailable as error:
        raise Unavailable(f"{error.message} The invitation is kept: send it again from the list.") from error


def _parts(token: str) -> tuple[UUID, UUID, str]:
    try:
        account_id, invitation_id, key = signing.loads(token, salt=_SALT, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise DeadInvitation(_GONE) from error
    return UUID(account_id), UUID(invitation_id), key


def _alive(invitation_id: UUID, key: str, *, lock: bool = False) -> Invitation:
    found = _open().filter(pk=invitation_id, key_hash=_hashed(key), expires_at__gt=timezone.now())
    invitation = (found.select_for_update() if lock else found).first()
    if invitation is None:
        raise DeadInvitation(_GONE)
    return invitation


def _get_open(invitation_id: UUID) -> Invitation:
    invitation = _open().filter(pk=invitation_id).select_for_update().first()
    if invitation is None:
        raise NotFound("That invitation was used or revoked meanwhile.")
    return invitation


def _open():
    return Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)


def _count_mail(account_id: UUID) -> None:
    if throttle.take(f"invitations:{account_id}", _MAILS) < 0:
        raise Refused("Too many invitations within an hour. Try again later.")


def _clean_email(raw: str) -> str:
    email = raw.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(f"“{raw.strip()[:80]}” is no e-mail address.") from error
    return email


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
