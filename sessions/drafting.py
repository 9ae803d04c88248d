"""Having the AI write a script for a fix. The generation's row holds what was written so far; its epoch tells who may write on."""

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
from flowpilot.scripts.writing import MOST_CLAIMS, ClaimedElsewhere, ClaimLost, claim, system_prompt, write
from sessions import queries
from sessions.models import ChatSession
from sessions.relaying import relay
from sessions.script_models import ScriptGeneration

log = logging.getLogger("flowpilot.scripts")
Status = ScriptGeneration.Status
NO_SCRIPT = "The AI answered without a script. Try again, or write it by hand."
GENERIC = "Something broke while the script was written. Try again."


async def draft(account_id: UUID, generation_id: UUID) -> bool:
    """Write a script, unless it is written. Return False while somebody else does, so that the caller looks again: they may be gone."""
    try:
        claimed = await run_in_scope(account_id, _claim, generation_id)
    except ClaimedElsewhere:
        return False
    if claimed is None:
        return True
    epoch, chat_id, system, messages = claimed
    key = (account_id, generation_id)
    relay.begin(key, epoch)

    async def save(text: str) -> bool:
        return await run_in_scope(account_id, _save, generation_id, epoch, text)

    try:
        text, _ = await write(
            account_id=account_id,
            service="script_generator",
            system_prompt=system,
            messages=messages,
            save=save,
            show=lambda piece: relay.publish(key, epoch, piece),
            chat_id=chat_id,
        )
        await run_in_scope(account_id, _finish, generation_id, epoch, text)
    except ClaimLost:
        return False
    except (
        asyncio.CancelledError
    ):  # the worker is told to stop: its job goes back to the queue, and the next one finds it free
        await run_in_scope(account_id, _give_back, generation_id, epoch)
        raise
    except UserError as error:
        await run_in_scope(account_id, _fail, generation_id, epoch, error.message)
    except Exception:  # the job runner's boundary: the technician gets words, the log gets the rest
        log.exception("script.broke generation=%s", generation_id)
        await run_in_scope(account_id, _fail, generation_id, epoch, GENERIC)
    finally:
        relay.finish(key, epoch)
    return True


def _claim(generation_id: UUID) -> tuple[int, UUID, list[SystemBlock], list[Message]] | None:
    if not claim(ScriptGeneration.objects.filter(pk=generation_id), rendered="", remarks=""):
        return None
    generation = ScriptGeneration.objects.select_related("chat", "fix").get(pk=generation_id)
    if generation.epoch > MOST_CLAIMS:
        _fail(generation.pk, generation.epoch, GENERIC)
        return None
    label = LANGUAGES[generation.language].label
    message = Message("user", _brief(generation, label))
    return generation.epoch, generation.chat_id, system_prompt("script_generator", label), [message]


def _brief(generation: ScriptGeneration, language: str) -> str:
    chat, fix = generation.chat, generation.fix
    known = "\n".join(f"- ({fact.source_type}) {fact.text}" for fact in queries.facts(chat))
    parts = [fence("problem", queries.problem(chat) or chat.title), fence("what we know", known or "Nothing yet.")]
    if fix is not None:
        steps = "\n".join(f"- {step}" for step in fix.steps)
        purpose = str((fix.script or {}).get("purpose", ""))
        parts.append(fence("fix", f"{fix.title}\n{fix.rationale}\n{steps}\n{purpose}".strip()))
    return "\n\n".join([*parts, f"Write the {language} script that carries out this fix."])


def _mine(generation_id: UUID, epoch: int):
    return ScriptGeneration.objects.filter(pk=generation_id, epoch=epoch, status=Status.RUNNING)


def _save(generation_id: UUID, epoch: int, text: str) -> bool:
    return bool(_mine(generation_id, epoch).update(rendered=take_apart(text).code, updated_at=timezone.now()))


def _give_back(generation_id: UUID, epoch: int) -> None:
    _mine(generation_id, epoch).update(status=Status.QUEUED)


def _finish(generation_id: UUID, epoch: int, text: str) -> None:
    answer = take_apart(text)
    if not answer.code.strip():
        _fail(generation_id, epoch, NO_SCRIPT)
        return
    written = {
        "rendered": answer.code.replace("\x00", ""),
        "remarks": answer.words.replace("\x00", "")[:2000],
        "error": "",
    }
    if answer.language:
        written["language"] = answer.language
    if _mine(generation_id, epoch).update(status=Status.READY, **written):
        chat_id = ScriptGeneration.objects.values_list("chat_id", flat=True).get(pk=generation_id)
        ChatSession.objects.advance(chat_id)


def _fail(generation_id: UUID, epoch: int, words: str) -> None:
    _mine(generation_id, epoch).update(status=Status.FAILED, error=words[:500])
