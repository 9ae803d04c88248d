"""How allauth behaves here: people come in by invitation, so nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import PermissionDenied


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "That e-mail address and password don’t match.",
        "too_many_login_attempts": "That was wrong too often. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request):
        return False

    def get_client_ip(self, request):
        """Return where a request comes from; a server behind a socket, whose proxy tells nothing, has one place for all."""
        try:
            return super().get_client_ip(request)
        except PermissionDenied:
            return "0.0.0.0"  # noqa: S104
