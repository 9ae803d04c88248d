"""How allauth behaves here: people come in by invitation, tries are counted in the database, and secrets are sealed."""

import ipaddress
import time
from datetime import timedelta

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.messages import ERROR
from django.core.exceptions import PermissionDenied

from flowpilot.accounts import audit, throttle
from flowpilot.accounts.factor_secrets import open_secret, seal_new
from flowpilot.accounts.factors import may_remove
from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope

TRIES = throttle.Limit(5, timedelta(minutes=15))  # of one address from one place
TRIES_OF_A_PLACE = throttle.Limit(20, timedelta(minutes=15))
_TOO_MANY = "That was wrong too often. Wait fifteen minutes, or reset the password."


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "That e-mail address and password don’t match.",
        "incorrect_password": "That is not your password.",
        "enter_current_password": "That is not your current password.",
        "too_many_login_attempts": _TOO_MANY,
        "rate_limited": "Too many tries. Wait a few minutes.",
    }

    def is_open_for_signup(self, request):
        return False

    def get_client_ip(self, request):
        """Return where a request comes from; a server behind a socket, whose proxy tells nothing, has one place for all."""
        try:
            return super().get_client_ip(request)
        except PermissionDenied:
            return "0.0.0.0"  # noqa: S104

    def pre_authenticate(self, request, **credentials):
        """Count the try before the password is looked at. What is told depends on the address typed, not on who has it."""
        names = _names(request, credentials)
        left = [throttle.take(name, limit) for name, limit in zip(names, (TRIES, TRIES_OF_A_PLACE), strict=True)]
        if min(left) < 0:
            raise self.validation_error("too_many_login_attempts")
        request.tries_left = left[0]

    def authenticate(self, request, **credentials):
        user = super().authenticate(request, **credentials)
        if user is not None:
            for name in _names(request, credentials):
                throttle.give_back(name)
        return user

    def authentication_failed(self, request, **credentials):
        user = User.objects.filter(email=_address(credentials)).first()
        if user is None or user.account_id is None:
            return
        with account_scope(user.account_id):
            audit.record(audit.Action.SIGN_IN_FAILED, about=user.email)

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Whoever proved within the last minutes who they are is not asked again: a sign-in counts."""
        proofs = context.request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{"at": 0}]
        return time.time() - proofs[-1]["at"] > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def validation_error(self, code, *args):
        error = super().validation_error(code, *args)
        left = getattr(context.request, "tries_left", None)
        if code == "email_password_mismatch" and left is not None and left < 3:
            tries = f"{left} {'try' if left == 1 else 'tries'} left." if left else "That was the last try for now."
            error.message = f"{error.message} {tries}"
        return error

    def add_message(self, request, level, message_template=None, message_context=None, extra_tags="", message=None):
        """Only what went wrong is told; that a sign-in worked shows by itself."""
        if level == ERROR:
            super().add_message(request, level, message_template, message_context, extra_tags, message)


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is not right. Codes change every 30 seconds: try the next one.",
        "cannot_delete_authenticator": "Your account asks everybody for a second factor. Add another one first.",
    }

    def get_totp_issuer(self):
        return "FlowPilot"

    def encrypt(self, text):
        return seal_new(text)

    def decrypt(self, encrypted_text):
        return open_secret(encrypted_text)

    def can_delete_authenticator(self, authenticator):
        return may_remove(authenticator)

    def generate_authenticator_name(self, user, type: Authenticator.Type):
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}"

    def get_public_key_credential_rp_entity(self):
        return {"id": context.request.get_host().partition(":")[0], "name": "FlowPilot"}


def _address(credentials) -> str:
    return str(credentials.get("email") or credentials.get("username") or "").strip().lower()


def _names(request, credentials) -> tuple[str, str]:
    """Return the names that a try counts under: of the address from this place, and of the place."""
    place = _place(AccountAdapter(request).get_client_ip(request))
    return f"sign-in:{_address(credentials)}:{place}", f"sign-in:{place}"


def _place(ip: str) -> str:
    """Return an address; of IPv6 its network, for one machine has as many addresses there as it likes."""
    address = ipaddress.ip_address(ip)
    return ip if address.version == 4 else str(ipaddress.ip_network(f"{ip}/64", strict=False))
