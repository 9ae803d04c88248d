"""Second factors: who has one, and who must."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists

from flowpilot.accounts.models import AccountSettings, User
from flowpilot.accounts.scope import account_scope

KINDS = (
    Authenticator.Type.TOTP,
    Authenticator.Type.WEBAUTHN,
)  # recovery codes stand in for these, and do not count alone
_ENFORCED = {"sign_in.second_factor": True}


def of(user: User):
    """Return a person's second factors."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=KINDS)


def must_set_one_up(user: User) -> bool:
    """Return whether the person's account asks for a second factor and they have none. One query. Platform staff always must."""
    if user.account_id is None:
        return not of(user).exists()
    with account_scope(user.account_id):
        asking = AccountSettings.objects.filter(preferences__contains=_ENFORCED)
        return asking.exclude(Exists(of(user))).exists()


def may_remove(authenticator: Authenticator) -> bool:
    """Return whether a person may do without a factor: not the last one of platform staff, or where their account asks for one."""
    user = authenticator.user
    if authenticator.type not in KINDS or of(user).count() > 1:
        return True
    if user.account_id is None:
        return False
    with account_scope(user.account_id):
        return not AccountSettings.objects.filter(preferences__contains=_ENFORCED).exists()
