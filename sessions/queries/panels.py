"""What stands beside the chat: the task lane, the fix, the facts."""

from dataclasses import dataclass

from sessions import lane as lane_items
from sessions.models import ChatSession, SessionFact, SuggestedFix
from sessions.queries._ready import ready


@dataclass(frozen=True)
class Lane:
    """The task lane as its panel shows it."""

    open: list[lane_items.Item]
    closed: list[lane_items.Item]
    untold: int

    @property
    def total(self) -> int:
        return len(self.open) + len(self.closed)

    @property
    def percent_done(self) -> int:
        return round(100 * len(self.closed) / self.total) if self.total else 0

    @property
    def skipped(self) -> int:
        return sum(item["state"] == lane_items.SKIPPED for item in self.closed)


@dataclass(frozen=True)
class FixPanel:
    """The active fix, if there is one, and what came before it, newest first."""

    active: SuggestedFix | None
    earlier: list[SuggestedFix]


def facts(chat: ChatSession) -> list[SessionFact]:
    """Return what is known, oldest first."""
    return ready(chat.facts.filter(deleted_at=None).select_related("author").order_by("created_at", "id"))


def fixes(chat: ChatSession) -> list[SuggestedFix]:
    """Return every fix that was suggested, oldest first."""
    return ready(chat.fixes.order_by("created_at", "id"))


def fix_panel(chat: ChatSession) -> FixPanel:
    """Return the active fix and the earlier ones."""
    every = fixes(chat)
    active = next((fix for fix in every if fix.superseded_at is None), None)
    return FixPanel(active, [fix for fix in reversed(every) if fix.superseded_at])


def lane(chat: ChatSession) -> Lane:
    """Return the task lane, open and closed."""
    items = chat.pending_task_lane
    opened = [item for item in items if lane_items.is_open(item)]
    closed = [item for item in items if not lane_items.is_open(item)]
    return Lane(opened, closed, len(lane_items.untold(items)))


def problem(chat: ChatSession) -> str:
    """Return the problem in words: the ticket's summary and what was first said."""
    return "\n".join(part for part in (chat.ticket_summary, chat.problem) if part)
