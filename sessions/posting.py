"""The worker's side of resolving: bring a session's posts to the ticket, and write down what the ticket system confirmed."""

from datetime import timedelta
from uuid import UUID

from flowpilot.accounts.scope import run_in_scope
from psa import outbox
from psa.models import PsaPost
from sessions.models import ChatSession

SOON = timedelta(seconds=2)


async def deliver(account_id: UUID, chat_id: UUID) -> bool:
    """Take the note, then the status, as far as they go. Return whether nothing is left to do."""
    for post_id in await run_in_scope(account_id, _post_ids, chat_id):
        post = await outbox.deliver(account_id, post_id)
        await run_in_scope(account_id, _write_down, chat_id, post)
        if post.is_open:
            return False
        if post.kind == PsaPost.Kind.NOTE and post.state != PsaPost.State.SENT:
            return True  # without its note the ticket keeps its status
    return True


def _post_ids(chat_id: UUID) -> list[UUID]:
    chat = ChatSession.objects.get(pk=chat_id)
    return [post_id for post_id in (chat.resolution_post_id, chat.status_post_id) if post_id]


def _write_down(chat_id: UUID, post: PsaPost) -> None:
    chat = ChatSession.objects.lock(chat_id)
    if post.state != PsaPost.State.SENT or post.kind != PsaPost.Kind.NOTE or chat.resolution_note_posted_at:
        return
    chat.resolution_note_posted_at, chat.resolution_note_external_id = post.sent_at, post.external_id
    chat.status, chat.resolved_at = ChatSession.Status.RESOLVED, post.sent_at
    chat.save(
        update_fields=[
            "resolution_note_posted_at",
            "resolution_note_external_id",
            "status",
            "resolved_at",
            "updated_at",
        ]
    )
