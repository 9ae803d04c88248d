"""A ticket's status: what may be chosen, and what ConnectWise made of a choice."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Unavailable, UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import Uncertain
from flowpilot.providers.connectwise.models import Ref, StatusData
from psa import details, known, lookups, services
from psa.delivery import KEY, defer_delivery
from psa.queries import patient_connectwise
from psa.rows import Row


@dataclass(frozen=True)
class StatusChoice:
    """A ticket with the statuses of its own board. `waiting` names the one that has yet to reach ConnectWise."""

    row: Row
    statuses: list[StatusData]
    waiting: str = ""

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


def choice_at_hand(account_id: UUID, row: Row) -> StatusChoice | None:
    """Return what a ticket's status may become when that is known already; nobody is asked."""
    board = row.ticket.board
    kept = known.peek(account_id, f"psa:statuses:{board.id}") if board else None
    return StatusChoice(row, kept.value, _waiting(account_id, row)) if kept else None


def status_choice(*, account_id: UUID, ticket_id: int) -> StatusChoice:
    """Return a ticket's status and what it may become. Raises NotFound, Refused or Unavailable."""
    row = details.ticket(account_id=account_id, ticket_id=ticket_id).value
    return _choice(account_id, patient_connectwise(account_id), row)


def set_status(*, account_id: UUID, ticket_id: int, status_id: int, by: User) -> StatusChange:
    """Move a ticket to a status; return what ConnectWise confirmed, not what was asked for.

    A refusal, or an answer that never came, is settled by looking at the ticket. Where ConnectWise cannot be reached the change waits in
    the outbox. Raises NotFound, Refused or Unavailable when not even the ticket is known.
    """
    client = patient_connectwise(account_id)
    key = f"psa:ticket:{ticket_id}"
    try:
        ticket = client.within(known.PATIENCE).set_status(ticket_id, status_id)
    except UserError as error:
        looked = details.ticket(account_id=account_id, ticket_id=ticket_id, fresh_seconds=0)
        choice = _choice(account_id, client, looked.value)
        is_done = looked.error is None and choice.current is not None and choice.current.id == status_id
        if isinstance(error, Unavailable) and not isinstance(error, Uncertain) and looked.error:
            return StatusChange(_enqueue(account_id, choice, status_id, by))
        return StatusChange(choice, "" if is_done else error.message)
    known.learn(account_id, key, ticket)
    row = Row.of(ticket, lookups.names(account_id))
    return StatusChange(_choice(account_id, client, row))


def _enqueue(account_id: UUID, choice: StatusChoice, status_id: int, by: User) -> StatusChoice:
    name = next((each.name for each in choice.statuses if each.id == status_id), "another status")
    with account_scope(account_id):
        services.enqueue_status(
            ticket_id=choice.row.ticket.id, key=f"{KEY}{uuid4()}", status_id=status_id, status_name=name, by=by
        )
        defer_delivery(account_id, choice.row.ticket.id)
    return StatusChoice(choice.row, choice.statuses, name)


def _choice(account_id: UUID, client: ConnectWise, row: Row) -> StatusChoice:
    board = row.ticket.board
    statuses = lookups.statuses(account_id, client, board.id) if board else []
    return StatusChoice(row, statuses, _waiting(account_id, row))


def _waiting(account_id: UUID, row: Row) -> str:
    posts = details.waiting_posts(account_id=account_id, ticket_id=row.ticket.id)
    names = [post.payload.get("status_name", "") for post in posts if post.kind == "status" and post.is_open]
    return names[-1] if names else ""
