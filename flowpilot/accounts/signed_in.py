"""Whether a sign-in that a long request began with still holds."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from flowpilot.accounts.models import User


def is_still_signed_in(request: HttpRequest) -> bool:
    """Return whether the session was not ended since, its password still holds, and its person is active and of the same account."""
    fresh = HttpRequest()
    fresh.session = import_module(settings.SESSION_ENGINE).SessionStore(request.session.session_key)
    user = get_user(fresh)
    return isinstance(user, User) and user.is_active and user.account_id == request.account_id  # type: ignore[attr-defined]
