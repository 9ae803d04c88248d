"""Scripts of a session: preparing one from the library, drafting, saying that it ran and what came of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid, NotFound
from flowpilot.scripts.checking import check_body
from flowpilot.scripts.languages import known_language
from flowpilot.scripts.models import ScriptConversation, ScriptTemplate
from flowpilot.scripts.parameters import check_values
from flowpilot.scripts.rendering import MASK, masked, preview, render
from flowpilot.scripts.services.builder import start_conversation
from flowpilot.scripts.services.use import count_use, require_row
from flowpilot.scripts.templatizing import propose
from sessions.models import ChatSession, SuggestedFix
from sessions.script_models import DraftTemplate, ScriptGeneration
from sessions.services._scripts import say_it_ran, settle
from sessions.services._turns import require_open
from sessions.tasks import draft_script as draft_job

Decision = SuggestedFix.Decision
KEEPS = {
    "one_off": Decision.ONE_OFF,
    "draft_template": Decision.DRAFT_TEMPLATE,
    "build_template": Decision.BUILD_TEMPLATE,
}


@transaction.atomic
def prepare_script(
    *, chat_id: UUID, template_id: UUID, raw: Mapping[str, str], by: User
) -> tuple[ScriptGeneration, str]:
    """Keep what a template was filled with, secrets masked; return the script to copy, secrets and all. Raises Invalid or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    template = require_row(template_id)
    code, kept = _render(template, raw)
    generation = chat.scripts.filter(template=template, ran_at=None).order_by("-created_at").first()
    generation = generation or ScriptGeneration(chat=chat, kind=ScriptGeneration.Kind.TEMPLATE, template=template)
    _fill(generation, chat, template, kept, by)
    return generation, code


@transaction.atomic
def mark_script_run(*, chat_id: UUID, template_id: UUID, raw: Mapping[str, str], by: User) -> ScriptGeneration:
    """Record that a script of the library ran; that applies the fix it was for. Raises Invalid, Conflict or NotFound.

    What was copied is what ran; where nothing was, these values are.
    """
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    template = require_row(template_id)
    generation = chat.scripts.select_for_update(of=("self",)).filter(template=template, ran_at=None).first()
    if generation is None:
        _refuse_double(chat, template)
        generation = ScriptGeneration(chat=chat, kind=ScriptGeneration.Kind.TEMPLATE, template=template)
        _fill(generation, chat, template, _render(template, raw)[1], by)
    say_it_ran(chat, generation, by)
    count_use(template.id)
    return generation


@transaction.atomic
def record_script_outcome(*, chat_id: UUID, generation_id: UUID, outcome: str) -> ScriptGeneration:
    """Record what came of a script that ran for no fix. Raises Invalid, Conflict or NotFound."""
    if outcome not in {"success", "partial", "failed"}:
        raise Invalid("There is no such outcome.")
    chat = ChatSession.objects.advance(chat_id)
    generation = _find(chat, generation_id)
    if generation.ran_at is None or generation.outcome:
        raise Conflict("What came of this script is known already, or it has not run yet.")
    if generation.fix and generation.fix.superseded_at is None:
        raise Conflict("This script is part of the fix. Say there whether it worked.")
    settle(generation, outcome)
    return generation


@transaction.atomic
def draft_script(*, chat_id: UUID, by: User) -> ScriptGeneration:
    """Have the AI write a script for the active fix; a job does, and the card shows it growing. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    fix = _active_fix(chat)
    if fix is None:
        raise Conflict("There is no fix to write a script for. Describe the problem in the chat first.")
    script = fix.script or {}
    generation = ScriptGeneration.objects.create(
        chat=chat,
        fix=fix,
        kind=ScriptGeneration.Kind.DRAFT,
        status=ScriptGeneration.Status.QUEUED,
        name=fix.title[:120],
        language=known_language(str(script.get("language", ""))) or "powershell",
        author=by,
    )
    draft_job.configure(lock=f"script:{generation.id}").defer(
        account_id=str(chat.account_id), generation_id=str(generation.id)
    )
    return generation


@transaction.atomic
def write_script(*, chat_id: UUID, name: str, language: str, code: str, by: User) -> ScriptGeneration:
    """Keep a script that somebody wrote or pasted, as a draft of the session. Raises Invalid, Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    require_open(chat)
    known = known_language(language)
    if not known:
        raise Invalid("Choose a language: PowerShell, Bash, Python or Batch.")
    body = check_body(code, known, [])
    return ScriptGeneration.objects.create(
        chat=chat,
        fix=_active_fix(chat),
        kind=ScriptGeneration.Kind.DRAFT,
        name=" ".join(name.replace("\x00", "").split())[:120] or "Script by hand",
        language=known,
        rendered=body,
        author=by,
    )


@transaction.atomic
def edit_script(*, chat_id: UUID, generation_id: UUID, code: str) -> ScriptGeneration:
    """Keep what somebody changed of a draft. Raises Invalid, Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    generation = _find_draft(chat, generation_id)
    generation.rendered = check_body(code, generation.language, [])
    generation.save(update_fields=["rendered", "updated_at"])
    return generation


@transaction.atomic
def keep_script(
    *, chat_id: UUID, generation_id: UUID, keep: str, code: str, has_read: bool, by: User
) -> tuple[ScriptGeneration, ScriptConversation | None]:
    """Decide what becomes of a drafted script: used once (which says that it runs), a draft template, or the start of a builder's chat.

    Raises Invalid, Conflict or NotFound.
    """
    chat = ChatSession.objects.advance(chat_id)
    generation = _find_draft(chat, generation_id)
    if keep not in KEEPS:
        raise Invalid("Choose whether to use the script once, to save it as a draft, or to build a template.")
    if not has_read:
        raise Invalid("Read what it changes first, and tick that you have.")
    if code.strip():
        generation.rendered = check_body(code, generation.language, [])
    generation.save(update_fields=["rendered", "updated_at"])
    _decide(generation.fix, KEEPS[keep])
    if keep == "draft_template":
        _keep_as_draft(chat, generation, by)
    if keep == "one_off":
        say_it_ran(chat, generation, by)
    return generation, _open_builder(chat, generation, by) if keep == "build_template" else None


@transaction.atomic
def mark_draft_run(*, chat_id: UUID, generation_id: UUID, by: User) -> ScriptGeneration:
    """Record that a drafted script ran; that applies the fix it was for. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    generation = _find_draft(chat, generation_id)
    say_it_ran(chat, generation, by)
    return generation


@transaction.atomic
def offer_script(*, chat_id: UUID, generation_id: UUID, by: User) -> DraftTemplate:
    """Have a script of a session, closed or not, reviewed as a template. Twice is one draft. Raises Conflict or NotFound."""
    chat = ChatSession.objects.advance(chat_id)
    generation = _find(chat, generation_id)
    if not generation.is_draft or generation.is_live or not generation.rendered:
        raise Conflict("Only a finished script of this session can become a template.")
    return _keep_as_draft(chat, generation, by)


def _render(template: ScriptTemplate, raw: Mapping[str, str]) -> tuple[str, dict]:
    """Return the script to copy, and what may be kept of it: masked text and values."""
    asks = template.asks
    values, problems = check_values(asks, raw)
    if problems:
        raise Invalid(" ".join(problems.values()))
    asked: dict[str, Any] = {
        "language": template.language,
        "body": template.body,
        "parameters": asks,
        "title": template.title,
    }
    code = render(values=values, **asked)
    shown = {each.name: MASK if each.is_secret else str(values[each.name]) for each in asks}
    return code, {"rendered": masked(preview(values=values, **asked)), "values": shown}


def _fill(generation: ScriptGeneration, chat: ChatSession, template: ScriptTemplate, kept: dict, by: User) -> None:
    generation.fix = _active_fix(chat)
    generation.template_version, generation.author = template.version, by
    generation.name, generation.language = template.name, template.language
    generation.rendered, generation.values = kept["rendered"], kept["values"]
    generation.save()


def _refuse_double(chat: ChatSession, template: ScriptTemplate) -> None:
    """Refuse a second click of "Mark as run": a run within the last seconds is the same run."""
    just_now = timezone.now() - timedelta(seconds=10)
    if chat.scripts.filter(template=template, ran_at__gte=just_now).exists():
        raise Conflict("This script was marked as run a moment ago.")


def _decide(fix: SuggestedFix | None, decision: str) -> None:
    if fix is None or fix.superseded_at is not None:
        return
    if fix.script is None and decision == Decision.ONE_OFF:
        decision = Decision.ACCEPTED  # the fix itself brought no script
    if fix.user_decision == Decision.PENDING:
        fix.user_decision = decision
        fix.save(update_fields=["user_decision", "updated_at"])


def _keep_as_draft(chat: ChatSession, generation: ScriptGeneration, by: User) -> DraftTemplate:
    waiting = generation.drafts.filter(status=DraftTemplate.Status.PENDING).first()
    if waiting is not None:
        return waiting
    known = list(chat.facts.filter(deleted_at=None).values_list("text", flat=True))
    return DraftTemplate.objects.create(
        source_session=chat,
        generation=generation,
        name=generation.name,
        language=generation.language,
        code=generation.rendered,
        proposals=[each.as_json() for each in propose(generation.rendered, generation.language, known)],
        author=by,
    )


def _open_builder(chat: ChatSession, generation: ScriptGeneration, by: User) -> ScriptConversation:
    known = chat.facts.filter(deleted_at=None).order_by("created_at").values_list("text", flat=True)
    return start_conversation(
        language=generation.language,
        by=by,
        title=generation.name,
        code=generation.rendered,
        context="\n".join(f"- {text}" for text in known),
        source_session=chat,
        source_ticket_ref=str(chat.ticket_id or ""),
    )


def _active_fix(chat: ChatSession) -> SuggestedFix | None:
    return chat.fixes.filter(superseded_at=None).first()


def _find(chat: ChatSession, generation_id: UUID) -> ScriptGeneration:
    found = chat.scripts.select_for_update(of=("self",)).select_related("fix").filter(pk=generation_id).first()
    if found is None:
        raise NotFound("That script is not part of this session.")
    return found


def _find_draft(chat: ChatSession, generation_id: UUID) -> ScriptGeneration:
    require_open(chat)
    generation = _find(chat, generation_id)
    if not generation.is_draft or generation.is_live:
        raise Conflict("This script is still being written.")
    if generation.ran_at is not None:
        raise Conflict("This script ran already. Draft another to change it.")
    return generation
