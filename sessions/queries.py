"""Reading sessions, ready to show: ordered, complete, and silent when a template asks for more."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from flowpilot.accounts.caching import remember
from flowpilot.accounts.models import User
from flowpilot.errors import NotFound
from sessions import lane as lane_items
from sessions.models import ChatSession, SessionFact, SuggestedFix, Turn
from sessions.notes import resolution_note

_NOTE_KEPT = 60 * 60  # seconds; a newer state_version has a key of its own


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


@dataclass(frozen=True)
class Note:
    """The resolution note as it would be posted, and the version of the session it was made on."""

    markdown: str
    version: int
    is_edited: bool
    is_stale: bool  # edited by hand, and the session changed since


def get_chat(chat_id: UUID) -> ChatSession:
    """Return a chat with its people and posts. Raises NotFound."""
    chat = (
        ChatSession.objects.select_related("owner", "resolution_post__created_by", "status_post")
        .filter(pk=chat_id)
        .first()
    )
    if chat is None:
        raise NotFound("There is no such session.")
    return chat


def get_turn(chat_id: UUID, turn_id: UUID) -> Turn:
    """Return a turn of a chat. Raises NotFound."""
    turn = Turn.objects.select_related("author").filter(pk=turn_id, chat_id=chat_id).first()
    if turn is None:
        raise NotFound("That message is not part of this session.")
    return turn


def thread(chat: ChatSession) -> list[Turn]:
    """Return a chat's turns, oldest first."""
    return _ready(chat.turns.select_related("author").order_by("number"))


def facts(chat: ChatSession) -> list[SessionFact]:
    """Return what is known, oldest first."""
    return _ready(chat.facts.filter(deleted_at=None).select_related("author").order_by("created_at", "id"))


def fixes(chat: ChatSession) -> list[SuggestedFix]:
    """Return every fix that was suggested, oldest first."""
    return _ready(chat.fixes.order_by("created_at", "id"))


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


def note(chat: ChatSession) -> Note:
    """Return the resolution note: as edited by hand, or built from the session's state and kept by its version."""
    if chat.resolution_note_markdown:
        made_on = chat.resolution_note_version or 0
        return Note(chat.resolution_note_markdown, made_on, is_edited=True, is_stale=made_on != chat.state_version)
    return Note(built_note(chat), chat.state_version, is_edited=False, is_stale=False)


def built_note(chat: ChatSession) -> str:
    """Return the note that the state makes, from the cache while the version stands."""
    return remember(f"note:{chat.id}:{chat.state_version}", lambda: _build_note(chat), seconds=_NOTE_KEPT)


def active_chats(user: User, limit: int = 8) -> list[ChatSession]:
    """Return the open sessions a person owns, newest first."""
    mine = ChatSession.objects.filter(owner=user, status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED])
    return _ready(mine.order_by("-updated_at", "-id")[:limit])


def recent_chats(limit: int = 5) -> list[ChatSession]:
    """Return the account's sessions that ended last."""
    ended = ChatSession.objects.exclude(status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED])
    return _ready(ended.order_by("-updated_at", "-id")[:limit])


def history(*, text: str = "", status: str = "", limit: int = 50) -> list[ChatSession]:
    """Return the account's sessions, newest first; `text` is looked for in title, problem and ticket."""
    chats = ChatSession.objects.select_related("owner")
    if status in ChatSession.Status.values:
        chats = chats.filter(status=status)
    if text:
        matches = Q(title__icontains=text) | Q(problem__icontains=text) | Q(ticket_company__icontains=text)
        number = text.lstrip("#")
        chats = chats.filter(matches | Q(ticket_id=int(number)) if number.isdecimal() and len(number) < 12 else matches)
    return _ready(chats.order_by("-updated_at", "-id")[:limit])


def chats_of_ticket(ticket_id: int) -> list[ChatSession]:
    """Return the sessions linked to a ticket, newest first."""
    return _ready(
        ChatSession.objects.filter(ticket_id=ticket_id).select_related("owner").order_by("-updated_at", "-id")
    )


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


def _build_note(chat: ChatSession) -> str:
    return resolution_note(
        problem=chat.problem,
        ticket_summary=chat.ticket_summary,
        contact=chat.ticket_contact,
        company=chat.ticket_company,
        facts=[(fact.text, fact.source_type) for fact in facts(chat)],
        fixes=fixes(chat),
        open_tasks=[item["text"] for item in lane(chat).open],
    )


def _ready[M: models.Model](rows: "models.QuerySet[M]") -> list[M]:
    """Fetch now; a template that reaches for an unfetched relation is a bug, not a query."""
    return list(rows.fetch_mode(models.FETCH_RAISE))
