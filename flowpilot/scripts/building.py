"""Answering a message to the builder. The history goes as it was said and answered, so that the provider's cache hits."""

import asyncio
import logging
from uuid import UUID

from django.utils import timezone

from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import UserError
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.untrusted import fence
from flowpilot.scripts.answers import take_apart
from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.models import ScriptConversation, ScriptMessage
from flowpilot.scripts.writing import MOST_CLAIMS, ClaimedElsewhere, ClaimLost, claim, system_prompt, write

log = logging.getLogger("flowpilot.scripts")
Status = ScriptMessage.Status
GENERIC = "Something broke while this was answered. Your message is kept; try again."


async def answer(account_id: UUID, message_id: UUID) -> bool:
    """Answer a message, unless it has its answer. Return False while somebody else does, so that the caller looks again: they may be gone."""
    try:
        claimed = await run_in_scope(account_id, _claim, message_id)
    except ClaimedElsewhere:
        return False
    if claimed is None:
        return True
    epoch, chat_id, system, messages = claimed

    async def save(text: str) -> bool:
        return await run_in_scope(account_id, _save, message_id, epoch, text)

    try:
        text, _ = await write(
            account_id=account_id,
            service="script_builder",
            system_prompt=system,
            messages=messages,
            save=save,
            chat_id=chat_id,
        )
        await run_in_scope(account_id, _finish, message_id, epoch, text)
    except ClaimLost:
        return False
    except (
        asyncio.CancelledError
    ):  # the worker is told to stop: its job goes back to the queue, and the next one finds it free
        await run_in_scope(account_id, _give_back, message_id, epoch)
        raise
    except UserError as error:
        await run_in_scope(account_id, _fail, message_id, epoch, error.message)
    except Exception:  # the job runner's boundary: the person gets words, the log gets the rest
        log.exception("builder.broke message=%s", message_id)
        await run_in_scope(account_id, _fail, message_id, epoch, GENERIC)
    return True


def _claim(message_id: UUID) -> tuple[int, UUID | None, list[SystemBlock], list[Message]] | None:
    if not claim(ScriptMessage.objects.filter(pk=message_id), raw_answer="", answer="", code=""):
        return None
    message = ScriptMessage.objects.select_related("conversation").get(pk=message_id)
    if message.epoch > MOST_CLAIMS:
        _fail(message.pk, message.epoch, GENERIC)
        return None
    conversation = message.conversation
    system = system_prompt("script_builder", LANGUAGES[conversation.language].label)
    return message.epoch, conversation.source_session_id, system, _history(conversation, message)


def _history(conversation: ScriptConversation, message: ScriptMessage) -> list[Message]:
    found: list[Message] = []
    for each in conversation.exchanges.filter(number__lte=message.number).order_by("number"):
        said = Message("user", _first(conversation, each) if each.number == 1 else each.text)
        if each.number == message.number:
            return [*found, said]
        if each.raw_answer.strip():
            found += [said, Message("assistant", each.raw_answer)]
    return found


def _first(conversation: ScriptConversation, message: ScriptMessage) -> str:
    parts = [message.text]
    if conversation.context:
        parts.append(fence("what we know", conversation.context))
    if conversation.opening_code:
        parts.append(fence("script as it stands", conversation.opening_code))
    return "\n\n".join(parts)


def _mine(message_id: UUID, epoch: int):
    return ScriptMessage.objects.filter(pk=message_id, epoch=epoch, status=Status.RUNNING)


def _save(message_id: UUID, epoch: int, text: str) -> bool:
    found = take_apart(text)
    return bool(_mine(message_id, epoch).update(answer=found.words, code=found.code, updated_at=timezone.now()))


def _give_back(message_id: UUID, epoch: int) -> None:
    _mine(message_id, epoch).update(status=Status.QUEUED)


def _finish(message_id: UUID, epoch: int, text: str) -> None:
    text = text.replace("\x00", "")
    found = take_apart(text)
    _mine(message_id, epoch).update(status=Status.DONE, raw_answer=text, answer=found.words, code=found.code, error="")


def _fail(message_id: UUID, epoch: int, words: str) -> None:
    _mine(message_id, epoch).update(status=Status.FAILED, error=words[:500])
