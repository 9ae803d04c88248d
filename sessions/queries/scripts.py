"""Scripts in a session: which fits the fix, what ran, what waits for review."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import models
from django.db.models import Q

from flowpilot.accounts.caching import remember
from flowpilot.errors import NotFound
from flowpilot.scripts import forms
from flowpilot.scripts.languages import known_language
from flowpilot.scripts.matching import Match, mentioned, rank
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.queries import get_template, published_templates
from sessions.models import ChatSession, SuggestedFix
from sessions.prefilling import Filled, prefill
from sessions.queries._ready import ready
from sessions.queries.panels import facts
from sessions.script_models import ScriptGeneration

MOST_OTHERS = 4
_HINT_KEPT = 10 * 60  # seconds; another state_version has a key of its own
_UNTRIED = {SuggestedFix.Outcome.NONE, SuggestedFix.Outcome.VERIFYING, SuggestedFix.Outcome.WAITING}


@dataclass(frozen=True)
class ScriptHint:
    """What the fix's panel says of a script: the template that matches and how much of it is filled, or that one could be drafted."""

    name: str
    percent: int = 0
    filled: int = 0
    total: int = 0

    @property
    def is_match(self) -> bool:
        return bool(self.percent)


@dataclass(frozen=True)
class MatchCard:
    """A template of the library, filled from what is known."""

    template: ScriptTemplate
    percent: int
    filled: Filled
    fields: list[forms.Field]
    shown: forms.Shown
    generation: ScriptGeneration | None
    others: list[Match] = field(default_factory=list)


def script_hint(chat: ChatSession, fix: SuggestedFix | None) -> ScriptHint | None:
    """Return what to say of a script beside the active fix, from the cache while the session stands."""
    if fix is None or fix.outcome not in _UNTRIED or not chat.is_open:
        return None
    found = remember(f"script-hint:{fix.id}:{chat.state_version}", lambda: _hint(chat, fix), seconds=_HINT_KEPT)
    return ScriptHint(**found) if found else None


def matches(chat: ChatSession, fix: SuggestedFix | None, *, text: str = "") -> list[Match]:
    """Return the templates that fit the fix, or what was typed, or the problem, the best first."""
    library = published_templates()
    if text:
        return rank(library, title=text)
    if fix is None:
        return rank(library, title=chat.title, more=mentioned([chat.ticket_summary, chat.problem]))
    script = fix.script or {}
    more = mentioned([fix.rationale, *map(str, fix.steps), chat.ticket_summary])
    title = mentioned([fix.title, str(script.get("purpose", ""))])
    return rank(library, title=title, more=more, language=known_language(str(script.get("language", ""))))


def match_card(
    chat: ChatSession, template_id: UUID, *, percent: int = 0, raw: Mapping[str, str] | None = None
) -> MatchCard:
    """Return a template as the session shows it, filled from the facts. Raises NotFound."""
    template = get_template(template_id)
    if not template.is_published:
        raise NotFound("There is no such script in the library.")
    filled = prefill(template.asks, facts(chat))
    values = filled.values if raw is None else raw
    shown, _ = forms.show(
        language=template.language, body=template.body, parameters=template.asks, raw=values, title=template.title
    )
    fields = forms.fields(template.asks, values, sources=filled.sources)
    open_one = chat.scripts.filter(template_id=template.id, ran_at=None).order_by("-created_at").first()
    return MatchCard(template, percent, filled, fields, shown, open_one)


def get_generation(chat: ChatSession, generation_id: UUID) -> ScriptGeneration:
    """Return a script of a session. Raises NotFound."""
    found = chat.scripts.select_related("template", "fix", "author").filter(pk=generation_id).first()
    if found is None:
        raise NotFound("That script is not part of this session.")
    return found


def scripts_of(chat: ChatSession) -> list[ScriptGeneration]:
    """Return every script that was prepared or drafted for a session, oldest first."""
    return ready(chat.scripts.select_related("template", "fix", "author").order_by("created_at", "id"))


def scripts_run(chat: ChatSession) -> list[ScriptGeneration]:
    """Return the scripts that ran, oldest first: what a note says of them is in name, version, outcome and masked values."""
    return [each for each in scripts_of(chat) if each.ran_at]


def latest_draft(chat: ChatSession, fix: SuggestedFix | None) -> ScriptGeneration | None:
    """Return the newest script drafted for the active fix that did not run yet."""
    drafts = chat.scripts.filter(kind=ScriptGeneration.Kind.DRAFT, ran_at=None, fix=fix)
    return drafts.select_related("fix", "author", "template").order_by("-created_at").first()


def script_uses(template_id: UUID, limit: int = 20) -> list[ScriptGeneration]:
    """Return where a template ran, newest first."""
    runs = ScriptGeneration.objects.filter(~Q(ran_at=None), template_id=template_id)
    return list(runs.select_related("chat", "author").order_by("-ran_at").fetch_mode(models.FETCH_RAISE)[:limit])


def _hint(chat: ChatSession, fix: SuggestedFix) -> dict:
    best = next(iter(matches(chat, fix)), None)
    if best is not None and best.is_good:
        asks = best.template.asks
        count = prefill(asks, facts(chat)).count
        return {"name": best.template.name, "percent": best.percent, "filled": count, "total": len(asks)}
    return {"name": str((fix.script or {}).get("purpose") or fix.title)} if fix.script else {}
