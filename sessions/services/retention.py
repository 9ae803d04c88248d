"""A hold on a session: it stays, whatever the account's retention says."""

from uuid import UUID

from django.db import transaction

from flowpilot.accounts import audit
from flowpilot.accounts.audit import Action
from flowpilot.accounts.models import User
from sessions.models import ChatSession


@transaction.atomic
def set_hold(*, chat_id: UUID, is_on_hold: bool, by: User) -> ChatSession:
    """Keep a session whatever the retention says, or let it go again. Raises NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    if chat.is_on_hold != is_on_hold:
        ChatSession.objects.filter(pk=chat_id).update(is_on_hold=is_on_hold)  # its age stays
        chat.is_on_hold = is_on_hold
        audit.record(Action.HELD if is_on_hold else Action.RELEASED, by=by, about=f"{chat.title} ({chat.pk})")
    return chat
