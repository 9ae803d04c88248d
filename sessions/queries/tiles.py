"""The figures of the dashboard."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, F, Q
from django.utils import timezone

from flowpilot.accounts.models import User
from psa.queries import my_close_tickets
from sessions.models import ChatSession, SuggestedFix

_WEEK = timedelta(days=7)
_ENDS = ["success", "partial", "failed"]


class _Median(Aggregate):
    """The middle one, or the shorter of the two in the middle."""

    function = "percentile_disc"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True)
class Tile:
    """One figure of the dashboard. Its detail is green where it is good news, and amber or red where somebody is needed."""

    label: str
    value: str
    detail: str
    tone: str = ""


def tiles(user: User) -> list[Tile]:
    """Return what the account's last seven days came to, beside the seven before, and which of a person's tickets run out of time."""
    now = timezone.now()
    took, before = (_took(now - each * _WEEK, now - (each - 1) * _WEEK) for each in (1, 2))
    tried_fixes = SuggestedFix.objects.filter(updated_at__gte=now - _WEEK, outcome__in=_ENDS)
    fixes = tried_fixes.aggregate(tried=Count("id"), worked=Count("id", filter=Q(outcome=SuggestedFix.Outcome.SUCCESS)))
    tried, worked = fixes["tried"], fixes["worked"]
    return [
        _resolved(took["count"], before["count"]),
        _time_to_resolve(took, before),
        Tile(
            "Fixes that worked",
            f"{100 * worked // tried}%" if tried else "–",
            f"{worked} of {tried} tried" if tried else "none tried yet",
        ),
        _running_out(user),
    ]


def _took(since: datetime, until: datetime) -> dict[str, Any]:
    """Return how many sessions were resolved in a time, and their median from start to end."""
    resolved = ChatSession.objects.filter(
        status=ChatSession.Status.RESOLVED, resolved_at__gte=since, resolved_at__lt=until
    )
    return resolved.aggregate(count=Count("id"), median=_Median(F("resolved_at") - F("created_at")))


def _resolved(count: int, before: int) -> Tile:
    more = count - before
    if more:
        detail = f"{abs(more)} {'more' if more > 0 else 'fewer'} than the week before"
    else:
        detail = "as many as the week before" if count else "nothing yet"
    return Tile("Resolved in 7 days", str(count), detail, "green" if more > 0 else "")


def _time_to_resolve(took: dict[str, Any], before: dict[str, Any]) -> Tile:
    if not took["count"]:
        return Tile("Median time to resolve", "–", "nothing resolved yet")
    minutes = _minutes(took["median"])
    detail, tone = f"over {took['count']}", ""
    if before["count"]:
        saved = _minutes(before["median"]) - minutes
        tone = "green" if saved > 0 else ""
        detail = f"{abs(saved)} min {'faster' if saved > 0 else 'slower'}" if saved else "as fast as the week before"
    return Tile("Median time to resolve", f"{minutes} min", detail, tone)


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)


def _running_out(user: User) -> Tile:
    """Say how many of the person's tickets run out of time, as their queue was last seen; ConnectWise is not asked."""
    close = my_close_tickets(user)
    if close is None:
        active = ChatSession.objects.filter(status=ChatSession.Status.ACTIVE).count()
        return Tile("Open sessions", str(active), "of the team")
    if not close:
        return Tile("SLA at risk", "0", "none of yours within two hours")
    first = close[0]
    words = f"{first.span} over" if first.is_over else f"Next in {first.span}"
    return Tile("SLA at risk", str(len(close)), words, first.tone)
