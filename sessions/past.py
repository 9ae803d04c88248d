"""A session as it stood at one of its versions, from the changes the database kept. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

State = dict[str, Any]


class Change(Protocol):
    """One row of what was kept: from `version` on, this part said `state`; nothing: it was gone."""

    version: int
    part: str
    ref: str
    state: State | None


@dataclass
class Snapshot:
    """Every part of a session as it stood, in the order it came, and what the last version changed, in words."""

    chat: State = field(default_factory=dict)
    tasks: list[State] = field(default_factory=list)
    facts: dict[str, State] = field(default_factory=dict)
    fixes: dict[str, State] = field(default_factory=dict)
    turns: dict[str, str] = field(default_factory=dict)  # id: status
    fresh: set[str] = field(default_factory=set)  # the refs that the version changed
    news: list[str] = field(default_factory=list)


def snapshot(changes: Sequence[Change], version: int) -> Snapshot:
    """Return a session at a version; `changes` are in the order they happened and may go on beyond it."""
    until = [change for change in changes if change.version <= version]
    before = _latest(change for change in until if change.version < version)
    now = _latest(until)
    found = Snapshot(fresh={change.ref for change in until if change.version == version})
    found.news = describe(before, now)
    for (part, ref), state in now.items():
        if state is None or (part == "fact" and state["deleted_at"]):
            continue
        if part == "chat":
            found.chat = state
        elif part == "task":
            found.tasks.append(state)
        elif part == "turn":
            found.turns[ref] = state["status"]
        else:
            (found.facts if part == "fact" else found.fixes)[ref] = state
    return found


def changes_between(changes: Sequence[Change], older: int, newer: int) -> list[str]:
    """Return in words what changed in a session after version `older` up to `newer`."""
    until = [change for change in changes if change.version <= newer]
    return describe(_latest(change for change in until if change.version <= older), _latest(until))


type _Parts = dict[tuple[str, str], State | None]


def describe(before: _Parts, now: _Parts) -> list[str]:
    """Return one line for each part that differs, in the order the parts first came."""
    lines = []
    for key, state in now.items():
        old = before.get(key)
        if old != state and (line := _TELL[key[0]](old, state)):
            lines.append(line)
    return lines


def _latest(changes: Iterable[Change]) -> _Parts:
    parts: _Parts = {}
    for change in changes:
        parts[change.part, change.ref] = change.state
    return parts


def _tell_chat(old: State | None, new: State | None) -> str:
    if not old or not new:
        return "Session started" if new else ""
    if old["status"] != new["status"]:
        return f"Session {new['status']}"
    return f"Renamed: {new['title']}"


def _tell_task(old: State | None, new: State | None) -> str:
    if new is None:
        return f"Withdrawn: {old['text']}" if old else ""
    if new["state"] == "open":
        return f"Taken back: {new['text']}" if old else f"Asked: {new['text']}"
    if new["state"] == "skipped":
        return f"Skipped: {new['text']}"
    return f"Answered: {new['text']} {new['answer']}".rstrip() if new["kind"] == "question" else f"Done: {new['text']}"


def _tell_fact(old: State | None, new: State | None) -> str:
    stood, stands = bool(old and not old["deleted_at"]), bool(new and not new["deleted_at"])
    if not new or (not stood and not stands):
        return ""
    if not stands:
        return f"No longer known: {new['text']}"
    return f"Fact changed: {old['text']} → {new['text']}" if stood and old else f"New fact: {new['text']}"


def verdict(fix: State) -> str:
    """Return in a word or two where a fix stood."""
    if fix["user_decision"] == "dismissed":
        return "Dismissed"
    if fix["outcome"] in _CAME:
        return _CAME[fix["outcome"]].capitalize()
    if fix["superseded_at"]:
        return "Superseded"
    return "Verifying" if fix["outcome"] == "verifying" else "Suggested"


_CAME = {"success": "worked", "partial": "helped partly", "failed": "didn’t work", "waiting": "waits to be verified"}


def _tell_fix(old: State | None, new: State | None) -> str:
    if new is None:
        return ""
    if old is None:
        return f"Suggested: {new['title']}"
    if new["user_decision"] == "dismissed" != old["user_decision"]:
        return f"Dismissed: {new['title']}"
    if old["outcome"] != new["outcome"]:
        return f"{new['title']}: {_CAME.get(new['outcome'], 'applied')}"
    if new["superseded_at"] and not old["superseded_at"]:
        return f"Superseded: {new['title']}"
    return f"Decided: {new['title']}"


_ENDED = {"done": "Answered message", "failed": "No answer to message", "cancelled": "Stopped the answer to message"}


def _tell_turn(old: State | None, new: State | None) -> str:
    return f"{_ENDED.get(new['status'], 'Message')} {new['number']}" if new else ""


_TELL = {"chat": _tell_chat, "task": _tell_task, "fact": _tell_fact, "fix": _tell_fix, "turn": _tell_turn}
