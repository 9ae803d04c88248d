"""How a resolved session ended, and which scripts wait for a review after it."""

from dataclasses import dataclass
from statistics import median

from django.db.models import Case, Value, When

from flowpilot.accounts.preferences import get_setting
from psa.models import PsaPost
from sessions.models import ChatSession
from sessions.queries._ready import ready
from sessions.queries.drafts import pending_count
from sessions.script_models import DraftTemplate

MOST_SHOWN = 4
FEWEST_COMPARED, MOST_COMPARED = 3, 50


@dataclass(frozen=True)
class Ended:
    """What stands in the lane of a resolved session beside its fix."""

    waiting: list[DraftTemplate]  # its own scripts first, then the oldest of the account
    waiting_count: int
    time_entry: str  # the number of the time entry on the ticket, if one was posted
    usual_minutes: int | None  # from start to end, of the sessions that were resolved before it


def ended(chat: ChatSession) -> Ended | None:
    """Return how a session ended, or None while it is not resolved."""
    if chat.status != ChatSession.Status.RESOLVED:
        return None
    waiting = _waiting(chat)
    return Ended(waiting, pending_count() if waiting else 0, _time_entry(chat), _usual_minutes(chat))


def _usual_minutes(chat: ChatSession) -> int | None:
    """Return the median of the newest resolved sessions but this one; of fewer than three nothing is usual."""
    others = ChatSession.objects.filter(status=ChatSession.Status.RESOLVED).exclude(pk=chat.pk)
    newest = others.order_by("-updated_at").values_list("created_at", "resolved_at")[:MOST_COMPARED]
    minutes = [(end - start).total_seconds() / 60 for start, end in newest if end]
    return round(median(minutes)) if len(minutes) >= FEWEST_COMPARED else None


def _waiting(chat: ChatSession) -> list[DraftTemplate]:
    if get_setting(chat.account, "scripts.after_resolve", "ask") != "ask":
        return []
    pending = DraftTemplate.objects.filter(status=DraftTemplate.Status.PENDING).select_related("source_session")
    foreign = Case(When(source_session=chat, then=Value(0)), default=Value(1))
    return ready(pending.order_by(foreign, "created_at", "id")[:MOST_SHOWN])


def _time_entry(chat: ChatSession) -> str:
    if chat.resolution_batch is None:
        return ""
    sent = PsaPost.objects.filter(batch=chat.resolution_batch, kind=PsaPost.Kind.TIME, state=PsaPost.State.SENT)
    return sent.values_list("external_id", flat=True).first() or ""
