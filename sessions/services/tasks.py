"""The task lane: answering, ticking off, skipping, taking back. Each answer becomes a fact that points at its task."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Invalid
from flowpilot.providers.ai.registry import make_plan
from sessions import lane, synthesis
from sessions.models import ChatSession, SessionFact
from sessions.services._turns import require_open
from sessions.tasks import word_fact

LONGEST_ANSWER = 900  # characters; with its question it still is a fact


@transaction.atomic
def answer_task(*, chat_id: UUID, item_id: str, answer: str, by: User) -> ChatSession:
    """Answer a question or tick off a check, with what it showed. Raises Invalid, Conflict or NotFound."""
    answer = " ".join(answer.replace("\x00", "").split())
    if len(answer) > LONGEST_ANSWER:
        raise Invalid(
            f"That is {len(answer):,} characters; an answer takes {LONGEST_ANSWER}. Paste long output into the chat."
        )
    chat = ChatSession.objects.advance(chat_id)
    item = _find(chat, item_id)
    is_question = item["kind"] == "question"
    if is_question and not answer:
        raise Invalid("Choose an answer or type one.")
    if item["answer_kind"] == "number" and not any(sign.isdigit() for sign in answer):
        raise Invalid("This question asks for a number. Type one, with its unit if it has one, or skip it.")
    state = lane.ANSWERED if is_question else lane.DONE
    lane.close(item, state=state, answer=answer, by=str(by), at=timezone.now().isoformat())
    chat.save(update_fields=["pending_task_lane", "updated_at"])
    _keep_fact(chat, item, by)
    if answer and make_plan(synthesis.SERVICE).candidates:  # by rule until the AI has worded it
        word_fact.configure(lock=f"fact:{item_id}").defer(
            account_id=str(chat.account_id), chat_id=str(chat.pk), item_id=item_id
        )
    return chat


@transaction.atomic
def skip_task(*, chat_id: UUID, item_id: str, by: User) -> ChatSession:
    """Leave a task undone, on purpose. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    item = _find(chat, item_id)
    lane.close(item, state=lane.SKIPPED, answer="", by=str(by), at=timezone.now().isoformat())
    chat.save(update_fields=["pending_task_lane", "updated_at"])
    return chat


@transaction.atomic
def reopen_task(*, chat_id: UUID, item_id: str) -> ChatSession:
    """Take an answer back; its fact goes with it. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    item = _find(chat, item_id)
    lane.reopen(item)
    chat.save(update_fields=["pending_task_lane", "updated_at"])
    _remove_facts(chat, item_id)
    return chat


def _find(chat: ChatSession, item_id: str) -> lane.Item:
    require_open(chat)
    return lane.find(chat.pending_task_lane, item_id)


def _keep_fact(chat: ChatSession, item: lane.Item, by: User) -> None:
    """Make the answer a fact. A task has one: answered anew, it is the same fact, so what rests on it is known to have changed."""
    source = SessionFact.SourceType.QUESTION if item["kind"] == "question" else SessionFact.SourceType.CHECK
    fact = chat.facts.filter(source_type=source, source_ref=item["id"]).order_by("created_at").first()
    fact = fact or SessionFact(chat=chat, source_type=source, source_ref=item["id"])
    fact.text, fact.author, fact.deleted_at = lane.fact_text(item)[:1000], by, None
    fact.save()


def _remove_facts(chat: ChatSession, item_id: str) -> None:
    chat.facts.filter(source_ref=item_id, deleted_at=None).update(deleted_at=timezone.now())
