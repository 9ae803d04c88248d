"""What may go along with a note: the ticket's statuses, its owner, kinds of work. Asks ConnectWise, with no scope open."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import StatusData, TicketData, WorkTypeData
from psa import lookups
from psa.models import PsaPost
from psa.queries import connectwise_of, member_of


@dataclass(frozen=True)
class Options:
    """What ConnectWise offers for a ticket. What could not be had is empty, and why stands in `problem`."""

    ticket: TicketData | None = None
    statuses: Sequence[StatusData] = ()
    work_types: Sequence[WorkTypeData] = ()
    work_type_id: int | None = None  # the one to start from
    is_mine: bool = True
    problem: str = ""
    time_problem: str = ""

    @property
    def closed_id(self) -> int | None:
        """The first status that closes the ticket."""
        return next((each.id for each in self.statuses if each.is_closed), None)


def post_options(*, account_id: UUID, ticket_id: int, user: User) -> Options:
    """Return what may go along with a note. Never raises for what ConnectWise refuses: the note can be posted all the same."""
    with account_scope(account_id):
        member = member_of(user)
        last = PsaPost.objects.filter(kind=PsaPost.Kind.TIME, created_by=user).order_by("-created_at").first()
    try:
        client = connectwise_of(account_id)
        ticket = client.get_ticket(ticket_id)
        statuses = lookups.statuses(account_id, client, ticket.board.id) if ticket.board else []
    except UserError as error:
        return Options(problem=error.message)
    kinds, why = _or_why(client, lambda asked: asked.list_work_types())
    known = {each.id for each in kinds}
    wanted = last.payload.get("work_type_id") if last else None
    default = next((each.id for each in kinds if each.is_default), None)
    return Options(
        ticket=ticket,
        statuses=statuses,
        work_types=kinds,
        work_type_id=wanted if wanted in known else default,
        is_mine=member is None or (ticket.owner is not None and ticket.owner.id == member.member_id),
        time_problem=why,
    )


def _or_why[T](client: ConnectWise, ask: Callable[[ConnectWise], list[T]]) -> tuple[list[T], str]:
    try:
        return ask(client), ""
    except UserError as error:
        return [], error.message
