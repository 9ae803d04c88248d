"""Every setting of an account: its name, type, default, who may change it, and what to say about it.

A setting that code asks for in a query, or that must hold with others at once, graduates to a column: docs/adr/0006.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flowpilot.accounts.permissions import Right
from flowpilot.errors import Invalid

AI_SERVICES = {
    "chat": "Session chat",
    "resolution_note": "Resolution note",
    "escalation_package": "Escalation package",
    "fact_synthesis": "What we know",
    "script_generator": "Script in a session",
    "script_builder": "Script builder",
    "templatize": "Script to template",
    "flow_scaffold": "Flow outline",
    "flow_branch": "Flow branches",
    "kb_conversion": "Document to flow",
    "flow_fix": "Flow repair",
    "ticket_parse": "Ticket from pasted text",
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting. `choices` are (value, label); an empty value means: as the server is set."""

    key: str
    label: str
    help: str
    default: Any
    group: str
    right: Right = Right.MANAGE
    choices: tuple[tuple[str, str], ...] = ()

    kind = ""

    def clean(self, raw: Any) -> Any:
        """Return a value of this setting's type. Raises Invalid, in words for the field."""
        raise NotImplementedError


class Flag(Setting):
    kind = "flag"

    def clean(self, raw: Any) -> bool:
        if isinstance(raw, bool):
            return raw
        return str(raw or "").lower() in {"on", "true", "1"}


class Choice(Setting):
    kind = "choice"

    def clean(self, raw: Any) -> str:
        value = str(raw if raw is not None else "")
        if value not in dict(self.choices):
            raise Invalid(f"{self.label}: choose one of {', '.join(label for _, label in self.choices)}.")
        return value


@dataclass(frozen=True, kw_only=True)
class Number(Setting):
    """A whole number between two ends, both allowed."""

    least: int = 0
    most: int = 1_000_000
    unit: str = ""

    kind = "number"

    def clean(self, raw: Any) -> int:
        try:
            value = int(str(raw).strip().lstrip("$").replace(",", "").replace(" ", ""))
        except ValueError as error:
            raise Invalid(f"{self.label}: write a whole number.") from error
        if not self.least <= value <= self.most:
            raise Invalid(f"{self.label}: between {self.least:,} and {self.most:,}.")
        return value


@dataclass(frozen=True, kw_only=True)
class Text(Setting):
    """Words, on one line unless `lines` says more."""

    most: int = 200
    lines: int = 1

    kind = "text"

    def clean(self, raw: Any) -> str:
        value = str(raw or "").replace("\x00", "").replace("\r\n", "\n").strip()
        if self.lines == 1:
            value = " ".join(value.split())
        if len(value) > self.most:
            raise Invalid(f"{self.label}: {len(value):,} characters, {self.most:,} are the limit.")
        return value


@dataclass(frozen=True, kw_only=True)
class Listing(Setting):
    """Several words, written one a line; `check` raises Invalid for one that cannot be."""

    check: Callable[[str], str] = str
    most: int = 20

    kind = "listing"

    def clean(self, raw: Any) -> list[str]:
        words = raw if isinstance(raw, list) else str(raw or "").replace(",", " ").split()
        if len(words) > self.most:
            raise Invalid(f"{self.label}: {self.most} at most.")
        return list(dict.fromkeys(self.check(str(word)) for word in words))
