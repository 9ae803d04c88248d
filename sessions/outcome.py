"""What an answer changes: its markers become the title, lane items, facts and a suggested fix."""

import logging

from django.utils import timezone

from sessions import lane
from sessions.markers import collect, parse
from sessions.models import ChatSession, SessionFact, SuggestedFix, Turn

log = logging.getLogger("flowpilot.turns")
_UNDECIDED = {SuggestedFix.Outcome.NONE, SuggestedFix.Outcome.VERIFYING, SuggestedFix.Outcome.WAITING}
_KIND_OF_SOURCE = {"question": SessionFact.SourceType.QUESTION, "action": SessionFact.SourceType.CHECK}


def apply_answer(turn: Turn) -> ChatSession:
    """Apply the markers of a finished turn, inside the transaction that finishes it."""
    parsed = collect(parse(turn.raw_answer))
    chat = ChatSession.objects.advance(turn.chat_id)
    turn.answer = parsed.text
    turn.save(update_fields=["answer", "updated_at"])
    proposed = [*map(_question, parsed.questions), *map(_action, parsed.actions)]
    _promote(chat, turn, parsed.facts)  # before the merge, which withdraws what the answer does not ask again
    chat.pending_task_lane = lane.merge(chat.pending_task_lane, proposed, turn_id=str(turn.id))
    if parsed.title and not chat.is_named_by_hand:
        chat.title = parsed.title[:200]
    chat.save(update_fields=["pending_task_lane", "title", "updated_at"])
    if parsed.fix:
        _suggest(chat, turn, parsed.fix)
    if parsed.invalid_count:
        log.warning("marker.invalid turn=%s count=%s", turn.id, parsed.invalid_count)
    return chat


def _question(question) -> lane.Item:
    return {
        "kind": "question",
        "text": question.text,
        "why": question.why,
        "answer_kind": question.kind,
        "choices": list(question.choices),
    }


def _action(action) -> lane.Item:
    return {
        "kind": "action",
        "text": action.text,
        "why": action.why,
        "command": action.command,
        "expect": action.expect,
    }


def _promote(chat: ChatSession, turn: Turn, promotes) -> None:
    """Make facts of what the assistant established. One that names a task answers it, so that it changes through its answer."""
    known = set(chat.facts.filter(deleted_at=None).values_list("text", flat=True))
    items = {item["id"]: item for item in chat.pending_task_lane}
    answered = set(chat.facts.filter(deleted_at=None).values_list("source_ref", flat=True))
    for promote in promotes:
        if promote.text in known:
            continue
        source, ref = SessionFact.SourceType.TURN, str(turn.id)
        if promote.source_ref:
            item = items.get(promote.source_ref)
            if item is None or promote.source_ref in answered:
                log.warning("marker.invalid turn=%s reason=source_ref", turn.id)
                continue
            source, ref = _KIND_OF_SOURCE[item["kind"]], promote.source_ref
            lane.conclude(item, answer=promote.text, at=timezone.now().isoformat())
            answered.add(ref)
        known.add(promote.text)
        SessionFact.objects.create(chat=chat, text=promote.text, source_type=source, source_ref=ref)


def _suggest(chat: ChatSession, turn: Turn, fix) -> None:
    active = chat.fixes.filter(superseded_at=None).first()
    if active and active.title == fix.title and active.outcome in _UNDECIDED:
        return  # the same suggestion again keeps its place, and what is being tried goes on
    chat.fixes.filter(superseded_at=None).update(superseded_at=timezone.now())
    SuggestedFix.objects.create(
        chat=chat,
        turn=turn,
        title=fix.title[:200],
        rationale=fix.rationale,
        steps=list(fix.steps),
        confidence=fix.confidence,
        script=fix.script,
        evidence=_evidence(chat, turn, fix.facts),
    )


def _evidence(chat: ChatSession, turn: Turn, named) -> list[dict[str, str]]:
    """Return the facts a fix names, with their words as they are now: what changes later, shakes it."""
    known = {str(fact.id): fact.text for fact in chat.facts.filter(deleted_at=None)}
    found = [{"id": fact_id, "text": known[fact_id]} for fact_id in dict.fromkeys(named) if fact_id in known]
    if len(found) < len(set(named)):
        log.warning("marker.invalid turn=%s reason=facts", turn.id)
    return found
