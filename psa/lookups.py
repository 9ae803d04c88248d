"""Look-ups: what hardly changes, shown at once and refreshed behind the page's back (`psa/known.py`)."""

import hashlib
from collections.abc import Iterable
from uuid import UUID

from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import (
    BoardData,
    CompanyData,
    ContactData,
    MemberData,
    PriorityData,
    StatusData,
    TicketData,
    TypeData,
)
from psa import known


def boards(account_id: UUID, client: ConnectWise) -> list[BoardData]:
    """Return the boards, by name. Raises Refused or Unavailable."""
    return known.recall(account_id, "psa:boards", client.list_boards)


def statuses(account_id: UUID, client: ConnectWise, board_id: int) -> list[StatusData]:
    """Return one board's statuses, in their order. Raises NotFound, Refused or Unavailable."""
    return known.recall(account_id, f"psa:statuses:{board_id}", lambda: client.list_statuses(board_id))


def status_names(account_id: UUID, client: ConnectWise, board_ids: list[int]) -> list[str]:
    """Return the statuses of several boards by name, each name once, in their order."""
    questions = {f"psa:statuses:{each}": lambda each=each: client.list_statuses(each) for each in board_ids}
    found = [status for each in known.recall_all(account_id, questions).values() for status in each]
    names: dict[str, str] = {}
    for status in sorted(found, key=lambda each: each.sort_order):
        names.setdefault(status.name.casefold(), status.name)
    return list(names.values())


def members(account_id: UUID, client: ConnectWise) -> list[MemberData]:
    """Return the people who can work on tickets, by name. Raises Refused or Unavailable."""
    return known.recall(account_id, "psa:members", client.list_members)


def names(account_id: UUID) -> dict[str, str]:
    """Return the names of the members that are known already, by their identifiers in lower case; nobody is asked."""
    kept = known.peek(account_id, "psa:members")
    return {each.identifier.lower(): each.name for each in kept.value} if kept else {}


def members_named(account_id: UUID, client: ConnectWise, text: str, limit: int = 12) -> list[MemberData]:
    """Return the members whose name, identifier or e-mail address holds every typed word."""
    words = text.casefold().split()
    found = (
        member
        for member in members(account_id, client)
        if all(word in f"{member.name} {member.identifier} {member.email}".casefold() for word in words)
    )
    return [member for member, _ in zip(found, range(limit), strict=False)]


def priorities(account_id: UUID, client: ConnectWise) -> list[PriorityData]:
    """Return the priorities, the most urgent first. Raises Refused or Unavailable."""
    return known.recall(account_id, "psa:priorities", client.list_priorities)


def types(account_id: UUID, client: ConnectWise, board_id: int) -> list[TypeData]:
    """Return one board's types of tickets, by name. Raises NotFound, Refused or Unavailable."""
    return known.recall(account_id, f"psa:types:{board_id}", lambda: client.list_types(board_id))


def companies_named(account_id: UUID, client: ConnectWise, text: str) -> list[CompanyData]:
    """Return the first companies whose names hold the typed words. Raises Refused or Unavailable."""
    words = " ".join(text.casefold().split())
    found = known.recall(account_id, f"psa:companies:{digest(words)}", lambda: client.search_companies(words))
    for company in found:
        known.learn(account_id, f"psa:company:{company.id}", company)
    return found


def company(account_id: UUID, client: ConnectWise, company_id: int) -> CompanyData:
    """Return one company. Raises NotFound, Refused or Unavailable."""
    return known.recall(account_id, f"psa:company:{company_id}", lambda: client.get_company(company_id))


def contacts(account_id: UUID, client: ConnectWise, company_id: int) -> list[ContactData]:
    """Return a company's contacts, by name. Raises NotFound, Refused or Unavailable."""
    return known.recall(account_id, f"psa:contacts:{company_id}", lambda: client.list_contacts(company_id))


def boards_in_tickets(account_id: UUID) -> list[BoardData]:
    """Return the boards of the tickets seen lately: what is left where boards may not be listed."""
    kept = known.peek(account_id, "psa:boards-seen")
    return sorted(kept.value.values(), key=lambda board: board.name.lower()) if kept else []


def note_boards(account_id: UUID, tickets: Iterable[TicketData]) -> None:
    """Remember the boards of some tickets, for the day that boards may not be listed."""
    kept = known.peek(account_id, "psa:boards-seen")
    before = kept.value if kept else {}
    seen = before | {each.board.id: BoardData(each.board.id, each.board.name) for each in tickets if each.board}
    if seen != before:
        known.learn(account_id, "psa:boards-seen", seen)


def digest(text: str) -> str:
    """Return a short name for a text, fit for a key of the cache."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]
