"""What follows on a sign-in, and whose the secret of a factor is: allauth tells by signals, the only ones in the house."""

import time

from allauth.account import signals as account
from allauth.account.adapter import get_adapter
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from django.db.models.signals import post_init, pre_save
from django.dispatch import receiver

from flowpilot.accounts import audit, factor_secrets, staff
from flowpilot.accounts.audit import Action
from flowpilot.accounts.login_sessions import AGENT, BEGAN, IP, end_sessions
from flowpilot.accounts.scope import account_scope

_KINDS = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


def _record(user, action: Action, **detail) -> None:
    if user is None or user.account_id is None:
        return
    with account_scope(user.account_id):
        audit.record(action, by=user, about=user.email, detail=detail)


@receiver(account.user_logged_in)
def note_sign_in(request, user, **kwargs):
    how = [each["method"] for each in request.session.get("account_authentication_methods", [])]
    request.session[BEGAN] = time.time()
    request.session[IP] = get_adapter().get_client_ip(request)
    request.session[AGENT] = request.headers.get("User-Agent", "")[:300]
    _record(user, Action.SIGNED_IN, how=how)


@receiver(account.user_logged_out)
def note_sign_out(user, request=None, **kwargs):
    _record(user, Action.SIGNED_OUT)
    if user is not None and user.account_id is None:
        staff.leave_held(session=request.session, by=user)


@receiver(account.password_changed)
@receiver(account.password_set)
@receiver(account.password_reset)
def end_other_sessions(request, user, **kwargs):
    """Whoever knew the old password is out."""
    end_sessions(user, but=request.session.session_key if request.user == user else None)
    _record(user, Action.PASSWORD_CHANGED)


@receiver(post_init, sender=Authenticator)
def say_whose_secret(instance, **kwargs):
    if instance.pk is not None and "data" in instance.__dict__:
        instance.data = factor_secrets.of_its_person(instance.data, instance.user_id)


@receiver(pre_save, sender=Authenticator)
def bind_secret(instance, update_fields=None, **kwargs):
    if update_fields is None or "data" in update_fields:
        instance.data = factor_secrets.bind(instance.data, instance.user_id)


@receiver(mfa.authenticator_added)
def note_factor(user, authenticator, **kwargs):
    _record(user, Action.FACTOR_ADDED, kind=_KINDS.get(authenticator.type, ""))


@receiver(mfa.authenticator_removed)
def note_factor_gone(user, authenticator, **kwargs):
    _record(user, Action.FACTOR_REMOVED, kind=_KINDS.get(authenticator.type, ""))


@receiver(social.social_account_added)
def note_link(sociallogin, **kwargs):
    _record(sociallogin.user, Action.IDENTITY_LINKED)


@receiver(social.social_account_removed)
def note_link_gone(socialaccount, **kwargs):
    _record(socialaccount.user, Action.IDENTITY_UNLINKED)
