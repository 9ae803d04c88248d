"""Sessions and what was said in them."""

from uuid import UUID

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


def get_version(chat_id: UUID) -> int:
    """Return a chat's state_version. Raises NotFound."""
    found = ChatSession.objects.filter(pk=chat_id).values_list("state_version", flat=True).first()
    if found is None:
        raise NotFound("There is no such session.")
    return found


def active_chats(user: User, limit: int = 8) -> list[ChatSession]:
    """Return the open sessions a person owns, newest first."""
    mine = ChatSession.objects.filter(owner=user, status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED])
    return ready(mine.order_by("-updated_at", "-id")[:limit])


def recent_chats(limit: int = 5) -> list[ChatSession]:
    """Return the account's sessions that ended last."""
    ended = ChatSession.objects.exclude(status__in=[ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED])
    return ready(ended.order_by("-updated_at", "-id")[:limit])
