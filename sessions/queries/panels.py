"""What stands beside the chat: the task lane, the fix, the facts."""

from dataclasses import dataclass

from sessions import lane as lane_items
from sessions.models import ChatSession, SessionFact, SuggestedFix
from sessions.queries._ready import ready

_UNPROVEN = {SuggestedFix.Outcome.NONE, SuggestedFix.Outcome.VERIFYING, SuggestedFix.Outcome.WAITING}


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
class Evidence:
    """A fact under a fix: its words when the fix was suggested, and as they are now."""

    fact_id: str
    then: str
    now: str  # empty: it was removed

    @property
    def is_shaken(self) -> bool:
        return self.then != self.now


@dataclass(frozen=True)
class FixPanel:
    """The active fix, if there is one, with the facts it rests on; what came before it, newest first; what is ruled out."""

    active: SuggestedFix | None
    earlier: list[SuggestedFix]
    ruled_out: list[SuggestedFix]
    evidence: list[Evidence]

    @property
    def shaken(self) -> list[Evidence]:
        """The facts under a fix that changed since, while the fix is still to prove itself."""
        is_open = self.active is not None and self.active.outcome in _UNPROVEN
        return [each for each in self.evidence if each.is_shaken] if is_open else []


def facts(chat: ChatSession) -> list[SessionFact]:
    """Return what is known, oldest first."""
    return ready(chat.facts.filter(deleted_at=None).select_related("author").order_by("created_at", "id"))


def fixes(chat: ChatSession) -> list[SuggestedFix]:
    """Return every fix that was suggested, oldest first."""
    return ready(chat.fixes.order_by("created_at", "id"))


def fix_panel(chat: ChatSession, known: list[SessionFact] | None = None) -> FixPanel:
    """Return the active fix with what it rests on, and the earlier ones; `known` saves reading the facts again."""
    every = fixes(chat)
    active = next((fix for fix in every if fix.superseded_at is None), None)
    past = [fix for fix in reversed(every) if fix.superseded_at]
    ruled_out = [fix for fix in past if is_ruled_out(fix)]
    return FixPanel(
        active,
        [fix for fix in past if not is_ruled_out(fix)],
        ruled_out,
        _evidence(chat, active, known) if active else [],
    )


def is_ruled_out(fix: SuggestedFix) -> bool:
    """Whether a fix is known not to be the one: it failed, or somebody said why not."""
    return fix.outcome == SuggestedFix.Outcome.FAILED or fix.user_decision == SuggestedFix.Decision.DISMISSED


def _evidence(chat: ChatSession, fix: SuggestedFix, known: list[SessionFact] | None) -> list[Evidence]:
    if not fix.evidence:
        return []
    texts = {str(fact.id): fact.text for fact in (facts(chat) if known is None else known)}
    return [Evidence(each["id"], each["text"], texts.get(each["id"], "")) for each in fix.evidence]


def lane(chat: ChatSession) -> Lane:
    """Return the task lane, open and closed."""
    items = chat.pending_task_lane
    opened = [item for item in items if lane_items.is_open(item)]
    closed = [item for item in items if not lane_items.is_open(item)]
    return Lane(opened, closed, len(lane_items.untold(items)))


def problem(chat: ChatSession) -> str:
    """Return the problem in words: the ticket's summary and what was first said."""
    return "\n".join(part for part in (chat.ticket_summary, chat.problem) if part)
