"""Screenshots and long output that go with a message."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from flowpilot.accounts.models import User
from flowpilot.accounts.preferences import get_setting
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import Conflict, Invalid, NotFound
from sessions import files
from sessions.images import draw_anew, looks_like_image
from sessions.models import Attachment, ChatSession
from sessions.services._turns import require_open

MOST_BYTES = 10 * 1024 * 1024
MOST_A_TURN = 10
_QUOTA = 2 * 1024**3  # bytes an account keeps, unless its setting says otherwise


def attach(*, account_id: UUID, chat_id: UUID, name: str, data: bytes, by: User) -> Attachment:
    """Check a file, and keep it for the next message of a person. Raises Invalid, Conflict, NotFound or Unavailable."""
    refuse_open_transaction()
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())[:120] or "pasted"
    if len(data) > MOST_BYTES:
        raise Invalid(f"“{name}” is over {MOST_BYTES // 1024**2} MB. Crop it, or attach the part that matters.")
    with account_scope(account_id):
        _require_room(chat_id, by, len(data))
    facts, kept = _read(name, data)
    stored = files.keep(account_id, kept)
    try:
        with account_scope(account_id):
            chat = ChatSession.objects.lock(chat_id)
            _require_room(chat_id, by, len(kept))
            return Attachment.objects.create(chat=chat, uploaded_by=by, name=name, file=stored, size=len(kept), **facts)
    except BaseException:
        files.discard(account_id, [stored])
        raise


@transaction.atomic
def detach(*, chat_id: UUID, attachment_id: UUID, by: User) -> None:
    """Drop a file that was not sent yet. Raises Conflict or NotFound."""
    found = Attachment.objects.filter(pk=attachment_id, chat_id=chat_id).first()
    if found is None:
        raise NotFound("That file is not part of this session.")
    if found.turn_id or found.uploaded_by_id != by.pk:
        raise Conflict("That file belongs to a message already.")
    found.delete()
    _discard(found.account_id, [found.file])


def _discard(account_id: UUID, names: list[str]) -> None:
    transaction.on_commit(partial(files.discard, account_id, names))


def _require_room(chat_id: UUID, by: User, size: int) -> None:
    chat = ChatSession.objects.filter(pk=chat_id).first()
    if chat is None:
        raise NotFound("There is no such session.")
    require_open(chat)
    if Attachment.objects.filter(chat=chat, turn=None, uploaded_by=by).count() >= MOST_A_TURN:
        raise Invalid(f"{MOST_A_TURN} files go with one message. Send these first, then add more.")
    used = Attachment.objects.aggregate(used=Sum("size"))["used"] or 0
    if used + size > get_setting(chat.account, "uploads.quota_bytes", _QUOTA):
        raise Invalid("Your account's space for files is used up. An admin can shorten how long sessions are kept.")


def _read(name: str, data: bytes) -> tuple[dict, bytes]:
    """Return what an attachment is, by its content, and the bytes that are kept of it."""
    if looks_like_image(data):
        picture = draw_anew(data)
        facts = {"media_type": picture.media_type, "width": picture.width, "height": picture.height}
        return {"kind": Attachment.Kind.IMAGE, **facts}, picture.data
    text = _decode(data)
    if text is None:
        raise Invalid(
            f"“{name}” is neither an image (PNG, JPEG, WebP, GIF) nor text. Paste a screenshot of it, or its words."
        )
    return {
        "kind": Attachment.Kind.TEXT,
        "media_type": "text/plain",
        "line_count": len(text.splitlines()),
    }, text.encode()


def _decode(data: bytes) -> str | None:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text or not text.strip() else text
