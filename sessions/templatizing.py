"""Asking the AI what of a script should be asked for next time. What it proposes counts only as far as the script holds it."""

from uuid import UUID

from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import Invalid
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Message
from flowpilot.providers.ai.untrusted import fence
from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.templatizing import accept
from flowpilot.scripts.writing import system_prompt
from sessions.script_models import DraftTemplate

_PARAMETER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["value", "name", "kind", "label", "why"],
    "properties": {
        "value": {"type": "string"},
        "name": {"type": "string"},
        "kind": {"type": "string", "enum": ["text", "number", "switch", "path", "host", "secret"]},
        "label": {"type": "string"},
        "why": {"type": "string"},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "summary", "tags", "parameters"],
    "properties": {
        "name": {"type": "string"},
        "summary": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "parameters": {"type": "array", "items": _PARAMETER},
    },
}


async def suggest(account_id: UUID, draft: DraftTemplate) -> None:
    """Replace what rules proposed for a draft by what the AI does. Raises NoAI, Unavailable, Refused or Invalid."""
    label = LANGUAGES[draft.language].label
    answer = await calls.generate_json(
        account_id=account_id,
        service="templatize",
        system_prompt=system_prompt("templatize", label),
        messages=[Message("user", fence("script", draft.code))],
        schema=SCHEMA,
        chat_id=draft.source_session_id,
    )
    await run_in_scope(account_id, _keep, draft.id, answer)


def _keep(draft_id: UUID, answer: dict) -> None:
    draft = DraftTemplate.objects.select_for_update().get(pk=draft_id)
    proposals = accept(draft.code, draft.language, answer.get("parameters"))
    if not draft.is_pending:
        raise Invalid("This draft was decided on meanwhile.")
    draft.name = " ".join(str(answer.get("name", "")).split())[:120] or draft.name
    draft.summary = " ".join(str(answer.get("summary", "")).split())[:500]
    draft.tags = [str(tag).strip().lower()[:30] for tag in answer.get("tags", []) if str(tag).strip()][:5]
    draft.proposals = [each.as_json() for each in proposals]
    draft.proposed_by = "ai"
    draft.save(update_fields=["name", "summary", "tags", "proposals", "proposed_by", "updated_at"])
