"""Fixes that wait to be verified, and when to look again."""

from django.db.models import F

from flowpilot.accounts.models import User
from sessions.models import ChatSession, SuggestedFix
from sessions.queries._ready import ready


def waiting(user: User, limit: int = 6) -> list[SuggestedFix]:
    """Return the fixes of a person's open sessions that wait to be verified, the first to look at again first."""
    rows = SuggestedFix.objects.select_related("chat").filter(
        outcome=SuggestedFix.Outcome.WAITING,
        superseded_at=None,
        chat__owner=user,
        chat__status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED],
    )
    return ready(rows.order_by(F("remind_at").asc(nulls_last=True), "id")[:limit])
