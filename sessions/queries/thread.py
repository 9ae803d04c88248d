"""What was said in a session, and whether anything of it moved since a page last looked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, Max, OuterRef, Q

from flowpilot.accounts.models import User
from flowpilot.errors import NotFound
from sessions.models import Attachment, ChatSession, Turn
from sessions.queries._ready import ready

_LIVE = [Turn.Status.QUEUED, Turn.Status.RUNNING]
_OVERLAP = timedelta(
    seconds=10
)  # a change may be committed after one that was made later; a page takes the same turn twice
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pulse:
    """Where a session stands, in so few words that they fit a stream's event id."""

    panels: str
    turns: str

    def __str__(self) -> str:
        return f"{self.panels}/{self.turns}"

    @property
    def turned_at(self) -> datetime | None:
        """When a turn last changed, as far as this pulse knows."""
        micros = self.turns.partition(".")[0]
        known = micros.isascii() and micros.isdecimal() and len(micros) < 18
        return _EPOCH + timedelta(microseconds=int(micros)) - _OVERLAP if known else None


def read_pulse(text: str) -> Pulse:
    """Return the pulse that was once written as this text; nonsense is a page that knows nothing."""
    panels, _, turns = text.partition("/")
    return Pulse(panels, turns)


def pulse(chat_id: UUID) -> Pulse:
    """Return where a session stands, in one query. Raises NotFound."""
    found = (
        ChatSession.objects.filter(pk=chat_id)
        .annotate(
            turned_at=Max("turns__updated_at"),
            turn_count=Count("turns"),
            live_count=Count("turns", filter=Q(turns__status__in=_LIVE)),
        )
        .values_list("state_version", "updated_at", "turned_at", "turn_count", "live_count")
        .first()
    )
    if found is None:
        raise NotFound("There is no such session.")
    state_version, updated_at, turned_at, turn_count, live_count = found
    return Pulse(f"{state_version}.{_micros(updated_at)}", f"{_micros(turned_at)}.{turn_count}.{live_count}")


def get_turn(chat_id: UUID, turn_id: UUID) -> Turn:
    """Return a turn of a chat. Raises NotFound."""
    turns = Turn.objects.select_related("author").prefetch_related("attachments")
    turn = turns.filter(pk=turn_id, chat_id=chat_id).first()
    if turn is None:
        raise NotFound("That message is not part of this session.")
    if turn.status == Turn.Status.QUEUED:
        turn.is_waiting = Turn.objects.filter(chat_id=chat_id, number__lt=turn.number, status__in=_LIVE).exists()
    return turn


def thread(chat: ChatSession, *, since: datetime | None = None) -> list[Turn]:
    """Return a chat's turns, oldest first; with `since` those that changed after it, and those that wait."""
    turns = chat.turns.select_related("author").prefetch_related("attachments").order_by("number")
    if since is not None:
        turns = turns.filter(Q(updated_at__gte=since) | Q(status=Turn.Status.QUEUED))
    earlier = Turn.objects.filter(chat=OuterRef("chat"), number__lt=OuterRef("number"), status__in=_LIVE)
    found = ready(turns.annotate(has_earlier=Exists(earlier)))
    for turn in found:
        turn.is_waiting = turn.status == Turn.Status.QUEUED and turn.has_earlier
    return found


def pending_attachments(chat: ChatSession, user: User) -> list[Attachment]:
    """Return what a person has added to the message they are writing."""
    return ready(chat.attachments.filter(turn=None, uploaded_by=user).order_by("created_at", "id"))


def get_attachment(chat_id: UUID, attachment_id: UUID) -> Attachment:
    """Return a file of a chat. Raises NotFound."""
    found = Attachment.objects.filter(pk=attachment_id, chat_id=chat_id).first()
    if found is None:
        raise NotFound("That file is not part of this session.")
    return found


def turn_ids(chat: ChatSession) -> list[UUID]:
    """Return the ids of a chat's turns, oldest first."""
    return list(chat.turns.order_by("number").values_list("id", flat=True))


def _micros(moment: datetime | None) -> int:
    """Return a moment as whole microseconds, exactly: a float would round them."""
    if moment is None:
        return 0
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
