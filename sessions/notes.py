"""The documents a session ends in, built from its state, not from its chat. Pure and deterministic."""

from collections.abc import Sequence
from typing import Protocol


class Fix(Protocol):
    """What a note needs to know of a suggested fix."""

    title: str
    rationale: str
    steps: list[str]
    outcome: str
    reason: str
    user_decision: str


def resolution_note(
    *,
    problem: str,
    ticket_summary: str,
    contact: str,
    company: str,
    facts: Sequence[tuple[str, str]],
    fixes: Sequence[Fix],
    open_tasks: Sequence[str],
) -> str:
    """Return the internal resolution note as markdown. `facts` are (text, source type), oldest first; so are `fixes`.

    Nothing is claimed that the session does not prove: the root cause is *undetermined* unless a fix worked, and a fix that was applied
    without a verdict is *applied, not verified*.
    """
    worked = next((fix for fix in reversed(fixes) if fix.outcome == "success"), None)
    confirmed = [text for text, source in facts if source not in {"fix", "ticket"}]  # the ticket knows what it says
    sections = [
        ("Problem", _problem(problem, ticket_summary, contact, company)),
        ("What we confirmed", _bullets(confirmed) or "Nothing was confirmed."),
        ("Root cause", _escape(worked.rationale) if worked and worked.rationale else "Undetermined."),
        ("Resolution", _resolution(worked, fixes)),
    ]
    next_steps = _next_steps(worked, fixes, open_tasks)
    if next_steps:
        sections.append(("Next steps", _bullets(next_steps)))
    return "\n\n".join(f"## {title}\n\n{body}" for title, body in sections) + "\n"


def _problem(problem: str, summary: str, contact: str, company: str) -> str:
    who = ", ".join(part for part in (contact, company) if part)
    lines = [f"{summary} ({who})" if who and summary else summary or who, problem.strip()]
    return "\n\n".join(_escape(line) for line in lines if line) or "Not described."


def _resolution(worked: Fix | None, fixes: Sequence[Fix]) -> str:
    parts = []
    if worked:
        parts.append(
            f"{_escape(worked.title)}. It worked" + (f": {_escape(worked.reason)}" if worked.reason else "") + "."
        )
        parts.append(_numbered(worked.steps))
    for fix in fixes:
        if fix.outcome in {"verifying", "waiting"}:
            parts.append(
                f"{_escape(fix.title)}: applied, not verified"
                + (f" ({_escape(fix.reason)})" if fix.reason else "")
                + "."
            )
    tried = [_tried(fix) for fix in fixes if fix.outcome in {"partial", "failed"}]
    if tried:
        parts.append(("Also tried" if parts else "Tried") + ":\n\n" + _bullets(tried, is_escaped=True))
    return "\n\n".join(part for part in parts if part) or "No fix was applied."


def _tried(fix: Fix) -> str:
    verdict = "helped partly" if fix.outcome == "partial" else "didn’t work"
    return f"{_escape(fix.title)}: {verdict}" + (f" ({_escape(fix.reason)})" if fix.reason else "")


def _next_steps(worked: Fix | None, fixes: Sequence[Fix], open_tasks: Sequence[str]) -> list[str]:
    waiting = [f"Verify: {fix.title}" for fix in fixes if fix.outcome in {"verifying", "waiting"}]
    return waiting if worked else [*waiting, *(f"Still open: {task}" for task in open_tasks)]


def _bullets(lines: Sequence[str], *, is_escaped: bool = False) -> str:
    return "\n".join(f"- {line if is_escaped else _escape(line)}" for line in lines)


def _numbered(lines: Sequence[str]) -> str:
    return "\n".join(f"{number}. {_escape(line)}" for number, line in enumerate(lines, 1))


def _escape(text: str) -> str:
    """Keep the author's words from starting a heading, a list or a quote of the note; code marks stay."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join("\\" + line if line[:1] in "#>-+=" and line[:1] else line for line in lines)
