"""The guided engine: answers from flows by fixed rules, with no AI and no key. Deterministic; it keeps nothing between answers.

What it says follows from the session's state alone: the problem picks a flow, the task lane says how far the flow was walked, the
suggested fixes say which of its ends were tried.
"""

import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowpilot.errors import Refused
from flowpilot.providers.ai.base import AIProvider, ChatState, Completion, FixState, Message, SystemBlock, TaskState
from flowpilot.providers.ai.trees import Branch, Fix, FlowTree, Question, Step, same_text
from flowpilot.providers.ai.walking import (
    MOST_OPEN,
    TRIED,
    Entry,
    Walk,
    choose,
    fix_node,
    frontier,
    in_order,
    is_fix,
    is_report,
    owns,
    pending_fix,
    walk,
)

NAME = "guided"
_OPEN = "open"


class GuidedProvider(AIProvider):
    """Answers by walking flows. What it cannot do is Refused."""

    name = NAME

    def __init__(self, flows: Sequence[FlowTree]) -> None:
        self._flows = tuple(flows)

    async def generate_text_stream(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> AsyncGenerator[str | Completion]:
        """Yield the answer word by word, then one Completion."""
        text = answer(self._flows, _known(state, messages))
        for piece in re.findall(r"\s*\S+|\s+", text):
            yield piece
        yield Completion(text=text, provider=NAME, model=NAME)

    async def generate_text(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> Completion:
        """Return the whole answer."""
        return Completion(text=answer(self._flows, _known(state, messages)), provider=NAME, model=NAME)

    async def generate_json(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        schema: dict[str, Any],
    ) -> tuple[dict[str, Any], Completion]:
        """Refuse: rules fill in no forms."""
        raise Refused(
            "The guided engine follows flows and cannot write this. Add an AI key in the AI settings, or do it by hand."
        )


def _known(state: ChatState | None, messages: Sequence[Message]) -> ChatState:
    """Return the state, or for a caller without one what the messages say."""
    if state is not None:
        return state
    said = tuple(message.text for message in messages if message.role == "user")
    return ChatState(problem=said[0] if said else "", said=said)


@dataclass
class _Reply:
    """Paragraphs to show, then what goes into the panels."""

    words: list[str] = field(default_factory=list)
    tasks: list[Question | Step] = field(default_factory=list)
    concluded: list[str] = field(default_factory=list)
    fix: Fix | None = None
    facts: list[str] = field(default_factory=list)
    title: str = ""

    def text(self) -> str:
        questions = [_question_json(node) for node in self.tasks if isinstance(node, Question)]
        actions = [_action_json(node) for node in self.tasks if isinstance(node, Step)]
        markers = [
            _marker("QUESTIONS", questions),
            _marker("ACTIONS", actions),
            _marker("PROMOTE", [{"text": text} for text in self.concluded]),
            _marker("SUGGEST_FIX", _fix_json(self.fix, self.facts) if self.fix else None),
            f"[TITLE]{self.title}[/TITLE]" if self.title else "",
        ]
        return "\n\n".join(
            [*(_plain(words) for words in self.words if words), "\n".join(filter(None, markers))]
        ).strip()


def answer(flows: Sequence[FlowTree], state: ChatState) -> str:
    """Return what the engine says to a session, with its markers."""
    flow = choose(flows, state)
    if flow is None:
        names = "; ".join(flow.title for flow in in_order(flows)) or "there are none"
        return _plain(
            f"I follow flows by fixed rules, without AI, and no flow fits this problem. The flows: {names}. Say it in their words."
        )
    walked = walk(flow, state)
    reply = _Reply()
    if not walked.path and not walked.tried:
        reply.words.append(_introduction(flow, state))
    if not state.tasks and not state.fixes:
        reply.title = _title(flow, state)
    worked = next((fix for fix in state.fixes if fix.is_active and fix.outcome == "success"), None)
    if worked:
        reply.words = [
            f"“{worked.title}” worked. Check the resolution note and resolve the session. If the problem returns, start a new one."
        ]
        return reply.text()
    reply.words.append(_news(walked, state))
    reply.concluded = _conclusions(walked, state)
    _say_next(reply, walked, state)
    return reply.text()


def _introduction(flow: FlowTree, state: ChatState) -> str:
    if any(task.state == _OPEN and owns(flow, task) for task in state.tasks):
        return ""
    if not flow.match:
        return f"No flow fits these words yet, so I ask the general questions first. These are fixed rules, not AI. {flow.about}"
    return f"I follow the flow “{flow.title}”. These are fixed rules, not AI. {flow.about}"


def _title(flow: FlowTree, state: ChatState) -> str:
    """Return the problem's first line where it is short enough for a title, else the flow's."""
    first = next((" ".join(line.split()) for line in state.problem.splitlines() if line.strip()), "")
    first = _plain(first).rstrip(" .!")
    if 12 <= len(first) <= 80:
        return first[0].upper() + first[1:]
    return flow.title if flow.match or not first else _short(first, 80)


def _news(walked: Walk, state: ChatState) -> str:
    """Say what the last message brought: what its answers mean, what a fix that failed rules out, or that it was read."""
    last = state.said[-1] if state.said else ""
    if walked.tried and (not last or same_text(walked.tried[-1][0].title) in same_text(last)):
        fix, tried = walked.tried[-1]
        reason = f": {_quote(tried.reason)}" if tried.reason else ""
        return f"“{fix.title}” {TRIED[tried.outcome]}{reason}. {fix.rules_out}".strip()
    if fresh := _fresh(walked, state):
        meanings = [_meaning(*entry) for entry in fresh[-MOST_OPEN:]]
        return " ".join(filter(None, meanings)) or f"“{fresh[-1][0].text}” is done."
    waiting = [task for task in state.tasks if task.state == _OPEN]
    if waiting and walked.stop and not is_report(last, state):
        return _acknowledgement(last, waiting)
    return ""


def _fresh(walked: Walk, state: ChatState) -> list[Entry]:
    """Return what the last message told of, or, for typed words, what no message has told of yet."""
    last = state.said[-1] if state.said else ""
    told = [same_text(text) for text in state.said]
    if is_report(last, state):
        return [entry for entry in walked.path if same_text(entry[0].text) in told[-1]]
    return [entry for entry in walked.path if not any(same_text(entry[0].text) in text for text in told)]


def _meaning(node: Question | Step, task: TaskState, branch: Branch) -> str:
    if task.state == "skipped":
        return f"“{node.text}” was skipped. {branch.means}".strip()
    if branch.means:
        return branch.means
    if isinstance(node, Question):
        return f"To “{node.text}” you answered {_quote(task.answer)}."
    return f"“{node.text}” showed {_quote(task.answer)}." if task.answer else ""


def _acknowledgement(last: str, waiting: Sequence[TaskState]) -> str:
    """Say that a message was read while tasks are open; never take it for an answer."""
    question = next((task for task in waiting if task.kind == "yes_no"), None)
    if question and re.match(r"\s*(yes|yep|yeah|no|nope)\b", last, re.IGNORECASE):
        return f"If that answers “{question.text}”, please answer it in the task lane. I do not guess which question you mean."
    return "Your message is kept with the session. I follow rules and read answers only from the task lane."


def _conclusions(walked: Walk, state: ChatState) -> list[str]:
    """Return the facts that rules conclude from fresh answers. Those told before are not repeated: somebody may have removed them."""
    known = {same_text(fact.text) for fact in state.facts}
    found = [branch.concludes for _, _, branch in _fresh(walked, state) if branch.concludes]
    return [text for text in dict.fromkeys(found) if same_text(text) not in known]


def _say_next(reply: _Reply, walked: Walk, state: ChatState) -> None:
    """Add what is due: a fix to report on, a fix to try, tasks, or the end."""
    due = walked.stop
    pending = pending_fix(state)
    if pending and (is_fix(due, pending) or fix_node(walked.flow, pending) is None):
        reply.words.append(_reminder(pending))
    elif isinstance(due, Fix):
        reply.fix = due
        reply.facts = _evidence(walked, state)
        sure = (
            "This is likely"
            if due.confidence >= 75
            else "This may be it"
            if due.confidence >= 50
            else "This is worth a try"
        )
        reply.words.append(
            f"{sure}: **{due.title}**. {due.rationale} Apply it, then say in the fix panel what came of it."
        )
        if any(task.state == _OPEN for task in state.tasks):
            reply.words.append("What is still open in the task lane can wait.")
    elif due:
        reply.tasks = frontier(walked, state)
        reply.words.append(_lead(reply.tasks, walked, state))
    else:
        reply.words += _ending(walked, state)


def _reminder(fix: FixState) -> str:
    if fix.outcome == "waiting":
        reason = f" ({_quote(fix.reason)})" if fix.reason else ""
        return f"“{fix.title}” waits to be verified{reason}. When that is over, say in the fix panel whether it worked."
    if fix.outcome == "verifying":
        return f"“{fix.title}” is applied. Check with the user, then say in the fix panel whether it worked, helped partly or failed."
    return f"“{fix.title}” is still to be tried. Apply it, then say in the fix panel what came of it, or dismiss it with a reason."


def _lead(nodes: Sequence[Question | Step], walked: Walk, state: ChatState) -> str:
    """Point at the task lane: what is due, what it tells, and what comes with it."""
    shown = [same_text(node.text) for node in nodes]
    opened = {same_text(task.text) for task in state.tasks if task.state == _OPEN}
    still = "Still open" if opened.issuperset(shown) else "Next"
    rest = " and ".join(f"“{node.text}”" for node in nodes[1:])
    then = f" Then {_end(rest)}" if rest else ""
    gone = (
        " What was open before and is not named here no longer matters." if walked.path and opened - set(shown) else ""
    )
    return f"{still} in the task lane: {_end(f'“{nodes[0].text}”')} {nodes[0].why}{then}{gone}"


def _end(text: str) -> str:
    return text if text.endswith("?”") else f"{text}."


def _ending(walked: Walk, state: ChatState) -> list[str]:
    """Say plainly that nothing is left, what was ruled out, and that escalating is next."""
    ruled_out = [branch.concludes for _, _, branch in walked.path if branch.concludes]
    ruled_out += [f"“{fix.title}” {TRIED[fix.outcome]}" for fix in state.fixes if fix.outcome in TRIED]
    listed = "\n".join(f"- {text.rstrip('.')}" for text in dict.fromkeys(map(_plain, ruled_out)))
    words = [f"The flow “{walked.flow.title}” has nothing left to try. I would escalate now."]
    if listed:
        words.append(f"What we know and what was ruled out:\n\n{listed}")
    return [*words, walked.flow.escalate]


def _evidence(walked: Walk, state: ChatState) -> list[str]:
    """Return the IDs of the facts that came from this walk: answers of its tasks, conclusions, fixes that were tried."""
    starts = [same_text(text) for node, _, _ in walked.path for text in (node.text, f"Done: {node.text}")]
    starts += [same_text(branch.concludes) for _, _, branch in walked.path if branch.concludes]
    starts += [same_text(f"Tried: {fix.title.rstrip('.')}") for fix, _ in walked.tried]
    return [fact.id for fact in state.facts if same_text(fact.text).startswith(tuple(starts))]


def _question_json(node: Question) -> dict[str, Any]:
    choices = {"choices": list(node.choices)} if node.kind == "choice" else {}
    return {"text": node.text, "why": node.why, "kind": node.kind, **choices}


def _action_json(node: Step) -> dict[str, Any]:
    return {"text": node.text, "why": node.why, "command": node.command, "expect": node.expect}


def _fix_json(fix: Fix, facts: Sequence[str]) -> dict[str, Any]:
    script = {"script": dict(fix.script)} if fix.script else {}
    told = {"title": fix.title, "rationale": fix.rationale, "steps": list(fix.steps), "confidence": fix.confidence}
    return {**told, "facts": list(facts)[:20], **script}


def _marker(name: str, body: Any) -> str:
    """Return a marker, or nothing for an empty body. No text inside can close it."""
    if not body:
        return ""
    return f"[{name}]{json.dumps(body, ensure_ascii=False).replace('[/', '[' + chr(92) + '/')}[/{name}]"


def _plain(text: str) -> str:
    """Return text that can open no marker and no code fence."""
    return re.sub(r"`{3,}|~{3,}", "", text.replace("[", "(").replace("]", ")")).strip()


def _quote(text: str) -> str:
    """Return somebody's words, short and on one line."""
    return f"“{_short(re.sub(r'[`*_<>#|]', '', ' '.join(text.split())), 120)}”"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
