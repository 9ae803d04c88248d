"""What changed in the PSA behind our back: written down once, and told to the pages that are open."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from flowpilot.accounts.caching import remember
from flowpilot.accounts.scope import account_scope
from psa.models import PsaChange

KEPT = timedelta(days=1)
MOST_TOLD = 200
_OVERLAP = timedelta(seconds=3)  # a change that was being written while somebody asked is told the next time
_WATCHED = "psa:watched"
_WATCHED_SECONDS = 300


@dataclass(frozen=True)
class Change:
    """One ticket that changed. `key` tells a change from its second telling."""

    ticket_id: int
    changed_at: datetime
    key: str


@dataclass(frozen=True)
class Changes:
    """The tickets that changed since a moment, the latest first, and the moment to ask from the next time."""

    ticket_ids: list[int]
    until: str

    def __bool__(self) -> bool:
        return bool(self.ticket_ids)


def changes(account_id: UUID, since: str = "") -> Changes:
    """Return what changed since `since`, which is the `until` of the answer before; nothing on the first call.

    Asking keeps the poll going for this account. It never asks ConnectWise.
    """
    with account_scope(account_id):
        remember(_WATCHED, lambda: True, seconds=_WATCHED_SECONDS)
        now = _database_now()
        begun = _moment(since)
        if begun is None:
            return Changes([], now.isoformat())
        rows = PsaChange.objects.filter(told_at__gt=max(begun, now - KEPT) - _OVERLAP).order_by("-told_at")
        ids = list(dict.fromkeys(rows.values_list("ticket_id", flat=True)[:MOST_TOLD]))
    return Changes(ids, now.isoformat())


def is_watched() -> bool:
    """Whether somebody of the open account looks at tickets."""
    return remember(_WATCHED, lambda: None, seconds=1) is not None


def note(told: Iterable[Change]) -> list[int]:
    """Write down changes in the open account; return the tickets of those that were new."""
    known = list(told)
    before = set(PsaChange.objects.filter(key__in=[each.key for each in known]).values_list("key", flat=True))
    fresh = [each for each in known if each.key not in before]
    rows = [PsaChange(ticket_id=each.ticket_id, changed_at=each.changed_at, key=each.key) for each in fresh]
    made = PsaChange.objects.bulk_create(rows, ignore_conflicts=True)
    return list(dict.fromkeys(row.ticket_id for row in made))


def forget_old() -> int:
    """Drop the open account's changes that nobody asks for any more; return how many."""
    return PsaChange.objects.filter(told_at__lt=_database_now() - KEPT).delete()[0]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
