"""The figures of the dashboard."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from sessions.models import ChatSession, SuggestedFix


@dataclass(frozen=True)
class Tile:
    """One figure of the dashboard."""

    label: str
    value: str
    detail: str


def tiles() -> list[Tile]:
    """Return what the account's last seven days came to."""
    since = timezone.now() - timedelta(days=7)
    resolved = list(
        ChatSession.objects.filter(status=ChatSession.Status.RESOLVED, resolved_at__gte=since).values_list(
            "created_at", "resolved_at"
        )
    )
    outcomes = SuggestedFix.objects.filter(updated_at__gte=since).exclude(outcome=SuggestedFix.Outcome.NONE)
    tried = outcomes.filter(outcome__in=["success", "partial", "failed"]).count()
    worked = outcomes.filter(outcome=SuggestedFix.Outcome.SUCCESS).count()
    minutes = sorted((end - start).total_seconds() / 60 for start, end in resolved)
    median = f"{minutes[len(minutes) // 2]:.0f} min" if minutes else "–"
    active = ChatSession.objects.filter(status=ChatSession.Status.ACTIVE).count()
    return [
        Tile("Resolved in 7 days", str(len(resolved)), "sessions of the team"),
        Tile("Median time to resolve", median, f"over {len(minutes)}" if minutes else "nothing resolved yet"),
        Tile(
            "Fixes that worked",
            f"{100 * worked // tried}%" if tried else "–",
            f"{worked} of {tried} tried" if tried else "none tried yet",
        ),
        Tile("Open sessions", str(active), "of the team"),
    ]
