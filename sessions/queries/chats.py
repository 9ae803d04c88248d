"""Sessions and what was said in them."""

from uuid import UUID

from django.db.models import Q

from flowpilot.accounts.models import User
from flowpilot.errors import NotFound
from sessions.models import ChatSession
from sessions.queries._ready import ready


def get_chat(chat_id: UUID) -> ChatSession:
    """Return a chat with its people and posts. Raises NotFound."""
    chat = ChatSession.objects.select_related("owner", "escalated_to", "escalated_by").filter(pk=chat_id).first()
    if chat is None:
        raise NotFound("There is no such session.")
    return chat


def active_chats(user: User, limit: int = 8) -> list[ChatSession]:
    """Return the open sessions a person owns, newest first."""
    mine = ChatSession.objects.filter(owner=user, status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED])
    return ready(mine.order_by("-updated_at", "-id")[:limit])


def recent_chats(limit: int = 5) -> list[ChatSession]:
    """Return the account's sessions that ended last."""
    ended = ChatSession.objects.exclude(status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED])
    return ready(ended.order_by("-updated_at", "-id")[:limit])


def history(*, text: str = "", status: str = "", limit: int = 50) -> list[ChatSession]:
    """Return the account's sessions, newest first; `text` is looked for in title, problem and ticket."""
    chats = ChatSession.objects.select_related("owner")
    if status in ChatSession.Status.values:
        chats = chats.filter(status=status)
    if text:
        matches = Q(title__icontains=text) | Q(problem__icontains=text) | Q(ticket_company__icontains=text)
        number = text.lstrip("#")
        chats = chats.filter(matches | Q(ticket_id=int(number)) if number.isdecimal() and len(number) < 12 else matches)
    return ready(chats.order_by("-updated_at", "-id")[:limit])
