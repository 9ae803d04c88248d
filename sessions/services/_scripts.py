"""What the services share about scripts: that one ran, and what came of it."""

from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict
from flowpilot.scripts.services.use import count_outcome
from sessions.models import ChatSession, SuggestedFix
from sessions.script_models import ScriptGeneration

Outcome, Decision = SuggestedFix.Outcome, SuggestedFix.Decision
_ENDS = {Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED}


def say_it_ran(chat: ChatSession, generation: ScriptGeneration, by: User) -> None:
    """Stamp a script as run, and with it the fix it was for, where that waits to be applied."""
    if generation.ran_at is not None:
        raise Conflict("This script is marked as run already.")
    generation.ran_at, generation.author = timezone.now(), by
    generation.save(update_fields=["ran_at", "author", "updated_at"])
    fix = generation.fix
    if fix is None or fix.superseded_at is not None or fix.outcome != Outcome.NONE:
        return
    if fix.user_decision == Decision.PENDING:
        fix.user_decision = Decision.ONE_OFF if fix.script else Decision.ACCEPTED
    fix.outcome, fix.applied_at = Outcome.VERIFYING, timezone.now()
    fix.save(update_fields=["user_decision", "outcome", "applied_at", "updated_at"])


def settle(generation: ScriptGeneration, outcome: str) -> None:
    """Keep what came of a run, and count it for its template."""
    generation.outcome = outcome
    generation.save(update_fields=["outcome", "updated_at"])
    if generation.template_id:
        count_outcome(generation.template_id, outcome)


def settle_scripts(fix: SuggestedFix) -> None:
    """Give the scripts that ran for a fix its outcome, once."""
    if fix.outcome in _ENDS:
        for generation in fix.scripts.exclude(ran_at=None).filter(outcome=""):
            settle(generation, fix.outcome)
