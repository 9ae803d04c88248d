"""How often something may be tried: counted in the database, before it is tried, so that no number of processes counts past it."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from flowpilot.accounts.models import Throttle


@dataclass(frozen=True)
class Limit:
    """So many tries within so long."""

    tries: int
    within: timedelta


def take(name: str, limit: Limit) -> int:
    """Count one try under a name and return how many are left after it; below zero it must not be made."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_throttle AS kept (key, count, since) VALUES (%(key)s, 1, clock_timestamp())
            ON CONFLICT (key) DO UPDATE SET
                count = CASE WHEN kept.since < clock_timestamp() - make_interval(secs => %(seconds)s) THEN 1 ELSE least(kept.count + 1, 1000000) END,
                since = CASE WHEN kept.since < clock_timestamp() - make_interval(secs => %(seconds)s) THEN clock_timestamp() ELSE kept.since END
            RETURNING count
            """,
            {"key": _hashed(name), "seconds": limit.within.total_seconds()},
        )
        return limit.tries - cursor.fetchone()[0]


def give_back(name: str) -> None:
    """Uncount one try: it was a good one."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_throttle SET count = greatest(count - 1, 0) WHERE key = %s", [_hashed(name)])


def forget_old(older_than: timedelta = timedelta(days=1)) -> int:
    """Delete what counts for nothing any more; return how many."""
    return Throttle.objects.filter(since__lt=timezone.now() - older_than).delete()[0]


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
