"""What the pages of an account's people show."""

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import models
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from flowpilot.accounts.login_sessions import hashed
from flowpilot.accounts.models import Invitation, LoginSession, User


def accounts_with_people() -> list[UUID]:
    """Return the accounts that somebody belongs to; no scope shows them all, so those who sign in are asked."""
    people = User.objects.filter(account__isnull=False).order_by("account_id")
    return list(people.values_list("account_id", flat=True).distinct())


def people() -> list[User]:
    """Return the open account's people, the active first, each with when they were last here and whether they have a second factor."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=["totp", "webauthn"])
    found = User.objects.annotate(seen_at=Max("login_sessions__last_seen_at"), has_factor=Exists(factors))
    return list(found.order_by("-is_active", "name", "email").fetch_mode(models.FETCH_RAISE))


def open_invitations() -> list[Invitation]:
    """Return who was invited and has not come yet, the newest first; `is_late` says that the link is too old."""
    found = Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)
    invitations = list(found.select_related("invited_by").order_by("-sent_at", "email").fetch_mode(models.FETCH_RAISE))
    for invitation in invitations:
        invitation.is_late = invitation.expires_at < timezone.now()
    return invitations


def login_sessions(user: User, current_key: str | None) -> list[LoginSession]:
    """Return where a person is signed in, this browser first (`is_this`), then the last seen."""
    found = LoginSession.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_seen_at")
    sessions = list(found.fetch_mode(models.FETCH_RAISE))
    for session in sessions:
        session.is_this = bool(current_key) and session.session_key == hashed(current_key or "")
    return sorted(sessions, key=lambda each: not each.is_this)
