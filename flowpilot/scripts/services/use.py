"""How often a template ran and what came of it. Called inside the transaction that says so in a session."""

from uuid import UUID

from django.db.models import F
from django.utils import timezone

from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.queries import get_template
from flowpilot.scripts.starter import keep_starter

Outcome = ScriptTemplate.Outcome


def require_row(template_id: UUID) -> ScriptTemplate:
    """Return a template that other rows may point at; a starter gets its row. Raises NotFound."""
    template = get_template(template_id)
    if not template.is_kept:
        keep_starter(template)
        template = get_template(template_id)
    return template


def count_use(template_id: UUID) -> None:
    """Count one run of a template."""
    ScriptTemplate.objects.filter(pk=template_id).update(usage_count=F("usage_count") + 1, last_used_at=timezone.now())


def count_outcome(template_id: UUID, outcome: str) -> None:
    """Count what one run came to. Only what worked counts as worked; what helped partly counts as neither."""
    changes: dict = {"last_outcome": outcome}
    if outcome == Outcome.SUCCESS:
        changes |= {"worked_count": F("worked_count") + 1, "last_worked_at": timezone.now()}
    elif outcome == Outcome.FAILED:
        changes |= {"failed_count": F("failed_count") + 1}
    ScriptTemplate.objects.filter(pk=template_id).update(**changes)
