"""Reading single values. A null property is absent in what ConnectWise sends, so absent means empty here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

Json = Mapping[str, Any]

_ESCAPED_PUNCTUATION = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~])")
_ESCAPED_BRACKET = re.compile(r"\\([\[\]()])")


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to another record. Members and companies also carry their identifier."""

    id: int
    name: str
    identifier: str = ""

    @classmethod
    def from_json(cls, data: Json | None) -> Self | None:
        """Return the reference, or None when it is missing or an empty shell."""
        if not data or data.get("id") is None:
            return None
        return cls(id=int(data["id"]), name=text_of(data, "name"), identifier=text_of(data, "identifier"))


def text_of(data: Json, key: str) -> str:
    """Return a text, empty when there is none."""
    value = data.get(key)
    return "" if value is None else str(value)


def name_of(data: Json, key: str) -> str:
    """Return the name of what a reference points at, empty when there is none."""
    return text_of(data.get(key) or {}, "name")


def moment_of(value: object) -> datetime | None:
    """Read a date; one we cannot read is no reason to lose the record."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def hours_of(data: Json, key: str) -> float:
    """Return a number of hours, zero when there is none."""
    return float(data.get(key) or 0)


def unescaped(text: str, *, is_markdown: bool) -> str:
    """Take back the backslashes ConnectWise puts before punctuation, sparing paths where it may not have done so."""
    return (_ESCAPED_PUNCTUATION if is_markdown else _ESCAPED_BRACKET).sub(r"\1", text)
