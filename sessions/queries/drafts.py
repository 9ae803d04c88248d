"""Scripts that wait to become templates."""

from uuid import UUID

from django.db import models

from flowpilot.errors import NotFound
from flowpilot.scripts.comparing import Difference, compare
from flowpilot.scripts.templatizing import Proposal, apply, read_proposals
from sessions.models import ChatSession
from sessions.queries._ready import ready
from sessions.script_models import DraftTemplate, ScriptGeneration

MOST_COUNTED = 100
_PENDING = DraftTemplate.Status.PENDING


def pending_count() -> int:
    """Return how many scripts wait for review, up to MOST_COUNTED: one query that reads no more of its index than the badge shows."""
    return DraftTemplate.objects.filter(status=_PENDING)[:MOST_COUNTED].count()


def pending_drafts(limit: int = 200) -> list[DraftTemplate]:
    """Return what waits for review, oldest first."""
    waiting = DraftTemplate.objects.filter(status=_PENDING).select_related("source_session", "author")
    return list(waiting.order_by("created_at", "id").fetch_mode(models.FETCH_RAISE)[:limit])


def drafts_of(chat: ChatSession) -> list[DraftTemplate]:
    """Return what waits of one session, oldest first."""
    waiting = chat.template_drafts.filter(status=_PENDING).select_related("source_session", "author")
    return ready(waiting.order_by("created_at", "id"))


def get_draft(draft_id: UUID) -> DraftTemplate:
    """Return a draft, whatever became of it. Raises NotFound."""
    people = ("source_session__owner", "author", "generation__fix", "promoted_template")
    found = DraftTemplate.objects.select_related(*people).filter(pk=draft_id).first()
    if found is None:
        raise NotFound("There is no such draft.")
    return found


def draft_difference(draft: DraftTemplate, proposals: list[Proposal] | None = None) -> tuple[Difference, str]:
    """Return what the chosen parameters change of a draft, and the template's body. Raises Invalid."""
    chosen = read_proposals(draft.proposals) if proposals is None else proposals
    body, parameters = apply(draft.code, draft.language, chosen)
    listed = "".join(f"# asks for {each['name']}: {each['label']} ({each['kind']})\n" for each in parameters)
    return compare(draft.code, listed + body), body


def scripts_to_offer(chat: ChatSession) -> list[ScriptGeneration]:
    """Return the scripts of a session that helped, are in no library, and wait for no review."""
    helped = chat.scripts.filter(kind=ScriptGeneration.Kind.DRAFT, template=None, drafts=None, outcome="success")
    return ready(helped.select_related("author").order_by("created_at"))
