"""Sessions of a ticket."""

from sessions.models import ChatSession
from sessions.queries._ready import ready


def chats_on_ticket(ticket_id: int, limit: int = 10) -> list[ChatSession]:
    """Return the account's sessions on a ticket, newest first."""
    chats = ChatSession.objects.select_related("owner").filter(ticket_id=ticket_id)
    return ready(chats.order_by("-updated_at", "-id")[:limit])
