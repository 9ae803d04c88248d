"""The worker's side of resolving and escalating: bring a session's posts to the ticket, and write down what ConnectWise confirmed."""

from uuid import UUID

from flowpilot.accounts.scope import run_in_scope
from psa import outbox
from psa.models import PsaPost
from sessions.models import ChatSession


async def deliver(account_id: UUID, chat_id: UUID) -> bool:
    """Take what a session posted as far as it goes. Return whether nothing is left to do."""
    is_over = True
    for batch in await run_in_scope(account_id, _batches, chat_id):
        is_over = await _deliver_batch(account_id, chat_id, batch) and is_over
    return is_over


async def _deliver_batch(account_id: UUID, chat_id: UUID, batch: UUID) -> bool:
    """Deliver the first part, and once it is there, each of the others whatever becomes of its neighbours."""
    lead_id, *other_ids = await run_in_scope(account_id, _post_ids, batch)
    lead = await outbox.deliver(account_id, lead_id)
    await run_in_scope(account_id, _write_down, chat_id, lead)
    if lead.state != PsaPost.State.SENT:
        return not lead.is_open  # without its note a ticket keeps its status, its owner and its hours
    others = [await outbox.deliver(account_id, post_id) for post_id in other_ids]
    return not any(post.is_open for post in others)


def _batches(chat_id: UUID) -> list[UUID]:
    chat = ChatSession.objects.get(pk=chat_id)
    return [batch for batch in (chat.escalation_batch, chat.resolution_batch) if batch]


def _post_ids(batch: UUID) -> list[UUID]:
    return list(PsaPost.objects.filter(batch=batch).order_by("position", "id").values_list("id", flat=True))


def _write_down(chat_id: UUID, lead: PsaPost) -> None:
    chat = ChatSession.objects.lock(chat_id)
    if lead.state != PsaPost.State.SENT:
        return
    if lead.batch == chat.resolution_batch and not chat.resolution_note_posted_at:
        chat.resolution_note_posted_at, chat.resolution_note_external_id = lead.sent_at, lead.external_id
        chat.status, chat.resolved_at = ChatSession.Status.RESOLVED, lead.sent_at
        changed = ["resolution_note_posted_at", "resolution_note_external_id", "status", "resolved_at"]
    elif lead.batch == chat.escalation_batch and not chat.escalation_package_posted_at:
        chat.escalation_package_posted_at, chat.escalation_package_external_id = lead.sent_at, lead.external_id
        changed = ["escalation_package_posted_at", "escalation_package_external_id"]
    else:
        return
    chat.save(update_fields=[*changed, "updated_at"])
