"""Reading a pasted text into the fields of a ticket: by AI where there is one, else by rules, which says so."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync

from flowpilot.errors import UserError
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.untrusted import fence, mask_secrets
from psa import parsing
from psa.parsing import Guess

_FIELDS = ("summary", "description", "company", "contact", "board", "priority", "type")
_FIELD = {
    "type": "object",
    "properties": {"value": {"type": "string"}, "confidence": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["value", "confidence", "note"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": dict.fromkeys(_FIELDS, _FIELD),
    "required": list(_FIELDS),
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Reading:
    """What a text says, and who read it: "ai" or "rules", with why it was the rules."""

    guesses: dict[str, Guess]
    how: str
    why: str = ""


def read(account_id: UUID, text: str, offered: dict[str, list[str]]) -> Reading:
    """Return what a text says about each field; board, priority and type are among the names offered. Never fails: rules always answer."""
    try:
        answer = async_to_sync(calls.generate_json)(
            account_id=account_id,
            service="ticket_parse",
            system_prompt=[SystemBlock(_prompt())],
            messages=[Message("user", _question(text, offered))],
            schema=SCHEMA,
        )
        return Reading(_guesses(answer), "ai")
    except UserError as error:
        return Reading(parsing.by_rules(mask_secrets(text)), "rules", error.message)


def match[T](name: str, rows: "list[T]") -> T | None:
    """Return the row that a name means: the exact one, or the only one that begins so or holds it."""
    wanted = name.casefold().strip()
    if not wanted:
        return None
    names = [(str(getattr(row, "name", "")).casefold(), row) for row in rows]
    for is_it in (str.__eq__, str.startswith, str.__contains__):
        found = [row for each, row in names if is_it(each, wanted)]
        if len(found) == 1:
            return found[0]
    return None


def contact(guess: Guess | None, contacts: list) -> Guess | None:
    """Return the contact that a text names. Of two who fit neither is sure."""
    if guess is None or not guess.value:
        return None
    wanted = {word for word in guess.value.casefold().replace(".", " ").split() if len(word) > 1}
    scored = [(len(wanted & _words(each)), each) for each in contacts]
    best = max((score for score, _ in scored), default=0)
    fitting = [each for score, each in scored if score == best and best]
    if not fitting:
        return Guess("", 0, f"Nobody there is called “{guess.value[:60]}”.")
    if len(fitting) > 1:
        return Guess(
            str(fitting[0].id), min(guess.confidence, 45), f"{len(fitting)} contacts fit “{guess.value[:60]}”."
        )
    sure = guess.confidence if best == len(wanted) else min(guess.confidence, 70)
    return Guess(str(fitting[0].id), sure, guess.note)


def _words(contact) -> set[str]:
    text = f"{contact.name} {contact.email}".casefold()
    return {word for word in text.replace(".", " ").replace("@", " ").split() if len(word) > 1}


def _question(text: str, offered: dict[str, list[str]]) -> str:
    names = "\n".join(f"Names for {name}: {'; '.join(values) or 'none'}" for name, values in offered.items())
    return f"{fence('pasted text', text)}\n\n{fence('names that are offered', names)}"


def _guesses(answer: dict[str, Any]) -> dict[str, Guess]:
    found = {}
    for name in _FIELDS:
        field = answer.get(name) or {}
        value = mask_secrets(str(field.get("value") or "")).strip()
        if name == "summary":
            value = " ".join(value.split())[: parsing.LONGEST_SUMMARY]
        if value:
            found[name] = Guess(
                value, max(0, min(100, int(field.get("confidence") or 0))), str(field.get("note") or "")[:200]
            )
    return found


@cache
def _prompt() -> str:
    return (Path(__file__).parent / "prompts" / "ticket_parse.v1.md").read_text(encoding="utf-8")
