"""Scripts that wait to become templates: changing what is proposed, publishing, dismissing."""

from uuid import UUID

from django.db import transaction

from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import Right, require
from flowpilot.errors import Conflict, NotFound
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.services.templates import create_template, read_content
from flowpilot.scripts.services.use import count_outcome, count_use
from flowpilot.scripts.templatizing import Proposal, apply
from sessions.models import ChatSession
from sessions.script_models import DraftTemplate

Status = DraftTemplate.Status


@transaction.atomic
def save_draft(*, draft_id: UUID, name: str, summary: str, tags: list[str], proposals: list[Proposal]) -> DraftTemplate:
    """Keep what somebody changed of a draft; it goes on waiting. Raises Invalid, Conflict or NotFound."""
    draft = _lock(draft_id)
    _change(draft, name, summary, tags, proposals)
    return draft


@transaction.atomic
def publish_draft(
    *, draft_id: UUID, name: str, summary: str, tags: list[str], proposals: list[Proposal], by: User
) -> ScriptTemplate:
    """Make a draft a template that sessions are offered; its chip says where it comes from. Raises Refused, Invalid or Conflict."""
    draft = _lock(draft_id)
    require(by, Right.PUBLISH)
    content = _change(draft, name, summary, tags, proposals)
    chat = draft.source_session
    template = create_template(
        content=content,
        by=by,
        note="From a session",
        status=ScriptTemplate.Status.PUBLISHED,
        source_session=chat,
        source_user=chat.owner or draft.author,
        source_ticket_ref=str(chat.ticket_id or ""),
    )
    _count_its_run(draft, template)
    _decide(draft, Status.PROMOTED, by, template)
    ChatSession.objects.advance(chat.id)
    return template


@transaction.atomic
def dismiss_draft(*, draft_id: UUID, by: User) -> DraftTemplate:
    """Let a script stay in its session. An admin may, and who drafted it. Raises Refused, Conflict or NotFound."""
    draft = _lock(draft_id)
    if draft.author_id != by.pk:
        require(by, Right.PUBLISH)
    _decide(draft, Status.DISMISSED, by, None)
    return draft


def _lock(draft_id: UUID) -> DraftTemplate:
    rows = DraftTemplate.objects.select_for_update(of=("self",)).select_related(
        "source_session__owner", "generation", "author"
    )
    draft = rows.filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("There is no such draft.")
    if not draft.is_pending:
        raise Conflict("This draft was decided on already.")
    return draft


def _change(draft: DraftTemplate, name, summary, tags, proposals):
    """Keep the changes, and return what the template would say. Raises Invalid."""
    body, parameters = apply(draft.code, draft.language, proposals)
    content = read_content(
        {
            "name": name,
            "summary": summary,
            "language": draft.language,
            "body": body,
            "parameters": parameters,
            "tags": tags,
        }
    )
    draft.name, draft.summary, draft.tags = content.name, content.summary, content.tags
    draft.proposals = [each.as_json() for each in proposals]
    draft.save(update_fields=["name", "summary", "tags", "proposals", "updated_at"])
    return content


def _count_its_run(draft: DraftTemplate, template: ScriptTemplate) -> None:
    """The run in its own session is the template's first."""
    generation = draft.generation
    if generation is None or generation.ran_at is None:
        return
    generation.template, generation.template_version = template, template.version
    generation.save(update_fields=["template", "template_version", "updated_at"])
    count_use(template.id)
    if generation.outcome:
        count_outcome(template.id, generation.outcome)


def _decide(draft: DraftTemplate, status: str, by: User, template: ScriptTemplate | None) -> None:
    draft.status, draft.decided_by, draft.promoted_template = status, by, template
    draft.save(update_fields=["status", "decided_by", "promoted_template", "updated_at"])
