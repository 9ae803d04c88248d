"""Asking, changing one's mind, trying again, stopping."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid, NotFound
from sessions import lane
from sessions.models import ChatSession, Turn
from sessions.services._turns import defer_answer, queue_turn, require_open

LONGEST_MESSAGE = 100_000  # characters


@transaction.atomic
def ask(*, chat_id: UUID, text: str, by: User, client_key: UUID, attachments: Sequence[UUID] = ()) -> Turn:
    """Keep what the technician wrote and queue its answer. Raises Invalid, Conflict or NotFound.

    The same `client_key` twice is one turn, so a form that is sent again after a lost connection doubles nothing.
    """
    text = check_words(text if text.strip() or not attachments else "Look at what is attached.")
    chat = ChatSession.objects.lock(chat_id)
    turn = queue_turn(chat, text=text, kind=Turn.Kind.MESSAGE, by=by, client_key=client_key)
    if attachments:
        chat.attachments.filter(pk__in=attachments, turn=None, uploaded_by=by).update(turn=turn)
    return turn


@transaction.atomic
def tell_answers(*, chat_id: UUID, by: User, client_key: UUID) -> Turn:
    """Queue a turn that tells the assistant what was dealt with in the task lane. Raises Invalid when nothing was."""
    chat = ChatSession.objects.lock(chat_id)
    news = lane.untold(chat.pending_task_lane)
    if not news:
        already = chat.turns.filter(client_key=client_key).first()
        if already:
            return already
        raise Invalid("Answer a question or tick off a check first.")
    text = "\n".join(f"- {_told(item)}" for item in news)
    return queue_turn(chat, text=text, kind=Turn.Kind.TASKS, by=by, client_key=client_key)


@transaction.atomic
def retry_turn(*, chat_id: UUID, turn_id: UUID) -> Turn:
    """Answer a turn again that failed, was stopped, or was answered by another than the first choice. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    require_open(chat)
    turn = _find(chat, turn_id)
    if turn.status not in {Turn.Status.FAILED, Turn.Status.CANCELLED} and not turn.fallback:
        raise Conflict("That message has its answer, or is about to.")
    if turn.number != chat.turns.order_by("-number").values_list("number", flat=True).first():
        raise Conflict("The conversation went on since then. Write it again at the end.")
    if not turn.can_retry:
        raise Conflict("The same words would end the same way. Word it differently at the end of the conversation.")
    blank = {"error": "", "failure": "", "fallback": "", "claims": 0, "answer": "", "raw_answer": ""}
    for name, value in {**blank, "status": Turn.Status.QUEUED}.items():
        setattr(turn, name, value)
    turn.save(update_fields=[*blank, "status", "updated_at"])
    defer_answer(turn)
    return turn


@transaction.atomic
def edit_turn(*, chat_id: UUID, turn_id: UUID, text: str) -> Turn:
    """Change the words of a message that still waits. Raises Invalid, Conflict or NotFound."""
    text = check_words(text)
    turn = _find_changeable(ChatSession.objects.lock(chat_id), turn_id)
    turn.text = text
    turn.save(update_fields=["text", "updated_at"])
    return turn


@transaction.atomic
def remove_turn(*, chat_id: UUID, turn_id: UUID) -> Turn:
    """Take back a message that still waits; its job finds nothing to do. Raises Conflict or NotFound. Returns what it was."""
    turn = _find_changeable(ChatSession.objects.lock(chat_id), turn_id)
    turn.attachments.update(turn=None)  # back in the composer
    Turn.objects.filter(pk=turn.pk).delete()
    return turn


@transaction.atomic
def stop_turn(*, chat_id: UUID, turn_id: UUID) -> Turn:
    """Stop an answer that is queued or being written; what arrived is kept. Stopping twice changes nothing."""
    chat = ChatSession.objects.lock(chat_id)
    turn = _find(chat, turn_id)
    if turn.is_live:
        turn.status, turn.finished_at = Turn.Status.CANCELLED, timezone.now()
        turn.save(update_fields=["status", "finished_at", "updated_at"])
    return turn


def check_words(text: str) -> str:
    """Return a message as it is kept. Raises Invalid for one that is empty or too long."""
    text = text.replace("\x00", "").strip()
    if not text:
        raise Invalid("Write what you see first. An empty message was not sent.")
    if len(text) > LONGEST_MESSAGE:
        raise Invalid(
            f"That is {len(text):,} characters; {LONGEST_MESSAGE:,} is the most. Nothing was sent and your text is still here: "
            "shorten it, or send it in parts."
        )
    return text


def _find_changeable(chat: ChatSession, turn_id: UUID) -> Turn:
    turn = _find(chat, turn_id)
    if not turn.can_change:
        raise Conflict("That message is being answered already. Stop the answer, or write what you meant at the end.")
    return turn


def _find(chat: ChatSession, turn_id: UUID) -> Turn:
    turn = chat.turns.select_for_update().filter(pk=turn_id).first()
    if turn is None:
        raise NotFound("That message is not part of this session.")
    return turn


def _told(item: lane.Item) -> str:
    if item["state"] == lane.SKIPPED:
        return f"Skipped: {item['text']}"
    return lane.fact_text(item)
