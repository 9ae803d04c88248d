"""The only place that writes ConnectWise condition strings.

How a quote is escaped inside a string is documented nowhere, so no text that needs escaping is ever sent: quotes
and backslashes are dropped, and search text is cut at every character that can act as a wildcard. What remains
means the same whether `contains` is a plain substring or an SQL pattern.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from urllib.parse import quote_plus

from flowpilot.errors import Invalid

_WILDCARDS = re.compile(r"[\s\"\\%_*\[\]^]+")
_LONGEST_SEARCH = 900  # of an address that ConnectWise wants under 2000 characters, once encoded
_LONGEST_WORD = 30
_TICKET_TEXT_FIELDS = ("summary", "company/name", "contact/name")


def literal(text: str) -> str:
    """Return text as one string literal. Raises Invalid for control characters."""
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs"):
            raise Invalid("That text holds characters ConnectWise cannot search for.")
        if category != "Cf" and char not in '"\\':
            kept.append(char)
    return '"' + "".join(kept) + '"'


def is_any_of(field: str, values: Iterable[str]) -> str:
    """One of several texts: `in` is only known to work for numbers."""
    return any_of(f"{field}={literal(value)}" for value in values)


def is_any_id_of(field: str, ids: Iterable[int]) -> str:
    """One of several ids."""
    return f"{field} in ({','.join(str(int(number)) for number in ids)})"


def contains_words(fields: Sequence[str], text: str, or_id: str = "") -> str:
    """Every word of the text, each in any of the fields. Empty when the text holds nothing to search for."""
    words: list[str] = []
    length = 0
    for word in _WILDCARDS.split(text):
        quoted = literal(word[:_LONGEST_WORD])
        if quoted == '""':
            continue
        term = any_of([f"{field} contains {quoted}" for field in fields])
        length += len(quote_plus(term))
        if words and length > _LONGEST_SEARCH:
            break
        words.append(term)
    found = all_of(words)
    number = text.strip().removeprefix("#")
    if or_id and number.isascii() and number.isdigit() and len(number) < 10:
        return any_of([f"{or_id}={int(number)}", found])
    return found


class Criteria(TypedDict, total=False):
    """What tickets are searched by. What is absent or empty is not asked for."""

    text: str  # looked for in the summary, the company's and the contact's name, and as a ticket number
    board_id: int | None
    status_names: Sequence[str]
    priority_id: int | None
    company_id: int | None
    contact_id: int | None
    configuration_id: int | None  # one alone: ConnectWise refuses several
    owner_identifier: str | None  # whoever owns it or shares it
    is_unassigned: bool
    open_only: bool  # the default
    changed_since: datetime | None
    entered_since: datetime | None
    external_reference: str
    not_id: int | None


def tickets(wanted: Criteria) -> str:
    """Return the condition of a ticket search."""
    owner = wanted.get("owner_identifier")
    return all_of(
        [
            "closedFlag=false" if wanted.get("open_only", True) else "",
            is_id("board/id", wanted.get("board_id")),
            is_any_of("status/name", wanted.get("status_names", ())),
            is_id("priority/id", wanted.get("priority_id")),
            is_id("company/id", wanted.get("company_id")),
            is_id("contact/id", wanted.get("contact_id")),
            is_id("configuration/id", wanted.get("configuration_id")),
            _assigned_to(owner) if owner else "",
            "owner/id=null and resources=null" if wanted.get("is_unassigned") else "",
            is_after("lastUpdated", wanted.get("changed_since")),
            is_after("dateEntered", wanted.get("entered_since")),
            is_any_of("externalXRef", [reference] if (reference := wanted.get("external_reference")) else []),
            f"id!={int(other)}" if (other := wanted.get("not_id")) is not None else "",
            contains_words(_TICKET_TEXT_FIELDS, wanted.get("text", ""), or_id="id"),
        ]
    )


def is_id(field: str, number: int | None) -> str:
    """A number, when one is given."""
    return "" if number is None else f"{field}={int(number)}"


def is_after(field: str, moment: datetime | None) -> str:
    """Not before a moment. Some servers find nothing with `>=`, so this asks for later than the second before."""
    if moment is None:
        return ""
    return f"{field} > [{moment.astimezone(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}]"


def all_of(terms: Iterable[str]) -> str:
    """Join what is not empty with `and`."""
    return " and ".join(term for term in terms if term)


def any_of(terms: Iterable[str]) -> str:
    """Join what is not empty with `or`, in parentheses when there is more than one."""
    given = [term for term in terms if term]
    return f"({' or '.join(given)})" if len(given) > 1 else "".join(given)


def _assigned_to(identifier: str) -> str:
    """Owner or co-assignee. `al` also finds `albert` among the resources, so the caller filters again."""
    among = contains_words(("resources",), identifier)
    return any_of([f"owner/identifier={literal(identifier)}", f"({among})" if " and " in among else among])
