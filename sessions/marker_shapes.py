"""What stands inside a marker, checked and trimmed. Pure; a body that does not fit raises ValueError with the reason."""

import json
from dataclasses import dataclass
from typing import Any

MOST_ITEMS = 20
MOST_CHOICES = 12
_SHORT, _LONG = 500, 4_000
_KINDS = ("yes_no", "choice", "text", "number")


@dataclass(frozen=True)
class Question:
    """A question for the technician; `kind` is yes_no, choice (then there are `choices`), text or number."""

    text: str
    why: str = ""
    kind: str = "text"
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Action:
    """A check for the technician to carry out."""

    text: str
    why: str = ""
    command: str = ""
    expect: str = ""


@dataclass(frozen=True)
class Promotion:
    """A fact the assistant states; without `source_ref` the message itself is its source."""

    text: str
    source_ref: str = ""


@dataclass(frozen=True)
class SuggestFix:
    """A resolution the assistant proposes; `facts` are the IDs of those it rests on, `script` has language and purpose."""

    title: str
    rationale: str = ""
    steps: tuple[str, ...] = ()
    confidence: int = 0
    facts: tuple[str, ...] = ()
    script: dict[str, str] | None = None


Data = tuple[Question, ...] | tuple[Action, ...] | tuple[Promotion, ...] | SuggestFix | str


def read_body(name: str, body: str) -> Data:
    """Return what the body of a known marker says. Raises ValueError."""
    if name == "TITLE":
        return _required(" ".join(body.split()), 200)
    try:
        value = json.loads(body, strict=False, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if name == "SUGGEST_FIX":
        return _fix(value)
    return _items(value, _READERS[name])


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _items(value: Any, read) -> Any:
    if not isinstance(value, list):
        raise ValueError("not an array")
    found = []
    for item in value[:MOST_ITEMS]:
        if isinstance(item, dict) and _text(item.get("text")):
            found.append(read(item))
    if value and not found:
        raise ValueError("no item has a text")
    return tuple(found)


def _question(item: dict[str, Any]) -> Question:
    choices = _texts(item.get("choices"), MOST_CHOICES, 200)
    kind = _text(item.get("kind")).lower().replace("-", "_")
    if kind not in _KINDS:
        kind = "choice" if choices else "text"
    if kind == "choice" and not choices:
        kind = "text"
    return Question(_text(item["text"]), _text(item.get("why")), kind, choices if kind == "choice" else ())


def _action(item: dict[str, Any]) -> Action:
    command = _text(item.get("command"), _LONG)
    return Action(_text(item["text"]), _text(item.get("why")), command, _text(item.get("expect")))


def _promotion(item: dict[str, Any]) -> Promotion:
    return Promotion(_text(item["text"]), _text(item.get("source_ref"), 80))


def _fix(value: Any) -> SuggestFix:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return SuggestFix(
        title=_required(value.get("title"), 200),
        rationale=_text(value.get("rationale"), _LONG),
        steps=_texts(value.get("steps"), MOST_ITEMS, _SHORT),
        confidence=_confidence(value.get("confidence")),
        facts=_texts(value.get("facts"), MOST_ITEMS, 100),
        script=_script(value.get("script")),
    )


def _script(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    script = {"language": _text(value.get("language"), 20).lower(), "purpose": _text(value.get("purpose"))}
    return script if any(script.values()) else None


def _confidence(value: Any) -> int:
    """Return 0 to 100; what is no number says nothing, so it is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return round(min(100, max(0, value)))


def _required(value: Any, most: int) -> str:
    text = _text(value, most)
    if not text:
        raise ValueError("nothing in it")
    return text


def _texts(value: Any, most: int, length: int) -> tuple[str, ...]:
    found = (_text(item, length) for item in value) if isinstance(value, list) else ()
    return tuple(text for text in found if text)[:most]


def _text(value: Any, most: int = _SHORT) -> str:
    """Return a string that a database takes: stripped, capped, without NUL and lone surrogates; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "ignore").decode()[: most + 100].strip()[:most].rstrip()


_READERS = {"QUESTIONS": _question, "ACTIONS": _action, "PROMOTE": _promotion}
