"""What the ticket list is filtered by: one value from the address, and back into it."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict

_LARGEST_ID = 2**31 - 1  # of a ConnectWise record
_LAST_PAGE = 10_000
_LONGEST_TEXT, _LONGEST_NAME, _MOST_STATUSES = 200, 100, 12
ORDERS = ("priority", "due", "newest", "oldest", "updated", "company")


@dataclass(frozen=True)
class Filters:
    """Nothing chosen means every open ticket. A status is a name, for equal names of several boards are one.

    `who` is "mine", "none" for tickets that nobody has, or a member's identifier after an @.
    """

    text: str = ""
    who: str = ""
    statuses: tuple[str, ...] = ()
    board_id: int | None = None
    priority_id: int | None = None
    company_id: int | None = None
    order: str = "priority"
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        """Read a query string; what cannot be read counts as not chosen."""
        names = (_words(name, _LONGEST_NAME) for name in query.getlist("status"))
        order = query.get("sort", "")
        return cls(
            text=_words(query.get("q", ""), _LONGEST_TEXT),
            who=_person(query.get("who", "")),
            statuses=tuple(dict.fromkeys(name for name in names if name))[:_MOST_STATUSES],
            board_id=record_id(query.get("board", "")),
            priority_id=record_id(query.get("priority", "")),
            company_id=record_id(query.get("company", "")),
            order=order if order in ORDERS else ORDERS[0],
            page=min(record_id(query.get("page", "")) or 1, _LAST_PAGE),
        )

    @property
    def is_mine(self) -> bool:
        return self.who == "mine"

    @property
    def member(self) -> str:
        """The identifier of the member whose tickets are wanted; empty for all, mine and nobody's."""
        return self.who[1:] if self.who.startswith("@") else ""

    @property
    def is_narrow(self) -> bool:
        """Whether something is chosen that leaves tickets out."""
        return self != Filters(order=self.order, page=self.page)

    @property
    def query(self) -> str:
        """The query string with its question mark, holding only what is chosen; empty when nothing is."""
        pairs = [
            ("q", self.text),
            ("who", self.who),
            *(("status", name) for name in self.statuses),
            ("board", self.board_id),
            ("priority", self.priority_id),
            ("company", self.company_id),
            ("sort", "" if self.order == ORDERS[0] else self.order),
            ("page", self.page if self.page > 1 else ""),
        ]
        chosen = urlencode([(key, value) for key, value in pairs if value])
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

    @property
    def orders(self) -> dict[str, str]:
        """The same choice in each order, from its first page: query strings by order."""
        sorted_so = {order: replace(self, order=order, page=1).query for order in ORDERS}
        return {order: query or f"?sort={order}" for order, query in sorted_so.items()}

    @property
    def relaxed(self) -> "list[tuple[str, Filters]]":
        """The same choice with one part dropped, each with the part's name, the likeliest to help first."""
        first = self.first_page
        ways = {
            "search": replace(first, text=""),
            "company": replace(first, company_id=None),
            "assignment": replace(first, who=""),
            "status": replace(first, statuses=()),
            "priority": replace(first, priority_id=None),
            "board": replace(first, board_id=None),
        }
        return [(name, wider) for name, wider in ways.items() if wider != first]


def record_id(value: object) -> int | None:
    """Return the number of a record, or None for what cannot be one."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None


def _person(text: str) -> str:
    text = _words(text, _LONGEST_NAME)
    return text if text in {"mine", "none"} or (text.startswith("@") and len(text) > 1) else ""


def _words(text: str, longest: int) -> str:
    return " ".join(text.replace("\x00", "").split())[:longest]
