"""When a session has gone on for so long that its account would rather have it handed over."""

from typing import Any

from sessions.models import ChatSession, SuggestedFix
from sessions.queries.panels import FixPanel

Outcome = SuggestedFix.Outcome


def escalation_reason(chat: ChatSession, panel: FixPanel, minutes: int, rules: dict[str, Any]) -> str:
    """Return why a session should be handed over by its account's rules, as the beginning of a sentence; empty while it should not."""
    active = panel.active
    if not chat.is_open or (active and active.outcome == Outcome.SUCCESS):
        return ""
    every = [*panel.earlier, *panel.ruled_out, *([active] if active else [])]
    failed = sum(fix.outcome == Outcome.FAILED for fix in every)
    most_failed, most_minutes = rules["escalation.after_failed_fixes"], rules["escalation.after_minutes"]
    if most_failed and failed >= most_failed:
        return "One fix didn’t work." if failed == 1 else f"{failed} fixes didn’t work."
    if most_minutes and minutes >= most_minutes:
        return f"{minutes} minute{'' if minutes == 1 else 's'} of work, and no fix that held."
    return ""
