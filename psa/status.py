"""A ticket's status: what may be chosen, and what ConnectWise made of a choice."""

from dataclasses import dataclass
from uuid import UUID

from flowpilot.errors import UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import Ref, StatusData
from psa import lookups
from psa.queries import connectwise_of
from psa.rows import Row


@dataclass(frozen=True)
class StatusChoice:
    """A ticket with the statuses of its own board."""

    row: Row
    statuses: list[StatusData]

    @property
    def current(self) -> Ref | None:
        return self.row.ticket.status

    @property
    def is_unlisted(self) -> bool:
        """Whether the ticket has a status that its board no longer offers."""
        return self.current is not None and all(self.current.id != each.id for each in self.statuses)


@dataclass(frozen=True)
class StatusChange:
    """How a ticket stands after a change. A refusal is in words; then the ticket kept what it had."""

    choice: StatusChoice
    refusal: str = ""


def status_choice(*, account_id: UUID, ticket_id: int) -> StatusChoice:
    """Return a ticket's status and what it may become. Raises NotFound, Refused or Unavailable."""
    return _choice(account_id, connectwise_of(account_id), ticket_id)


def set_status(*, account_id: UUID, ticket_id: int, status_id: int) -> StatusChange:
    """Move a ticket to a status; return what ConnectWise confirmed, not what was asked for.

    A refusal, or an answer that never came, is settled by looking at the ticket. Raises NotFound, Refused or Unavailable
    when that cannot be had either.
    """
    client = connectwise_of(account_id)
    try:
        row = Row.of(client.set_status(ticket_id, status_id))
    except UserError as error:
        choice = _choice(account_id, client, ticket_id)
        is_done = choice.current is not None and choice.current.id == status_id
        return StatusChange(choice, "" if is_done else error.message)
    return StatusChange(StatusChoice(row, _statuses(account_id, client, row)))


def _choice(account_id: UUID, client: ConnectWise, ticket_id: int) -> StatusChoice:
    row = Row.of(client.get_ticket(ticket_id))
    return StatusChoice(row, _statuses(account_id, client, row))


def _statuses(account_id: UUID, client: ConnectWise, row: Row) -> list[StatusData]:
    board = row.ticket.board
    return lookups.statuses(account_id, client, board.id) if board else []
