"""What the ticket list is filtered by: one value from the address, and back into it."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict

_LARGEST_ID = 2**31 - 1  # of a ConnectWise record
_LAST_PAGE = 10_000
_LONGEST_TEXT, _LONGEST_NAME = 200, 100


@dataclass(frozen=True)
class Filters:
    """Nothing chosen means every open ticket. A status is a name, for equal names of several boards are one."""

    text: str = ""
    board_id: int | None = None
    status: str = ""
    is_mine: bool = False
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        """Read a query string; what cannot be read counts as not chosen."""
        return cls(
            text=_words(query.get("q", ""), _LONGEST_TEXT),
            board_id=record_id(query.get("board", "")),
            status=_words(query.get("status", ""), _LONGEST_NAME),
            is_mine=query.get("who") == "mine",
            page=min(record_id(query.get("page", "")) or 1, _LAST_PAGE),
        )

    @property
    def is_narrow(self) -> bool:
        """Whether something is chosen at all."""
        return self != Filters(page=self.page)

    @property
    def query(self) -> str:
        """The query string with its question mark, holding only what is chosen; empty when nothing is."""
        pairs = {
            "q": self.text,
            "board": self.board_id,
            "status": self.status,
            "who": "mine" if self.is_mine else "",
            "page": self.page if self.page > 1 else "",
        }
        chosen = urlencode({key: value for key, value in pairs.items() if value})
        return f"?{chosen}" if chosen else ""

    @property
    def next_page(self) -> Self:
        return replace(self, page=self.page + 1)

    @property
    def previous_page(self) -> Self:
        return replace(self, page=self.page - 1)

    @property
    def first_page(self) -> Self:
        return replace(self, page=1)


def record_id(value: object) -> int | None:
    """Return the number of a record, or None for what cannot be one."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None


def _words(text: str, longest: int) -> str:
    return " ".join(text.replace("\x00", "").split())[:longest]
