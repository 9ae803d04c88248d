"""What the model gets of a message's attachments: images as they are, long text fenced as data, its middle left out where it is very long."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flowpilot.providers.ai.untrusted import fence
from sessions import files
from sessions.models import Attachment, Turn

MOST_TEXT = 120_000  # characters of one file
_MOST_IMAGES = 20  # of a session, the newest


@dataclass(frozen=True)
class Attached:
    """The attachments of one message."""

    images: tuple[tuple[str, bytes], ...] = ()
    text: str = ""


def attached(turns: Sequence[Turn]) -> dict[UUID, Attached]:
    """Return what goes with each of these turns, by the turn's id."""
    found = list(Attachment.objects.filter(turn__in=turns).order_by("created_at", "id"))
    images = [each for each in found if each.kind == Attachment.Kind.IMAGE][-_MOST_IMAGES:]
    shown = {each.pk for each in images}
    by_turn: dict[UUID, Attached] = {}
    for each in found:
        so_far = by_turn.get(each.turn_id, Attached())
        data = files.read(each.account_id, each.file) if each.kind == Attachment.Kind.TEXT or each.pk in shown else b""
        if each.kind == Attachment.Kind.TEXT:
            so_far = Attached(so_far.images, f"{so_far.text}\n\n{fence(each.name, shorten(data.decode()))}")
        elif data:
            so_far = Attached((*so_far.images, (each.media_type, data)), so_far.text)
        by_turn[each.turn_id] = so_far
    return by_turn


def shorten(text: str, most: int = MOST_TEXT) -> str:
    """Return a text whose middle is left out, and said to be, where it is longer than `most`."""
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most // 3
    return f"{text[:head]}\n[… {len(text) - head - tail:,} characters left out …]\n{text[-tail:]}"
