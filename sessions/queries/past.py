"""A session as it stood: messages, lane, facts and fixes at one of its versions."""

from dataclasses import dataclass
from datetime import datetime

from sessions import past as pasts
from sessions.lane import Item
from sessions.models import ChatSession, Turn
from sessions.queries._ready import ready


@dataclass(frozen=True)
class PastTurn:
    """A message as it stood; its answer shows once it was there."""

    turn: Turn
    status: str


@dataclass(frozen=True)
class PastFix:
    """A suggestion as it stood."""

    id: str
    state: pasts.State
    verdict: str


@dataclass(frozen=True)
class Past:
    """What the page of a session's past shows."""

    version: int
    first: int
    last: int
    moment: datetime | None  # when it began
    snapshot: pasts.Snapshot
    turns: list[PastTurn]
    fixes: list[PastFix]
    open: list[Item]
    closed: list[Item]

    @property
    def earlier(self) -> int | None:
        return self.version - 1 if self.version > self.first else None

    @property
    def later(self) -> int | None:
        return self.version + 1 if self.version < self.last else None


def past(chat: ChatSession, version: int | None = None) -> Past:
    """Return a session as it stood at a version, kept within those there are; without one, as it stands."""
    changes = ready(chat.changes.order_by("version", "created_at"))
    first = changes[0].version if changes else chat.state_version
    at = min(max(first, chat.state_version if version is None else version), chat.state_version)
    shown = pasts.snapshot(changes, at)
    turns = ready(chat.turns.select_related("author").order_by("number"))
    told = [PastTurn(turn, shown.turns[str(turn.id)]) for turn in turns if str(turn.id) in shown.turns]
    moment = next((change.created_at for change in changes if change.version == at), None)
    return Past(
        version=at,
        first=first,
        last=chat.state_version,
        moment=moment,
        snapshot=shown,
        turns=told,
        fixes=[PastFix(ref, fix, pasts.verdict(fix)) for ref, fix in reversed(shown.fixes.items())],
        open=[task for task in shown.tasks if task["state"] == "open"],
        closed=[task for task in shown.tasks if task["state"] != "open"],
    )


def changes_since(chat: ChatSession, version: int) -> list[str]:
    """Return in words what changed in a session after a version that somebody saw."""
    changes = ready(chat.changes.order_by("version", "created_at"))
    return pasts.changes_between(changes, version, chat.state_version)
