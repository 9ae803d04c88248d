"""What the model is sent: prompt, history, briefing. Pure; the layout is append-only, so that the provider's cache hits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from flowpilot.providers.ai.base import ChatState, FactState, FixState, Message, SystemBlock, TaskState
from flowpilot.providers.ai.untrusted import fence, find_fenced
from sessions.attached import Attached
from sessions.lane import Item
from sessions.models import SessionFact, SuggestedFix, Turn

_CACHED_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class Request:
    """One call of the chat model, and the same knowledge as data for engines that read no prose."""

    system: list[SystemBlock]
    messages: list[Message]
    state: ChatState


def build_request(
    *,
    problem: str,
    turns: Sequence[Turn],
    turn: Turn,
    state: ChatState,
    attached: Mapping[UUID, Attached] = MappingProxyType({}),
) -> Request:
    """Build the request that answers `turn`; `turns` are those before it, oldest first."""
    messages: list[Message] = []
    for earlier in turns:
        if _is_answered(earlier):
            messages += [_asked(earlier, _said(earlier), attached), Message("assistant", earlier.raw_answer)]
        elif earlier.is_heard:  # its words alone: what it was told beside them is told again with the next
            messages.append(_asked(earlier, earlier.text + _broken_off(earlier), attached))
    messages.append(_asked(turn, _said(turn), attached))
    return Request([SystemBlock(_prompt(), _cache_control([*turns, turn]))], messages, state)


def history(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns that the model is sent again whole: those it answered to the end."""
    return [turn for turn in turns if _is_answered(turn)]


def build_state(
    *,
    problem: str,
    lane: Sequence[Item],
    facts: Sequence[SessionFact],
    fixes: Sequence[SuggestedFix],
    said: Sequence[str],
) -> ChatState:
    """Return what a session knows as data."""
    return ChatState(
        problem=problem,
        facts=tuple(FactState(id=str(fact.id), text=fact.text, source=fact.source_type) for fact in facts),
        tasks=tuple(_task(item) for item in lane),
        fixes=tuple(_fix(fix) for fix in fixes),
        said=tuple(said),
    )


def build_briefing(state: ChatState, told: Sequence[str] = ()) -> str:
    """Return what the model is told beside the technician's words: facts, open tasks and fixes, where they changed since it was `told`.

    What stands unchanged in the history is not paid again, and what a part says replaces what the part of its name said before.
    """
    parts = {
        "facts": [f"[{fact.id}] ({fact.source}) {fact.text}" for fact in state.facts],
        "open tasks": [f"[{task.item_id}] {task.text}" for task in state.tasks if task.state == "open"],
        "suggested fixes": [_fix_line(fix) for fix in state.fixes],
    }
    standing = {name: _part(name, []) for name in parts}
    standing |= {name: part for briefing in told for name, part in find_fenced(briefing)}
    fenced = {name: _part(name, lines) for name, lines in parts.items()}
    return "\n\n".join(part for name, part in fenced.items() if part != standing[name])


def _cache_control(turns: Sequence[Turn]) -> dict[str, str]:
    """Keep the cache for an hour once somebody was away for longer than its usual five minutes: one lost prefix costs more."""
    was_away = any(later.created_at - earlier.created_at > _CACHED_FOR for earlier, later in pairwise(turns))
    return {"type": "ephemeral", "ttl": "1h"} if was_away else {"type": "ephemeral"}


@cache
def _prompt() -> str:
    return (Path(__file__).parent / "prompts" / "chat.v2.md").read_text(encoding="utf-8")


def _asked(turn: Turn, words: str, attached: Mapping[UUID, Attached]) -> Message:
    found = attached.get(turn.pk, Attached())
    return Message("user", words + found.text, found.images)


def _is_answered(turn: Turn) -> bool:
    return bool(turn.raw_answer.strip())


def _said(turn: Turn) -> str:
    return f"{turn.text}\n\n{turn.briefing}".strip()


def _part(name: str, lines: Sequence[str]) -> str:
    return fence(name, "\n".join(f"- {line}" for line in lines) or "None.")


def _broken_off(turn: Turn) -> str:
    """What a person saw of an answer that was never finished. It is no answer of the model's, so it does not go back as one."""
    shown = turn.answer.strip()
    if not turn.is_unanswered or not shown:
        return ""
    how = "was stopped by the technician" if turn.status == Turn.Status.CANCELLED else "broke off"
    return "\n\n" + fence(f"your answer to this, which {how} here", shown)


def _task(item: Item) -> TaskState:
    kind = item["answer_kind"] if item["kind"] == "question" else "action"
    return TaskState(text=item["text"], kind=kind, state=item["state"], answer=item["answer"], item_id=item["id"])


def _fix(fix: SuggestedFix) -> FixState:
    is_dismissed = fix.user_decision == SuggestedFix.Decision.DISMISSED
    return FixState(
        id=str(fix.id),
        title=fix.title,
        outcome="dismissed" if is_dismissed else fix.outcome,
        is_active=fix.superseded_at is None,
        reason=fix.reason,
    )


def _fix_line(fix: FixState) -> str:
    state = "active" if fix.is_active else "superseded"
    return f"{fix.title} ({state}, outcome {fix.outcome})" + (f": {fix.reason}" if fix.reason else "")
