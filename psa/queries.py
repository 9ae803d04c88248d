"""Reading tickets. What talks to ConnectWise runs with no scope open."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.accounts.sealing import BrokenSeal, unseal
from flowpilot.errors import NotFound, Refused, Unavailable, UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import ConfigurationData, NoteData, TicketData, TicketPage
from psa import known, lookups
from psa.filters import Filters
from psa.models import PsaConnection, PsaMemberLink
from psa.rows import Row, Sla

NOT_CONNECTED = "This account is not connected to ConnectWise yet."
_ROWS_A_PAGE = 50
_MY_ROWS = 8
_COUNT_SECONDS, _MINE_SECONDS = 60, 15
_ASKED_FOR_MINE = 25  # more than are shown: ConnectWise also finds members whose name only holds ours
log = logging.getLogger("flowpilot.psa")


class NotConnected(Refused):
    """The account has no ConnectWise."""


class NotLinked(Refused):
    """Nobody said yet which ConnectWise member a person is."""


@dataclass(frozen=True)
class RowPage:
    """One page of a list. It may be empty and still have more behind it."""

    rows: list[Row]
    has_more: bool
    at: datetime
    error: Unavailable | None = None  # why it is no newer than `at`


@dataclass(frozen=True)
class Way:
    """A wider choice: what was dropped, what is left, and how many tickets that finds."""

    name: str
    filters: Filters
    number: int


@dataclass(frozen=True)
class TicketBundle:
    """A ticket with what stands around it. A part that ConnectWise refused is empty and named in `refused`."""

    ticket: TicketData
    notes: list[NoteData]
    configurations: list[ConfigurationData]
    refused: list[str]


def get_connectwise() -> ConnectWise:
    """Return the open account's ConnectWise. Raises NotConnected, or Refused when its keys cannot be opened."""
    row = PsaConnection.objects.first()
    if row is None:
        raise NotConnected(NOT_CONNECTED)
    try:
        return _client(
            row.account_id, row.id, row.base_url, row.company_id, row.client_id, row.public_key, row.sealed_private_key
        )
    except BrokenSeal as error:
        log.error("psa.seal connection=%s", row.id)
        raise Refused("The stored ConnectWise keys cannot be opened. Ask an admin to enter them again.") from error


def connectwise_of(account_id: UUID) -> ConnectWise:
    """Return an account's ConnectWise for a view with a scope of its own, which does not wait long. Raises Refused."""
    refuse_open_transaction()
    with account_scope(account_id):
        return get_connectwise().within(known.PATIENCE)


def patient_connectwise(account_id: UUID) -> ConnectWise:
    """Return an account's ConnectWise for questions asked through `psa.known`, which itself lets no page wait long. Raises Refused."""
    refuse_open_transaction()
    with account_scope(account_id):
        return get_connectwise()


def member_of(user: User) -> PsaMemberLink | None:
    """Return which PSA member a person is, or None."""
    return PsaMemberLink.objects.filter(user=user).first()


def begin_queue(*, account_id: UUID, user: User, filters: Filters) -> None:
    """Begin to ask for a page of tickets that will be wanted in a moment. What goes wrong is said then."""
    with suppress(UserError):
        key, question = _queue_question(account_id, user, filters)
        known.doubt(account_id, key)  # a page that is drawn again shows what was changed a moment ago
        known.begin(account_id, key, question)


def queue(*, account_id: UUID, user: User, filters: Filters, is_begun: bool = False) -> RowPage:
    """Return one page of tickets. A chosen status also finds closed tickets. `is_begun`: just now is fresh enough.

    Where ConnectWise cannot be reached it is the page as last seen, which says since when. Raises Refused or Unavailable.
    """
    key, question = _queue_question(account_id, user, filters)
    found = known.ask(account_id, key, question, fresh_seconds=known.JUST_NOW if is_begun else 0)
    lookups.note_boards(account_id, found.value.tickets)
    names = lookups.names(account_id)
    rows = [Row.of(ticket, names) for ticket in found.value.tickets]
    return RowPage(rows, found.value.has_more, found.at, found.error)


def _queue_question(account_id: UUID, user: User, filters: Filters) -> tuple[str, Callable[[], TicketPage]]:
    client, identifier = _asking(account_id, user, filters)
    chosen = _chosen(filters, identifier)
    key = f"psa:queue:{lookups.digest(f'{identifier}{filters.query}')}"
    return key, partial(client.search_tickets, **chosen, page=filters.page, page_size=_ROWS_A_PAGE, order=filters.order)


def count(*, account_id: UUID, user: User, filters: Filters) -> int:
    """Return how many tickets the filters find on all pages. Raises Refused or Unavailable."""
    client, identifier = _asking(account_id, user, filters)
    chosen = _chosen(filters, identifier)
    key = f"psa:count:{lookups.digest(f'{identifier}{filters.first_page.query}')}"
    return known.ask(account_id, key, lambda: client.count_tickets(**chosen), fresh_seconds=_COUNT_SECONDS).value


def wider(*, account_id: UUID, user: User, filters: Filters) -> list[Way]:
    """Return the single filters whose dropping would find something, with how much. Nothing where that cannot be had."""
    client, identifier = _asking(account_id, user, filters)
    ways = filters.relaxed
    questions = {
        f"psa:count:{lookups.digest(f'{identifier if each.who else None}{each.query}')}": partial(
            client.count_tickets, **_chosen(each, identifier if each.who else None)
        )
        for _, each in ways
    }
    try:
        numbers = known.ask_all(account_id, questions).values()
    except UserError:
        return []
    return [Way(name, each, found.value) for (name, each), found in zip(ways, numbers, strict=True) if found.value]


def my_queue(*, account_id: UUID, user: User) -> RowPage:
    """Return the first open tickets a person owns or shares. Raises Refused or Unavailable."""
    client, identifier = _asking(account_id, user, Filters(who="mine"))
    found = known.ask(
        account_id,
        f"psa:mine:{identifier}",
        lambda: client.search_tickets(owner_identifier=identifier, page_size=_ASKED_FOR_MINE, order="priority"),
        fresh_seconds=_MINE_SECONDS,
    )
    names = lookups.names(account_id)
    rows = [Row.of(ticket, names) for ticket in found.value.tickets]
    return RowPage(rows[:_MY_ROWS], found.value.has_more or len(rows) > _MY_ROWS, found.at, found.error)


def my_open_count(user: User) -> str:
    """Return how many open tickets a person has, as last seen, for the sidebar; nothing where nobody looked yet. Asks nobody."""
    member = member_of(user)
    kept = known.peek(member.account_id, f"psa:mine:{member.identifier}") if member else None
    if kept is None or not kept.value.tickets:
        return ""
    return f"{len(kept.value.tickets)}{'+' if kept.value.has_more else ''}"


def my_close_tickets(user: User) -> list[Sla] | None:
    """Return how long a person's tickets have that are over or close to it, the worst first, as last seen; None where nobody looked. Asks nobody."""
    member = member_of(user)
    kept = known.peek(member.account_id, f"psa:mine:{member.identifier}") if member else None
    if kept is None:
        return None
    due = sorted((ticket for ticket in kept.value.tickets if ticket.due_at), key=lambda ticket: ticket.due_at)
    found = [Sla.of(ticket, timezone.now()) for ticket in due]
    return [each for each in found if each.tone]


def ticket_row(*, account_id: UUID, ticket_id: int) -> Row:
    """Return one ticket. Raises NotFound, Refused or Unavailable."""
    try:
        return Row.of(connectwise_of(account_id).get_ticket(ticket_id))
    except NotFound as error:
        raise NotFound(f"ConnectWise has no ticket #{ticket_id}. It may have been deleted or merged.") from error


def _asking(account_id: UUID, user: User, filters: Filters) -> tuple[ConnectWise, str | None]:
    """Return the account's ConnectWise and whose tickets are wanted, as an identifier."""
    refuse_open_transaction()
    with account_scope(account_id):
        client = get_connectwise()
        member = member_of(user) if filters.is_mine else None
    if filters.is_mine and member is None:
        raise NotLinked("You are not linked to a ConnectWise member yet, so we can’t tell which tickets are yours.")
    return client, member.identifier if member else filters.member or None


def _chosen(filters: Filters, identifier: str | None) -> dict[str, Any]:
    return {
        "text": filters.text,
        "board_id": filters.board_id,
        "status_names": list(filters.statuses),
        "open_only": not filters.statuses,
        "owner_identifier": identifier,
        "priority_id": filters.priority_id,
        "company_id": filters.company_id,
        "is_unassigned": filters.who == "none",
    }


def ticket_bundle(client: ConnectWise, ticket_id: int) -> TicketBundle:
    """Fetch a ticket, its notes and its configurations side by side. Raises NotFound, Refused or Unavailable for the ticket."""
    refuse_open_transaction()
    with ThreadPoolExecutor(3) as pool:
        ticket = pool.submit(client.get_ticket, ticket_id)
        notes = pool.submit(_or_refusal, client.list_notes, ticket_id)
        configurations = pool.submit(_or_refusal, client.list_configurations, ticket_id)
        found, why_notes = notes.result()
        devices, why_devices = configurations.result()
        return TicketBundle(ticket.result(), found, devices, [why for why in (why_notes, why_devices) if why])


def _or_refusal[T](ask: Callable[[int], list[T]], ticket_id: int) -> tuple[list[T], str]:
    try:
        return ask(ticket_id), ""
    except UserError as error:
        return [], error.message


@lru_cache(maxsize=256)
def _client(account_id, row_id, base_url, company_id, client_id, public_key, sealed) -> ConnectWise:
    """Keep one client, and so one small pool, for each connection as it stands now."""
    private_key = unseal(sealed, account_id=account_id, table="psa_psaconnection", row_id=row_id)
    return ConnectWise(
        base_url=base_url,
        company_id=company_id,
        public_key=public_key,
        private_key=private_key,
        client_id=client_id,
        read_timeout=settings.PSA_READ_TIMEOUT,
    )
