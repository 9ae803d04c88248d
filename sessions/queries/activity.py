"""How long somebody really worked on a session: idle gaps are shown, never counted and never filled."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from flowpilot.accounts.preferences import get_setting
from sessions.models import ChatSession

IDLE_AFTER = timedelta(minutes=10)  # a longer silence is a break, unless the account says otherwise


@dataclass(frozen=True)
class Gap:
    """A time in which nothing happened in the session."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).total_seconds() // 60)


def active_minutes(moments: Iterable[datetime], *, idle_after: timedelta = IDLE_AFTER) -> int:
    """Return the whole minutes between moments of work, without gaps longer than `idle_after`. Pure; any order."""
    ordered = sorted(moments)
    worked = sum((b - a for a, b in pairwise(ordered) if b - a <= idle_after), timedelta())
    return int(worked.total_seconds() // 60)


def idle_gaps(moments: Iterable[datetime], *, idle_after: timedelta = IDLE_AFTER) -> list[Gap]:
    """Return the gaps that `active_minutes` leaves out, oldest first. Pure; any order."""
    return [Gap(a, b) for a, b in pairwise(sorted(moments)) if b - a > idle_after]


@dataclass(frozen=True)
class Worked:
    """The time that went into a session, as it can be charged: real minutes, and the gaps that are not in them."""

    starts_at: datetime
    ends_at: datetime
    minutes: int
    gaps: list[Gap]

    @property
    def idle_minutes(self) -> int:
        """What between the start and the end was no work."""
        return self.whole_minutes - self.minutes

    @property
    def whole_minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


def worked(chat: ChatSession) -> Worked:
    """Return the time that went into a session so far."""
    found = moments(chat)
    pause = timedelta(minutes=get_setting(chat.account_id, "time.idle_minutes"))
    return Worked(found[0], found[-1], active_minutes(found, idle_after=pause), idle_gaps(found, idle_after=pause))


def moments(chat: ChatSession) -> list[datetime]:
    """Return when something happened in a session: turns, answers, facts, fixes, its start and end; oldest first."""
    found: set[datetime | None] = {chat.created_at, chat.resolved_at}
    for created, started, finished in chat.turns.values_list("created_at", "started_at", "finished_at"):
        found |= {created, started, finished}
    for rows, fields in (
        (chat.facts, ("created_at", "deleted_at")),
        (chat.fixes, ("created_at", "applied_at", "verified_at")),
    ):
        for times in rows.values_list(*fields):
            found |= set(times)
    found |= {_moment(item.get("answered_at", "")) for item in chat.pending_task_lane}
    return sorted(moment for moment in found if moment is not None)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
