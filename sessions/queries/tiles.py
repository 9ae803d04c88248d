"""The figures of the dashboard."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Aggregate, Count, DurationField, F, Q
from django.utils import timezone

from sessions.models import ChatSession, SuggestedFix

_ENDS = ["success", "partial", "failed"]


class _Median(Aggregate):
    """The middle one, or the shorter of the two in the middle."""

    function = "percentile_disc"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True)
class Tile:
    """One figure of the dashboard."""

    label: str
    value: str
    detail: str


def tiles() -> list[Tile]:
    """Return what the account's last seven days came to."""
    since = timezone.now() - timedelta(days=7)
    resolved = ChatSession.objects.filter(status=ChatSession.Status.RESOLVED, resolved_at__gte=since)
    took = resolved.aggregate(count=Count("id"), median=_Median(F("resolved_at") - F("created_at")))
    tried_fixes = SuggestedFix.objects.filter(updated_at__gte=since, outcome__in=_ENDS)
    fixes = tried_fixes.aggregate(tried=Count("id"), worked=Count("id", filter=Q(outcome=SuggestedFix.Outcome.SUCCESS)))
    tried, worked = fixes["tried"], fixes["worked"]
    median = f"{took['median'].total_seconds() / 60:.0f} min" if took["count"] else "–"
    active = ChatSession.objects.filter(status=ChatSession.Status.ACTIVE).count()
    return [
        Tile("Resolved in 7 days", str(took["count"]), "sessions of the team"),
        Tile("Median time to resolve", median, f"over {took['count']}" if took["count"] else "nothing resolved yet"),
        Tile(
            "Fixes that worked",
            f"{100 * worked // tried}%" if tried else "–",
            f"{worked} of {tried} tried" if tried else "none tried yet",
        ),
        Tile("Open sessions", str(active), "of the team"),
    ]
