"""What the model is sent: prompt, history, briefing. Pure; the layout is append-only, so that the provider's cache hits."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flowpilot.providers.ai.base import ChatState, FactState, FixState, Message, SystemBlock, TaskState
from flowpilot.providers.ai.untrusted import fence
from sessions.lane import Item
from sessions.models import SessionFact, SuggestedFix, Turn


@dataclass(frozen=True)
class Request:
    """One call of the chat model, and the same knowledge as data for engines that read no prose."""

    system: list[SystemBlock]
    messages: list[Message]
    state: ChatState


def build_request(*, problem: str, turns: Sequence[Turn], turn: Turn, state: ChatState) -> Request:
    """Build the request that answers `turn`; `turns` are those before it, oldest first."""
    messages: list[Message] = []
    for earlier in turns:
        if earlier.raw_answer.strip():
            messages += [Message("user", _said(earlier)), Message("assistant", earlier.raw_answer)]
    messages.append(Message("user", _said(turn)))
    return Request([SystemBlock(_prompt(), {"type": "ephemeral"})], messages, state)


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


def build_briefing(state: ChatState) -> str:
    """Return what the model is told beside the technician's words: facts, open tasks and fixes as they stand."""
    parts = [_section("What we know", [f"[{fact.id}] ({fact.source}) {fact.text}" for fact in state.facts])]
    open_tasks = [f"[{task.item_id}] {task.text}" for task in state.tasks if task.state == "open"]
    parts.append(_section("Open in the task lane", open_tasks))
    parts.append(_section("Suggested fixes", [_fix_line(fix) for fix in state.fixes]))
    return fence("session state", "\n\n".join(part for part in parts if part) or "Nothing is known yet.")


@cache
def _prompt() -> str:
    return (Path(__file__).parent / "prompts" / "chat.v1.md").read_text(encoding="utf-8")


def _said(turn: Turn) -> str:
    return f"{turn.text}\n\n{turn.briefing}".strip()


def _section(title: str, lines: Sequence[str]) -> str:
    return f"{title}:\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


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
