"""An answer as a fact, in the AI's words: the rule's fact stands at once, and a better wording replaces it while the answer stands.

The model only words what the technician answered. What it leaves out shows: a wording that loses a number of the answer is not taken.
"""

import logging
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import UserError
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.untrusted import fence
from sessions import lane
from sessions.models import ChatSession, SessionFact, SuggestedFix

log = logging.getLogger("flowpilot.facts")
SERVICE = "fact_synthesis"
_LONGEST = 300  # characters; a fact is one line
_NUMBER = re.compile(r"\d+")
_SCHEMA = {
    "type": "object",
    "properties": {"fact": {"type": "string"}},
    "required": ["fact"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class _Answered:
    """The fact that the rule made of an answer."""

    fact_id: UUID
    item: lane.Item
    rule: str


async def synthesise(account_id: UUID, chat_id: UUID, item_id: str) -> None:
    """Word the fact of an answer, unless no AI is there or the answer has changed. The rule's fact stands whatever goes wrong."""
    answered = await run_in_scope(account_id, _answered, chat_id, item_id)
    if answered is None or not await calls.is_on(account_id, SERVICE):
        return
    asked = f"{answered.item['text']}\n{answered.item['answer']}"
    try:
        found = await calls.generate_json(
            account_id=account_id,
            service=SERVICE,
            system_prompt=[SystemBlock(_prompt())],
            messages=[Message("user", fence("task and answer", asked))],
            schema=_SCHEMA,
            chat_id=chat_id,
        )
    except UserError as error:
        log.info("fact.by_rule chat=%s error=%s", chat_id, type(error).__name__)
        return
    if wording := _checked(found.get("fact"), answered.item["answer"]):
        await run_in_scope(account_id, _keep, chat_id, answered, wording)


def _answered(chat_id: UUID, item_id: str) -> _Answered | None:
    """Return the answer, while its fact is as the rule made it."""
    chat = ChatSession.objects.filter(pk=chat_id).first()
    item = next((each for each in chat.pending_task_lane if each["id"] == item_id), None) if chat else None
    if chat is None or item is None or item["state"] not in {lane.ANSWERED, lane.DONE} or not item["answer"]:
        return None
    rule = lane.fact_text(item)[:1000]
    fact = chat.facts.filter(source_ref=item_id, text=rule, deleted_at=None).first()
    return _Answered(fact.pk, item, rule) if fact else None


def _keep(chat_id: UUID, answered: _Answered, wording: str) -> None:
    chat = ChatSession.objects.lock(chat_id)
    item = next((each for each in chat.pending_task_lane if each["id"] == answered.item["id"]), None)
    is_same = item is not None and (item["state"], item["answer"]) == (answered.item["state"], answered.item["answer"])
    fact = chat.facts.filter(pk=answered.fact_id, text=answered.rule, deleted_at=None).first()
    if not is_same or not chat.is_open or fact is None:
        return
    ChatSession.objects.advance(chat_id)
    fact.text = wording
    fact.save(update_fields=["text", "updated_at"])
    _reword_evidence(chat, fact, answered.rule)


def _reword_evidence(chat: ChatSession, fact: SessionFact, rule: str) -> None:
    """Another wording of the same answer shakes no fix."""
    for fix in SuggestedFix.objects.filter(chat=chat, superseded_at=None):
        for each in fix.evidence:
            if each == {"id": str(fact.pk), "text": rule}:
                each["text"] = fact.text
        fix.save(update_fields=["evidence", "updated_at"])


def _checked(wording: object, answer: str) -> str:
    """Return the wording when it can stand for the answer, or nothing."""
    text = " ".join(wording.replace("\x00", "").split()) if isinstance(wording, str) else ""
    keeps_numbers = set(_NUMBER.findall(answer)) <= set(_NUMBER.findall(text))
    return text if 0 < len(text) <= _LONGEST and keeps_numbers else ""


@cache
def _prompt() -> str:
    return (Path(__file__).parent / "prompts" / "fact_synthesis.v1.md").read_text(encoding="utf-8")
