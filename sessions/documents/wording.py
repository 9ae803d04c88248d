"""Documents worded by a model. It words what the session proves and must name the items; rules decide what may be claimed.

Root cause and resolution are the model's only where a fix worked; verdicts, failures and next steps are always the rules'.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sessions.documents import client_safe
from sessions.documents.sentences import LINE, Document, Section, Sentence
from sessions.documents.state import State

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sections"],
    "properties": {
        "sections": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["key", "sentences"],
                "properties": {
                    "key": {"type": "string"},
                    "sentences": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["text", "sources"],
                            "properties": {
                                "text": {"type": "string"},
                                "sources": {"type": "array", "items": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        }
    },
}
_LETTERS = {"message": "M", "fact": "F", "question": "T", "check": "T", "fix": "X", "script": "S", "ticket": "K"}
_WORDED = {  # the sections that a model may word
    "resolution": ("problem", "confirmed", "root_cause", "resolution"),
    "escalation": ("happening", "hypothesis", "check_first"),
}
_SUCCESS = re.compile(
    r"\b(?:fixed|resolved|solved|works?|worked|working|successful(?:ly)?|cured|gone|no longer|root cause (?:is|was))\b",
    re.IGNORECASE,
)
_LONGEST, _MOST_SENTENCES = 600, 20


def aliases(state: State) -> dict[str, str]:
    """Return a short name for each item that a model may cite, as {name: id}."""
    counts: dict[str, int] = {}
    names = {}
    for item in state.items.values():
        if letter := _LETTERS.get(item.kind):
            counts[letter] = counts.get(letter, 0) + 1
            names[f"{letter}{counts[letter]}"] = item.id
    return names


def describe(state: State) -> str:
    """Return the session as a model reads it: one item a line, each with its name. Not fenced yet."""
    fixes = {f"fix:{fix.id}": fix for fix in state.fixes}
    told = []
    for name, item_id in aliases(state).items():
        item = state.items[item_id]
        row: dict[str, Any] = {"id": name, "kind": item.kind, "text": item.text[:2000]}
        if fix := fixes.get(item_id):
            outcome = "dismissed" if fix.is_dismissed else fix.outcome
            row |= {"why": fix.rationale, "steps": list(fix.steps), "outcome": outcome, "reason": fix.reason}
        told.append(json.dumps(row, ensure_ascii=False))
    return "\n".join(told)


def from_reply(reply: Mapping[str, Any], kind: str, state: State, built: Document) -> Document:
    """Return the built document with a model's sentences where they may stand.

    What names no item, or one that does not exist, or claims a success that its items do not hold, has no source and so is unsupported.
    """
    said = _read(reply, state)
    return Document(tuple(_section(each, kind, said.get(each.key, []), state) for each in built.sections))


def client_from_reply(reply: Mapping[str, Any], state: State, built: Document) -> Document:
    """Return the client-safe reading in a model's words, or the built one when too little of them may go to a customer."""
    said = _read(reply, state).get("client", [])
    safe = [each for each in said if each.is_supported and not client_safe.unsafe(each.text)][: client_safe.MOST]
    if len(safe) < client_safe.FEWEST:
        return built
    unverified = [each for each in built.sentences if "not yet confirmed" in each.text]
    return client_safe.as_document([*safe[: client_safe.MOST - len(unverified)], *unverified])


def _section(built: Section, kind: str, said: list[Sentence], state: State) -> Section:
    is_proven = built.key not in {"root_cause", "resolution"} or state.worked is not None
    if not said or not is_proven or built.key not in _WORDED[kind]:
        return built
    shape = built.sentences[0].shape if built.sentences else LINE
    if built.key in {"root_cause", "resolution"}:
        said = [each if _rests_on_success(each, state) else replace(each, sources=()) for each in said]
        shape = LINE
    if built.key == "hypothesis":
        return replace(built, sentences=(*said, *built.sentences[1:]))
    if built.key == "resolution":
        return replace(built, sentences=(*said, *_verdicts(state, built)))
    return replace(built, sentences=tuple(replace(each, shape=shape) for each in said))


def _verdicts(state: State, built: Section) -> list[Sentence]:
    """Return what the rules say of every fix but the one that worked."""
    worked = f"fix:{state.worked.id}" if state.worked else ""
    return [each for each in built.sentences if each.sources != (worked,)]


def _read(reply: Mapping[str, Any], state: State) -> dict[str, list[Sentence]]:
    names = aliases(state)
    found: dict[str, list[Sentence]] = {}
    for part in reply.get("sections", []):
        sentences = [_sentence(each, names, state) for each in part.get("sentences", [])[:_MOST_SENTENCES]]
        found.setdefault(str(part.get("key", "")), []).extend(each for each in sentences if each.text)
    return found


def _sentence(data: Mapping[str, Any], names: Mapping[str, str], state: State) -> Sentence:
    text = " ".join(str(data.get("text", "")).split()).lstrip("-*#> ")[:_LONGEST]
    sources = tuple(dict.fromkeys(names[ref] for ref in map(str, data.get("sources", [])) if ref in names))
    sentence = Sentence(text, sources)
    return sentence if _is_honest(sentence, state) else replace(sentence, sources=())


def _is_honest(sentence: Sentence, state: State) -> bool:
    """Return whether a success it speaks of is in what it names. A fact or a message may speak for itself."""
    if not _SUCCESS.search(sentence.text) or _rests_on_success(sentence, state):
        return True
    named = [state.items[ref] for ref in sentence.sources]
    return any(item.kind not in {"fix", "session"} and _SUCCESS.search(item.text) for item in named)


def _rests_on_success(sentence: Sentence, state: State) -> bool:
    return state.worked is not None and f"fix:{state.worked.id}" in sentence.sources
