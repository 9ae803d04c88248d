"""Parameters of a script, filled from what a session knows, each with its source. Pure: the same facts fill the same fields."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from flowpilot.errors import Invalid
from flowpilot.scripts.forms import Source
from flowpilot.scripts.parameters import Parameter, check_value

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(r"(?<![\d.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\d.])")
_MACHINE = re.compile(r"(?<![\w.-])(?:[A-Z][A-Z0-9]*-[A-Z0-9-]*\d[A-Z0-9-]*|[A-Z]{2,}\d{2,})(?![\w-])")
_DOMAIN = re.compile(r"(?<![\w@.-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w-])", re.IGNORECASE)
_NAMED = r"(?:\s+(?:is|called|named))?[:\s]+[“\"'`]?([A-Za-z][\w.-]*[\w])"
_PRINTER = re.compile(r"\bprinter" + _NAMED, re.IGNORECASE)
_SERVICE = re.compile(r"\bservice" + _NAMED + r"|([A-Za-z][\w.-]+)\s+service\b", re.IGNORECASE)
_NO_NAME = frozenset(
    [
        "is",
        "the",
        "a",
        "an",
        "on",
        "in",
        "at",
        "not",
        "was",
        "has",
        "and",
        "queue",
        "moved",
        "offline",
        "this",
        "that",
        "windows",
        "stopped",
    ]
)
_GUESSES = (  # what a parameter is called says what it wants, where its template does not
    ("mail", re.compile(r"upn|e-?mail|principal|user(?:id)?$|^user", re.IGNORECASE)),
    ("mailbox", re.compile(r"mailbox", re.IGNORECASE)),
    ("printer", re.compile(r"printer", re.IGNORECASE)),
    ("service", re.compile(r"service", re.IGNORECASE)),
    ("address", re.compile(r"address|\bip\b|ip$", re.IGNORECASE)),
    ("host", re.compile(r"server|host|computer|device|machine", re.IGNORECASE)),
    ("company", re.compile(r"company|client|customer", re.IGNORECASE)),
)
_LABELS = {
    "ticket": ("Ticket", "ticket"),
    "question": ("Answer", "check"),
    "check": ("Check", "terminal"),
    "turn": ("Chat", "message-square"),
}
YOUR_CALL = Source("Your call", "hand")
DEFAULT = Source("Default")


class Fact(Protocol):
    """What filling needs to know of a fact."""

    text: str
    source_type: str


@dataclass(frozen=True)
class Filled:
    """What stands in each field at first, and where it came from."""

    values: dict[str, str]
    sources: dict[str, Source]

    @property
    def count(self) -> int:
        return sum(source not in (YOUR_CALL, DEFAULT) for source in self.sources.values())


def prefill(parameters: Sequence[Parameter], facts: Sequence[Fact]) -> Filled:
    """Fill what the facts know, newest first; then defaults; the rest is the person's call. A secret is never filled."""
    values, sources = {}, {}
    for parameter in parameters:
        value, source = _find(parameter, facts)
        if source is None and parameter.default and parameter.kind != "switch":
            value, source = parameter.default, DEFAULT
        values[parameter.name] = value or (parameter.default if parameter.kind == "switch" else "")
        sources[parameter.name] = source or YOUR_CALL
    return Filled(values, sources)


def _find(parameter: Parameter, facts: Sequence[Fact]) -> tuple[str, Source | None]:
    look = _choice_of(parameter) if parameter.kind == "choice" else _FINDERS.get(_wanted(parameter))
    if look is None or parameter.kind in {"secret", "switch", "number"}:
        return "", None
    for fact in reversed(facts):
        value = look(fact.text)
        if value and _fits(parameter, value):
            return value, _source(fact)
    return "", None


def _wanted(parameter: Parameter) -> str:
    if parameter.fill:
        return parameter.fill
    said = f"{parameter.name} {parameter.label}"
    return next((kind for kind, pattern in _GUESSES if pattern.search(said)), "")


def _fits(parameter: Parameter, value: str) -> bool:
    try:
        return check_value(parameter, value) is not None
    except Invalid:
        return False


def _source(fact: Fact) -> Source:
    label, icon = _LABELS.get(fact.source_type, ("By hand", "pencil"))
    return Source(label, icon)


def _choice_of(parameter: Parameter) -> Callable[[str], str]:
    def look(text: str) -> str:
        found = [
            each
            for each in parameter.choices
            if re.search(rf"(?<![\w.]){re.escape(each)}(?![\w.])", text, re.IGNORECASE)
        ]
        return found[0] if len(found) == 1 else ""

    return look


def _first(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def look(text: str) -> str:
        found = pattern.search(text)
        return found[0] if found else ""

    return look


def _after(*labels: str) -> Callable[[str], str]:
    def look(text: str) -> str:
        head, _, rest = text.partition(":")
        return rest.strip() if head.strip().lower() in labels else ""

    return look


def _named_by(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def look(text: str) -> str:
        for found in pattern.finditer(text):
            name = next((group for group in found.groups() if group), "")
            if name and name.lower() not in _NO_NAME:
                return name
        return ""

    return look


def _host(text: str) -> str:
    without_mail = _MAIL.sub(" ", text)
    return _first(_MACHINE)(without_mail) or _first(_DOMAIN)(without_mail) or _first(_ADDRESS)(without_mail)


_FINDERS: dict[str, Callable[[str], str]] = {
    "mail": _first(_MAIL),
    "mailbox": lambda text: _first(_MAIL)(text) if "mailbox" in text.lower() else "",
    "address": _first(_ADDRESS),
    "host": _host,
    "device": _host,
    "contact": _after("contact"),
    "company": _after("client", "company"),
    "printer": _named_by(_PRINTER),
    "service": _named_by(_SERVICE),
}
