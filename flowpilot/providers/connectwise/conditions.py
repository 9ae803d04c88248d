"""The only place that writes ConnectWise condition strings.

How a quote is escaped inside a string is documented nowhere, so no text that needs escaping is ever sent: quotes
and backslashes are dropped, and search text is cut at every character that can act as a wildcard. What remains
means the same whether `contains` is a plain substring or an SQL pattern.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
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


def tickets(
    *, text: str, board_id: int | None, status_names: Sequence[str], open_only: bool, owner_identifier: str | None
) -> str:
    """Return the condition of a ticket search."""
    terms = [
        "closedFlag=false" if open_only else "",
        f"board/id={int(board_id)}" if board_id is not None else "",
        is_any_of("status/name", status_names),
        _assigned_to(owner_identifier) if owner_identifier else "",
        contains_words(_TICKET_TEXT_FIELDS, text, or_id="id"),
    ]
    return all_of(terms)


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
